//! What policies ask that can't be: files that can't be read, rules about nothing, limits that no value keeps, records that can't be written.

use std::collections::BTreeSet;

use carto_plugin_api::ErrorCode;

use super::Row;
use crate::audit::{Recorder, WRITABLE};
use crate::commands::plugin::survey::{State, Survey};
use crate::error::Error;
use crate::policy::Policy;

/// Limits that refuse whatever they are about.
pub(super) fn limits(survey: &Survey, policy: &Policy) -> Vec<Row> {
    let mut rows = Vec::new();
    for plugin in &survey.plugins {
        let Some(kind) = plugin.kind.as_ref().filter(|_| plugin.state != State::Shadowed) else { continue };
        let mut known = BTreeSet::new();
        for (verb, _) in plugin.verdicts.iter().filter(|(_, verdict)| verdict.allowed) {
            for because in policy.never(kind, *verb).into_iter().filter(|because| known.insert(because.address())) {
                let error = Error::new(ErrorCode::RefusedByPolicy, because.sentence());
                let remedy =
                    format!("mend the limit: until then whatever it is about is refused for `{}`", kind.name());
                rows.push(Row::wrong("policy", &error.hint(remedy)));
            }
        }
    }
    rows
}

/// The places of records, each tried without leaving one.
pub(super) fn records(policy: &Policy) -> Vec<Row> {
    let recorder = Recorder::new(policy);
    let rows = recorder.places().map(|(required, tried)| match tried {
        Ok(place) => Row::ok("audit", place),
        Err(why) if required => {
            let error = Error::new(ErrorCode::RefusedByPolicy, format!("{why}; so every verb is refused"));
            Row::wrong("audit", &error.hint(WRITABLE))
        }
        Err(why) => Row::note("audit", why, WRITABLE),
    });
    rows.collect()
}

/// The files, and their rules about what isn't here.
pub(super) fn policies(policy: &Policy, is_named: impl Fn(&str) -> bool, is_there: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in policy.files() {
        rows.push(match policy.broken().find(|(path, ..)| *path == file) {
            None => Row::ok("policy", format!("`{}`", file.display())),
            Some((_, why, remedy)) => {
                let message = format!("`{}` {why}; so everything is refused", file.display());
                Row::wrong("policy", &Error::new(ErrorCode::RefusedByPolicy, message).hint(remedy))
            }
        });
    }
    if rows.is_empty() {
        rows.push(Row::ok("policy", "none: everything is allowed"));
    }
    rows.extend(policy.without_effect(is_named, is_there).into_iter().map(|because| {
        Row::note("policy", because.sentence(), "correct the name, if it is misspelt; until then it has no effect")
    }));
    rows
}
