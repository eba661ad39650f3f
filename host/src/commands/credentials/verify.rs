//! Verify: tries a credential, shows what came of it, and ends as that says.

use std::process::ExitCode;
use std::slice;

use carto_plugin_api::{ErrorCode, Outcome, Verb, Verification};
use clap::ArgMatches;
use serde_json::Value;

use super::work::Ended;
use super::{Context, dry_run, work};
use crate::error::{Error, Result};
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::{Format, View, stderr, stdout, verification};
use crate::redact;

pub(super) fn run(context: &Context, kind: &Kind, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    verification::check(&view)?;
    let mut stdin = Stdin::default();
    let id = input::id(super::typed_id(matches), &mut stdin)?;
    let mut work = work::Work::begin(context, slice::from_ref(kind), Verb::Verify, stdin)?;
    let input = work.input(kind, Verb::Verify, matches, Some(id))?;
    let secrets = work::secrets(kind, Verb::Verify, &input);
    let title = kind.manifest.title.clone();
    let id = |_: &Kind, verification: &Verification| Some(redact::redact(&redact::handle(&verification.id)));
    work.run(kind, Verb::Verify, input, read, id, move |ended, _| match ended {
        Ended::Answered(verification, _) => show(&title, verification::cleaned(verification, &secrets), &view),
        Ended::Drafted(draft) => dry_run::show(&draft, &view),
    })
}

/// Reads an answer. What a later contract adds to it is passed over, since only what is known is shown.
pub(crate) fn read(kind: &Kind, answer: Value) -> Result<Verification> {
    let fault =
        |what: &str| Error::fault(format!("the kind `{}` answered with {what}", kind.name())).hint(kind.remedy());
    // A type error would quote the value, which can be a secret.
    let read: Verification = serde_json::from_value(answer)
        .map_err(|_| fault("something that isn't a verification: an `id` and `checks`"))?;
    if read.id.is_empty() {
        return Err(fault("a verification of nothing: its `id` is empty"));
    }
    // A word can be shown as it is: it holds no credential that anybody would know it by.
    if read.checks.iter().filter_map(|check| check.rule.as_deref()).any(|rule| !is_rule(rule)) {
        return Err(fault("a check whose `rule` isn't a word like `referer`"));
    }
    Ok(read)
}

/// Lower-case letters, digits and `-`, beginning with a letter, 32 at most.
fn is_rule(word: &str) -> bool {
    word.len() <= 32
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn show(title: &str, tried: Verification, view: &View) -> anyhow::Result<ExitCode> {
    stdout::write(&verification::text(&tried, view))?;
    let failed = verification::failed(&tried).count();
    let made = tried.checks.iter().filter(|check| check.outcome != Outcome::Skipped).count();
    let for_people = view.format == Format::Table && view.field.is_none();
    if failed == 0 {
        if for_people {
            let skipped = tried.checks.len() - made;
            let more = if skipped == 0 { String::new() } else { format!("; {skipped} couldn't be made") };
            stderr::done(&format!("Verified {title} `{}`: {} passed{more}", tried.id, checks(made)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    // In full: a table cuts them.
    for check in verification::failed(&tried).filter(|_| for_people) {
        stderr::warning(
            &format!("{}: expected {}, found {}", check.asked, check.expected, check.found),
            check.hint.as_deref(),
        );
    }
    let message = format!("{failed} of {} of {title} `{}` failed", checks(made), tried.id);
    Err(Error::new(ErrorCode::Failed, message).into())
}

fn checks(count: usize) -> String {
    format!("{count} check{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_word() {
        for (word, good) in [
            ("referer", true),
            ("logout-url", true),
            ("a1", true),
            ("", false),
            ("-a", false),
            ("1a", false),
            ("Referer", false),
            ("a b", false),
            ("a\n", false),
            ("$(a)", false),
            (&"a".repeat(33), false),
        ] {
            assert_eq!(is_rule(word), good, "{word:?}");
        }
        assert_eq!([0, 1, 2].map(checks), ["0 checks", "1 check", "2 checks"]);
    }
}
