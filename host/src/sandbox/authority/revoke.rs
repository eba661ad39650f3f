//! `POST /oauth/revoke` (RFC 7009): a client ends what it was given. A refresh token ends with all that belongs to it, an
//! access token alone.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rusqlite::Transaction;

use super::access_token;
use super::authorizations;
use super::client::Presented;
use super::oauth_error::OauthError;
use super::parameters::Parameters;
use crate::sandbox::Sandbox;

/// What is unknown, over or another client's is answered as what was revoked: nobody learns whose a token is.
pub(super) async fn revoke(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<StatusCode, OauthError> {
    let presented = Presented::read(&headers, &parameters)?;
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let client = presented.authenticate(tx, &headers)?;
        let token = parameters.required("token")?;
        if let Some((authorization, _)) = authorizations::find_by_refresh_token(tx, token)? {
            if authorization.client_id == client.client_id {
                authorizations::end(tx, &authorization.id)?;
            }
            return Ok(StatusCode::OK);
        }
        let access_token = match access_token::verified(tx, token, now) {
            Err(refusal) if refusal.is_unauthorized() => None,
            read => read?,
        };
        if let Some(token) = access_token.filter(|token| token.client_id() == client.client_id) {
            tx.execute("DELETE FROM revoked WHERE ends_at <= ?1", [now.as_second()])?;
            tx.execute("INSERT OR IGNORE INTO revoked (jti, ends_at) VALUES (?1, ?2)", (&token.jti, token.exp))?;
        }
        Ok::<_, OauthError>(StatusCode::OK)
    };
    sandbox.inner.store.write(write).await
}
