//! What `verify` answers: checks, each with what was expected and what was found, and facts. What it comes to is counted from them, not said.
//! An outcome that came later is read as one that tells nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What became of trying a credential.
///
/// Everything in it is shown, and has no field that the host could hide: it holds no credential.
///
/// ```
/// use carto_plugin_api::{Check, Outcome, Verification};
/// let mut verification = Verification::new("tok_1");
/// verification.add(Check::compare("sql on `dw`", "allowed", "refused (403)", false).hint("grant it: `carto …`"));
/// verification.add(Check::skipped("imports", "refused", "not asked: it would import something"));
/// verification.fact("expiration_date", "2027-01-01T00:00:00Z");
/// assert!(verification.checks.iter().any(|check| check.outcome == Outcome::Failed));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verification {
    /// The credential's id, as in its record.
    pub id: String,
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
    /// What else was seen and is worth knowing, by short names: the claims of a token, say.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// One thing that was tried. Made with [`Check::compare`] or [`Check::skipped`].
///
/// Where a check is read, an outcome that isn't known, because the kind is newer, counts as [`Outcome::Skipped`], and `found` begins with its word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Read")]
#[non_exhaustive]
pub struct Check {
    /// What was asked, in a few words.
    pub asked: String,
    /// What should come of it: `allowed`.
    pub expected: String,
    /// What came of it: `refused (403): …`.
    pub found: String,
    /// Whether the two agree.
    pub outcome: Outcome,
    /// The rule that it is about, as a script would name it: `referer`. Lower-case letters, digits and `-`; see [`Check::rule`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do about it. A command in it works when it is pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// It is as it should be.
    Passed,
    /// It isn't.
    Failed,
    /// It wasn't asked, or the answer doesn't tell.
    Skipped,
}

/// A check as it crosses, whatever its outcome is called.
#[derive(Deserialize)]
struct Read {
    asked: String,
    expected: String,
    found: String,
    outcome: String,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    hint: Option<String>,
}

impl TryFrom<Read> for Check {
    type Error = &'static str;

    fn try_from(read: Read) -> Result<Check, &'static str> {
        let Read { asked, expected, found, outcome, rule, hint } = read;
        let (outcome, found) = match outcome.as_str() {
            "passed" => (Outcome::Passed, found),
            "failed" => (Outcome::Failed, found),
            "skipped" => (Outcome::Skipped, found),
            word if is_word(word) => (Outcome::Skipped, format!("`{word}`, an outcome that isn't known here: {found}")),
            // `FAILED` is a mistake, and no later contract.
            _ => return Err("an outcome is a word in lower case"),
        };
        Ok(Check { asked, expected, found, outcome, rule, hint })
    }
}

/// Lower-case letters, digits and `-`, beginning with a letter, 32 at most.
fn is_word(word: &str) -> bool {
    word.len() <= 32
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl Verification {
    /// Of the credential with that id, with nothing tried yet.
    pub fn new(id: impl Into<String>) -> Verification {
        Verification { id: id.into(), ..Verification::default() }
    }

    /// Adds a check.
    pub fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Adds a fact, if there is a value.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            self.facts.insert(name.to_owned(), value);
        }
    }
}

impl Check {
    /// A check that passed if `agrees`, and failed otherwise.
    pub fn compare(
        asked: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        agrees: bool,
    ) -> Check {
        let outcome = if agrees { Outcome::Passed } else { Outcome::Failed };
        Check { asked: asked.into(), expected: expected.into(), found: found.into(), outcome, rule: None, hint: None }
    }

    /// A check that wasn't made, or tells nothing; `why` stands where others say what was found.
    pub fn skipped(asked: impl Into<String>, expected: impl Into<String>, why: impl Into<String>) -> Check {
        Check { outcome: Outcome::Skipped, ..Check::compare(asked, expected, why, false) }
    }

    /// The same with the rule that decides it, in a word that doesn't change from release to release: scripts hold it against theirs.
    pub fn rule(self, rule: impl Into<String>) -> Check {
        Check { rule: Some(rule.into()), ..self }
    }

    /// The same with a way out.
    pub fn hint(self, hint: impl Into<String>) -> Check {
        Check { hint: Some(hint.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(outcome: &Value) -> Option<Check> {
        let check = json!({ "asked": "a", "expected": "b", "found": "c", "outcome": outcome, "later": { "x": 1 } });
        let verification = json!({ "id": "x", "checks": [check], "later": [] });
        serde_json::from_value::<Verification>(verification).ok()?.checks.pop()
    }

    #[test]
    fn what_came_later_is_read() {
        let later = "`partly-done`, an outcome that isn't known here: c";
        for (word, outcome, found) in [
            ("passed", Outcome::Passed, "c"),
            ("failed", Outcome::Failed, "c"),
            ("skipped", Outcome::Skipped, "c"),
            ("partly-done", Outcome::Skipped, later),
        ] {
            let check = read(&word.into()).unwrap();
            assert_eq!((check.outcome, check.found.as_str()), (outcome, found), "{word}");
        }
        for odd in [json!("FAILED"), json!(""), json!("$(a)"), json!("a".repeat(33)), json!(1), json!(null)] {
            assert_eq!(read(&odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for check in [
            Check::compare("a", "b", "c", true).rule("r"),
            Check::compare("a", "b", "c", false).hint("h"),
            Check::skipped("a", "b", "c"),
        ] {
            let text = serde_json::to_string(&check).unwrap();
            assert_eq!(serde_json::from_str::<Check>(&text).unwrap(), check);
        }
    }
}
