//! A conformance suite for kinds: a finished library, opened in a worker as always, with a service behind it that is made up here. Nothing
//! of it touches the network, the account or a file of the user's.
//!
//! `demands` lists the checks. `lab` runs the kind, and after each call `always` looks at what must hold; `host` is the other end of its
//! requests, and `double` the service there. One file a subject: `file`, `manifest`, `opening`, `verbs`, `ids`, `lists`, `trouble`, `inputs`.
//! How a report is shown is `show`'s and `junit`'s.

mod always;
mod canary;
mod demands;
mod double;
mod file;
mod host;
mod ids;
mod inputs;
pub(crate) mod junit;
mod lab;
mod lists;
mod manifest;
mod opening;
mod report;
mod script;
pub(crate) mod show;
mod trouble;
mod values;
mod verbs;

use std::path::Path;

use jiff::Timestamp;

pub(crate) use report::{Outcome, Report};

use self::lab::Lab;
use self::report::Notes;
use self::script::Script;
use crate::error::Result;
use crate::run::Runtime;

/// The time that a kind is told while it is checked.
const NOW: &str = "2026-11-23T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap_or_default()
}

/// Does every check that can be done. An error: what isn't the library's fault.
pub(crate) fn run(file: &Path, script: Option<&Path>, runtime: &dyn Runtime) -> Result<Report> {
    let mut facts = Vec::new();
    let mut notes = Notes::default();
    let report = |facts, notes: Notes, otherwise: &str| {
        Ok(Report { file: file.to_owned(), facts, checks: notes.checks(otherwise) })
    };
    let Some(kind) = file::check(file, &mut notes, &mut facts) else {
        return report(facts, notes, "carto can't use the file");
    };
    let script = script.map_or(Ok(Script::default()), |script| script::read(script, &kind.manifest, now()))?;
    manifest::check(&kind.manifest, now(), &mut notes);
    if notes.has_failed("file.needs") {
        return report(facts, notes, "carto doesn't open it");
    }
    // If kinds can't be confined here, that is nobody's fault.
    runtime.check()?;
    let Some(instance) = opening::check(&kind, runtime, &mut notes, &mut facts) else {
        return report(facts, notes, "it can't be opened");
    };
    let mut lab = Lab::new(&kind, &script, notes, runtime, instance);
    verbs::work(&mut lab);
    verbs::missing(&mut lab);
    verbs::options(&mut lab);
    ids::check(&mut lab);
    lists::check(&mut lab);
    trouble::check(&mut lab);
    inputs::check(&mut lab);
    verbs::unused(&mut lab);
    lab.fresh();
    if let Some(error) = lab.lost {
        return Err(error);
    }
    let memory = lab.memory.map(|memory| format!(", with {} at most", opening::in_words(memory)));
    facts.push(("calls", format!("{}{}", lab.calls, memory.unwrap_or_default())));
    let slowest = lab.slowest.iter().map(|(verb, time)| format!("{verb} {} ms", time.as_millis()));
    facts.push(("slowest", slowest.collect::<Vec<_>>().join(", ")));
    let notes = lab.notes;
    report(facts, notes, "nothing led to it")
}
