//! `carto plugin why`: what decides whether a kind, or a verb of it, can be used. Its status is the one that the verb would end with for that
//! reason. Nothing of a library runs here.

use std::process::ExitCode;

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::is_kind_name;
use serde_json::{Value, json};

use super::hurdles::Hurdles;
use crate::commands::Context;
use crate::digest;
use crate::error::{Error, Result, quoted};
use crate::kinds::Kind;
use crate::lock::Lock;
use crate::output::{json as json_text, stderr, stdout, table};
use crate::policy::{Because, OfFile, Policy, Verdict};

/// Says it.
pub(super) fn run(context: &Context, word: &str, verb: Option<&str>) -> anyhow::Result<ExitCode> {
    super::text_or_json(context)?;
    let view = context.globals.view();
    let mut answer = Answer::new(word, verb);
    if let Err(error) = answer.find(context, word, verb) {
        answer.refuse(&error);
    }
    let text = if view.format.is_json() { json_text::pretty(&answer.json()) } else { answer.text() };
    stdout::write(&text)?;
    // What a rule's refusal would hint at is this answer.
    let hint = answer.error.as_ref().and_then(|error| error.hint.as_ref());
    let hint = hint.filter(|hint| !hint.contains("`carto plugin why "));
    if let Some(hint) = hint.filter(|_| !view.format.is_json()) {
        stderr::hint(hint);
    }
    Ok(ExitCode::from(answer.error.map_or(0, |error| error.code.exit_status())))
}

/// What there is to say, as lines for people and as keys for programs.
struct Answer {
    about: String,
    fields: Vec<(&'static str, Value)>,
    error: Option<Error>,
}

impl Answer {
    fn new(word: &str, verb: Option<&str>) -> Answer {
        let about = verb.map_or_else(|| word.to_owned(), |verb| format!("{word} {verb}"));
        Answer { about, fields: Vec::new(), error: None }
    }

    fn add(&mut self, key: &'static str, value: impl Into<Value>) {
        self.fields.push((key, value.into()));
    }

    /// The first reason is the one that the verb would end with.
    fn refuse(&mut self, error: &Error) {
        self.error.get_or_insert_with(|| error.clone());
    }

    fn find(&mut self, context: &Context, word: &str, verb: Option<&str>) -> Result<()> {
        let catalog = &context.catalog;
        let policy = catalog.policy();
        if is_kind_name(word)
            && let Some(file) = catalog.files_of(word)?.first()
        {
            self.add("file", file.display().to_string());
        }
        let kind = catalog.find(word)?;
        self.fields.clear();
        self.add("kind", kind.name());
        self.add("title", kind.manifest.title.as_str());
        self.add("release", kind.manifest.package.as_ref().map(|package| package.version.as_str()));
        self.add("file", kind.file.display().to_string());
        let shadowed = catalog.files_of(kind.name())?.into_iter().filter(|file| *file != kind.file);
        let shadowed: Vec<String> = shadowed.map(|file| file.display().to_string()).collect();
        if !shadowed.is_empty() {
            self.add("not used", json!(shadowed));
        }
        let file = OfFile::new(&kind);
        self.add("sha256", file.sha256());
        let hurdles = Hurdles::new(policy, &kind, &file);
        match verb {
            Some(verb) => self.verb(policy, &kind, &hurdles, verb)?,
            None => self.verbs(&kind, &hurdles),
        }
        self.lock(&kind, &file)
    }

    /// What decides about one verb, and what limits it.
    fn verb(&mut self, policy: &Policy, kind: &Kind, hurdles: &Hurdles<'_>, word: &str) -> Result<()> {
        let verb = kind.manifest.verb(word).ok_or_else(|| {
            let verbs = quoted(kind.manifest.verbs.keys().map(|verb| verb.as_str()));
            Error::new(
                ErrorCode::UnknownVerb,
                format!("the kind `{}` has no verb `{word}`; verbs: {verbs}", kind.name()),
            )
        })?;
        if word != verb.as_str() {
            self.add("verb", format!("{verb} (`{word}`)"));
        }
        let verdict = hurdles.verdict(verb);
        self.add("policy", rules(&verdict));
        let contact = verdict.decisive().and_then(|because| because.contact.clone());
        self.fields.extend(contact.map(|contact| ("contact", contact.into())));
        let limits = policy.limits(kind, verb).into_iter();
        let limits: Vec<String> =
            limits.map(|(argument, because)| format!("--{argument} {}", said(&because))).collect();
        if !limits.is_empty() {
            self.add("limits", json!(limits));
        }
        let secrets = hurdles.missing_secrets(verb);
        if !secrets.is_empty() {
            self.add("secret", secrets.join(", "));
        }
        verdict.permit(kind, verb)?;
        if let Err((_, error)) = hurdles.pass(verb) {
            self.refuse(&error);
        }
        Ok(())
    }

    /// What decides about each verb. The kind is refused if all of them are.
    fn verbs(&mut self, kind: &Kind, hurdles: &Hurdles<'_>) {
        let mut first = None;
        let mut is_possible = false;
        for verb in kind.manifest.verbs.keys() {
            let passed = hurdles.pass(*verb);
            self.add(
                verb.as_str(),
                match &passed {
                    Ok(because) => format!("allowed{because}"),
                    Err((why, _)) => why.clone(),
                },
            );
            is_possible |= passed.is_ok();
            first = first.or(passed.err());
        }
        if let Some((_, error)) = first.filter(|_| !is_possible) {
            self.refuse(&error);
        }
    }

    fn lock(&mut self, kind: &Kind, file: &OfFile<'_>) -> Result<()> {
        let lock = Lock::read()?;
        let Some(accepted) = lock.get(kind.name()) else {
            self.add("lock", "not locked");
            return Ok(());
        };
        if file.sha256().is_some_and(|sha256| accepted.is(sha256)) {
            self.add("lock", "as it was accepted");
            return Ok(());
        }
        self.add("lock", format!("changed: {}… was accepted", digest::short(&accepted.sha256)));
        lock.check(kind, file.sha256().unwrap_or_default())
    }

    fn outcome(&self) -> &'static str {
        match self.error.as_ref().map(|error| error.code) {
            None => "allowed",
            Some(ErrorCode::RefusedByPolicy) => "refused",
            Some(ErrorCode::Forbidden) => "not approved",
            Some(ErrorCode::UnknownKind) => "not installed",
            Some(ErrorCode::PluginFault) => "broken",
            Some(_) => "not possible",
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.about, self.outcome());
        let cause = self.error.iter().map(|error| ("why", Value::from(error.message.as_str())));
        let lines: Vec<(&str, Value)> =
            cause.chain(self.fields.iter().cloned()).filter(|(_, value)| !value.is_null()).collect();
        let record = lines.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        for line in table::fields(&record, &[]).lines() {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }

    fn json(&self) -> Value {
        let mut object = json!({ "about": self.about, "outcome": self.outcome(), "allowed": self.error.is_none() });
        for (key, value) in &self.fields {
            object[key.replace(' ', "_")] = value.clone();
        }
        object["error"] = self.error.as_ref().map_or(Value::Null, stderr::as_json);
        object
    }
}

/// What each file says, in order.
fn rules(verdict: &Verdict) -> Value {
    if verdict.because.is_empty() {
        return "none: everything is allowed".into();
    }
    verdict.because.iter().map(said).collect::<Vec<_>>().into()
}

pub(super) fn said(because: &Because) -> String {
    let reason = because.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {}{reason}", because.address(), because.what)
}
