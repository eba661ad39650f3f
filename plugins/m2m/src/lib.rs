//! M2M OAuth clients: the kind `m2m`. A program signs in with the client's id and secret; the secret is shown once, at creation.
//!
//! Routes and finding a client are shared with the other kind of OAuth client, in `carto-oauth-clients`.

mod refusal;
mod verify;

#[cfg(test)]
mod tests;

use carto_oauth_clients::{Client, Clients, check_title};
use carto_plugin_api::{CredentialKind, Host, Listing, Page, Result, Secret, Verification, export_kind};
use serde::{Deserialize, Serialize};

const CLIENTS: Clients = Clients { kind: "m2m", noun: "M2M client" };

/// The kind.
pub struct M2m;

/// A client: read as the service writes it, shown with the keys that CARTO's command line prints.
#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
pub struct Record {
    client_id: String,
    /// There at creation only.
    #[serde(default)]
    client_secret: Option<Secret>,
    title: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Client for Record {
    fn id(&self) -> &str {
        &self.client_id
    }

    fn title(&self) -> &str {
        &self.title
    }
}

/// The argument of `create` and `update`, and the body of both writes.
#[derive(Serialize, Deserialize)]
pub struct Input {
    title: String,
}

impl Input {
    /// The one rule, before any request.
    fn checked(self) -> Result<Input> {
        check_title(Some(&self.title))?;
        Ok(self)
    }
}

impl CredentialKind for M2m {
    type Record = Record;
    type Create = Input;
    type Update = Input;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Record>> {
        CLIENTS.list(host, page)
    }

    fn create(host: &Host<'_>, input: Input) -> Result<Record> {
        CLIENTS.create(host, &input.checked()?)
    }

    fn get(host: &Host<'_>, id: &str) -> Result<Record> {
        CLIENTS.get(host, id)
    }

    fn update(host: &Host<'_>, id: &str, input: Input) -> Result<Record> {
        CLIENTS.update(host, id, &input.checked()?)
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<Record>> {
        let deleted = CLIENTS.delete(host, id)?;
        host.warn(
            "API Access Tokens that were made with this client go on working",
            Some("`carto credentials list tokens` shows those there are"),
        );
        Ok(deleted)
    }

    fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
        verify::verify(host, id)
    }
}

export_kind!(M2m);
