//! From a code to tokens: the exchange at the token endpoint, and the id token that has to come with it.

use carto_plugin_api::{ErrorCode, Secret};
use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, Client, ClientId, ExtraTokenFields, PkceCodeVerifier, RedirectUrl,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::{Answer, Attempt};
use crate::auth::exchange::{Grant, refused};
use crate::auth::id_token::{self, Expected};
use crate::auth::metadata::Metadata;
use crate::auth::{Authority, Http, Tokens, http};
use crate::error::{Error, Result};

/// What OpenID Connect adds to the answer of a token endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<Secret>,
}

impl ExtraTokenFields for WithIdToken {}

type OpenIdClient = Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

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
    let client = OpenIdClient::new(ClientId::new(attempt.client_id.clone()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(metadata.token.clone()))
        .set_redirect_uri(RedirectUrl::new(attempt.redirect.clone()).map_err(unusable)?);
    let send = |request| http.send(request);
    let given = client
        .exchange_code(AuthorizationCode::new(code.into_exposed()))
        .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().clone()))
        .request_async(&send)
        .await
        .map_err(|refusal| refused(authority, &attempt.client_id, Grant::Code, refusal))?;
    if *given.token_type() != BasicTokenType::Bearer {
        let message = format!("{} gave a token that isn't a bearer", authority.place());
        return Err(Error::new(ErrorCode::UnexpectedAnswer, message).hint("nothing was kept; look at the issuer"));
    }
    let now = Timestamp::now();
    let mut tokens = Tokens::of(&given, now);
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
