//! How a request to a service of a kind's own is authorised: `auth = "header:X-Robot-Key"`. The secret itself is the host's, and no kind's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::wire::WireRequest;

/// Where the secret of a service goes, in every request to it. The host puts it there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// `bearer`: `Authorization: Bearer …`.
    Bearer,
    /// `header:NAME`: a header of the service's own.
    Header(String),
    /// `query:NAME`: a pair of the query. Addresses are written into logs: a header is better, where the service has one.
    Query(String),
    /// `none`: the service asks for no secret.
    None,
}

/// Headers that say who asks, where, or how a request is framed: the host's own.
const HOST_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl Auth {
    /// Whether a kind's request sets what the host adds. That is a breach, whatever the value.
    pub fn is_set_by(&self, request: &WireRequest) -> bool {
        let names =
            |pairs: &[(String, String)], name: &str| pairs.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        match self {
            Auth::Bearer => names(&request.headers, "authorization"),
            Auth::Header(name) => names(&request.headers, name),
            Auth::Query(name) => names(&request.query, name),
            Auth::None => false,
        }
    }
}

impl FromStr for Auth {
    type Err = String;

    fn from_str(text: &str) -> Result<Auth, String> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        match text.split_once(':') {
            None if text == "bearer" => Ok(Auth::Bearer),
            None if text == "none" => Ok(Auth::None),
            Some(("header", name)) if is_word(name) => {
                let lower = name.to_ascii_lowercase();
                if HOST_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
                    return Err(format!(
                        "`auth` can't be the header `{name}`, which is the host's: use \"bearer\", or a header of the service's own"
                    ));
                }
                Ok(Auth::Header(name.to_owned()))
            }
            Some(("query", name)) if is_word(name) => Ok(Auth::Query(name.to_owned())),
            _ => Err("`auth` is \"bearer\", \"header:NAME\", \"query:NAME\" or \"none\"".to_owned()),
        }
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Auth::Bearer => f.write_str("bearer"),
            Auth::Header(name) => write!(f, "header:{name}"),
            Auth::Query(name) => write!(f, "query:{name}"),
            Auth::None => f.write_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Auth, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
