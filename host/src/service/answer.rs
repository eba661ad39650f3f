//! What an answer means before a kind sees it.

use carto_plugin_api::{ErrorCode, WireResponse};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::transport::{Body, Failure};

/// The most that an answer may hold.
const LIMIT: usize = 16 * 1024 * 1024;
/// The most of a service's own words that a message takes.
const WORDS: usize = 500;

/// A request, as far as its answer's meaning depends on it.
pub(super) struct Asked<'a> {
    pub(super) shown: String,
    pub(super) writes: bool,
    pub(super) deletes: bool,
    pub(super) account: &'a Account,
}

/// An answer in memory.
pub(super) struct Received {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Reads the body, up to the limit.
pub(super) async fn receive(response: Response<Body>, bearer: &str) -> std::result::Result<Received, Failure> {
    let (head, body) = response.into_parts();
    match Limited::new(body, LIMIT).collect().await {
        Ok(body) => {
            Ok(Received { status: head.status, headers: head.headers, body: hide(bearer, body.to_bytes().to_vec()) })
        }
        Err(e) if e.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Err(_) => Err(Failure::Lost("it ended in the middle of the answer".to_owned())),
    }
}

/// A shorter bearer than this is none, and its letters would be everywhere.
const SHORTEST: usize = 8;

/// A service that echoes the bearer must not lead it into a message, or into a kind.
fn without(bearer: &str, text: &str) -> String {
    if bearer.len() >= SHORTEST { text.replace(bearer, "[hidden]") } else { text.to_owned() }
}

fn hide(bearer: &str, body: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&body) {
        Ok(text) => without(bearer, text).into_bytes(),
        Err(_) => body,
    }
}

impl Received {
    fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What the service says in words: its JSON `error` and `description`, or plain text.
    fn words(&self) -> Option<String> {
        let plain = self.header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/plain"));
        let text = match self.json() {
            Some(json) => carto_plugin_api::problem(&json)?,
            None if plain => String::from_utf8_lossy(&self.body).trim().to_owned(),
            None => return None,
        };
        Some(text.chars().take(WORDS).collect()).filter(|text: &String| !text.is_empty())
    }
}

impl Asked<'_> {
    /// Gives a kind what is its affair, and keeps what is the host's: 401, 429, 5xx, redirects, answers that aren't JSON.
    pub(super) fn judge(&self, received: Received) -> Result<WireResponse> {
        let status = received.status;
        match status.as_u16() {
            401 => return Err(self.account.rejected(received.words().as_deref())),
            429 => return Err(self.limited(received.header(RETRY_AFTER))),
            300..=399 => return Err(self.redirected(status, received.header(LOCATION))),
            408 if self.writes => return Err(self.unknown(&format!("{} gave up waiting (408)", self.account.place()))),
            500..=599 => return Err(self.unavailable(&received)),
            _ => {}
        }
        let body = match received.json() {
            _ if received.body.is_empty() => None,
            Some(json) => Some(json),
            // What comes with a deletion says nothing more.
            None if status.is_success() && self.deletes => None,
            None if status.is_success() => return Err(self.not_json(&received)),
            None => received.words().map(Value::String),
        };
        let headers = received
            .headers
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), without(self.account.bearer(), value.to_str().ok()?)))
            })
            .collect();
        Ok(WireResponse { status: status.as_u16(), headers, body })
    }

    fn limited(&self, retry_after: Option<&str>) -> Error {
        let wait = match retry_after.and_then(|text| text.trim().parse::<u64>().ok()) {
            Some(seconds) => format!("; it says to wait {seconds} s"),
            None => String::new(),
        };
        Error::new(ErrorCode::RateLimited, format!("{} asks for fewer requests (429){wait}", self.account.place()))
            .hint("nothing was changed; wait, then try again")
    }

    fn unavailable(&self, received: &Received) -> Error {
        let words = received.words().map(|words| format!(": {words}")).unwrap_or_default();
        let message = format!("{} failed ({}){words}", self.account.place(), received.status.as_u16());
        // 501 and 503 say that nothing was done. Behind any other failure a write may have happened.
        if self.writes && !matches!(received.status.as_u16(), 501 | 503) {
            return self.unknown(&message);
        }
        Error::new(ErrorCode::Unavailable, message).hint(match received.status.as_u16() {
            501 => "nothing was changed; look at the base URL, and at `[services.api.paths]` in the settings",
            _ => "nothing was changed; try again later",
        })
    }

    fn redirected(&self, status: StatusCode, location: Option<&str>) -> Error {
        // Only the host: the rest of a redirect can hold a token.
        let to = location
            .and_then(|location| self.account.base_url().join(location).ok())
            .and_then(|url| url.host_str().map(str::to_owned))
            .map(|host| format!(" to `{host}`"))
            .unwrap_or_default();
        let message = format!(
            "{} redirects {}{to} ({}), which isn't followed",
            self.account.place(),
            self.shown,
            status.as_u16()
        );
        // Some redirects (303) mean that the write was done.
        if self.writes {
            return self.unknown(&message);
        }
        Error::new(ErrorCode::UnexpectedAnswer, message).hint("give the address of the API itself as base URL")
    }

    fn not_json(&self, received: &Received) -> Error {
        let kind = received.header(CONTENT_TYPE).map_or("something", |kind| kind.split(';').next().unwrap_or(kind));
        let message = format!("{} answered {} with {kind} that isn't JSON", self.account.place(), self.shown);
        if self.writes {
            return self.unknown(&message);
        }
        Error::new(ErrorCode::UnexpectedAnswer, message).hint("the base URL may lead somewhere else")
    }

    /// A write whose outcome nobody knows.
    pub(super) fn unknown(&self, why: &str) -> Error {
        Error::new(ErrorCode::OutcomeUnknown, format!("{why}; it isn't known whether the change was made"))
            .hint("look before you repeat it: `carto credentials list` shows what there is")
    }
}
