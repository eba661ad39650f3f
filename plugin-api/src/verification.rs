//! What `verify` answers: checks, each with what was expected and what was found, and facts. What it comes to is counted from them, not said.

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
pub struct Verification {
    /// The credential's id, as in its record.
    pub id: String,
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
    /// What else was seen and is worth knowing, by short names: the claims of a token, say.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub enum Outcome {
    /// It is as it should be.
    Passed,
    /// It isn't.
    Failed,
    /// It wasn't asked, or the answer doesn't tell.
    Skipped,
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
