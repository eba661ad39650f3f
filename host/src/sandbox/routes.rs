//! The one router: which paths there are, which take the bearer, and what every other path is answered.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;

use super::answer::Refusal;
use super::{Sandbox, auth, authority, body, clients, data, faults, tokens};

/// What CARTO has and the sandbox doesn't, with everything below it.
const UNIMPLEMENTED: [&str; 19] = [
    "/v3/sql",
    "/v3/maps",
    "/v3/stats",
    "/v3/imports",
    "/v3/lds",
    "/v4",
    "/.well-known",
    "/accounts",
    "/api/v2",
    "/authorize",
    "/dbconnections",
    "/login",
    "/mfa",
    "/oauth",
    "/oidc",
    "/passwordless",
    "/userinfo",
    "/users/me",
    "/v2",
];

pub(super) fn router(sandbox: &Sandbox) -> Router {
    Router::new()
        .merge(tokens::routes())
        .merge(clients::routes())
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(sandbox.clone(), auth::require))
        .merge(authority::routes(sandbox))
        // Below the layer that asks for the owner's bearer: here a token is one too.
        .merge(data::routes())
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(body::LIMIT))
        // Added last, so that it comes first: a fault hits before anything is checked.
        .layer(from_fn_with_state(sandbox.clone(), faults::inject))
        .with_state(sandbox.clone())
}

pub(super) async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}

/// Takes no bearer: some of these paths take none at CARTO either, and there is nothing here to protect.
async fn elsewhere(request: Request) -> Refusal {
    let path = request.uri().path();
    for known in UNIMPLEMENTED {
        let below = match path.strip_prefix(known) {
            Some("") => "",
            Some(rest) if rest.starts_with('/') => "/…",
            _ => continue,
        };
        let method = request.method();
        let message = format!("the sandbox does not implement {method} {known}{below}");
        return Refusal::new(StatusCode::NOT_IMPLEMENTED, message);
    }
    Refusal::not_found("Not found")
}
