//! Secrets that are made up to be looked for: wherever one turns up, it came from where this suite put it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How many letters tell one: less than all, so that the beginning of a secret is found too.
const TELLING: usize = 12;

/// What the service gives as a credential's secret.
const RECORD: &str = "k9Xc4nRy7Qv2ZtB8mWd3LpF6hGs5JrN1aEu0TyIo";
/// What the user gives as an option of the type `secret`.
const OPTION: &str = "p3Vc4nRy8Hs1MxK7wQz5BfD2gTj9LnR4eCu6YaIo";
/// What the service says of something that it refuses.
const ECHO: &str = "r5Zc4nRy2Jd8NwT6kXb1VhQ9fPs3GmL7aUe4CyIo";
/// What is typed where an id belongs.
const TYPED: &str = "t7Hc4nRy5Wb3KzP1mXs9DqF8gVj2LnT6eRu4CaIo";

/// The secret of one credential of the service's.
pub(super) fn of_record(number: usize) -> String {
    format!("{RECORD}{number:0>24}")
}

pub(super) fn of_option() -> String {
    OPTION.to_owned()
}

pub(super) fn echoed() -> String {
    ECHO.to_owned()
}

/// A token, as somebody types it in place of its id.
pub(super) fn typed() -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    format!("{}.{}.{TYPED}", part(r#"{"alg":"HS256"}"#), part(r#"{"jti":"1a2b3c4d"}"#))
}

/// Where a secret that was found was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Record,
    Option,
    Echo,
    Typed,
}

impl Origin {
    /// What it is, in a sentence.
    pub(super) fn what(self) -> &'static str {
        match self {
            Origin::Record => "a credential's secret",
            Origin::Option => "the value of a secret option",
            Origin::Echo => "a secret that the service repeats when it refuses something",
            Origin::Typed => "a credential that was typed in place of an id",
        }
    }
}

const ALL: [(Origin, &str); 4] =
    [(Origin::Record, RECORD), (Origin::Option, OPTION), (Origin::Echo, ECHO), (Origin::Typed, TYPED)];

/// A secret in a text, or the beginning of one.
pub(super) fn found(text: &str) -> Option<Origin> {
    let text = text.to_ascii_lowercase();
    ALL.iter().find(|(_, secret)| text.contains(&secret[..TELLING].to_ascii_lowercase())).map(|(origin, _)| *origin)
}

/// The text without them, to be shown.
pub(super) fn hidden(text: &str) -> String {
    let mut shown = text.replace(&typed(), "[secret]");
    for (_, secret) in ALL {
        let start = secret[..TELLING].to_ascii_lowercase();
        // Lower case changes no length here.
        while let Some(at) = shown.to_ascii_lowercase().find(&start) {
            let length = shown[at..].find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(shown.len() - at);
            shown.replace_range(at..at + length, "[secret]");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_and_hidden_in_any_case_and_cut() {
        for (text, origin) in [
            (of_record(7), Origin::Record),
            (of_option().to_uppercase(), Origin::Option),
            (echoed()[..20].to_owned(), Origin::Echo),
            (typed(), Origin::Typed),
        ] {
            let text = format!("é the key `{text}` isn't one");
            assert_eq!(found(&text), Some(origin));
            assert!(found(&hidden(&text)).is_none() && hidden(&text).ends_with("[secret]` isn't one"), "{text}");
        }
        assert_eq!(found("nothing"), None);
    }

    /// So that what a host hides of a service's words is hidden here too.
    #[test]
    fn a_secret_looks_like_one() {
        for secret in [of_record(1), of_option(), echoed()] {
            assert_eq!(crate::redact::redact(&format!("no {secret} here")), "no [hidden] here");
        }
        assert_eq!(crate::redact::redact(&typed()), "1a2b3c4d");
    }
}
