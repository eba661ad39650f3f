//! What an id token says: who signed in, where and when, to one client. It opens nothing.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sandbox::authority::authorizations::Authorization;
use crate::sandbox::authority::issuer::Issuer;
use crate::sandbox::authority::user::User;

/// How many seconds it may be believed: ten hours.
const LIFETIME: i64 = 36_000;

pub(super) fn claims(
    issuer: &Issuer,
    client_id: &str,
    user: &User,
    scope: &str,
    nonce: Option<&str>,
    authorization: &Authorization,
    now: Timestamp,
) -> Map<String, Value> {
    let mut claims = user.claims(scope);
    let iat = now.as_second();
    claims.insert("iss".to_owned(), json!(issuer.url()));
    claims.insert("aud".to_owned(), json!(client_id));
    claims.insert("iat".to_owned(), json!(iat));
    claims.insert("exp".to_owned(), json!(iat + LIFETIME));
    claims.insert("auth_time".to_owned(), json!(authorization.signed_in_at));
    if let Some(nonce) = nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims
}
