//! An id token, verified as OpenID Connect asks it of a client (Core 3.1.3.7): who signed it, for whom, for which sign-in, and when.

use carto_plugin_api::ErrorCode;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// How far apart two clocks may be.
const LEEWAY: SignedDuration = SignedDuration::from_mins(3);

/// What an id token has to say.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    /// What was sent along with the browser.
    pub(crate) nonce: &'a str,
    /// How it may be signed, whatever it says itself.
    pub(crate) algorithms: &'a [Algorithm],
    pub(crate) now: Timestamp,
}

/// What it says of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) email: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Verifies an id token with the keys of the authority (a JWK set).
pub(crate) fn verify(id_token: &str, keys: &Value, expected: &Expected<'_>) -> Result<Identity> {
    let claims = signed(id_token, keys, expected.algorithms)?;
    if claims.iss != expected.issuer {
        return Err(refused("it is signed by another issuer (`iss`)"));
    }
    let is_own = |audience: &String| audience == expected.client_id;
    // Others that may use it aren't known here, and so aren't trusted.
    let for_us = match &claims.aud {
        Audience::One(audience) => is_own(audience),
        Audience::Many(all) => !all.is_empty() && all.iter().all(is_own),
    };
    if !for_us || !claims.azp.as_ref().is_none_or(is_own) {
        return Err(refused("it is for another client (`aud`, `azp`)"));
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(refused("it belongs to another sign-in (`nonce`)"));
    }
    if !is_after(claims.exp, expected.now, -LEEWAY) {
        return Err(refused("it has expired (`exp`)").hint(CLOCK));
    }
    let too_early = |time: f64| is_after(time, expected.now, LEEWAY);
    if too_early(claims.iat) || claims.nbf.is_some_and(too_early) {
        return Err(refused("it isn't valid yet (`iat`, `nbf`)").hint(CLOCK));
    }
    Ok(Identity { email: claims.email })
}

/// What is in it, if the authority has signed it.
fn signed(id_token: &str, keys: &Value, algorithms: &[Algorithm]) -> Result<Claims> {
    // An unknown `alg`, `none` among them, can't be read either.
    let header = decode_header(id_token).map_err(|_| refused("its head can't be read, or names no way to sign"))?;
    if !algorithms.contains(&header.alg) {
        return Err(refused("it is signed in a way that the authority doesn't use (`alg`)"));
    }
    let named = header.kid.as_deref().ok_or_else(|| refused("it doesn't say which key signed it (`kid`)"))?;
    let keys = keys["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let key = keys.iter().find(|key| key["kid"] == named);
    let key = key.ok_or_else(|| refused("it is signed with a key that the authority doesn't name (`kid`)"))?;
    let unusable = || refused("the key that signed it can't be used");
    if key["use"].as_str().is_some_and(|purpose| purpose != "sig") {
        return Err(unusable());
    }
    let jwk = Jwk::deserialize(key).map_err(|_| unusable())?;
    if key["alg"].as_str().is_some() && key["alg"] != format!("{:?}", header.alg) {
        return Err(refused("it is signed in a way that its key isn't for (`alg`)"));
    }
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| unusable())?;
    let mut validation = Validation::new(header.alg);
    // What it says is judged above: by a clock that is handed in, and more strictly.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let decoded = decode::<Claims>(id_token, &key, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => refused("its signature is wrong"),
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => refused("its key is of another sort (`alg`)"),
        _ => refused("it doesn't say what an id token has to"),
    })?;
    Ok(decoded.claims)
}

/// Whether a time of a token is later than now and so much.
fn is_after(time: f64, now: Timestamp, much: SignedDuration) -> bool {
    time > (now.as_second() + much.as_secs()) as f64
}

const CLOCK: &str = "nothing was kept; look whether this machine's clock is right, then sign in again";

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::UnexpectedAnswer, format!("the authority's id token isn't accepted: {why}"))
        .hint("nothing was kept; sign in again, and ask who runs the authority if it stays so")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    /// What is refused before a signature is looked at. With signatures, and all that is in a token: tests/it/auth_browser.rs.
    #[test]
    fn a_key_is_used_for_what_it_is_for() {
        let rsa = |change: &[(&str, Value)]| {
            let mut key = json!({ "kty": "RSA", "kid": "a", "n": "sXchbWFk", "e": "AQAB" });
            for (name, value) in change {
                key[*name] = value.clone();
            }
            json!({ "keys": [{ "kty": "from the future", "kid": "b" }, key] })
        };
        let named = json!({ "alg": "RS256", "kid": "a" });
        for (what, head, keys, why) in [
            ("no name", json!({ "alg": "RS256" }), rsa(&[]), "which key signed it"),
            ("another algorithm", json!({ "alg": "RS512", "kid": "a" }), rsa(&[]), "doesn't use"),
            ("for encryption", named.clone(), rsa(&[("use", "enc".into())]), "can't be used"),
            ("for another algorithm", named.clone(), rsa(&[("alg", "PS256".into())]), "isn't for"),
            ("a secret", named.clone(), rsa(&[("kty", "oct".into()), ("k", "c2VjcmV0".into())]), "of another sort"),
            ("of a sort that isn't known", json!({ "alg": "RS256", "kid": "b" }), rsa(&[]), "can't be used"),
            ("without a number", named.clone(), rsa(&[("n", Value::Null)]), "can't be used"),
            ("no keys", named.clone(), json!([]), "doesn't name"),
            ("not signed", named, rsa(&[]), "its signature is wrong"),
        ] {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let token = format!("{}.{}.c2ln", part(&head), part(&json!({})));
            let expected = Expected {
                issuer: "https://auth.example.com/",
                client_id: "x",
                nonce: "n",
                algorithms: &[Algorithm::RS256],
                now: Timestamp::UNIX_EPOCH,
            };
            let error = verify(&token, &keys, &expected).unwrap_err();
            assert!(error.message.contains(why), "{what}: {error}");
        }
    }
}
