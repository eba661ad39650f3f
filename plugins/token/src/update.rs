//! `carto credentials update token <id>`.
//!
//! It isn't public whether PATCH merges or replaces a list, so lists are always sent whole. Adding or removing a grant therefore reads
//! first; where the service gives the version it read (an `ETag`), the write is bound to it and tried again if another came between.

use carto_plugin_api::{Error, ErrorCode, Host, Request, Response, Result};
use serde::{Deserialize, Serialize};

use crate::create::check_name;
use crate::grants::Grant;
use crate::widened::{self, Asked};
use crate::wire::{self, ROUTE, Record, Token};
use crate::{apis, expiry, find, grants, referers};

/// How often a change is tried again because somebody else's came between. Each failure is another's success.
const ATTEMPTS: usize = 50;

/// The arguments, as the manifest declares them.
#[derive(Deserialize)]
pub struct Input {
    name: Option<String>,
    apis: Option<String>,
    #[serde(default)]
    referer: Vec<String>,
    referers: Option<String>,
    #[serde(default)]
    add_grant: Vec<String>,
    #[serde(default)]
    remove_grant: Vec<String>,
    expiration_date: Option<String>,
}

/// The documented body, with what changes.
#[derive(Default, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Vec<Grant>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_apis: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referers: Option<Vec<String>>,
}

/// Every rule first; then one request, or for grants a read and a write.
pub(crate) fn update(host: &Host<'_>, id: &str, input: Input) -> Result<Record> {
    if input.expiration_date.is_some() {
        return Err(expiry::unchangeable(&find::shown(id)));
    }
    let mut body = Body {
        name: input.name.map(check_name).transpose()?,
        grants: None,
        allowed_apis: input.apis.as_deref().map(apis::parse).transpose()?,
        referers: referers::collect(&input.referer, input.referers.as_deref())?,
    };
    let added = input.add_grant.iter().map(|text| grants::parse(text, "add-grant")).collect::<Result<Vec<_>>>()?;
    let removed =
        input.remove_grant.iter().map(|text| grants::parse(text, "remove-grant")).collect::<Result<Vec<_>>>()?;
    let changes_grants = !added.is_empty() || !removed.is_empty();
    if !changes_grants && body.name.is_none() && body.allowed_apis.is_none() && body.referers.is_none() {
        return Err(Error::new(ErrorCode::Usage, "nothing to change").hint(
            "name what changes, like `--name NAME` or `--add-grant CONNECTION,SOURCE`; `--help` lists the options",
        ));
    }
    referers::warn_of_traps(host, body.referers.as_deref().unwrap_or_default());
    if !changes_grants {
        let (response, _) = find::ask(host, id, || Request::patch(ROUTE).json(&body))?;
        return finish(&body, None, response);
    }
    for _ in 0..ATTEMPTS {
        let (read, _) = find::ask(host, id, || Request::get(ROUTE))?;
        let read = read.ok()?;
        let current: Token = read.json()?;
        let grants = current.grants.clone().ok_or_else(|| {
            Error::new(
                ErrorCode::UnexpectedAnswer,
                "the service doesn't say which grants the token has, so none can be changed",
            )
        })?;
        body.grants = Some(changed(grants, &added, &removed)?);
        let request = || {
            let request = Request::patch(ROUTE).json(&body);
            // A weak tag names no version that a write could be bound to (RFC 9110).
            match read.header("etag").filter(|tag| !tag.starts_with("W/")) {
                Some(version) => request.header("If-Match", version),
                None => request,
            }
        };
        // The token that was read, not the word that was typed: a name may belong to another token by now.
        let response = find::about(host, id, &current, request)?;
        if response.status() != 412 {
            return finish(&body, Some(&current), response);
        }
    }
    Err(Error::new(ErrorCode::Conflict, format!("the token `{}` keeps being changed by others", find::shown(id)))
        .hint("nothing was changed; try again when they are done"))
}

/// Holds the answer against what was asked and, where the token was read before, against what it was.
fn finish(body: &Body, before: Option<&Token>, response: Response) -> Result<Record> {
    let token: Token = wire::written(response)?.json()?;
    let asked = Asked {
        grants: body.grants.as_deref(),
        apis: body.allowed_apis.as_deref().or(before.and_then(|before| before.allowed_apis.as_deref())),
        referers: body.referers.as_deref().or(before.and_then(|before| before.referers.as_deref())),
        expiry: before.and_then(|before| before.expiration_date.as_deref()),
    };
    widened::check(&asked, &token)?;
    // What the answer leaves out is what was sent, or what was there.
    let known = before.cloned().unwrap_or_default();
    Token {
        name: token.name.or(body.name.clone()).or(known.name),
        grants: token.grants.or(body.grants.clone()).or(known.grants),
        allowed_apis: token.allowed_apis.or(body.allowed_apis.clone()).or(known.allowed_apis),
        referers: token.referers.or(body.referers.clone()).or(known.referers),
        expiration_date: token.expiration_date.or(known.expiration_date),
        ..token
    }
    .try_into()
}

/// The grants after the change.
fn changed(mut grants: Vec<Grant>, added: &[Grant], removed: &[Grant]) -> Result<Vec<Grant>> {
    for grant in removed {
        let at = grants
            .iter()
            .position(|have| have == grant)
            .or_else(|| grants.iter().position(|have| have.same_as(grant)))
            .ok_or_else(|| {
                let have: Vec<String> = grants.iter().map(|g| format!("`{g}`")).collect();
                Error::argument("remove-grant", format!("the token has no grant `{grant}`"))
                    .hint(format!("it has {}", if have.is_empty() { "none".to_owned() } else { have.join(", ") }))
            })?;
        grants.remove(at);
    }
    for grant in added {
        if grants.iter().any(|have| have.same_as(grant)) {
            return Err(Error::new(ErrorCode::Conflict, format!("the token already has the grant `{grant}`"))
                .hint("nothing was changed; leave that `--add-grant` out"));
        }
        grants.push(grant.clone());
    }
    if grants.is_empty() {
        return Err(Error::argument("remove-grant", "a token keeps at least one grant, and this would take the last")
            .hint("delete the token instead, or add a grant in the same command"));
    }
    Ok(grants)
}
