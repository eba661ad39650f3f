//! What a well-formed manifest may say: names, reserved words, references inside it. The first fault found is the answer.

use std::collections::BTreeSet;

use super::call::{TRIALS, TRIED};
use super::{Arg, ArgType, Auth, MAX_ARGS, Manifest, Method, Record, SCHEMA, Service, VerbSpec};
use crate::{HOST_SERVICE, Verb, is_harmful};

/// The host's own options. No kind can declare one of these names.
pub const RESERVED_OPTIONS: &[&str] = &[
    "base-url",
    "debug",
    "dry-run",
    "env-file",
    "field",
    "help",
    "json",
    "kinds-path",
    "limit",
    "no-input",
    "profile",
    "reveal",
    "sandbox",
    "timeout",
    "token",
    "version",
    "yes",
];

/// Words that can name neither a kind nor an alias, besides the verbs.
pub const RESERVED_WORDS: &[&str] = &["all", "credentials", "errors", "help"];

const PLAIN_NAME: &str = "must be lower-case letters and digits, in words joined by `-`";

/// Whether `word` can name a kind, an option or an alias: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
pub fn is_kind_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

impl Manifest {
    /// `minor` is that of the schema in which it is written.
    pub(super) fn check(&self, minor: u32) -> Result<(), String> {
        for (what, word) in [("name", &self.name), ("plural", &self.plural)] {
            named(what, word, minor)?;
        }
        line("title", &self.title)?;
        line("about", &self.about)?;
        self.vendor.iter().try_for_each(|vendor| line("vendor", vendor))?;
        if let Some(package) = &self.package {
            for text in [&package.version, &package.license, &package.plugin_api] {
                if !text.is_empty() {
                    line("package", text)?;
                }
            }
        }
        for (name, service) in &self.services {
            service.check(name, minor)?;
        }
        self.record.check()?;
        if self.verbs.is_empty() {
            return Err("has no verb that this carto knows".to_owned());
        }
        let known = Verb::ALL.iter().copied().filter(|verb| verb.since() <= minor);
        let mut words: BTreeSet<&str> = known.map(Verb::as_str).collect();
        for (verb, spec) in &self.verbs {
            if verb.since() > minor {
                let (major, since) = (SCHEMA.0, verb.since());
                let schema = format!("{major}.{since}");
                return Err(format!("`verbs.{verb}` is a key of schema {schema}: write `schema = \"{schema}\"`"));
            }
            for alias in &spec.aliases {
                if !is_kind_name(alias) || RESERVED_WORDS.contains(&alias.as_str()) || !words.insert(alias) {
                    return Err(format!("verbs.{verb}: `{}` can't be an alias", alias.escape_debug()));
                }
            }
            spec.check(*verb, self).map_err(|why| format!("verbs.{verb}: {why}"))?;
        }
        Ok(())
    }
}

fn named(what: &str, word: &str, minor: u32) -> Result<(), String> {
    if !is_kind_name(word) {
        Err(format!("`{what}` {PLAIN_NAME}, not `{}`", word.escape_debug()))
    } else if RESERVED_WORDS.contains(&word) || word.parse::<Verb>().is_ok_and(|verb| verb.since() <= minor) {
        Err(format!("`{what}` can't be `{word}`, a word of carto's own"))
    } else {
        Ok(())
    }
}

/// Text that is shown: one line that can't disturb a terminal.
fn line(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err(format!("`{what}` is empty"))
    } else if text.contains(is_harmful) {
        Err(format!("`{what}` holds control characters: \"{}\"", text.escape_debug()))
    } else {
        Ok(())
    }
}

/// A word that is typed and completed: nothing in it means anything to a shell.
fn word(what: &str, text: &str) -> Result<(), String> {
    line(what, text)?;
    if text.chars().all(|c| c.is_alphanumeric() || "-_.:/+@%,".contains(c)) {
        Ok(())
    } else {
        Err(format!("`{what}` holds `{}`: a word is letters, digits and `-_.:/+@%,`", text.escape_debug()))
    }
}

impl Service {
    fn check(&self, name: &str, minor: u32) -> Result<(), String> {
        let at = |why: String| format!("services.{}: {why}", name.escape_debug());
        if !is_kind_name(name) || name == HOST_SERVICE {
            return Err(at(format!("a service's name {PLAIN_NAME}, and isn't `{HOST_SERVICE}`")));
        }
        // A manifest of before they were there may have its own of that name.
        if minor >= Verb::Verify.since() && TRIED.contains(&name) {
            return Err(at(format!("`{name}` is carto's own, which verify names in `calls` without a table")));
        }
        match (name, &self.base_url, &self.auth) {
            ("api", None, None) => Ok(()),
            ("api", ..) => Err(at("`api` is the account's CARTO API: it takes no `base_url` and no `auth`".to_owned())),
            (_, Some(base_url), Some(_)) => {
                line("base_url", base_url).map_err(at)?;
                if !["https://", "http://"].iter().any(|scheme| base_url.starts_with(scheme)) {
                    return Err(at("`base_url` is an address like \"https://robots.example.com/v1\"".to_owned()));
                }
                Ok(())
            }
            _ => Err(at("a service of the kind's own needs `base_url` and `auth`".to_owned())),
        }
    }
}

impl Record {
    fn check(&self) -> Result<(), String> {
        let at = |why: String| format!("record: {why}");
        for field in &self.fields {
            word("a field's name", field).map_err(at)?;
        }
        let named =
            [&self.id].into_iter().chain(&self.label).chain(&self.secrets).chain(&self.columns).chain(self.env.keys());
        if let Some(field) = named.into_iter().find(|field| !self.fields.contains(field)) {
            return Err(at(format!("`{}` isn't one of the `fields`", field.escape_debug())));
        }
        self.wire_id.iter().try_for_each(|field| line("wire_id", field)).map_err(at)?;
        if self.secrets.contains(&self.id) {
            return Err(at(format!("the id `{}` can't be a secret: it is shown everywhere", self.id)));
        }
        if let Some(field) = self.once.iter().find(|field| !self.secrets.contains(field)) {
            return Err(at(format!("`{}` in `once` isn't one of the `secrets`", field.escape_debug())));
        }
        if self.columns.is_empty() {
            return Err(at("`columns` is empty".to_owned()));
        }
        for variable in self.env.values() {
            let plain = variable.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            if variable.is_empty() || !plain || variable.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(at(format!("`{}` can't be a variable: capitals, digits and `_`", variable.escape_debug())));
            }
        }
        Ok(())
    }
}

impl VerbSpec {
    fn check(&self, verb: Verb, manifest: &Manifest) -> Result<(), String> {
        for call in &self.calls {
            let shown = call.to_string();
            let shown = shown.escape_debug();
            if call.tries(verb) {
                if !call.is_a_trial() {
                    return Err(format!("`{shown}` tries no credential; these do: {}", TRIALS.join(", ")));
                }
                continue;
            }
            if verb.only_reads() && call.method != Method::Get {
                return Err(format!("`{shown}` isn't a GET: {verb} only reads"));
            }
            let Some(service) = manifest.services.get(&call.service) else {
                return Err(format!(
                    "`{shown}` names a service without a table `[services.{}]`",
                    call.service.escape_debug()
                ));
            };
            if let Some(Auth::Query(name)) = &service.auth
                && call.query.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
            {
                return Err(format!("`{shown}` demands `{name}`, which the host adds with the secret"));
            }
        }
        if self.args.len() > MAX_ARGS {
            return Err(format!("has {} arguments, and {MAX_ARGS} is the limit", self.args.len()));
        }
        let mut names = BTreeSet::new();
        for arg in &self.args {
            arg.check().map_err(|why| format!("argument `{}`: {why}", arg.name.escape_debug()))?;
            if !names.insert(arg.name.as_str()) {
                return Err(format!("argument `{}` is there twice", arg.name));
            }
        }
        for arg in &self.args {
            if let Some(other) =
                arg.conflicts.iter().find(|other| **other == arg.name || !names.contains(other.as_str()))
            {
                return Err(format!(
                    "argument `{}`: conflicts with `{}`, which isn't another argument here",
                    arg.name,
                    other.escape_debug()
                ));
            }
            let all = || manifest.verbs.values().flat_map(|spec| &spec.args);
            if let Some(part) =
                arg.parts.iter().find(|part| **part == arg.name || !all().any(|other| other.name == **part))
            {
                let (name, part) = (&arg.name, part.escape_debug());
                return Err(format!("argument `{name}`: its part `{part}` isn't another argument of this kind"));
            }
            // What a limit is held against is found in one step.
            let mut parts = all().filter(|other| arg.parts.contains(&other.name));
            if let Some(part) = parts.find(|part| !part.parts.is_empty() || (part.list && !arg.list)) {
                return Err(format!(
                    "argument `{}`: its part `{}` has parts itself, or is a list where this is none",
                    arg.name, part.name
                ));
            }
        }
        Ok(())
    }
}

impl Arg {
    fn check(&self) -> Result<(), String> {
        if !is_kind_name(&self.name) {
            return Err(format!("a name {PLAIN_NAME}"));
        }
        if RESERVED_OPTIONS.contains(&self.name.as_str()) {
            return Err(format!("`--{}` is an option of carto itself", self.name));
        }
        line("help", &self.help)?;
        self.value.iter().try_for_each(|value| line("value", value))?;
        self.example.iter().try_for_each(|example| line("example", example))?;
        if (self.kind == ArgType::Enum) == self.values.is_empty() {
            return Err("an enum has `values`, and nothing else has".to_owned());
        }
        self.values.iter().try_for_each(|value| word("values", value))?;
        if self.kind == ArgType::Bool && (self.many || self.required || self.value.is_some()) {
            return Err("a bool takes no value and is neither required nor repeated".to_owned());
        }
        for (key, used) in [("at_file", self.at_file), ("list", self.list), ("parts", !self.parts.is_empty())] {
            if used && self.kind != ArgType::String {
                return Err(format!("`{key}` is for strings"));
            }
        }
        if self.list && self.parts.len() > 1 {
            return Err(
                "a list separates its items by commas, so an item can't be joined of several `parts`".to_owned()
            );
        }
        Ok(())
    }
}
