//! Checks of what a kind says of itself, beyond those without which carto doesn't take it.

use std::collections::BTreeSet;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::{Arg, ArgType, Manifest, Method, VerbSpec};
use jiff::Timestamp;

use super::report::Notes;
use crate::input;

/// More than this needs three lines of help.
const LONGEST: usize = 130;

/// Looks at the manifest.
pub(super) fn check(manifest: &Manifest, now: Timestamp, notes: &mut Notes) {
    for id in ["examples", "texts", "env", "label", "verbs", "services"] {
        notes.ran(&format!("manifest.{id}"));
    }
    text("title", &manifest.title, notes);
    text("about", &manifest.about, notes);
    for (verb, spec) in &manifest.verbs {
        for arg in &spec.args {
            text(&format!("{verb} --{}", arg.name), &arg.help, notes);
            example(*verb, arg, now, notes);
        }
    }
    record(manifest, notes);
    verbs(manifest, notes);
    for service in manifest.services.keys() {
        if !calls(manifest).any(|call| call.service == *service) {
            let what = format!("no verb asks the service `{service}`");
            notes.warn("manifest.services", what, format!("leave `[services.{service}]` out"));
        }
    }
}

fn calls(manifest: &Manifest) -> impl Iterator<Item = &carto_plugin_api::manifest::Call> {
    manifest.verbs.values().flat_map(|spec: &VerbSpec| &spec.calls)
}

fn text(place: &str, text: &str, notes: &mut Notes) {
    let ends = text.trim_end();
    if ends.ends_with('.') && !ends.ends_with("...") {
        notes.warn("manifest.texts", format!("{place}: `{text}` ends with a full stop"), "leave it out");
    }
    let length = text.chars().count();
    if length > LONGEST {
        let what = format!("{place}: `{text}` has {length} letters");
        notes.warn("manifest.texts", what, format!("say it in {LONGEST}, and the rest in your documentation"));
    }
}

fn example(verb: Verb, arg: &Arg, now: Timestamp, notes: &mut Notes) {
    let Some(example) = &arg.example else { return };
    let why = match arg.kind {
        ArgType::Enum if !arg.values.contains(example) => Some(format!("it is none of {}", arg.values.join(", "))),
        ArgType::Bool => Some("a switch takes no value".to_owned()),
        ArgType::Secret if example != "-" && !example.starts_with('@') && !example.starts_with("env:") => {
            Some("a secret is given by a place to read it from: `-`, `@FILE` or `env:NAME`".to_owned())
        }
        _ => input::typed(arg, example, now).err().map(|error| error.message),
    };
    if let Some(why) = why {
        let what = format!("{verb} --{}: the example `{example}` doesn't work: {why}", arg.name);
        notes.fail("manifest.examples", what, "give an example that can be pasted, or none");
    }
}

fn record(manifest: &Manifest, notes: &mut Notes) {
    let shape = &manifest.record;
    for secret in shape.secrets.iter().filter(|secret| !shape.env.contains_key(*secret)) {
        notes.warn(
            "manifest.env",
            format!("the secret `{secret}` has no variable, so neither `-o env` nor `--env-file` writes it"),
            format!("name one in `env` of `[record]`: `{secret} = \"…\"`"),
        );
    }
    let searches = |verb: &Verb| {
        let calls = manifest.verbs.get(verb).map_or(&[][..], |spec| &spec.calls);
        calls.iter().any(|call| call.method == Method::Get && call.path().last() != Some(None))
    };
    if let Some(verb) = [Verb::Get, Verb::Update, Verb::Delete, Verb::Verify].iter().find(|verb| searches(verb))
        && shape.label.is_none()
    {
        notes.warn(
            "manifest.label",
            format!("{verb} reads a list, and the record has no `label`: help says that it takes an id only"),
            "name the field that a person gave it: `label = \"name\"` in `[record]`",
        );
    }
}

fn verbs(manifest: &Manifest, notes: &mut Notes) {
    let has = |verb: &Verb| manifest.verbs.contains_key(verb);
    let remedy = "add the verb, or leave the other out";
    if let Some(verb) = [Verb::Get, Verb::Update, Verb::Delete, Verb::Verify].iter().find(|verb| has(verb))
        && !has(&Verb::List)
        && !has(&Verb::Create)
    {
        notes.warn("manifest.verbs", format!("{verb} takes an id, and neither list nor create shows one"), remedy);
    }
    if !manifest.record.once.is_empty() && !has(&Verb::Create) {
        notes.warn("manifest.verbs", "`once` is about what create shows, and there is no create", remedy);
    }
    let writes = |spec: &VerbSpec| spec.calls.iter().any(|call| call.method != Method::Get);
    for (verb, spec) in &manifest.verbs {
        if !verb.only_reads() && !writes(spec) {
            let what = format!("{verb} declares no request that changes anything");
            notes.warn("manifest.verbs", what, format!("declare it in `calls` of `[verbs.{verb}]`"));
        }
    }
    let paths: BTreeSet<String> = calls(manifest).map(ToString::to_string).collect();
    if paths.is_empty() {
        notes.warn("manifest.verbs", "no verb declares a request", "declare them: without one nothing can be asked");
    }
}
