//! `/v3/sql` and `/v3/maps`: the data APIs, as far as they decide who may read what. There are no data behind them: what is allowed is
//! answered in its documented shape, without rows. What a token opens is in `rules.rs`.

mod cors;
mod empty;
mod request;
pub(super) mod rules;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use rusqlite::Transaction;

use self::request::{MapType, Parameters, Wanted};
use self::rules::Denied;
use super::answer::Refusal;
use super::authority::issuer::{self, Issuer};
use super::tokens::{self, Api};
use super::{Sandbox, auth, routes};

pub(super) fn routes() -> Router<Sandbox> {
    let router = Router::new().route("/v3/sql/{connection}/query", get(query).post(query));
    MapType::ALL
        .into_iter()
        .fold(router, |router, map_type| {
            let path = format!("/v3/maps/{{connection}}/{}", map_type.as_str());
            let map = move |sandbox, issuer, path, headers, parameters| {
                map(map_type, sandbox, issuer, path, headers, parameters)
            };
            let tile = move |sandbox, path, headers, parameters| tile(map_type, sandbox, path, headers, parameters);
            router.route(&path, get(map).post(map)).route(&format!("{path}/{{z}}/{{x}}/{{y}}"), get(tile))
        })
        .method_not_allowed_fallback(routes::wrong_method)
        .route("/v3/sql/{connection}/{*rest}", any(unimplemented))
        .route("/v3/maps/{connection}/{*rest}", any(unimplemented))
        .layer(from_fn(issuer::require))
        .layer(from_fn(cors::allow))
}

async fn query(
    State(sandbox): State<Sandbox>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let Path(connection) = path.map_err(unreadable)?;
    match admit(&sandbox, headers, Api::Sql, connection, parameters.statement()).await? {
        Ok(_) => empty::rows(),
        Err(denied) => Ok(refused(denied)),
    }
}

/// A map's first answer says where its TileJSON is; that is the same route with one more parameter.
async fn map(
    map_type: MapType,
    State(sandbox): State<Sandbox>,
    Extension(issuer): Extension<Issuer>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let Path(connection) = path.map_err(unreadable)?;
    match admit(&sandbox, headers, Api::Maps, connection.clone(), parameters.source(map_type)).await? {
        Ok(wanted) if wanted.tilejson => empty::tilejson(wanted.address(&issuer, &connection, map_type)?),
        Ok(wanted) => empty::instantiation(wanted.address(&issuer, &connection, map_type)?),
        Err(denied) => Ok(refused(denied)),
    }
}

async fn tile(
    map_type: MapType,
    State(sandbox): State<Sandbox>,
    path: Result<Path<(String, u32, u32, u32)>, PathRejection>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let Path((connection, ..)) = path.map_err(unreadable)?;
    match admit(&sandbox, headers, Api::Maps, connection, parameters.source(map_type)).await? {
        Ok(_) => Ok(empty::tile()),
        Err(denied) => Ok(refused(denied)),
    }
}

/// Lets a request in or says why not, always in this order: the bearer, its time, the API, whether the request can be understood at all,
/// the grants, the page. The owner's bearer opens everything. It is asked of the database each time, so that a change takes effect at once.
async fn admit(
    sandbox: &Sandbox,
    headers: HeaderMap,
    api: Api,
    connection: String,
    wanted: Result<Wanted, Refusal>,
) -> Result<Result<Wanted, Denied>, Refusal> {
    let (asking, now) = (sandbox.clone(), sandbox.now());
    let read = move |tx: &Transaction<'_>| {
        let undefined = || Refusal::new(StatusCode::UNAUTHORIZED, "Token not defined");
        let bearer = auth::presented(&headers).ok_or_else(undefined)?;
        let Some(token) = tokens::presented(tx, bearer)? else {
            return if auth::is_owners(&asking, tx, bearer)? { wanted.map(Ok) } else { Err(undefined()) };
        };
        let opened = rules::in_time(token.expiration_date.as_deref(), now)
            .and_then(|()| rules::for_api(&token.allowed_apis, api));
        if let Err(denied) = opened {
            return Ok(Err(denied));
        }
        let wanted = wanted?;
        let reached = rules::reaches(&token.grants, &connection, &wanted.asked)
            .and_then(|()| rules::from_page(&token.referers, request::page(&headers)));
        Ok(reached.map(|()| wanted))
    };
    sandbox.inner.store.read(read).await
}

fn refused(denied: Denied) -> Response {
    let forbidden = |message| Refusal::new(StatusCode::FORBIDDEN, message).into_response();
    match denied {
        Denied::Expired => Refusal::new(StatusCode::UNAUTHORIZED, "The token has expired").into_response(),
        Denied::Api => forbidden("The token does not allow this API"),
        Denied::Source => forbidden("You don't have permissions to read this resource"),
        Denied::Referer => empty::unauthorized_referer(),
    }
}

fn unreadable(_: PathRejection) -> Refusal {
    Refusal::bad_request("The path is not UTF-8, or not that of a tile")
}

/// What else CARTO has here. It takes no bearer: there is nothing behind it to protect.
async fn unimplemented(method: Method, uri: Uri) -> Refusal {
    // The API, and what of it: the name of a connection is between them, and what is behind them can be anything.
    let mut segments = uri.path().split('/').skip(2);
    let (api, what) = (segments.next().unwrap_or_default(), segments.nth(1).unwrap_or_default());
    let rest = if segments.next().is_some() { "/…" } else { "" };
    let message = format!("the sandbox does not implement {method} /v3/{api}/{{connection}}/{what}{rest}");
    Refusal::new(StatusCode::NOT_IMPLEMENTED, message)
}
