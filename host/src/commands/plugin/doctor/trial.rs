//! Opens every kind that may be used, as a verb would, in a worker of its own, and measures that. No verb runs, but constructors do: what a
//! policy wants recorded is recorded.

use std::sync::Arc;
use std::time::Instant;

use carto_plugin_api::ErrorCode;
use serde_json::Value;

use super::Row;
use crate::audit::{self, Fields, Recorder};
use crate::commands::plugin::sheet::size_in_words;
use crate::commands::plugin::survey::{State, Survey};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::policy::{Because, Policy, refused_whole};
use crate::run::peak_memory;
use crate::settings::Settings;

/// One row a kind.
pub(super) fn of_all(survey: &Survey, policy: &Policy, settings: &Arc<Settings>) -> Vec<Row> {
    let recorder = Recorder::new(policy);
    let usable = survey.plugins.iter().filter(|plugin| plugin.state == State::Ok);
    let rows = usable.filter_map(|plugin| plugin.kind.as_ref()).map(|kind| {
        let (mut fields, mut begun) = (record(kind, None, None, survey), None);
        let outcome = open(survey, policy, settings, kind, &mut |sha256, rule, judged| {
            fields = record(kind, Some(sha256), rule, survey);
            judged?;
            let written = recorder.before("begun", &fields);
            begun = Some(written.is_ok());
            written
        });
        let refused = outcome.as_ref().is_err_and(|error| error.code == ErrorCode::RefusedByPolicy);
        fields.extend(audit::outcome(outcome.as_ref().err()));
        match begun {
            Some(true) => recorder.after("ended", &fields),
            // Some have a beginning, and should have this end.
            Some(false) => recorder.nevertheless("refused", &fields),
            None if refused => recorder.after("refused", &fields),
            None => {}
        }
        outcome.map_or_else(|error| Row::wrong(kind.name(), &error), |measured| measured.row(kind))
    });
    rows.collect()
}

/// What opening a kind took.
struct Measured {
    milliseconds: u128,
    /// The most memory that its process had at one moment, in bytes.
    memory: Option<u64>,
}

impl Measured {
    fn row(self, kind: &Kind) -> Row {
        let memory = self.memory.map(|bytes| format!(", with {} at most", size_in_words(bytes))).unwrap_or_default();
        let mut row = Row::ok(kind.name(), format!("opened in {} ms{memory}", self.milliseconds));
        row.measured.insert("milliseconds".to_owned(), u64::try_from(self.milliseconds).unwrap_or(u64::MAX).into());
        row.measured.insert("memory".to_owned(), self.memory.into());
        row
    }
}

/// Told the digest of the sealed library, the rule that decided, and whether it may be opened.
type Begin<'a> = dyn FnMut(&str, Option<String>, Result<()>) -> Result<()> + 'a;

fn open(
    survey: &Survey,
    policy: &Policy,
    settings: &Arc<Settings>,
    kind: &Kind,
    begin: &mut Begin<'_>,
) -> Result<Measured> {
    let began = Instant::now();
    let lock = survey.lock.as_ref().map_err(Error::clone)?;
    let begin = std::cell::RefCell::new(begin);
    let instance = survey.runtime.start(kind, &|sha256| {
        if let Err(error) = lock.check(kind, sha256) {
            return begin.borrow_mut()(sha256, None, Err(error));
        }
        let verdicts = policy.of_library(kind, &|| Some(sha256.to_owned()), settings);
        let telling = verdicts.iter().find(|(_, verdict)| verdict.allowed).or(verdicts.first());
        let rule = telling.and_then(|(_, verdict)| verdict.decisive()).map(Because::address);
        begin.borrow_mut()(sha256, rule, refused_whole(kind, &verdicts).map_or(Ok(()), Err))
    })?;
    let milliseconds = began.elapsed().as_millis();
    Ok(Measured { milliseconds, memory: instance.process().and_then(peak_memory) })
}

fn record(kind: &Kind, sha256: Option<&str>, rule: Option<String>, survey: &Survey) -> Fields {
    let mut fields = audit::library(kind, sha256);
    let more = [("verb", Value::Null), ("level", survey.runtime.level().as_str().into()), ("rule", rule.into())];
    fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
    fields
}
