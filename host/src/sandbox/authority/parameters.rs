//! The parameters of an OAuth request, from a query or from a body in either of two forms. Each stands there once, and
//! one without a value counts as left out (RFC 6749, 3.1).

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::oauth_error::OauthError;
use crate::sandbox::answer::Refusal;
use crate::sandbox::body::LIMIT;

/// Names and values, as often as they were sent. It has no `Debug`: there may be secrets in it.
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a query or the body of a form.
    pub(super) fn parse(text: &[u8]) -> Parameters {
        Parameters { pairs: url::form_urlencoded::parse(text).into_owned().collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The first name that stands there twice.
    pub(super) fn repeated(&self) -> Option<&str> {
        let is_earlier = |index: usize, name: &str| self.pairs[..index].iter().any(|(earlier, _)| earlier == name);
        self.pairs.iter().enumerate().find(|(index, (name, _))| is_earlier(*index, name)).map(|(_, (name, _))| &**name)
    }

    /// Whether `name` stands there twice.
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(found, _)| found == name).count() > 1
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::invalid_request(format!("`{name}` is required")))
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = OauthError;

    async fn from_request(request: Request, state: &S) -> Result<Parameters, OauthError> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {LIMIT} bytes"))
            }
            status => Refusal::new(status, "The body could not be read to its end"),
        })?;
        let parameters = match essence.as_str() {
            "application/x-www-form-urlencoded" => Parameters::parse(&bytes),
            "application/json" => serde_json::from_slice(&bytes).map_err(|error| {
                // Its own words could repeat a secret.
                let place = format!("line {} column {}", error.line(), error.column());
                OauthError::invalid_request(format!("The body is not a JSON object of strings, at {place}"))
            })?,
            _ => {
                let message = "The body must be `application/x-www-form-urlencoded` or `application/json`";
                return Err(OauthError::invalid_request(message));
            }
        };
        match parameters.repeated() {
            Some(name) => Err(OauthError::invalid_request(format!("`{name}` stands there twice"))),
            None => Ok(parameters),
        }
    }
}

/// An object whose repeated names are kept, which serde's own maps would not.
impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Parameters;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Parameters { pairs })
            }
        }
        deserializer.deserialize_map(Object)
    }
}
