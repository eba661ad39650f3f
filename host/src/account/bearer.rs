//! Tells what kind of token somebody has configured, from its documented form alone: nothing is verified and nothing is sent.

use carto_plugin_api::ErrorCode;

use crate::error::{Error, usage};
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
}
