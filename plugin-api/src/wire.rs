//! What crosses the boundary, as JSON: the input of a verb, a request to the host, its answer. Growth happens here, as new optional
//! fields; the binary layout in `abi` never changes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Secret;

/// The service name under which the host itself answers: `POST /warnings` with `{"message", "hint"?}` shows a warning.
/// It needs no declaration, and a manifest can't declare a service of that name.
pub const HOST_SERVICE: &str = "host";

/// The account's own API, asked with the credential under test, which the request brings along as its [`WireRequest::bearer`]. Only verify may ask
/// it, by the few requests that docs/plugin-abi.md lists. Every answer but 408, 429 and 5xx reaches the kind, redirects too: refusals are what it wants to know.
pub const DATA_SERVICE: &str = "data";

/// The account's authority, where OAuth clients sign in. The same rules, and no bearer.
pub const AUTH_SERVICE: &str = "auth";

/// The other side of the boundary, seen from a kind: one function, JSON in, JSON out. `Err` holds the JSON of an [`crate::Error`].
///
/// Implemented by the loaded library's host handle and by `testing::FakeHost`.
pub trait Caller {
    /// Asks a service: the JSON of a [`WireRequest`] in, that of a [`WireResponse`] out.
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>>;
}

/// The input of a verb. Made with [`Input::default`] and set field by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Input {
    /// For get, update, delete and verify: what the user typed. Never empty, `.` or `..`.
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

/// What the host tells a kind besides the user's words. Made with [`Settings::default`] and set field by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// The time that the command goes by, RFC 3339 in UTC to the second. A kind uses this, not the clock, so that the host can fix it.
    #[serde(default)]
    pub now: String,
    /// The table `[kinds.<name>]` of the user's configuration, as it stands there.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// For verify: what bearers of the account's authority are for, where the user's configuration says it. CARTO's own otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// One segment of a request's path, not yet encoded: the host does that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
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

/// What a kind asks of a service. A kind makes it with [`crate::Request`], anybody else with [`WireRequest::new`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// For [`DATA_SERVICE`] alone: the credential that is tried. Without one the request has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Secret>,
}

impl WireRequest {
    /// A request without query, headers, body and bearer: they are set field by field.
    pub fn new<S: Into<Segment>>(method: impl Into<String>, path: impl IntoIterator<Item = S>) -> WireRequest {
        WireRequest {
            method: method.into(),
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            bearer: None,
        }
    }

    /// `GET /v3/tokens/…`, with secrets masked: how a request is named in messages.
    pub fn shown(&self) -> String {
        let segments = self.path.iter().map(|segment| match segment {
            Segment::Plain(text) => text.as_str(),
            Segment::Secret { .. } => "…",
        });
        format!("{} /{}", self.method, segments.collect::<Vec<_>>().join("/"))
    }
}

/// What a service says of a failure, in the JSON forms that are known: `error` (a text, or an object with a `message`), `message`, or the
/// `title` of a problem document (RFC 9457), and `description`, `detail` or (OAuth) `error_description`; else each of its `errors`, with the field that it is about.
pub fn problem(body: &Value) -> Option<String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let error = || text("error").or_else(|| body.get("error")?.get("message")?.as_str());
    let what = error().or_else(|| text("message")).or_else(|| text("title"));
    let more = || text("description").or_else(|| text("detail")).or_else(|| text("error_description"));
    match (what, more()) {
        (Some(what), Some(more)) => Some(format!("{what}: {more}")),
        (one, other) => one.or(other).map(str::to_owned).or_else(|| problems(body.get("errors")?)),
    }
}

/// `["…"]`, `[{"field"?, "message"}]` or `{"field": ["…"]}`, as frameworks answer with 422.
fn problems(errors: &Value) -> Option<String> {
    let one = |item: &Value| match item {
        Value::String(text) => Some(text.clone()),
        item => {
            let place = ["field", "path", "pointer", "property"].iter().find_map(|key| item.get(key)?.as_str());
            let said = problem(item)?;
            Some(place.map_or_else(|| said.clone(), |place| format!("{place}: {said}")))
        }
    };
    let all: Vec<String> = match errors {
        Value::Array(items) => items.iter().filter_map(one).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(field, said)| {
                let said = said.as_str().or_else(|| said.as_array()?.first()?.as_str())?;
                Some(format!("{field}: {said}"))
            })
            .collect(),
        _ => return None,
    };
    (!all.is_empty()).then(|| all.join("; "))
}

/// What a service answered. The host keeps back what is its own affair: 401, 429, 5xx and failures of the network reach a kind as an
/// error, which it passes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl WireResponse {
    /// A response without headers: they are set by themselves.
    pub const fn new(status: u16, body: Option<Value>) -> WireResponse {
        WireResponse { status, headers: Vec::new(), body }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_say_it_in_many_ways() {
        let cases = [
            (json!({ "error": "no", "status": 400 }), Some("no")),
            (json!({ "error": "no", "description": "never" }), Some("no: never")),
            (json!({ "error": "no", "error_description": "never" }), Some("no: never")),
            (json!({ "error": { "code": 7, "message": "no" } }), Some("no")),
            (json!({ "message": "no" }), Some("no")),
            (json!({ "title": "Bad", "detail": "no such thing", "status": 422 }), Some("Bad: no such thing")),
            (json!({ "errors": ["a", "b"] }), Some("a; b")),
            (
                json!({ "errors": [{ "field": "name", "message": "too long" }, { "detail": "x" }] }),
                Some("name: too long; x"),
            ),
            (json!({ "errors": { "name": ["too long", "y"], "z": "w", "n": 1 } }), Some("name: too long; z: w")),
            (json!({ "errors": [] }), None),
            (json!({ "errors": 7, "error": null }), None),
            (json!("text"), None),
        ];
        for (body, expected) in cases {
            assert_eq!(problem(&body).as_deref(), expected, "{body}");
        }
    }
}
