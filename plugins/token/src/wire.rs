//! The Tokens API's JSON, and the record that a user is shown.
//!
//! Documented: the body's fields, and that an answer to a create has at least `token`. Everything else of an answer is optional here,
//! since it isn't public what the service always sends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carto_plugin_api::{Error, ErrorCode, Host, Request, Response, Result, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grants::Grant;

/// `/v3/tokens`, the one route of this kind.
pub(crate) const ROUTE: [&str; 2] = ["v3", "tokens"];

/// How many tokens a page asks for. Paging isn't public; a service without it answers with all.
const PAGE: &str = "100";

/// A token as the service sends it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Token {
    pub(crate) id: Option<String>,
    pub(crate) token: Option<Secret>,
    pub(crate) name: Option<String>,
    pub(crate) grants: Option<Vec<Grant>>,
    pub(crate) allowed_apis: Option<Vec<String>>,
    pub(crate) referers: Option<Vec<String>>,
    pub(crate) expiration_date: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

impl Token {
    /// What names this token without being one: the service's id, else the `jti` inside the token.
    pub(crate) fn handle(&self) -> Option<String> {
        match &self.id {
            // A service that uses the token itself as id must not lead it onto the screen.
            Some(id) => jti(id).or_else(|| Some(id.clone())),
            None => jti(self.token.as_ref()?.expose()),
        }
    }
}

/// One page of the list.
#[derive(Deserialize)]
struct ListPage {
    tokens: Vec<Value>,
    #[serde(default)]
    next: Option<String>,
}

/// The request for a page of the list.
pub(crate) fn list_request(cursor: Option<String>) -> Request {
    Request::get(ROUTE).query("limit", PAGE).query_if("cursor", cursor)
}

/// The tokens of a page, and where the next one starts: `{"tokens": […], "next"?: …}`, or a bare list of all. One that can't be read, or
/// that nothing names, is left out with a warning: it must not hide the others.
pub(crate) fn read_list(host: &Host<'_>, response: &Response) -> Result<(Vec<Token>, Option<String>)> {
    let ListPage { tokens, next } = match response.body() {
        Some(Value::Array(_)) => ListPage { tokens: response.json()?, next: None },
        _ => response.json()?,
    };
    let readable = tokens.into_iter().filter_map(|token| {
        Token::deserialize(token).ok().filter(|token| token.handle().is_some()).or_else(|| {
            host.warn("the service lists a token that can't be read: it is left out", None);
            None
        })
    });
    Ok((readable.collect(), next.filter(|next| !next.is_empty())))
}

/// What a user is shown: CONTRACT's fields, in their order.
#[derive(Serialize)]
pub struct Record {
    id: String,
    token: Option<Secret>,
    name: Option<String>,
    grants: Vec<Grant>,
    allowed_apis: Vec<String>,
    referers: Vec<String>,
    expiration_date: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl TryFrom<Token> for Record {
    type Error = Error;

    fn try_from(token: Token) -> Result<Record> {
        let id = token.handle().ok_or_else(|| {
            Error::new(
                ErrorCode::UnexpectedAnswer,
                "the service's answer holds a token without an id and without a `jti`",
            )
            .hint("the service may have changed, or the base URL may lead somewhere else; `--debug` shows the requests")
        })?;
        Ok(Record {
            id,
            token: token.token,
            name: token.name,
            grants: token.grants.unwrap_or_default(),
            allowed_apis: token.allowed_apis.unwrap_or_default(),
            referers: token.referers.unwrap_or_default(),
            expiration_date: token.expiration_date,
            created_at: token.created_at,
            updated_at: token.updated_at,
        })
    }
}

/// The public handle inside a token, if this is one: the `jti` of a JWT's payload (documented: 8 hex digits). Nothing is verified.
pub(crate) fn jti(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    payload["jti"].as_str().map(str::to_owned)
}

/// The failures of a write, in this kind's terms: a taken name is a conflict (observed: 400 with a text), the rest is general.
pub(crate) fn written(response: Response) -> Result<Response> {
    let taken = response.status() == 400
        && response.problem().is_some_and(|problem| problem.to_lowercase().contains("already exists"));
    if taken {
        return Err(Error::new(ErrorCode::Conflict, "the account already has a token of that name")
            .hint("choose another `--name`; `carto credentials list tokens` shows the names that are taken"));
    }
    response.ok()
}
