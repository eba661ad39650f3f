//! `/userinfo`: what OpenID Connect says of the user to whoever has an access token with the scope for it.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rusqlite::Transaction;

use super::scope;
use super::user::User;
use crate::sandbox::Sandbox;
use crate::sandbox::answer::{self, Refusal};
use crate::sandbox::auth::{self, Owner};
use crate::sandbox::store::account;

/// `GET` or `POST /userinfo`. A bearer that is refused is told the scheme (RFC 6750, 3).
pub(super) async fn show(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Result<Response, Response> {
    let challenge = |error: &'static str, refusal: Refusal| {
        ([(WWW_AUTHENTICATE, format!("Bearer error=\"{error}\""))], refusal).into_response()
    };
    let scope = match auth::owner(&sandbox, &headers).await {
        // Whoever has this one may know everything.
        Ok(Owner::Instance) => scope::OPENID.join(" "),
        Ok(Owner::Client(token)) if scope::has(&token.scope, "openid") => token.scope,
        Ok(Owner::Client(_)) => {
            let refusal = Refusal::new(StatusCode::FORBIDDEN, "The access token's scope has no `openid`");
            return Err(challenge("insufficient_scope", refusal));
        }
        Err(refusal) if refusal.is_unauthorized() => return Err(challenge("invalid_token", refusal)),
        Err(refusal) => return Err(refusal.into_response()),
    };
    let read = move |tx: &Transaction<'_>| answer::ok(&User::of(account(tx)?.id()).claims(&scope));
    let answered = sandbox.inner.store.read(read).await.map_err(Refusal::into_response)?;
    Ok(([(CACHE_CONTROL, "no-store")], answered).into_response())
}
