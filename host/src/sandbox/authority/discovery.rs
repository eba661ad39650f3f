//! What clients read before they begin: where the endpoints are, what they can do, and the key that verifies tokens.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use jsonwebtoken::jwk::JwkSet;
use rusqlite::Transaction;
use serde_json::json;

use super::issuer::Issuer;
use super::{keys, scope};
use crate::sandbox::Sandbox;
use crate::sandbox::answer::{self, Refusal};

/// `GET /.well-known/openid-configuration`. It says what there is, and nothing that there isn't.
pub(super) async fn configuration(Extension(issuer): Extension<Issuer>) -> Result<Response, Refusal> {
    let at = |path: &str| format!("{}{path}", issuer.origin());
    let scopes = [&scope::OPENID[..], &scope::API[..]].concat();
    answer::ok(&json!({
        "issuer": issuer.url(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "revocation_endpoint": at("/oauth/revoke"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "web_message"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "nickname", "email", "email_verified",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

/// `GET /.well-known/jwks.json`.
pub(super) async fn keys(State(sandbox): State<Sandbox>) -> Result<Response, Refusal> {
    let find = |tx: &Transaction<'_>| Ok::<_, Refusal>(keys::find(tx)?);
    let key = match sandbox.inner.store.read(find).await? {
        Some(key) => key,
        None => sandbox.inner.store.write(|tx: &Transaction<'_>| keys::find_or_make(tx)).await?,
    };
    answer::ok(&JwkSet { keys: vec![key.jwk().clone()] })
}
