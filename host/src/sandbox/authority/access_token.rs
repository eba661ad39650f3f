//! Access tokens: what they say, and which of them are still worth something. They act as the account's owner,
//! whatever their scope.

use aws_lc_rs::error::Unspecified;
use axum::http::StatusCode;
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use super::issuer::Issuer;
use super::{keys, scope};
use crate::sandbox::answer::Refusal;
use crate::sandbox::clients::Registered;
use crate::sandbox::random;

/// What CARTO's access tokens are for, documented.
pub(super) const AUDIENCE: &str = "carto-cloud-native-api";

/// How many seconds one works, documented.
pub(super) const LIFETIME: i64 = 86_400;

/// The claims, in the shape that CARTO documents; the last two are the sandbox's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct AccessToken {
    iss: String,
    /// The user, or `<client_id>@clients` for a machine.
    pub(super) sub: String,
    aud: String,
    iat: i64,
    pub(super) exp: i64,
    azp: String,
    pub(super) scope: String,
    permissions: Vec<String>,
    /// A handle that is safe to show, by which one token can be revoked.
    pub(super) jti: String,
    /// The authorization that it came of; a machine's has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorization_id: Option<String>,
}

impl AccessToken {
    /// A token of `client_id` for `sub`, from now on.
    pub(super) fn new(
        issuer: &Issuer,
        client_id: &str,
        sub: String,
        scope: String,
        now: Timestamp,
    ) -> Result<AccessToken, Unspecified> {
        let iat = now.as_second();
        Ok(AccessToken {
            iss: issuer.url(),
            sub,
            aud: AUDIENCE.to_owned(),
            iat,
            exp: iat + LIFETIME,
            azp: client_id.to_owned(),
            scope,
            permissions: scope::API.map(str::to_owned).to_vec(),
            jti: random::hex(16)?,
            authorization_id: None,
        })
    }

    /// The client that it was given to.
    pub(super) fn client_id(&self) -> &str {
        &self.azp
    }
}

/// Reads a bearer. `None` if it doesn't even look like an access token; a refusal says why one isn't accepted.
pub(in crate::sandbox) fn verified(
    tx: &Transaction<'_>,
    bearer: &str,
    now: Timestamp,
) -> Result<Option<AccessToken>, Refusal> {
    let refused = |message: String| Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
    if !jsonwebtoken::decode_header(bearer).is_ok_and(|header| header.alg == Algorithm::RS256) {
        return Ok(None);
    }
    let Some(token) = keys::find(tx)?.and_then(|key| key.verified::<AccessToken>(bearer)) else {
        return refused("The bearer is not an access token that this sandbox signed".to_owned());
    };
    if token.aud != AUDIENCE {
        return refused(format!("The access token is not for `{AUDIENCE}`"));
    }
    if now.as_second() >= token.exp {
        let ended = Timestamp::from_second(token.exp).map(|time| format!(" at {time}")).unwrap_or_default();
        return refused(format!("The access token expired{ended}"));
    }
    if Registered::find(tx, &token.azp)?.is_none() {
        return refused("The access token's OAuth client was deleted".to_owned());
    }
    if is_ended(tx, &token)? {
        return refused("The access token was revoked".to_owned());
    }
    Ok(Some(token))
}

fn is_ended(tx: &Transaction<'_>, token: &AccessToken) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM revoked WHERE jti = ?1) \
               OR (?2 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM authorizations WHERE id = ?2))";
    tx.query_row(sql, (&token.jti, &token.authorization_id), |row| row.get(0))
}
