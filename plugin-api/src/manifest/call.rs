//! What a verb may ask: `api GET /v3/tokens/{}`. One grammar, one match, for the host and for tests against the fake host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::Verb;
use crate::wire::{AUTH_SERVICE, DATA_SERVICE, Segment, WireRequest};

/// The services of the host that try credentials.
pub(super) const TRIED: [&str; 2] = [DATA_SERVICE, AUTH_SERVICE];

/// All that may be asked of them. Whoever has a credential can do with it whatever it opens, so a kind that may send one anywhere could make and
/// delete others. None of these does: they read, sign in, or run a statement. Statements go by POST alone, which is sent once and which a dry
/// run keeps back.
pub(super) const TRIALS: [&str; 8] = [
    "data POST /v3/sql/{}/query",
    "data GET /v3/maps/{}/table",
    "data GET /v3/maps/{}/query",
    "data GET /v3/maps/{}/tileset",
    "data GET /v3/tokens",
    "auth POST /oauth/token",
    "auth GET /authorize",
    "auth GET /v2/logout",
];

/// A permitted request: a service, a method, a path template, and pairs that the query must hold.
///
/// Written `SERVICE METHOD /PATH[?KEY=VALUE&…]`. `{}` in the path stands for any one segment. A pair in the query must be in the request
/// exactly once; other pairs are free. So a kind that shares a route with another can be held to its own part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The service's name in the manifest.
    pub service: String,
    /// The method.
    pub method: Method,
    path: Vec<Option<String>>,
    pub(super) query: Vec<(String, String)>,
}

/// An HTTP method that a kind may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// `GET`: the only one that verbs which only read may use.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(word: &str) -> Result<Method, ()> {
        [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
            .into_iter()
            .find(|method| method.as_str() == word)
            .ok_or(())
    }
}

impl Call {
    /// Whether this template permits the request. The segments are compared before any encoding, so that what is inside one can never
    /// become another; a segment that is empty, `.` or `..` matches nothing.
    pub fn permits(&self, service: &str, request: &WireRequest) -> bool {
        self.service == service
            && self.method.as_str() == request.method
            && self.path.len() == request.path.len()
            && self.path.iter().zip(&request.path).all(|(template, segment)| {
                let text = segment.text();
                match template {
                    Some(literal) => literal == text,
                    None => !matches!(text, "" | "." | ".."),
                }
            })
            && self.query.iter().all(|(key, value)| {
                let mut given = request.query.iter().filter(|(k, _)| k == key);
                given.next().is_some_and(|(_, v)| v == value) && given.next().is_none()
            })
    }

    /// Whether it tries a credential in place of asking about it, which is verify's alone. It must be one that [may be tried](Call::is_a_trial).
    pub fn tries(&self, verb: Verb) -> bool {
        verb == Verb::Verify && TRIED.contains(&self.service.as_str())
    }

    /// Whether it is one of the few requests by which a credential may be tried, whatever its query demands.
    pub fn is_a_trial(&self) -> bool {
        let bare = Call { query: Vec::new(), ..self.clone() };
        TRIALS.contains(&bare.to_string().as_str())
    }

    /// The segments of its path; nothing for a `{}`.
    pub fn path(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.path.iter().map(Option::as_deref)
    }

    /// The pairs that the query must hold.
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// Marks as no secret what stands in the template itself. The request must be one that this permits.
    pub fn reveal(&self, request: &mut WireRequest) {
        for (segment, literal) in request.path.iter_mut().zip(&self.path) {
            if let Some(literal) = literal {
                *segment = Segment::Plain(literal.clone());
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.service, self.method.as_str())?;
        for segment in &self.path {
            write!(f, "/{}", segment.as_deref().unwrap_or("{}"))?;
        }
        for (i, (key, value)) in self.query.iter().enumerate() {
            write!(f, "{}{key}={value}", if i == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Call, String> {
        let bad = |why: &str| format!("the call `{text}` {why}; write it like `api GET /v3/tokens/{{}}`");
        let words: Vec<&str> = text.split(' ').collect();
        let [service, method, target] = words[..] else { return Err(bad("isn't a service, a method and a path")) };
        let method = method.parse().map_err(|()| bad("has an unknown method"))?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix('/').ok_or_else(|| bad("has a path that doesn't begin with `/`"))?;
        let path = path
            .split('/')
            .map(|segment| match segment {
                "{}" => Ok(None),
                "" | "." | ".." => Err(bad("has an empty or dotted segment")),
                literal if literal.bytes().all(unreserved) => Ok(Some(literal.to_owned())),
                _ => Err(bad("has a segment that is neither `{}` nor plain letters, digits, `-`, `.`, `_`, `~`")),
            })
            .collect::<Result<_, _>>()?;
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() && key.bytes().chain(value.bytes()).all(unreserved) => {
                    Ok((key.to_owned(), value.to_owned()))
                }
                _ => Err(bad("has a query that isn't plain `key=value` pairs")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Call { service: service.to_owned(), method, path, query })
    }
}

/// RFC 3986: what needs no encoding anywhere, so that a template reads as it is sent.
fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Call, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
