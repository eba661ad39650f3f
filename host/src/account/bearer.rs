//! Tells what kind of token somebody has configured, from its documented form alone: nothing is verified and nothing is sent.

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::auth::authority::AUDIENCE;
use crate::error::{Error, quoted, usage};
use crate::input::date;
use crate::redact;

/// Refuses a bearer that can't work, before any request.
pub(crate) fn check(bearer: &str, source: &str) -> Result<(), Error> {
    if bearer.is_empty() || !bearer.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(malformed(source));
    }
    if is_api_access_token(bearer) {
        let jti = redact::redact(bearer);
        return Err(Error::new(
            ErrorCode::WrongCredential,
            format!("the bearer from {source} is an API Access Token (`{jti}`), which can't manage credentials"),
        )
        .hint("use an OAuth access token, as `carto auth login` gets one; API Access Tokens are for the data APIs"));
    }
    Ok(())
}

/// Refuses a bearer that is over, by its own word.
pub(crate) fn check_end(bearer: &str, source: &str, now: Timestamp) -> Result<(), Error> {
    match redact::end(bearer) {
        Some(end) if end <= now => {
            let message = format!("the bearer from {source} expired at {}", date::shown(end));
            let way = if TokenKind::of(bearer) == TokenKind::Machine { " --m2m" } else { "" };
            Err(Error::new(ErrorCode::NotSignedIn, message).hint(format!(
                "leave {source} out and sign in with `carto auth login{way}`, or give another bearer: one lasts a day"
            )))
        }
        _ => Ok(()),
    }
}

/// The kind of a token, for people and for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    User,
    Machine,
    ApiAccessToken,
    Opaque,
}

impl TokenKind {
    /// By its documented form alone.
    pub(crate) fn of(bearer: &str) -> TokenKind {
        if is_api_access_token(bearer) {
            return TokenKind::ApiAccessToken;
        }
        match redact::payload(bearer) {
            Some(payload) if payload["sub"].as_str().is_some_and(|sub| sub.ends_with("@clients")) => TokenKind::Machine,
            Some(payload) if payload.is_object() => TokenKind::User,
            _ => TokenKind::Opaque,
        }
    }

    /// `oauth_user`, for scripts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            TokenKind::User => "oauth_user",
            TokenKind::Machine => "oauth_m2m",
            TokenKind::ApiAccessToken => "api_access_token",
            TokenKind::Opaque => "opaque",
        }
    }

    /// For people.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            TokenKind::User => "OAuth access token of a user",
            TokenKind::Machine => "OAuth access token of a machine",
            TokenKind::ApiAccessToken => "API Access Token, which can't manage credentials",
            TokenKind::Opaque => "an opaque one (its form tells nothing)",
        }
    }
}

/// The error for a bearer that isn't one word.
pub(super) fn malformed(source: &str) -> Error {
    usage(format!("the bearer from {source} is empty or holds white space"))
        .hint("give the token alone, without `Bearer` and without line breaks")
}

/// Documented: an API Access Token is an HS256 JWT with `a` and `jti`; an OAuth access token is RS256 with `kid`.
fn is_api_access_token(bearer: &str) -> bool {
    let (Some(header), Some(payload)) = (redact::header(bearer), redact::payload(bearer)) else { return false };
    header["alg"] == "HS256" && payload.get("a").is_some() && payload.get("jti").is_some()
}

/// What to do about a bearer of which nothing can be told.
pub(super) const UNKNOWN: &str = "give another, and look that it belongs to this address";

/// Why a bearer that a service doesn't accept can't be accepted, if its form tells, and what to do: its time is over, or it was made for
/// something else.
pub(super) fn fault(bearer: &str, now: Timestamp) -> Option<(String, &'static str)> {
    let payload = redact::payload(bearer)?;
    if let Some(end) = redact::end(bearer)
        && end <= now
    {
        return Some((
            format!("it expired at {}", date::shown(end)),
            "sign in again with `carto auth login`: an access token lasts a day",
        ));
    }
    let audiences: Vec<&str> = match &payload["aud"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    (!audiences.is_empty() && !audiences.contains(&AUDIENCE)).then(|| {
        let made_for = quoted(&audiences);
        (
            format!("it was made for {made_for}, not for `{AUDIENCE}`"),
            "look which address the bearer was made for; `carto auth login` gets one for CARTO",
        )
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn jwt(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn kinds_of_tokens_are_told_apart() {
        let api = jwt(r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"a":"ac_1","jti":"1a2b3c4d"}"#);
        let oauth = jwt(r#"{"alg":"RS256","kid":"k"}"#, r#"{"iss":"https://auth.carto.com/","sub":"x"}"#);
        let error = check(&api, "`--token`").unwrap_err();
        assert_eq!(error.code, ErrorCode::WrongCredential);
        assert!(error.message.contains("1a2b3c4d") && !error.message.contains(&api));
        assert!(check(&oauth, "`--token`").is_ok());
        assert!(check("opaque", "`--token`").is_ok());
        let machine = jwt(r#"{"alg":"RS256","kid":"k"}"#, r#"{"sub":"x@clients"}"#);
        assert_eq!(
            [&api, &oauth, &machine, "opaque"].map(|token| TokenKind::of(token).word()),
            ["api_access_token", "oauth_user", "oauth_m2m", "opaque"]
        );
        for bad in ["", "two words", "line\nbreak", "ünicode"] {
            assert_eq!(check(bad, "`--token`").unwrap_err().code, ErrorCode::Usage, "{bad:?}");
        }
    }

    #[test]
    fn a_refused_bearer_says_why_where_it_can() {
        let said = |payload: &str| {
            fault(&jwt(r#"{"alg":"RS256","kid":"k"}"#, payload), Timestamp::from_second(1000).unwrap())
                .map(|said| said.0)
        };
        assert_eq!(said(r#"{"exp": 999}"#).unwrap(), "it expired at 1970-01-01T00:16:39Z");
        assert_eq!(said(r#"{"exp": 1001, "aud": "carto-cloud-native-api"}"#), None);
        assert_eq!(said(r#"{"aud": ["x", "carto-cloud-native-api"]}"#), None);
        assert_eq!(said(r#"{"aud": "x"}"#).unwrap(), "it was made for `x`, not for `carto-cloud-native-api`");
        assert_eq!(said(r#"{"exp": 1e300, "aud": 7}"#), None);
        assert_eq!(fault("opaque", Timestamp::UNIX_EPOCH), None);
    }
}
