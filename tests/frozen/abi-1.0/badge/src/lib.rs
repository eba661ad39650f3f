//! An ordinary kind: five verbs over the account's API.

use carto_plugin_api::{
    CredentialKind, Error, ErrorCode, Host, Listing, Page, Request, Response, Result, Secret, export_kind,
};
use serde::{Deserialize, Serialize};

/// The kind.
pub struct Kind;

/// What the service answers, and what the user sees.
#[derive(Serialize, Deserialize)]
pub struct Badge {
    id: String,
    secret: Option<Secret>,
    name: String,
    level: Option<i64>,
}

/// The arguments of create.
#[derive(Serialize, Deserialize)]
pub struct Create {
    name: String,
    level: Option<i64>,
}

/// The arguments of update.
#[derive(Serialize, Deserialize)]
pub struct Update {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Badges {
    badges: Vec<Badge>,
    next: Option<String>,
}

impl CredentialKind for Kind {
    type Record = Badge;
    type Create = Create;
    type Update = Update;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Badge>> {
        let request = Request::get(["v3", "badges"]).query_if("cursor", page.cursor);
        let Badges { badges, next } = host.call("api", request)?.ok()?.json()?;
        Ok(Listing { items: badges, next })
    }

    fn create(host: &Host<'_>, input: Create) -> Result<Badge> {
        if input.name.trim().is_empty() {
            return Err(Error::argument("name", "the name is empty").hint("give a name"));
        }
        host.call("api", Request::post(["v3", "badges"]).json(&input))?.ok()?.json()
    }

    fn get(host: &Host<'_>, id: &str) -> Result<Badge> {
        found(id, host.call("api", Request::get(["v3", "badges"]).segment(id))?)?.json()
    }

    fn update(host: &Host<'_>, id: &str, input: Update) -> Result<Badge> {
        if input.name.is_none() {
            host.warn("nothing is changed", Some("name what should change"));
        }
        found(id, host.call("api", Request::patch(["v3", "badges"]).segment(id).json(&input))?)?.json()
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<Badge>> {
        // A panic crosses nothing: it is caught in here.
        assert_ne!(id, "panic", "told to");
        found(id, host.call("api", Request::delete(["v3", "badges"]).segment(id))?)?;
        Ok(None)
    }
}

fn found(id: &str, response: Response) -> Result<Response> {
    match response.status() {
        404 => Err(Error::new(ErrorCode::NotFound, format!("no badge `{id}`"))
            .hint("`carto credentials list badges` shows those there are")),
        _ => response.ok(),
    }
}

export_kind!(Kind);
