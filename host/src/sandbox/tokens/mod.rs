//! `/v3/tokens`: API Access Tokens. What a body may say is in `rules.rs`, what is kept in `rows.rs`.

mod rows;
mod rules;
pub(super) mod source;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rusqlite::Transaction;
use serde::Serialize;

use self::rows::Key;
pub(super) use self::rows::TokenRow;
pub(super) use self::rules::{Api, Grant};
use self::rules::{Changes, Wanted};
use super::Sandbox;
use super::answer::{self, Refusal};
use super::body::Fields;
use super::item::Item;
use super::jwt::Account;
use super::paging::{self, Page};
use super::query::Query;
use super::store::account;
use super::version::{IfMatch, etag};

pub(super) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/v3/tokens", get(list).post(create))
        .route("/v3/tokens/{token}", get(show).patch(update).delete(delete))
}

#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    token: String,
    name: &'a str,
    grants: &'a [Grant],
    allowed_apis: &'a [Api],
    referers: &'a [String],
    expiration_date: Option<&'a str>,
    created_at: &'a str,
    updated_at: &'a str,
}

impl<'a> Record<'a> {
    fn new(row: &'a TokenRow, account: &Account) -> Result<Record<'a>, Refusal> {
        Ok(Record {
            id: &row.id,
            token: account.token(&row.jti)?,
            name: &row.name,
            grants: &row.grants,
            allowed_apis: &row.allowed_apis,
            referers: &row.referers,
            expiration_date: row.expiration_date.as_deref(),
            created_at: &row.created_at,
            updated_at: &row.updated_at,
        })
    }
}

#[derive(Serialize)]
struct List<'a> {
    tokens: Vec<Record<'a>>,
    next: Option<String>,
}

async fn list(State(sandbox): State<Sandbox>, query: Query) -> Result<Response, Refusal> {
    query.only(&paging::PARAMETERS)?;
    let page = Page::from_query("tokens", &query)?;
    let read = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        let mut rows = rows::page(tx, &page)?;
        let next = page.cut(&mut rows, |row| row.seq);
        let tokens = rows.iter().map(|row| Record::new(row, &account)).collect::<Result<_, _>>()?;
        answer::ok(&List { tokens, next })
    };
    sandbox.inner.store.read(read).await
}

async fn create(State(sandbox): State<Sandbox>, query: Query, fields: Fields) -> Result<Response, Refusal> {
    query.only(&[])?;
    let now = sandbox.now();
    let wanted = Wanted::from_fields(&fields, now)?;
    let write = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        one(&rows::insert(tx, account.id(), wanted, now)?, &account)
    };
    sandbox.inner.store.write(write).await
}

async fn show(State(sandbox): State<Sandbox>, item: Item, query: Query) -> Result<Response, Refusal> {
    query.only(&[])?;
    let read = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        one(&found(tx, &account, &item)?, &account)
    };
    sandbox.inner.store.read(read).await
}

async fn update(
    State(sandbox): State<Sandbox>,
    item: Item,
    query: Query,
    if_match: IfMatch,
    fields: Fields,
) -> Result<Response, Refusal> {
    query.only(&[])?;
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        let row = found(tx, &account, &item)?;
        if_match.check(row.version)?;
        one(&rows::update(tx, row, Changes::from_fields(&fields)?, now)?, &account)
    };
    sandbox.inner.store.write(write).await
}

async fn delete(
    State(sandbox): State<Sandbox>,
    item: Item,
    query: Query,
    if_match: IfMatch,
) -> Result<Response, Refusal> {
    query.only(&[])?;
    let write = move |tx: &Transaction<'_>| {
        let account = account(tx)?;
        let row = found(tx, &account, &item)?;
        if_match.check(row.version)?;
        rows::delete(tx, &row)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    sandbox.inner.store.write(write).await
}

fn one(row: &TokenRow, account: &Account) -> Result<Response, Refusal> {
    Ok((etag(row.version), answer::ok(&Record::new(row, account)?)?).into_response())
}

/// The token that the path names, by its `tok_…` id or by its own text.
fn found(tx: &Transaction<'_>, account: &Account, Item(name): &Item) -> Result<TokenRow, Refusal> {
    let row = match account.verified_jti(name) {
        Some(jti) => rows::find(tx, Key::Jti, &jti)?,
        None => rows::find(tx, Key::Id, name)?,
    };
    row.ok_or_else(|| Refusal::not_found("Token not found"))
}

/// The token that a request presents; nothing if no token of this account has that text.
pub(super) fn presented(tx: &Transaction<'_>, text: &str) -> rusqlite::Result<Option<TokenRow>> {
    match account(tx)?.verified_jti(text) {
        Some(jti) => rows::find(tx, Key::Jti, &jti),
        None => Ok(None),
    }
}
