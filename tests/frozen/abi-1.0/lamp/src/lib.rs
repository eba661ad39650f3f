//! The least that a kind can be: one verb.

use carto_plugin_api::{CredentialKind, Host, Listing, NoInput, Page, Request, Result, export_kind};
use serde::{Deserialize, Serialize};

/// The kind.
pub struct Kind;

/// One of them.
#[derive(Serialize, Deserialize)]
pub struct Lamp {
    id: String,
}

impl CredentialKind for Kind {
    type Record = Lamp;
    type Create = NoInput;
    type Update = NoInput;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Lamp>> {
        host.call("api", Request::get(["v3", "lamps"]).query_if("cursor", page.cursor))?.ok()?.json()
    }
}

export_kind!(Kind);
