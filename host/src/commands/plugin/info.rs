//! `carto plugin info`: what one kind is and what it may do, like the sheet of permissions of a telephone. Nothing of it runs here. `sheet` writes it
//! for people.

use std::process::ExitCode;
use std::sync::Arc;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::{ArgType, Manifest};
use serde_json::{Map, Value, json};

use super::survey::{Plugin, Survey};
use super::{list, sheet, text_or_json};
use crate::commands::Context;
use crate::kinds::Kind;
use crate::lock::{Accepted, Lock};
use crate::output::{json as json_text, stdout};
use crate::policy::Policy;
use crate::run::Level;
use crate::settings::{self, Settings};

/// Shows it.
pub(super) fn run(context: &Context, word: &str) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let settings = Arc::new(settings::read()?);
    let survey = Survey::of(context, &context.catalog, &settings)?;
    let plugin = survey.find(word)?;
    let about = About {
        plugin,
        others: survey.plugins.iter().filter(|other| other.name == plugin.name && other.path != plugin.path).collect(),
        lock: survey.lock.as_ref().ok(),
        level: survey.runtime.level(),
        policy: context.catalog.policy(),
        settings: &settings,
    };
    let text = if context.globals.view().format.is_json() {
        json_text::pretty(&about.json())
    } else {
        sheet::text(&about, stdout::width())
    };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A plugin, and what there is to know beside it.
pub(super) struct About<'a> {
    pub(super) plugin: &'a Plugin,
    /// Files of the same name that nobody looks at, or that keep this one in their shadow.
    pub(super) others: Vec<&'a Plugin>,
    /// Nothing if it can't be read.
    pub(super) lock: Option<&'a Lock>,
    pub(super) level: Level,
    pub(super) policy: &'a Policy,
    pub(super) settings: &'a Settings,
}

impl About<'_> {
    /// What was accepted of it.
    pub(super) fn accepted(&self) -> Option<&Accepted> {
        self.lock?.get(self.plugin.name.as_deref()?)
    }

    /// The version before that is kept.
    pub(super) fn previous(&self) -> Option<&Accepted> {
        self.lock?.previous().get(self.plugin.name.as_deref()?)
    }

    /// What the lock says of it, in a word.
    pub(super) fn lock_state(&self) -> &'static str {
        match (self.lock, self.accepted()) {
            (None, _) => "unreadable",
            (_, None) => "not locked",
            (_, Some(accepted)) if self.plugin.sha256().is_some_and(|sha256| accepted.is(sha256)) => "accepted",
            _ => "changed",
        }
    }

    /// What a policy says of the values of a verb's options.
    pub(super) fn limits(&self, kind: &Kind, verb: Verb) -> Vec<String> {
        let limits = self.policy.limits(kind, verb).into_iter();
        limits.map(|(argument, because)| format!("--{argument}: {} ({})", because.what, because.address())).collect()
    }

    fn json(&self) -> Value {
        let mut about = list::row(self.plugin, self.level, self.settings);
        let before = |accepted: &Accepted| json!({ "version": accepted.release, "sha256": accepted.sha256 });
        about["lock"] = json!({ "state": self.lock_state(), "accepted": self.accepted().map(before) });
        about["previous"] = self.previous().map(before).into();
        let others = self.others.iter().map(|other| other.path.display().to_string());
        about["same_name"] = others.collect::<Vec<_>>().into();
        about["level_meaning"] = format!("kinds run {}", self.level.meaning()).into();
        about["about"] = self.plugin.kind.as_ref().map(|kind| kind.manifest.about.as_str()).into();
        about["permissions"] = self.plugin.kind.as_ref().map(|kind| self.permissions(kind)).into();
        about["record"] = self.plugin.kind.as_ref().map(|kind| record(&kind.manifest)).into();
        about
    }

    /// Each verb with all that is allowed and refused of it.
    fn permissions(&self, kind: &Kind) -> Value {
        let verbs = kind.manifest.verbs.iter().map(|(verb, spec)| {
            let verdict = self.plugin.verdicts.iter().find(|(known, _)| known == verb).map(|(_, verdict)| verdict);
            let rules = verdict.map(|verdict| {
                let rules = verdict.because.iter().map(|because| format!("{} {}", because.address(), because.what));
                rules.collect::<Vec<_>>()
            });
            let calls: Vec<String> = spec.calls.iter().map(ToString::to_string).collect();
            let named = |wanted: ArgType| -> Vec<&str> {
                spec.args.iter().filter(|arg| arg.kind == wanted).map(|arg| arg.name.as_str()).collect()
            };
            let at_file: Vec<&str> = spec.args.iter().filter(|arg| arg.at_file).map(|arg| arg.name.as_str()).collect();
            let permission = json!({
                "allowed": verdict.is_none_or(|verdict| verdict.allowed),
                "rules": rules,
                "limits": self.limits(kind, *verb),
                "aliases": spec.aliases,
                "calls": calls,
                "secret_options": named(ArgType::Secret),
                "file_options": named(ArgType::File),
                "at_file_options": at_file,
            });
            (verb.as_str().to_owned(), permission)
        });
        Value::Object(verbs.collect::<Map<_, _>>())
    }
}

/// What a record of the kind is.
fn record(manifest: &Manifest) -> Value {
    let shape = &manifest.record;
    json!({ "fields": shape.fields, "id": shape.id, "secrets": shape.secrets, "once": shape.once, "env": shape.env })
}
