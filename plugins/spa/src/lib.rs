//! SPA OAuth clients: the kind `spa`. A browser application signs its users in with the client's id alone.
//!
//! Here: the record, the inputs and the verbs. The rules for URLs are in `urls`; routes and finding a client are shared with the other
//! kind of OAuth client, in `carto-oauth-clients`.

mod urls;
mod verify;

#[cfg(test)]
mod tests;

use carto_oauth_clients::{Client, Clients, check_title};
use carto_plugin_api::{
    CredentialKind, Error, ErrorCode, Host, Listing, Page, Result, Secret, Verification, export_kind,
};
use serde::{Deserialize, Serialize};

const CLIENTS: Clients = Clients { kind: "spa", noun: "SPA client" };

/// The kind.
pub struct Spa;

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
    login_uri: Option<String>,
    #[serde(default)]
    callbacks: Vec<String>,
    #[serde(default)]
    logout_urls: Vec<String>,
    #[serde(default)]
    web_origins: Vec<String>,
    #[serde(default)]
    allowed_origins: Vec<String>,
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

/// The arguments of `create`, and with all of them optional of `update`, as the manifest declares them.
#[derive(Deserialize)]
pub struct Input {
    title: Option<String>,
    login_uri: Option<String>,
    callback: Option<Vec<String>>,
    logout_url: Option<Vec<String>>,
    web_origin: Option<Vec<String>>,
    allowed_origin: Option<Vec<String>>,
}

/// The body of an update: what isn't there stays as it is. A create says everything, so that what comes back can be held against it.
#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_uri: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callbacks: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logout_urls: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_origins: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_origins: Option<Vec<String>>,
}

impl Body {
    /// Every rule, before any request.
    fn checked(input: Input, host: &Host<'_>) -> Result<Body> {
        check_title(input.title.as_deref())?;
        if let Some(uri) = &input.login_uri {
            urls::check("login-uri", uri)?;
        }
        let lists = [
            ("callback", &input.callback),
            ("logout-url", &input.logout_url),
            ("web-origin", &input.web_origin),
            ("allowed-origin", &input.allowed_origin),
        ];
        for (argument, list) in lists {
            urls::check_list(argument, list.as_deref().unwrap_or_default())?;
        }
        for (argument, list) in &lists[2..] {
            urls::warn_of_paths(host, argument, list.as_deref().unwrap_or_default());
        }
        Ok(Body {
            title: input.title,
            login_uri: input.login_uri.map(Some),
            callbacks: input.callback,
            logout_urls: input.logout_url,
            web_origins: input.web_origin,
            allowed_origins: input.allowed_origin,
        })
    }

    /// With `null` and empty lists for what wasn't given.
    fn complete(self) -> Body {
        let list = |list: Option<Vec<String>>| Some(list.unwrap_or_default());
        Body {
            title: self.title,
            login_uri: Some(self.login_uri.flatten()),
            callbacks: list(self.callbacks),
            logout_urls: list(self.logout_urls),
            web_origins: list(self.web_origins),
            allowed_origins: list(self.allowed_origins),
        }
    }

    fn is_empty(&self) -> bool {
        let lists = [&self.callbacks, &self.logout_urls, &self.web_origins, &self.allowed_origins];
        self.title.is_none() && self.login_uri.is_none() && lists.iter().all(|list| list.is_none())
    }
}

impl CredentialKind for Spa {
    type Record = Record;
    type Create = Input;
    type Update = Input;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Record>> {
        CLIENTS.list(host, page)
    }

    fn create(host: &Host<'_>, input: Input) -> Result<Record> {
        CLIENTS.create(host, &Body::checked(input, host)?.complete())
    }

    fn get(host: &Host<'_>, id: &str) -> Result<Record> {
        CLIENTS.get(host, id)
    }

    fn update(host: &Host<'_>, id: &str, input: Input) -> Result<Record> {
        let body = Body::checked(input, host)?;
        if body.is_empty() {
            return Err(Error::new(ErrorCode::Usage, "nothing to change")
                .hint("name what changes, like `--title NAME`; `--help` lists the options"));
        }
        CLIENTS.update(host, id, &body)
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<Record>> {
        CLIENTS.delete(host, id)
    }

    fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
        verify::verify(host, id)
    }
}

export_kind!(Spa);
