//! An answer, read into memory: no more of it than a limit, and without the bearer, which a service may echo.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::retry;
use crate::transport::{Body, BodyError, Failure};

/// The most that an answer may hold, unpacked.
const LIMIT: usize = 16 * 1024 * 1024;
/// The most of a service's own words that a message takes.
const WORDS: usize = 500;
/// A shorter bearer than this is none, and its letters would be everywhere.
const SHORTEST: usize = 8;

/// An answer in memory.
pub(super) struct Received {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Reads an answer to its end, and hides the bearer in it.
pub(super) async fn receive(response: Response<Body>, bearer: &str) -> Result<Received, Failure> {
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(e) if e.is::<LengthLimitError>() => return Err(Failure::TooLarge),
        Err(e) => {
            let why = e.downcast_ref::<BodyError>().map_or_else(|| e.to_string(), ToString::to_string);
            return Err(Failure::Lost(why));
        }
    };
    let body = match std::str::from_utf8(&body) {
        Ok(text) => without(bearer, text).into_bytes(),
        Err(_) => body.to_vec(),
    };
    Ok(Received { status: head.status, headers: head.headers, body })
}

/// The text without the bearer: neither a message nor a kind may get it from a service that echoes it.
fn without(bearer: &str, text: &str) -> String {
    if bearer.len() >= SHORTEST { text.replace(bearer, "[hidden]") } else { text.to_owned() }
}

impl Received {
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Received {
        Received { status, headers, body }
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every header that is text, names in lower case, without the bearer.
    pub(super) fn headers(&self, bearer: &str) -> Vec<(String, String)> {
        let text = |(name, value): (&HeaderName, &http::HeaderValue)| {
            Some((name.as_str().to_owned(), without(bearer, value.to_str().ok()?)))
        };
        self.headers.iter().filter_map(text).collect()
    }

    /// The wait that the service asks for.
    pub(super) fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        retry::after(self.header(RETRY_AFTER)?, now)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// `text/html`, without parameters.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE)?.split(';').next().map(str::trim).filter(|kind| !kind.is_empty())
    }

    /// What the service says in words: its JSON's, or plain text.
    pub(super) fn words(&self) -> Option<String> {
        let text = match self.json() {
            Some(json) => carto_plugin_api::problem(&json)?,
            None if self.content_type() == Some("text/plain") => String::from_utf8_lossy(&self.body).trim().to_owned(),
            None => return None,
        };
        Some(text.chars().take(WORDS).collect()).filter(|text: &String| !text.is_empty())
    }
}
