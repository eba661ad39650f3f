//! The JSON object of a request's body, read strictly: an unknown field or a value of the wrong type is a refusal
//! that names the field. What the values mean is the callers' business.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::answer::Refusal;

/// The largest body that a route reads.
pub(super) const LIMIT: usize = 1024 * 1024;

/// An object's fields. `None` from a reader means that the field isn't there; `null` is a value like any other, and
/// of the wrong type unless the reader's name says otherwise.
#[derive(Debug)]
pub(super) struct Fields {
    /// Where the object stands in the body, with a dot at its end; empty for the body itself.
    place: String,
    values: Map<String, Value>,
}

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Refuses a field that isn't among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.values.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Refusal::bad_request(format!(
                "Unknown field `{}{name}`; the fields are `{}`",
                self.place,
                known.join("`, `")
            ))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    pub(super) fn text_or_null(&self, name: &str) -> Result<Option<Option<String>>, Refusal> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
            Some(_) => Err(self.wrong(name, "must be a string or null")),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let wrong = || self.wrong(name, "must be a list of strings");
        let Some(value) = self.values.get(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(wrong)?.iter();
        items.map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Fields>>, Refusal> {
        let wrong = || self.wrong(name, "must be a list of objects");
        let Some(value) = self.values.get(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(wrong)?.iter().enumerate();
        items
            .map(|(index, item)| {
                let values = item.as_object().ok_or_else(wrong)?.clone();
                Ok(Fields { place: format!("{}{name}[{index}].", self.place), values })
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A refusal of the field `name`, called by its place in the body.
    pub(super) fn wrong(&self, name: &str, problem: &str) -> Refusal {
        Refusal::bad_request(format!("`{}{name}` {problem}", self.place))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Fields, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be JSON, with the content type `application/json`",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {LIMIT} bytes"))
            }
            status => Refusal::new(status, "The body could not be read to its end"),
        })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(values)) => Ok(Fields { place: String::new(), values }),
            Ok(_) => Err(Refusal::bad_request("The body must be a JSON object")),
            Err(error) => Err(Refusal::bad_request(format!("The body is not valid JSON: {error}"))),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
    essence.trim().eq_ignore_ascii_case("application/json")
}
