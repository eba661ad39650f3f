//! `carto credentials create token`.

use carto_plugin_api::{Error, Host, Request, Result};
use serde::{Deserialize, Serialize};

use crate::grants::Grant;
use crate::widened::{self, Asked};
use crate::wire::{self, ROUTE, Record, Token};
use crate::{apis, expiry, grants, referers};

/// The arguments, as the manifest declares them.
#[derive(Deserialize)]
pub struct Input {
    #[serde(default)]
    connection: Vec<String>,
    #[serde(default)]
    source: Vec<String>,
    #[serde(default)]
    grant: Vec<String>,
    apis: String,
    #[serde(default)]
    referer: Vec<String>,
    referers: Option<String>,
    name: Option<String>,
    expiration_date: Option<String>,
}

/// The documented body.
#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    grants: Vec<Grant>,
    allowed_apis: Vec<String>,
    referers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_date: Option<String>,
}

/// Every rule first, then the one request, then what came of it held against what was asked.
pub(crate) fn create(host: &Host<'_>, input: Input) -> Result<Record> {
    let body = Body {
        grants: grants::collect(&input.connection, &input.source, &input.grant)?,
        allowed_apis: apis::parse(&input.apis)?,
        referers: referers::collect(&input.referer, input.referers.as_deref())?.unwrap_or_default(),
        name: input.name.map(check_name).transpose()?,
        expiration_date: input.expiration_date,
    };
    if let Some(ends) = &body.expiration_date {
        expiry::check(host, ends)?;
    }
    referers::warn_of_traps(host, &body.referers);
    let response = wire::written(host.call("api", Request::post(ROUTE).json(&body))?)?;
    let token: Token = response.json()?;
    widened::check(
        &Asked {
            grants: Some(&body.grants),
            apis: Some(&body.allowed_apis),
            referers: Some(&body.referers),
            expiry: body.expiration_date.as_deref(),
        },
        &token,
    )?;
    // The least that the service is documented to answer is the token itself: the rest is then what it accepted.
    Token {
        name: token.name.or(body.name),
        grants: token.grants.or(Some(body.grants)),
        allowed_apis: token.allowed_apis.or(Some(body.allowed_apis)),
        referers: token.referers.or(Some(body.referers)),
        expiration_date: token.expiration_date.or(body.expiration_date),
        ..token
    }
    .try_into()
}

/// A name has to be something that can be typed again.
pub(crate) fn check_name(name: String) -> Result<String> {
    if name.trim().is_empty() {
        return Err(Error::argument("name", "the name is empty").hint("give a name, or leave `--name` out"));
    }
    if wire::jti(&name).is_some() {
        return Err(Error::argument("name", "the name is itself a token, and names are shown everywhere")
            .hint("give a name that says what the token is for"));
    }
    if name.contains(char::is_control) {
        return Err(Error::argument("name", "the name holds control characters").hint("give a name of one line"));
    }
    Ok(name)
}
