//! What a browser brings back from the authority: a code, or why there is none. Whether it is the answer to what was asked is decided here.

use std::collections::BTreeMap;

use carto_plugin_api::{ErrorCode, Secret};
use url::Url;

use super::attempt::{Attempt, parameters};
use crate::error::{Error, Result};
use crate::redact;

/// The most of an authority's own words that a message takes.
const WORDS: usize = 300;

/// The parameters of the address that the browser came to.
pub(crate) struct Answer(BTreeMap<String, String>);

/// Why something isn't an answer that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stray {
    /// It has no `state`, or neither a code nor an error.
    Incomplete,
    /// It answers something else.
    Foreign,
}

impl Answer {
    /// Reads the address that a person copied from a browser.
    pub(crate) fn from_address(text: &str) -> Result<Answer> {
        let bad = |why: &str| {
            Error::new(ErrorCode::Usage, format!("`--callback` {why}")).hint(
                "copy the whole address that the browser came to in the end; it begins like \
                 `http://127.0.0.1:3003/callback?`, and that no page is shown there doesn't matter",
            )
        };
        let url = Url::parse(text.trim()).map_err(|_| bad("isn't an address"))?;
        let answer = Answer::read(url.query().unwrap_or_default())
            .ok_or_else(|| bad("has a parameter twice, which no authority sends"))?;
        match answer.state() {
            Some(_) if answer.0.contains_key("code") || answer.0.contains_key("error") => Ok(answer),
            Some(_) => Err(bad("has neither a code nor an error in it")),
            None => Err(bad("has no `state` in it, by which the sign-in is found")),
        }
    }

    /// Reads a query; nothing if a parameter comes twice.
    pub(crate) fn read(query: &str) -> Option<Answer> {
        parameters(query).map(Answer)
    }

    /// What says which attempt it answers.
    pub(crate) fn state(&self) -> Option<&str> {
        self.0.get("state").map(String::as_str)
    }

    /// Whether it answers this attempt, and answers at all.
    pub(super) fn check(&self, attempt: &Attempt) -> std::result::Result<(), Stray> {
        let state = self.state().ok_or(Stray::Incomplete)?;
        if !attempt.is_answered_by(state) {
            return Err(Stray::Foreign);
        }
        let complete = self.0.contains_key("code") || self.0.contains_key("error");
        if complete { Ok(()) } else { Err(Stray::Incomplete) }
    }

    /// The code. `issuer`: who was asked; `named`: whether its answers always say who they are from (RFC 9207).
    pub(crate) fn code(&self, place: &str, issuer: &str, named: bool) -> Result<Secret> {
        match self.0.get("iss") {
            Some(own) if own != issuer => return Err(foreign(place)),
            None if named => return Err(foreign(place)),
            _ => {}
        }
        match (self.0.get("error"), self.0.get("code").filter(|code| !code.is_empty())) {
            (Some(error), _) => Err(self.refusal(place, error)),
            (None, Some(code)) => Ok(Secret::new(code.clone())),
            (None, None) => {
                Err(Error::new(ErrorCode::UnexpectedAnswer, format!("{place} sent the browser back without a code"))
                    .hint("nothing was kept; sign in again"))
            }
        }
    }

    fn refusal(&self, place: &str, error: &str) -> Error {
        let clean = |text: &str| {
            // It comes from outside, and stands between backticks.
            let text: String = text.chars().filter(|c| !c.is_control() && *c != '`').take(WORDS).collect();
            redact::redact(text.trim())
        };
        let words = self.0.get("error_description").map(|text| clean(text)).unwrap_or_default();
        let words = if words.is_empty() { String::new() } else { format!(": `{words}`") };
        let hint = match error {
            "access_denied" => "sign in again, and allow it; or ask whoever administers the account",
            "login_required" | "interaction_required" | "consent_required" => {
                "sign in again, and answer in the browser"
            }
            "unauthorized_client" | "invalid_request" => {
                "look at the client: it has to be of the kind `spa`, and this machine's callback has to be registered for it"
            }
            "server_error" | "temporarily_unavailable" => "try again later",
            _ => "sign in again, and ask who runs the authority if it stays so",
        };
        Error::new(ErrorCode::NotSignedIn, format!("{place} refused to sign in (`{}`{words})", clean(error))).hint(hint)
    }
}

fn foreign(place: &str) -> Error {
    Error::new(ErrorCode::UnexpectedAnswer, format!("the browser's answer isn't from {place} (`iss`)"))
        .hint("nothing was kept; sign in again, and only at the address that is printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://auth.example.com/";

    fn code(query: &str, named: bool) -> Result<String> {
        let answer = Answer::read(query).unwrap();
        answer.code("`auth.example.com`", ISSUER, named).map(Secret::into_exposed)
    }

    #[test]
    fn a_code_comes_from_who_was_asked() {
        assert_eq!(code("code=c1&state=s", false).unwrap(), "c1");
        assert_eq!(code("code=c1&state=s&iss=https%3A%2F%2Fauth.example.com%2F", true).unwrap(), "c1");
        for (query, named) in [
            ("code=c1&state=s", true),
            ("code=c1&state=s&iss=https://evil.example.com/", false),
            ("code=&state=s", false),
        ] {
            let error = code(query, named).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnexpectedAnswer, "{query}");
        }
    }

    #[test]
    fn a_refusal_is_told_without_what_harms() {
        let error =
            code("error=access_denied&error_description=no%1b%5b31m+`way`%0a&state=s&code=x", false).unwrap_err();
        assert_eq!(error.message, "`auth.example.com` refused to sign in (`access_denied`: `no[31m way`)");
        assert!(code("error=%e2%80%ae&state=s", false).is_err());
    }

    #[test]
    fn a_stray_answer_is_told_from_one_that_counts() {
        let attempt = Attempt::begin("x".to_owned(), 1, None);
        let state = attempt.state.expose();
        for (query, expected) in [
            (format!("code=1&state={state}"), Ok(())),
            (format!("error=x&state={state}"), Ok(())),
            (format!("state={state}"), Err(Stray::Incomplete)),
            ("code=1".to_owned(), Err(Stray::Incomplete)),
            ("code=1&state=".to_owned(), Err(Stray::Foreign)),
            (format!("code=1&state={state}x"), Err(Stray::Foreign)),
        ] {
            assert_eq!(Answer::read(&query).unwrap().check(&attempt), expected, "{query}");
        }
    }

    #[test]
    fn an_address_that_was_copied_is_whole() {
        for good in ["http://127.0.0.1:3003/callback?code=1&state=2", " http://x/?error=a&state=2\n"] {
            assert!(Answer::from_address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "code",
            "http://127.0.0.1:3003/callback",
            "http://x/?code=1",
            "http://x/?state=1",
            "http://x/?state=1&state=2&code=3",
        ] {
            let Err(error) = Answer::from_address(bad) else { panic!("{bad}") };
            assert_eq!(error.code, ErrorCode::Usage, "{bad}");
        }
    }
}
