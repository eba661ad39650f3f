//! What a request to create or change an OAuth client may say.

use serde::{Deserialize, Serialize};

use super::url;
use crate::sandbox::answer::Refusal;
use crate::sandbox::body::Fields;
use crate::sandbox::query::Query;

const SPA_FIELDS: [&str; 6] = ["title", "login_uri", "callbacks", "logout_urls", "web_origins", "allowed_origins"];
const M2M_FIELDS: [&str; 1] = ["title"];
const FIXED_FIELDS: [&str; 3] = ["type", "client_id", "client_secret"];

/// The most URLs that one list takes.
const MAX_URLS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientType {
    Spa,
    M2m,
}

impl ClientType {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ClientType::Spa => "spa",
            ClientType::M2m => "m2m",
        }
    }

    pub(super) fn parse(text: &str) -> Option<ClientType> {
        [ClientType::Spa, ClientType::M2m].into_iter().find(|known| known.as_str() == text)
    }

    /// The `type` of the query, if it has one.
    pub(super) fn from_query(query: &Query) -> Result<Option<ClientType>, Refusal> {
        let Some(text) = query.get("type") else { return Ok(None) };
        match ClientType::parse(text) {
            Some(known) => Ok(Some(known)),
            None => Err(Refusal::bad_request("The query parameter `type` must be `spa` or `m2m`")),
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            ClientType::Spa => &SPA_FIELDS,
            ClientType::M2m => &M2M_FIELDS,
        }
    }
}

/// What only a client with a browser in front of it has.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SpaUrls {
    login_uri: Option<String>,
    pub(super) callbacks: Vec<String>,
    pub(super) logout_urls: Vec<String>,
    pub(super) web_origins: Vec<String>,
    pub(super) allowed_origins: Vec<String>,
}

impl SpaUrls {
    /// Replaces each value that `fields` hold.
    pub(super) fn apply(&mut self, fields: &Fields) -> Result<(), Refusal> {
        if let Some(login_uri) = fields.text_or_null("login_uri")? {
            if let Some(problem) = login_uri.as_deref().and_then(url::problem) {
                return Err(fields.wrong("login_uri", problem));
            }
            self.login_uri = login_uri;
        }
        let lists = [
            ("callbacks", &mut self.callbacks),
            ("logout_urls", &mut self.logout_urls),
            ("web_origins", &mut self.web_origins),
            ("allowed_origins", &mut self.allowed_origins),
        ];
        for (name, list) in lists {
            if let Some(urls) = urls(fields, name)? {
                *list = urls;
            }
        }
        Ok(())
    }
}

/// A client to be created.
pub(super) struct Wanted {
    pub(super) client_type: ClientType,
    pub(super) title: String,
    pub(super) urls: Option<SpaUrls>,
}

impl Wanted {
    pub(super) fn from_fields(fields: &Fields, client_type: ClientType) -> Result<Wanted, Refusal> {
        fields.only(client_type.fields())?;
        let title = title(fields)?.ok_or_else(|| fields.wrong("title", "is required"))?;
        let urls = match client_type {
            ClientType::M2m => None,
            ClientType::Spa => {
                let mut urls = SpaUrls::default();
                urls.apply(fields)?;
                Some(urls)
            }
        };
        Ok(Wanted { client_type, title, urls })
    }
}

/// Refuses a change that names a field which a client of this type doesn't have, or which never changes.
pub(super) fn check_change(fields: &Fields, client_type: ClientType) -> Result<(), Refusal> {
    if let Some(name) = FIXED_FIELDS.iter().find(|name| fields.has(name)) {
        return Err(Refusal::bad_request(format!("{name} cannot be changed")));
    }
    if fields.is_empty() {
        return Err(Refusal::bad_request("There is nothing to change in an empty body"));
    }
    fields.only(client_type.fields())
}

pub(super) fn title(fields: &Fields) -> Result<Option<String>, Refusal> {
    match fields.text("title")? {
        Some(title) if title.trim().is_empty() => Err(fields.wrong("title", "must not be empty")),
        title => Ok(title),
    }
}

fn urls(fields: &Fields, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(urls) = fields.texts(name)? else { return Ok(None) };
    if urls.len() > MAX_URLS {
        return Err(fields.wrong(name, &format!("must hold at most {MAX_URLS} URLs")));
    }
    for (index, text) in urls.iter().enumerate() {
        let place = format!("{name}[{index}]");
        if let Some(problem) = url::problem(text) {
            return Err(fields.wrong(&place, problem));
        }
        if urls[..index].contains(text) {
            return Err(fields.wrong(&place, "stands in the list twice"));
        }
    }
    Ok(Some(urls))
}
