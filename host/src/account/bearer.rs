//! Tells what kind of token somebody has configured, from its documented form alone: nothing is verified and nothing is sent.

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::{Error, quoted, usage};
use crate::input::date;
use crate::redact;

/// Refuses a bearer that can't work, before any request.
pub(super) fn check(bearer: &str, source: &str) -> Result<(), Error> {
    if bearer.is_empty() || !bearer.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(malformed(source));
    }
    if is_api_access_token(bearer) {
        let jti = redact::redact(bearer);
        return Err(Error::new(
            ErrorCode::WrongCredential,
            format!("the bearer from {source} is an API Access Token (`{jti}`), which can't manage credentials"),
        )
        .hint("use an OAuth access token, as signing in with CARTO's own command line gives; API Access Tokens are for the data APIs"));
    }
    Ok(())
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
pub(super) const UNKNOWN: &str = "sign in again, and look that the bearer belongs to this address";

/// Documented: the audience of CARTO's own access tokens.
const AUDIENCE: &str = "carto-cloud-native-api";

/// Why a bearer that a service doesn't accept can't be accepted, if its form tells, and what to do: its time is over, or it was made for
/// something else.
pub(super) fn fault(bearer: &str, now: Timestamp) -> Option<(String, &'static str)> {
    let payload = redact::payload(bearer)?;
    if let Some(end) = redact::end(bearer)
        && end <= now
    {
        return Some((format!("it expired at {}", date::shown(end)), "sign in again: an access token lasts a day"));
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
            "look which address the bearer was made for; signing in with CARTO's own command line gives one for CARTO",
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
