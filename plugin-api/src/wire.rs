//! What crosses the boundary, as JSON: the input of a verb, a request to the host, its answer. Growth happens here, as new optional
//! fields; the binary layout in `abi` never changes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Secret;

/// The service name under which the host itself answers: `POST /warnings` with `{"message", "hint"?}` shows a warning.
/// It needs no declaration, and a manifest can't declare a service of that name.
pub const HOST_SERVICE: &str = "host";

/// The other side of the boundary, seen from a kind: one function, JSON in, JSON out. `Err` holds the JSON of an [`crate::Error`].
///
/// Implemented by the loaded library's host handle and by `testing::FakeHost`.
pub trait Caller {
    /// Asks a service: the JSON of a [`WireRequest`] in, that of a [`WireResponse`] out.
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>>;
}

/// The input of a verb.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// For get, update and delete: what the user typed. Never empty, `.` or `..`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The arguments that were given, by their manifest name with `_` for `-`.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// For list: where the page starts, as the page before said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What the host says besides.
    #[serde(default)]
    pub settings: Settings,
}

/// What the host tells a kind besides the user's words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The time that the command goes by, RFC 3339 in UTC to the second. A kind uses this, not the clock, so that the host can fix it.
    #[serde(default)]
    pub now: String,
    /// The table `[kinds.<name>]` of the user's configuration, as it stands there.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// One segment of a request's path, not yet encoded: the host does that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Segment {
    /// A word or an id, shown wherever the path is shown.
    Plain(String),
    /// A credential, masked wherever the path is shown.
    Secret {
        /// The credential.
        secret: Secret,
    },
}

impl Segment {
    /// The text to match and to encode.
    pub fn text(&self) -> &str {
        match self {
            Segment::Plain(text) => text,
            Segment::Secret { secret } => secret.expose(),
        }
    }
}

impl From<&str> for Segment {
    fn from(text: &str) -> Segment {
        Segment::Plain(text.to_owned())
    }
}

impl From<String> for Segment {
    fn from(text: String) -> Segment {
        Segment::Plain(text)
    }
}

/// What a kind asks of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireRequest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path below the service's base URL.
    pub path: Vec<Segment>,
    /// The query, in order, not yet encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers. `Authorization`, `Host` and the hop-by-hop headers are the host's and refused here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl WireRequest {
    /// `GET /v3/tokens/…`, with secrets masked: how a request is named in messages.
    pub fn shown(&self) -> String {
        let segments = self.path.iter().map(|segment| match segment {
            Segment::Plain(text) => text.as_str(),
            Segment::Secret { .. } => "…",
        });
        format!("{} /{}", self.method, segments.collect::<Vec<_>>().join("/"))
    }
}

/// What a service says of a failure, in the JSON forms that are known: `error` (or `message`) and `description`.
pub fn problem(body: &Value) -> Option<String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match (text("error").or_else(|| text("message")), text("description")) {
        (Some(error), Some(description)) => Some(format!("{error}: {description}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// What a service answered. The host keeps back what is its own affair: 401, 429, 5xx and failures of the network reach a kind as an
/// error, which it passes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The JSON of the body, if there is one. A refusal whose body isn't JSON comes as a string.
    #[serde(default)]
    pub body: Option<Value>,
}
