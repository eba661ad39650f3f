//! An id token, verified as OpenID Connect asks it of a client (Core 3.1.3.7): who signed it, for whom, for which sign-in, and when.

use carto_plugin_api::ErrorCode;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
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
    let keys = candidates(keys, header.kid.as_deref(), header.alg)?;
    let mut validation = Validation::new(header.alg);
    // What it says is judged above: by a clock that is handed in, and more strictly.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    for key in keys {
        match decode::<Claims>(id_token, &key, &validation) {
            Ok(decoded) => return Ok(decoded.claims),
            // Another of the same name may have signed it.
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(_) => return Err(refused("it doesn't say what an id token has to")),
        }
    }
    Err(refused("its signature is wrong"))
}

/// The keys that can have signed it: those of the name that it gives, of which there can be several while one follows another (RFC 7517 4.5), or,
/// where it gives none, the only one that is for this way to sign (OpenID Connect Core 10.1).
fn candidates(keys: &Value, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>> {
    let keys = keys["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = keys.iter().filter(|key| kid.is_none_or(|kid| key["kid"] == kid));
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for key in named {
        match usable(key, algorithm) {
            Ok(key) => good.push(key),
            Err(fault) => faults.push(fault),
        }
    }
    match (good.len(), kid) {
        (0, Some(_)) => Err(faults
            .into_iter()
            .next()
            .unwrap_or_else(|| refused("it is signed with a key that the authority doesn't name (`kid`)"))),
        (0, None) => Err(refused("the authority names no key that can have signed it")),
        (1, None) | (_, Some(_)) => Ok(good),
        (_, None) => Err(refused("it doesn't say which key signed it (`kid`)")),
    }
}

/// A key, if it is for signing in this way.
fn usable(key: &Value, algorithm: Algorithm) -> Result<DecodingKey> {
    let unusable = || refused("the key that signed it can't be used");
    if key["use"].as_str().is_some_and(|purpose| purpose != "sig") {
        return Err(unusable());
    }
    let jwk = Jwk::deserialize(key).map_err(|_| unusable())?;
    if key["alg"].as_str().is_some() && key["alg"] != format!("{algorithm:?}") {
        return Err(refused("it is signed in a way that its key isn't for (`alg`)"));
    }
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let is_of_its_sort = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), RS256 | RS384 | RS512 | PS256 | PS384 | PS512) => true,
        (AlgorithmParameters::EllipticCurve(key), ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), EdDSA) => key.curve == EllipticCurve::Ed25519,
        // A shared secret among them: whoever has the key could sign.
        _ => false,
    };
    if !is_of_its_sort {
        return Err(match jwk.algorithm {
            AlgorithmParameters::Other(_) => unusable(),
            _ => refused("its key is of another sort (`alg`)"),
        });
    }
    DecodingKey::from_jwk(&jwk).map_err(|_| unusable())
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
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header, encode};
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
            ("no name, and no key", json!({ "alg": "RS256" }), rsa(&[("use", "enc".into())]), "names no key"),
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

    /// A key of this name, and what it signs: with a name or without.
    fn key(kid: Option<&str>) -> (Value, impl Fn(Option<&str>) -> String) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let mut public =
            json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) });
        if let Some(kid) = kid {
            public["kid"] = kid.into();
        }
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let claims = json!({ "iss": "https://auth.example.com/", "aud": "x", "nonce": "n", "exp": 60, "iat": 0 });
        let sign = move |kid: Option<&str>| {
            let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::ES256) };
            encode(&header, &claims, &private).unwrap()
        };
        (public, sign)
    }

    #[test]
    fn whichever_key_can_have_signed_it_is_tried() {
        let (own, sign) = key(Some("a"));
        let (same_name, _) = key(Some("a"));
        let (other_name, _) = key(Some("b"));
        let (nameless, sign_nameless) = key(None);
        let rsa = json!({ "kty": "RSA", "kid": "a", "n": "sXchbWFk", "e": "AQAB" });
        let changed = |name: &str, value: &str| {
            let mut key = own.clone();
            key[name] = value.into();
            key
        };
        let (named, unnamed) = (sign(Some("a")), sign(None));
        for (what, token, keys, why) in [
            ("one", &named, vec![&own], None),
            ("one of two names", &named, vec![&other_name, &own], None),
            ("first of one name", &named, vec![&own, &same_name], None),
            ("second of one name", &named, vec![&same_name, &own], None),
            ("beside one of another sort", &named, vec![&rsa, &own], None),
            ("beside one for encryption", &named, vec![&changed("use", "enc"), &own], None),
            ("none of that name", &sign(Some("c")), vec![&own, &nameless], Some("doesn't name")),
            ("none of those", &named, vec![&same_name, &same_name], Some("signature is wrong")),
            ("for another way only", &named, vec![&changed("alg", "ES384"), &other_name], Some("isn't for")),
            ("on another curve", &named, vec![&changed("crv", "P-384")], Some("another sort")),
            ("no name, one key", &unnamed, vec![&own], None),
            ("no name anywhere", &sign_nameless(None), vec![&nameless], None),
            ("no name, one that is usable", &unnamed, vec![&rsa, &own, &changed("use", "enc")], None),
            ("no name, another's key", &unnamed, vec![&nameless], Some("signature is wrong")),
            ("no name, two keys", &unnamed, vec![&own, &other_name], Some("which key signed it")),
            ("no name, none that is usable", &unnamed, vec![&rsa], Some("names no key")),
        ] {
            let expected = Expected {
                issuer: "https://auth.example.com/",
                client_id: "x",
                nonce: "n",
                algorithms: &[Algorithm::ES256],
                now: Timestamp::UNIX_EPOCH,
            };
            let found = verify(token, &json!({ "keys": keys }), &expected);
            match why {
                None => assert!(found.is_ok(), "{what}: {found:?}"),
                Some(why) => assert!(found.as_ref().is_err_and(|e| e.message.contains(why)), "{what}: {found:?}"),
            }
            // However good the key is: the authority says in which ways it signs.
            let refused =
                verify(token, &json!({ "keys": keys }), &Expected { algorithms: &[Algorithm::RS256], ..expected });
            assert!(refused.is_err_and(|e| e.message.contains("doesn't use")), "{what}");
        }
    }
}
