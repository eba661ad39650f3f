//! What a request to a data API asks, as the client library sends it: parameters in the URL, or in a JSON body where the URL would be too
//! long. Whether it is allowed is decided elsewhere.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header::{ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::rules::{Asked, Page};
use crate::sandbox::answer::Refusal;
use crate::sandbox::authority::issuer::Issuer;
use crate::sandbox::body::Fields;
use crate::sandbox::query::Query;

/// How a map names its source. CARTO has rasters too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapType {
    Table,
    Query,
    Tileset,
    Boundary,
}

impl MapType {
    pub(super) const ALL: [MapType; 4] = [MapType::Table, MapType::Query, MapType::Tileset, MapType::Boundary];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            MapType::Table => "table",
            MapType::Query => "query",
            MapType::Tileset => "tileset",
            MapType::Boundary => "boundary",
        }
    }
}

/// What can't stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a request wants to read.
pub(super) struct Wanted {
    /// All that has to be granted.
    pub(super) asked: Vec<Asked>,
    /// Whether a map's TileJSON is wanted, and not the address of it.
    pub(super) tilejson: bool,
    /// The parameters that name what is asked.
    parameters: Vec<(&'static str, String)>,
}

impl Wanted {
    /// The address of this map with these sources, to be continued.
    pub(super) fn address(&self, issuer: &Issuer, connection: &str, map_type: MapType) -> Result<Url, Refusal> {
        let path = [connection, map_type.as_str()].map(|segment| utf8_percent_encode(segment, SEGMENT).to_string());
        let address = format!("{}/v3/maps/{}", issuer.origin(), path.join("/"));
        let address = Url::parse_with_params(&address, &self.parameters);
        address.map_err(|_| Refusal::bad_request("The map has no address"))
    }
}

/// A request's parameters. What is wrong with the body is kept: whether anybody is told depends on who asks.
pub(super) struct Parameters {
    query: Query,
    body: Result<Option<Fields>, Refusal>,
}

impl Parameters {
    /// What the SQL API reads.
    pub(super) fn statement(self) -> Result<Wanted, Refusal> {
        self.wanted(&["q"])
    }

    /// What a map of this type reads.
    pub(super) fn source(self, map_type: MapType) -> Result<Wanted, Refusal> {
        match map_type {
            MapType::Table | MapType::Tileset => self.wanted(&["name"]),
            MapType::Query => self.wanted(&["q"]),
            MapType::Boundary => {
                let by_query = self.query.get(PROPERTIES_QUERY).is_some()
                    || self
                        .body
                        .as_ref()
                        .is_ok_and(|body| body.as_ref().is_some_and(|body| body.has(PROPERTIES_QUERY)));
                self.wanted(&["tilesetTableName", if by_query { PROPERTIES_QUERY } else { "propertiesTableName" }])
            }
        }
    }

    fn wanted(self, names: &[&'static str]) -> Result<Wanted, Refusal> {
        let body = self.body?;
        // The URL of a map stands in its own answer, and a body may come on top of it.
        let read = |name: &str| {
            let (in_url, in_body) = (self.query.once(name)?, body.as_ref().map(|body| body.text(name)).transpose()?);
            match (in_url.map(str::to_owned), in_body.flatten()) {
                (Some(_), Some(_)) => {
                    Err(Refusal::bad_request(format!("`{name}` stands both in the URL and in the body")))
                }
                (in_url, in_body) => Ok(in_url.or(in_body)),
            }
        };
        let (mut asked, mut parameters) = (Vec::new(), Vec::new());
        for name in names.iter().copied() {
            let text = read(name)?.filter(|text| !text.trim().is_empty());
            let text = text.ok_or_else(|| Refusal::bad_request(format!("The parameter `{name}` is required")))?;
            asked.push(if ["q", PROPERTIES_QUERY].contains(&name) {
                Asked::Statement(text.clone())
            } else {
                Asked::Name(text.clone())
            });
            parameters.push((name, text));
        }
        Ok(Wanted { asked, tilejson: read("format")?.as_deref() == Some("tilejson"), parameters })
    }
}

const PROPERTIES_QUERY: &str = "propertiesSqlQuery";

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Parameters, Refusal> {
        let (mut parts, body) = request.into_parts();
        let query = Query::from_request_parts(&mut parts, state).await?;
        let body = match parts.method {
            Method::POST => Fields::from_request(Request::from_parts(parts, body), state).await.map(Some),
            _ => Ok(None),
        };
        Ok(Parameters { query, body })
    }
}

/// Which page asks. A browser says `Origin` with every request to another origin; what is sent without one is a program of its own.
pub(super) fn page(headers: &HeaderMap) -> Page<'_> {
    if !headers.contains_key(ORIGIN) {
        return Page::None;
    }
    let header = if headers.contains_key(REFERER) { REFERER } else { ORIGIN };
    one(headers, &header).map_or(Page::Unreadable, Page::At)
}

/// The value of a header that stands there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()
}
