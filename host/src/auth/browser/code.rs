//! From a code to tokens: the exchange at the token endpoint, and the id token that has to come with it.

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use oauth2::{AuthorizationCode, PkceCodeVerifier, RedirectUrl};

use super::{Answer, Attempt};
use crate::auth::exchange::{self, Grant, refused};
use crate::auth::id_token::{self, Expected};
use crate::auth::metadata::Metadata;
use crate::auth::{Authority, Http, Tokens, http};
use crate::error::{Error, Result};

/// Exchanges what the browser brought back. The answer has to be one to this attempt, which whoever calls has seen to.
pub(crate) async fn exchange(
    http: &Http,
    authority: &Authority,
    metadata: &Metadata,
    attempt: &Attempt,
    answer: &Answer,
) -> Result<Tokens> {
    let code = answer.code(&authority.place(), authority.issuer.as_str(), metadata.names_itself)?;
    let unusable = |_| Error::new(ErrorCode::Failed, "the address that the browser came back to can't be used");
    let authority = Authority { token: Some(metadata.token.clone()), ..authority.clone() };
    let client = exchange::client(&authority, &attempt.client_id, None)
        .set_redirect_uri(RedirectUrl::new(attempt.redirect.clone()).map_err(unusable)?);
    let send = |request| http.send(request);
    let given = client
        .exchange_code(AuthorizationCode::new(code.into_exposed()))
        .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().clone()))
        .request_async(&send)
        .await
        .map_err(|refusal| refused(&authority, &attempt.client_id, Grant::Code, refusal))?;
    let now = Timestamp::now();
    let mut tokens = Tokens::of(&given, &authority, now)?;
    let id_token = given.extra_fields().id_token.as_ref().ok_or_else(|| {
        Error::new(
            ErrorCode::UnexpectedAnswer,
            format!("{} gave no id token, though one was asked for", authority.place()),
        )
        .hint("nothing was kept; ask who runs the authority whether the client may use the scope `openid`")
    })?;
    let expected = Expected {
        issuer: authority.issuer.as_str(),
        client_id: &attempt.client_id,
        nonce: attempt.nonce.expose(),
        algorithms: &metadata.algorithms,
        now,
    };
    tokens.user_email = id_token::verify(id_token.expose(), &keys(http, metadata).await?, &expected)?.email;
    Ok(tokens)
}

/// The authority's keys, asked for once a sign-in.
async fn keys(http: &Http, metadata: &Metadata) -> Result<serde_json::Value> {
    let answer = http.get(&metadata.keys, None).await?;
    let keys = http::json(&answer).filter(|_| answer.status().is_success());
    keys.ok_or_else(|| {
        let place = crate::address::place(&metadata.keys);
        Error::new(ErrorCode::UnexpectedAnswer, format!("{place} doesn't hand out the keys that sign id tokens"))
            .hint("nothing was kept; sign in again, and ask who runs the authority if it stays so")
    })
}
