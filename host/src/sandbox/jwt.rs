//! API Access Tokens: HS256 JWTs of an account and a `jti`, with no expiry and no grants inside. They are signed
//! anew whenever one is shown, so that none is stored. Where the key comes from is the store's business.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

/// `{"alg":"HS256","typ":"JWT"}`, the header of CARTO's documented examples: no `kid`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

#[derive(Serialize, Deserialize)]
struct Payload {
    a: String,
    jti: String,
}

/// An account, and the key that signs in its name.
pub(super) struct Account {
    id: String,
    key: hmac::Key,
}

impl Account {
    pub(super) fn new(id: String, key: &[u8]) -> Account {
        Account { id, key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn token(&self, jti: &str) -> serde_json::Result<String> {
        let payload = serde_json::to_vec(&Payload { a: self.id.clone(), jti: jti.to_owned() })?;
        let mut token = format!("{HEADER}.{}", BASE64.encode(payload));
        let signature = hmac::sign(&self.key, token.as_bytes());
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The `jti` of a token that carries this signature; `None` for any other text.
    pub(super) fn verified_jti(&self, token: &str) -> Option<String> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        let payload: Payload = decode(payload)?;
        (payload.a == self.id).then_some(payload.jti)
    }
}

/// Whether `text` has the form of an API Access Token, whoever signed it.
pub(super) fn is_api_access_token(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    decode(header).is_some_and(|header: Header| header.alg == "HS256") && decode::<Payload>(payload).is_some()
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64.decode(part).ok()?).ok()
}
