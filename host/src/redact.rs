//! Takes credentials out of text that will be shown. A user's own words come back in messages, and a service's words too: both can
//! hold a token that was pasted in the wrong place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

/// What stands in place of a secret.
pub(crate) const HIDDEN: &str = "[hidden]";

/// The text with everything that looks like a credential replaced: a JWT by its `jti` (a handle that is safe to show), any other long
/// mixed word by `[hidden]`.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(in_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !in_word(c)).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(&redact_word(word));
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The same, and without these secrets wherever they stand in it.
pub(crate) fn hide(text: &str, secrets: &[String]) -> String {
    let hidden = secrets.iter().filter(|secret| !secret.is_empty());
    redact(&hidden.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN)))
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn redact_word(word: &str) -> String {
    if let Some(at) = word.find("eyJ")
        && word[at..].matches('.').count() >= 2
    {
        let jti = payload(&word[at..]).and_then(|payload| payload["jti"].as_str().map(str::to_owned));
        // Words around a token, joined to it by a dot or a dash, go with it.
        return jti.filter(|jti| jti.len() <= 64 && jti.chars().all(in_word)).unwrap_or_else(|| HIDDEN.to_owned());
    }
    if word.split('.').any(is_secret_like) { HIDDEN.to_owned() } else { word.to_owned() }
}

/// Long, and changing between capitals, small letters and digits all the time: no name looks like that, and most secrets do.
fn is_secret_like(word: &str) -> bool {
    let class = |b: &u8| match b {
        b'0'..=b'9' => Some(0),
        b'a'..=b'z' => Some(1),
        b'A'..=b'Z' => Some(2),
        _ => None,
    };
    let changes = word
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!((class(&pair[0]), class(&pair[1])), (Some(a), Some(b)) if a != b));
    word.len() >= 40 && changes.count() >= 8
}

/// What names a credential without being one: the `jti` of a JWT, anything else as it is.
pub(crate) fn handle(word: &str) -> String {
    match payload(word) {
        Some(payload) => payload["jti"].as_str().unwrap_or(HIDDEN).to_owned(),
        None => word.to_owned(),
    }
}

/// The public handle inside a JWT, if it is one that has it.
pub(crate) fn jti(word: &str) -> Option<String> {
    payload(word)?["jti"].as_str().map(str::to_owned)
}

/// When a JWT ends by its own word; nothing for anything else.
pub(crate) fn end(word: &str) -> Option<Timestamp> {
    let seconds = &payload(word)?["exp"];
    Timestamp::from_second(seconds.as_i64().or_else(|| seconds.as_f64().map(|seconds| seconds as i64))?).ok()
}

/// The payload of a JWT, unverified: for telling what somebody holds, never for trusting it.
pub(crate) fn payload(jwt: &str) -> Option<Value> {
    part(jwt, 1)
}

/// The header of a JWT, unverified.
pub(crate) fn header(jwt: &str) -> Option<Value> {
    part(jwt, 0)
}

fn part(jwt: &str, index: usize) -> Option<Value> {
    let parts: Vec<&str> = jwt.split('.').collect();
    let [_, _, _] = parts[..] else { return None };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[index]).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jwt(payload: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_token_is_shown_as_its_jti() {
        let token = jwt(r#"{"a":"ac_1","jti":"1a2b3c4d"}"#);
        assert_eq!(redact(&format!("no kind `{token}` here")), "no kind `1a2b3c4d` here");
        assert_eq!(redact(&format!("--name={token}")), "--name=1a2b3c4d");
        assert_eq!(redact(&jwt("{}")), "[hidden]");
        assert_eq!(redact("eyJhbGciOiJIUzI1NiJ9.broken.x"), "[hidden]");
        assert_eq!(redact(&jwt(r#"{"jti":"\u001b[31m"}"#)), "[hidden]");
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "carto.shared.CARTO_*",
            "https://app.example.com/callback?x=1",
            "/usr/lib/carto/kinds/libcarto_kind_robot.so",
            "tok_7HfKq2mZ",
            "Store-locator-for-the-whole-of-the-european-market-2026",
            "select a, b from c where d = 'ü'",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in "\\PC{0,10}[ `'=/:]", secret in "([a-z0-9]{2,5}[.])?([a-z][A-Z][0-9]){4}[A-Za-z0-9_-]{40,60}([.][a-z]{1,3})?", after in "[ `'=/:]\\PC{0,10}") {
            let text = format!("{before}{secret}{after}");
            prop_assert!(!redact(&text).contains(&secret));
        }
    }
}
