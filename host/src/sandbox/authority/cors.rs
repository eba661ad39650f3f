//! Which pages may read answers across origins: those of origins that a SPA client registered. The others get no
//! header, so that their browser keeps the answer from them.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use rusqlite::Transaction;

use super::oauth_error::OauthError;
use crate::sandbox::Sandbox;
use crate::sandbox::answer::Refusal;
use crate::sandbox::clients::{Registered, is_an_origin};

/// On an answer: the page is of a known origin, but of none of the client that it asked for.
#[derive(Clone, Copy)]
pub(super) struct ForeignOrigin;

/// The middleware of the routes that pages call. It answers preflights itself.
pub(super) async fn answer(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Result<Response, Refusal> {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return Ok(next.run(request).await) };
    let text = origin.to_str().unwrap_or_default().to_owned();
    let known =
        sandbox.inner.store.read(move |tx: &Transaction<'_>| Ok::<_, Refusal>(is_an_origin(tx, &text)?)).await?;
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = match (is_preflight, known) {
        (true, true) => StatusCode::NO_CONTENT.into_response(),
        (true, false) => {
            let message = "The origin is among no SPA client's web origins or allowed origins";
            Refusal::new(StatusCode::FORBIDDEN, message).into_response()
        }
        (false, _) => next.run(request).await,
    };
    let is_foreign = response.extensions().get::<ForeignOrigin>().is_some();
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if known && !is_foreign {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if is_preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            let allowed = HeaderValue::from_static("authorization, content-type, auth0-client");
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
    Ok(response)
}

/// Refuses what a page asks for a client that didn't register the page's origin. Browsers send some such requests
/// without asking first.
pub(super) fn check(headers: &HeaderMap, client: &Registered) -> Result<(), OauthError> {
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().unwrap_or("null");
        if !client.has_origin(origin) {
            return Err(OauthError::foreign_origin(origin));
        }
    }
    Ok(())
}
