//! What trying a credential came to, in any format: checks, and facts beside them. A kind words it all, and none of it is a field that a manifest
//! could call a secret: whatever looks like one, and what the user gave as one, is taken out here.

use carto_plugin_api::{Check, Outcome, Verification};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use super::csv_rows::rows;
use super::stderr::pasteable;
use super::table::{self, Columns};
use super::wrap::beside;
use super::{Format, Record, View, json as json_text, record, stdout};
use crate::error::{Result, quoted, usage};
use crate::redact;
use crate::run::shortened;

/// What `--field` takes.
pub(crate) const FIELDS: [&str; 4] = ["id", "passed", "checks", "facts"];

/// The columns of a table.
const COLUMNS: [&str; 4] = ["outcome", "asked", "expected", "found"];

/// How far the first column goes.
const OUTCOME: usize = 9;

/// Refuses, before anything is asked, what can be told to be impossible.
pub(crate) fn check(view: &View) -> Result<()> {
    if let Some(field) = view.field.as_ref().filter(|field| !FIELDS.contains(&field.as_str())) {
        return Err(usage(format!("there is no field `{field}`")).hint(format!("fields: {}", quoted(FIELDS))));
    }
    if view.format == Format::Env {
        return Err(usage("`-o env` writes variables, and verify answers with checks")
            .hint("use `-o json`, or `--field passed`; the exit status says it too"));
    }
    Ok(())
}

/// The same without these secrets, and without what looks like one; no text longer than somebody would read.
pub(crate) fn cleaned(verification: Verification, secrets: &[String]) -> Verification {
    let clean = |text: String| shortened(redact::hide(&text, secrets));
    let mut cleaned = Verification::new(clean(verification.id));
    for check in verification.checks {
        let mut shown = match check.outcome {
            Outcome::Passed => Check::compare(clean(check.asked), clean(check.expected), clean(check.found), true),
            Outcome::Failed => Check::compare(clean(check.asked), clean(check.expected), clean(check.found), false),
            _ => Check::skipped(clean(check.asked), clean(check.expected), clean(check.found)),
        };
        // What isn't clean is no word of a rule.
        shown.rule = check.rule.filter(|rule| clean(rule.clone()) == *rule);
        shown.hint = check.hint.map(clean);
        cleaned.add(shown);
    }
    let facts = verification.facts.into_iter().map(|(name, value)| (clean(name), clean_value(value, &clean)));
    cleaned.facts = facts.collect();
    cleaned
}

fn clean_value(value: Value, clean: &impl Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.into_iter().map(|item| clean_value(item, clean)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (clean(name), clean_value(value, clean)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

/// The checks that failed.
pub(crate) fn failed(verification: &Verification) -> impl Iterator<Item = &Check> {
    verification.checks.iter().filter(|check| check.outcome == Outcome::Failed)
}

/// A verification as text for standard output.
pub(crate) fn text(verification: &Verification, view: &View) -> String {
    let object = object(verification);
    if let Some(field) = &view.field {
        return record::field_text(&object, field);
    }
    match view.format {
        Format::Json => json_text::pretty(&Value::Object(object)),
        Format::Jsonl => json_text::line(&Value::Object(object)),
        Format::Csv => rows(
            &check_rows(verification),
            &["outcome", "rule", "asked", "expected", "found", "hint"].map(str::to_owned),
            true,
        ),
        Format::Table | Format::Env => table_text(verification, stdout::width()),
    }
}

fn object(verification: &Verification) -> Record {
    let checks: Vec<Value> = check_rows(verification).into_iter().map(Value::Object).collect();
    let passed = failed(verification).next().is_none();
    Map::from_iter([
        ("id".to_owned(), verification.id.as_str().into()),
        ("passed".to_owned(), passed.into()),
        ("checks".to_owned(), checks.into()),
        ("facts".to_owned(), Value::Object(verification.facts.clone())),
    ])
}

fn check_rows(verification: &Verification) -> Vec<Record> {
    let row = |check: &Check| {
        let Check { asked, expected, found, outcome, rule, hint, .. } = check;
        let hint = hint.as_deref().map(pasteable);
        let row = json!({
            "outcome": outcome, "rule": rule, "asked": asked, "expected": expected, "found": found, "hint": hint,
        });
        row.as_object().cloned().unwrap_or_default()
    };
    verification.checks.iter().map(row).collect()
}

/// A table if it fits, or else two lines for each check: cut to the same beginnings, they would look alike.
fn table_text(verification: &Verification, width: Option<usize>) -> String {
    let rows = check_rows(verification);
    let columns = Columns::settle(&COLUMNS.map(str::to_owned), "outcome", &rows, None);
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&columns.header());
        text.extend(rows.iter().map(|row| columns.row(row)));
    }
    if width.is_some_and(|width| text.lines().any(|line| line.width() > width)) {
        text = verification.checks.iter().map(|check| in_two_lines(check, width)).collect();
    }
    if !verification.facts.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        let facts = verification.facts.iter().map(|(name, value)| (name.clone(), readable(name, value)));
        text.push_str(&table::fields(&facts.collect(), &[]));
    }
    text
}

fn in_two_lines(check: &Check, width: Option<usize>) -> String {
    let (outcome, found) = match check.outcome {
        Outcome::Passed => ("passed", check.found.clone()),
        Outcome::Failed => ("failed", format!("expected {}, found {}", check.expected, check.found)),
        _ => ("skipped", check.found.clone()),
    };
    beside(outcome, &check.asked, OUTCOME, width) + &beside("", &found, OUTCOME + 2, width)
}

/// A fact for people: the seconds of a JWT's times (RFC 7519) as a time.
fn readable(name: &str, value: &Value) -> Value {
    let seconds = ["exp", "iat", "nbf"].contains(&name).then(|| value.as_i64()).flatten();
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).map_or_else(|| value.clone(), |time| json!(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_left_in_it() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxYTJiM2M0ZCJ9.c2ln";
        let mut verification = Verification::new(jwt);
        verification
            .add(Check::compare(format!("ask with {jwt}"), "hunter2hunter2", jwt, false).hint("say hunter2hunter2"));
        verification.fact("claims", json!({ "sub": ["hunter2hunter2", jwt], "hunter2hunter2": 7, "exp": 12 }));
        let clean = cleaned(verification, &["hunter2hunter2".to_owned()]);
        for format in [Format::Json, Format::Jsonl, Format::Csv, Format::Table] {
            let text = text(&clean, &View { format, ..View::default() });
            assert!(!text.contains("hunter2") && !text.contains("eyJ") && text.contains("1a2b3c4d"), "{text}");
        }
        assert_eq!(clean.id, "1a2b3c4d");
        assert_eq!(clean.facts["claims"]["exp"], 12);
    }

    #[test]
    fn what_it_comes_to_is_counted() {
        let mut verification = Verification::new("x");
        let passed = |verification: &Verification| object(verification)["passed"].clone();
        verification.add(Check::skipped("a", "b", "not asked"));
        assert_eq!(passed(&verification), true);
        verification.add(Check::compare("a", "b", "\u{1b}[31mc\nd", false));
        assert_eq!(passed(&verification), false);
        let text = text(&verification, &View::default());
        assert!(text.contains("\\u{1b}[31mc\\u{a}d"), "{text}");
    }

    #[test]
    fn rows_that_are_too_wide_are_told_apart() {
        let mut verification = Verification::new("x");
        let asked = |nth: usize| format!("token request from `https://a.long.name.example.com/` of page {nth}");
        verification.add(Check::compare(asked(1), "accepted", "may read the answer (200)", true));
        verification.add(Check::compare(asked(2), "accepted", "may not read the answer (403): \u{1b}[31m", false));
        verification.add(Check::skipped("all", "accepted", "not asked"));
        verification.fact("exp", 1_795_514_400);
        verification.fact("size", 1_795_514_400);
        expect_test::expect![[r#"
            passed   token request from
                     `https://a.long.name.example.com/` of page 1
                       may read the answer (200)
            failed   token request from
                     `https://a.long.name.example.com/` of page 2
                       expected accepted, found may not read the answer
                       (403): \u{1b}[31m
            skipped  all
                       not asked

            exp   2026-11-24T10:00:00Z
            size  1795514400
        "#]]
        .assert_eq(&table_text(&verification, Some(60)));
        // Nothing is cut in a pipe, and what fits is a table.
        for width in [None, Some(200)] {
            let table = table_text(&verification, width);
            assert!(table.starts_with("OUTCOME") && table.contains("of page 2"), "{table}");
        }
        assert_eq!(object(&verification)["facts"]["exp"], 1_795_514_400);
    }

    #[test]
    fn a_rule_is_no_way_out_for_a_secret() {
        let mut verification = Verification::new("x");
        verification.add(Check::skipped("a", "b", "c").rule("hunter2hunter2"));
        verification.add(Check::skipped("a", "b", "c").rule("referer"));
        let rows = check_rows(&cleaned(verification, &["hunter2hunter2".to_owned()]));
        assert_eq!((&rows[0]["rule"], &rows[1]["rule"]), (&Value::Null, &json!("referer")));
    }
}
