//! Where a client goes after it has a token: which account it is, who the user is, and where the API is. It is the
//! address that the question came to.

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use rusqlite::Transaction;
use serde_json::{Value, json};

use super::issuer::Issuer;
use super::user::User;
use crate::sandbox::Sandbox;
use crate::sandbox::answer::{self, Refusal};
use crate::sandbox::store::account;

/// The one account's name, and the name of the region that it isn't in.
const NAME: &str = "sandbox";

/// `GET /accounts`.
pub(super) async fn show(
    State(sandbox): State<Sandbox>,
    Extension(issuer): Extension<Issuer>,
) -> Result<Response, Refusal> {
    let read = move |tx: &Transaction<'_>| answer::ok(&record(account(tx)?.id(), &issuer));
    sandbox.inner.store.read(read).await
}

/// `GET /users/me`: the owner, as whom every bearer acts.
pub(super) async fn me(
    State(sandbox): State<Sandbox>,
    Extension(issuer): Extension<Issuer>,
) -> Result<Response, Refusal> {
    let read = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        answer::ok(&json!({
            "user_id": User::of(account.id()).id(),
            "name": User::NAME,
            "email": User::EMAIL,
            "account": record(account.id(), &issuer),
            "roles": ["owner"],
        }))
    };
    sandbox.inner.store.read(read).await
}

/// `GET /config.yaml`. A JSON string is a YAML one.
pub(super) async fn config(Extension(issuer): Extension<Issuer>) -> Response {
    let text = format!("apis:\n  baseUrl: {}\n", Value::from(issuer.origin()));
    ([(CONTENT_TYPE, "application/yaml")], text).into_response()
}

fn record(id: &str, issuer: &Issuer) -> Value {
    json!({ "id": id, "name": NAME, "tenant_id": NAME, "tenant_domain": issuer.address() })
}
