//! From what a user typed to one token: an exact id, the token itself or its `jti` beat a name.

use std::collections::BTreeSet;

use carto_plugin_api::{Error, ErrorCode, Host, Request, Response, Result, Secret};

use crate::wire::{self, Token};

/// How a token is named in a path.
#[derive(Debug, Clone)]
enum Handle {
    /// The service's id, `tok_…`.
    Id(String),
    /// The token itself (observed: the path takes it).
    Token(Secret),
}

impl Handle {
    /// Adds this to a request's path.
    fn on(&self, request: Request) -> Request {
        match self {
            Handle::Id(id) => request.segment(id.as_str()),
            Handle::Token(token) => request.secret_segment(token.clone()),
        }
    }

    /// What the typed word can be asked for directly, without the list: a token, or something in the form of an id.
    fn direct(typed: &str) -> Option<Handle> {
        if wire::jti(typed).is_some() {
            Some(Handle::Token(Secret::new(typed.to_owned())))
        } else if typed.starts_with("tok_") {
            Some(Handle::Id(typed.to_owned()))
        } else {
            None
        }
    }
}

/// Sends a request about the token that `typed` means: at once where its form allows, else after a look at the list. Answers with the
/// response and, if the list was needed, with the token as it stands there.
pub(crate) fn ask(host: &Host<'_>, typed: &str, request: impl Fn() -> Request) -> Result<(Response, Option<Token>)> {
    if let Some(handle) = Handle::direct(typed) {
        let response = host.call("api", handle.on(request()))?;
        if response.status() != 404 {
            return Ok((response, None));
        }
        if let Handle::Token(_) = handle {
            return Err(not_found(typed));
        }
        // A name may look like an id.
    }
    let token = search(host, typed)?;
    let response = about(host, typed, &token, request)?;
    Ok((response, Some(token)))
}

/// Sends a request about a token that was read: by its id, and where the service doesn't know that in a path, by the token itself.
pub(crate) fn about(host: &Host<'_>, typed: &str, token: &Token, request: impl Fn() -> Request) -> Result<Response> {
    let by_id = token.id.clone().map(|id| Handle::direct(&id).unwrap_or(Handle::Id(id)));
    let handles = [by_id, token.token.clone().map(Handle::Token)];
    if handles.iter().all(Option::is_none) {
        return Err(Error::new(
            ErrorCode::UnexpectedAnswer,
            "the service shows that token with neither an id nor the token itself",
        ));
    }
    for handle in handles.into_iter().flatten() {
        let response = host.call("api", handle.on(request()))?;
        if response.status() != 404 {
            return Ok(response);
        }
    }
    Err(not_found(typed))
}

/// Looks through the list, page by page. An exact match ends the search; names are weighed at the end.
fn search(host: &Host<'_>, typed: &str) -> Result<Token> {
    let mut named = Vec::new();
    let mut cursor = None;
    let mut seen = BTreeSet::new();
    loop {
        let (tokens, next) = wire::read_list(host, &host.call("api", wire::list_request(cursor.clone()))?.ok()?)?;
        for token in tokens {
            if exactly(&token, typed) {
                return Ok(token);
            }
            if token.name.as_deref() == Some(typed) {
                named.push(token);
            }
        }
        match next {
            None => break,
            Some(again) if !seen.insert(again.clone()) => {
                return Err(Error::new(ErrorCode::UnexpectedAnswer, "the service lists the same page for ever"));
            }
            next => cursor = next,
        }
    }
    if named.len() > 1 {
        let ids: Vec<String> = named.iter().filter_map(Token::handle).map(|id| format!("`{id}`")).collect();
        let message = format!("{} tokens are called `{typed}`: {}", named.len(), ids.join(", "));
        return Err(Error::new(ErrorCode::Ambiguous, message).hint("use one of these ids"));
    }
    named.pop().ok_or_else(|| not_found(typed))
}

fn exactly(token: &Token, typed: &str) -> bool {
    token.id.as_deref() == Some(typed)
        || token.token.as_ref().is_some_and(|t| t.expose() == typed || wire::jti(t.expose()).as_deref() == Some(typed))
}

/// The typed word as it may be shown: a token by its `jti`.
pub(crate) fn shown(typed: &str) -> String {
    wire::jti(typed).unwrap_or_else(|| typed.to_owned())
}

fn not_found(typed: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("no token `{}`", shown(typed)))
        .hint("`carto credentials list tokens` shows those there are")
}
