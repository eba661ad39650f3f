//! The sandbox as an authority: OAuth 2 and OpenID Connect in the shape of CARTO's, as far as CARTO's clients use it. One
//! file an endpoint. Who a bearer's owner is to the other routes is decided in `auth.rs`.

mod access_token;
mod authorizations;
mod authorize;
mod client;
mod cors;
mod discovery;
mod hash;
mod issuer;
mod keys;
mod oauth_error;
mod parameters;
mod scope;
mod token;
mod user;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub(super) use self::access_token::{AccessToken, verified};
use super::Sandbox;
use super::routes::wrong_method;

/// The authority's routes, with all that stands before them.
pub(super) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    let for_pages = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration))
        .route("/.well-known/jwks.json", get(discovery::keys))
        .route("/oauth/token", post(token::issue))
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(sandbox.clone(), cors::answer));
    Router::new()
        .route("/authorize", get(authorize::ask).post(authorize::decide))
        .method_not_allowed_fallback(wrong_method)
        .merge(for_pages)
        .route_layer(from_fn(issuer::require))
}
