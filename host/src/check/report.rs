//! What came of the checks.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::canary;
use super::demands::{DEMANDS, Demand, place};
use crate::run::shortened;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Warned,
    Skipped,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 4] = [Outcome::Passed, Outcome::Failed, Outcome::Warned, Outcome::Skipped];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Warned => "warned",
            Outcome::Skipped => "skipped",
        }
    }
}

/// Something that isn't as it is demanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was seen.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// One check, done.
pub(crate) struct Check {
    pub(crate) subject: &'static str,
    pub(crate) id: &'static str,
    pub(crate) demand: &'static str,
    pub(crate) outcome: Outcome,
    /// Why it was skipped.
    pub(crate) reason: Option<String>,
    pub(crate) findings: Vec<Finding>,
    /// How many more there were.
    pub(crate) more: usize,
}

/// All of it.
pub(crate) struct Report {
    pub(crate) file: PathBuf,
    /// What there is to know besides: a word, and what it is.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// One object for machines.
    pub(crate) fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> =
            self.facts.iter().map(|(word, text)| ((*word).to_owned(), text.as_str().into())).collect();
        let summary: serde_json::Map<String, Value> =
            Outcome::ALL.iter().map(|outcome| (outcome.as_str().to_owned(), self.count(*outcome).into())).collect();
        let checks: Vec<Value> = self.checks.iter().map(Check::json).collect();
        json!({ "file": self.file.display().to_string(), "facts": facts, "summary": summary, "checks": checks })
    }
}

impl Check {
    /// Those of the failed come first that the others may follow from.
    pub(crate) fn rank(&self) -> usize {
        match self.subject {
            "file" | "manifest" | "opening" => 0,
            _ => 1 + CAUSES.iter().position(|id| *id == self.id).unwrap_or(CAUSES.len()),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut check = json!({ "id": self.id, "demand": self.demand, "outcome": self.outcome.as_str() });
        if let Some(reason) = &self.reason {
            check["reason"] = reason.as_str().into();
        }
        if !self.findings.is_empty() {
            let findings = self.findings.iter().map(|found| json!({ "what": found.what, "remedy": found.remedy }));
            check["findings"] = findings.collect();
            check["more"] = self.more.into();
        }
        check
    }
}

/// Checks that others follow from: a verb that breaks there breaks wherever else it is called.
const CAUSES: [&str; 3] = ["run.survives", "time.deadline", "calls.declared"];

pub(super) fn is_cause(id: &str) -> bool {
    CAUSES.contains(&id)
}

/// How many findings of one check are told.
const MOST_TOLD: usize = 4;

/// What is noted while the checks are done.
#[derive(Default)]
pub(super) struct Notes(Vec<Note>);

#[derive(Default, Clone)]
struct Note {
    ran: bool,
    failed: bool,
    skipped: Option<String>,
    findings: Vec<Finding>,
    more: usize,
}

impl Notes {
    fn note(&mut self, id: &str) -> &mut Note {
        debug_assert!(place(id).is_some(), "no check `{id}`");
        self.0.resize(DEMANDS.len(), Note::default());
        &mut self.0[place(id).unwrap_or_default()]
    }

    /// It was looked at.
    pub(super) fn ran(&mut self, id: &str) {
        self.note(id).ran = true;
    }

    /// It can't be looked at. A check that was is no longer skipped.
    pub(super) fn skip(&mut self, id: &str, why: impl Into<String>) {
        self.note(id).skipped.get_or_insert(why.into());
    }

    pub(super) fn fail(&mut self, id: &str, what: impl AsRef<str>, remedy: impl Into<String>) {
        self.note(id).failed = true;
        self.warn(id, what, remedy);
    }

    pub(super) fn warn(&mut self, id: &str, what: impl AsRef<str>, remedy: impl Into<String>) {
        let found = Finding { what: shortened(canary::hidden(what.as_ref())), remedy: remedy.into() };
        let note = self.note(id);
        note.ran = true;
        if note.findings.contains(&found) {
        } else if note.findings.len() < MOST_TOLD {
            note.findings.push(found);
        } else {
            note.more += 1;
        }
    }

    pub(super) fn has_failed(&mut self, id: &str) -> bool {
        self.note(id).failed
    }

    /// All checks. What was never looked at has this reason.
    pub(super) fn checks(mut self, otherwise: &str) -> Vec<Check> {
        self.0.resize(DEMANDS.len(), Note::default());
        let check = |(Demand { subject, id, text }, note): (&Demand, Note)| {
            let outcome = match &note {
                Note { failed: true, .. } => Outcome::Failed,
                Note { findings, .. } if !findings.is_empty() => Outcome::Warned,
                Note { ran: true, .. } => Outcome::Passed,
                _ => Outcome::Skipped,
            };
            let reason = (outcome == Outcome::Skipped).then(|| note.skipped.unwrap_or_else(|| otherwise.to_owned()));
            Check { subject, id, demand: text, outcome, reason, findings: note.findings, more: note.more }
        };
        DEMANDS.iter().zip(self.0).map(check).collect()
    }
}
