//! The sandbox as an authority: OAuth 2 and OpenID Connect in the shape of CARTO's, as far as CARTO's clients use it. One
//! file an endpoint. Who a bearer's owner is to the other routes is decided in `auth.rs`.

mod access_token;
mod account;
mod authorizations;
mod authorize;
mod client;
mod cors;
mod discovery;
mod hash;
pub(super) mod issuer;
mod keys;
mod logout;
mod oauth_error;
mod parameters;
mod revoke;
mod scope;
mod token;
mod user;
mod userinfo;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub(super) use self::access_token::{AccessToken, verified};
use super::routes::wrong_method;
use super::{Sandbox, auth};

/// The authority's routes, with all that stands before them.
pub(super) fn routes(sandbox: &Sandbox) -> Router<Sandbox> {
    let for_pages = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration))
        .route("/.well-known/jwks.json", get(discovery::keys))
        .route("/oauth/token", post(token::issue))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/userinfo", get(userinfo::show).post(userinfo::show))
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(sandbox.clone(), cors::answer));
    let for_bearers = Router::new()
        .route("/accounts", get(account::show))
        .route("/users/me", get(account::me))
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(sandbox.clone(), auth::require));
    Router::new()
        .route("/authorize", get(authorize::ask).post(authorize::decide))
        .route("/v2/logout", get(logout::leave))
        .route("/config.yaml", get(account::config))
        .method_not_allowed_fallback(wrong_method)
        .merge(for_pages)
        .merge(for_bearers)
        .route_layer(from_fn(issuer::require))
}
