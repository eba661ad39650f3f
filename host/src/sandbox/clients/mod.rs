//! `/v3/oauth-clients`: the clients of single-page applications and of machines. CARTO's own endpoints for them are
//! not public: the routes and their rules are this project's.

mod registered;
mod rows;
mod rules;
pub(super) mod url;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rusqlite::Transaction;
use serde::Serialize;

pub(super) use self::registered::{Registered, is_an_origin};
use self::rows::ClientRow;
use self::rules::{ClientType, SpaUrls, Wanted};
use super::Sandbox;
use super::answer::{self, Refusal};
use super::body::Fields;
use super::item::Item;
use super::paging::{self, Page};
use super::query::Query;
use super::store::account;
use super::version::{IfMatch, etag};

pub(super) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/v3/oauth-clients", get(list).post(create))
        .route("/v3/oauth-clients/{client_id}", get(show).patch(update).delete(delete))
}

#[derive(Serialize)]
struct Record<'a> {
    client_id: &'a str,
    /// In the answer to the creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    r#type: &'static str,
    title: &'a str,
    #[serde(flatten)]
    urls: Option<&'a SpaUrls>,
    created_at: &'a str,
    updated_at: &'a str,
}

impl<'a> Record<'a> {
    fn new(row: &'a ClientRow, client_secret: Option<&'a str>) -> Record<'a> {
        Record {
            client_id: &row.client_id,
            client_secret,
            r#type: row.client_type.as_str(),
            title: &row.title,
            urls: row.urls.as_ref(),
            created_at: &row.created_at,
            updated_at: &row.updated_at,
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    clients: Vec<Record<'a>>,
    next: Option<String>,
}

async fn list(State(sandbox): State<Sandbox>, query: Query) -> Result<Response, Refusal> {
    let [limit, cursor] = paging::PARAMETERS;
    query.only(&["type", limit, cursor])?;
    let client_type = ClientType::from_query(&query)?;
    let page = Page::from_query("clients", &query)?;
    let read = move |tx: &Transaction<'_>| {
        let mut rows = rows::page(tx, &page, client_type)?;
        let next = page.cut(&mut rows, |row| row.seq);
        let clients = rows.iter().map(|row| Record::new(row, None)).collect();
        answer::ok(&List { clients, next })
    };
    sandbox.inner.store.read(read).await
}

async fn create(State(sandbox): State<Sandbox>, query: Query, fields: Fields) -> Result<Response, Refusal> {
    let client_type = item_type(&query)?
        .ok_or_else(|| Refusal::bad_request("The query parameter `type` is required: `spa` or `m2m`"))?;
    let wanted = Wanted::from_fields(&fields, client_type)?;
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let (row, secret) = rows::insert(tx, account(tx)?.id(), wanted, now)?;
        one(&row, Some(&secret))
    };
    sandbox.inner.store.write(write).await
}

async fn show(State(sandbox): State<Sandbox>, item: Item, query: Query) -> Result<Response, Refusal> {
    let client_type = item_type(&query)?;
    let read = move |tx: &Transaction<'_>| one(&found(tx, &item, client_type)?, None);
    sandbox.inner.store.read(read).await
}

async fn update(
    State(sandbox): State<Sandbox>,
    item: Item,
    query: Query,
    if_match: IfMatch,
    fields: Fields,
) -> Result<Response, Refusal> {
    let client_type = item_type(&query)?;
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let mut row = found(tx, &item, client_type)?;
        if_match.check(row.version)?;
        rules::check_change(&fields, row.client_type)?;
        row.title = rules::title(&fields)?.unwrap_or(row.title);
        if let Some(urls) = &mut row.urls {
            urls.apply(&fields)?;
        }
        rows::update(tx, &mut row, now)?;
        one(&row, None)
    };
    sandbox.inner.store.write(write).await
}

async fn delete(
    State(sandbox): State<Sandbox>,
    item: Item,
    query: Query,
    if_match: IfMatch,
) -> Result<Response, Refusal> {
    let client_type = item_type(&query)?;
    let write = move |tx: &Transaction<'_>| {
        let row = found(tx, &item, client_type)?;
        if_match.check(row.version)?;
        rows::delete(tx, &row)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    sandbox.inner.store.write(write).await
}

fn item_type(query: &Query) -> Result<Option<ClientType>, Refusal> {
    query.only(&["type"])?;
    ClientType::from_query(query)
}

fn one(row: &ClientRow, secret: Option<&str>) -> Result<Response, Refusal> {
    Ok((etag(row.version), answer::ok(&Record::new(row, secret))?).into_response())
}

/// The client that the path names. Where a type was asked for, one of the other type isn't there.
fn found(tx: &Transaction<'_>, Item(client_id): &Item, client_type: Option<ClientType>) -> Result<ClientRow, Refusal> {
    let row = rows::find(tx, client_id)?;
    row.filter(|row| client_type.is_none_or(|wanted| wanted == row.client_type))
        .ok_or_else(|| Refusal::not_found("OAuth client not found"))
}
