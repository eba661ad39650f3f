//! What an answer means before a kind sees it: 401, 429, 5xx, redirects and answers that aren't JSON are the host's affair.

use carto_plugin_api::{ErrorCode, WireRequest, WireResponse};
use http::StatusCode;
use serde_json::Value;

use super::endpoint::{Act, Endpoint};
use super::receive::{Content, Received};
use super::redirect::Turn;
use super::retry::{asked_wait, wish};
use crate::error::{Error, Result};
use crate::transport::Failure;

/// A request, as far as its answer's meaning depends on it.
pub(super) struct Asked<'a> {
    pub(super) shown: String,
    pub(super) act: Act,
    deletes: bool,
    endpoint: &'a Endpoint,
}

impl<'a> Asked<'a> {
    pub(super) fn new(request: &WireRequest, endpoint: &'a Endpoint) -> Asked<'a> {
        let (act, deletes) = (endpoint.act(request), request.method == "DELETE");
        Asked { shown: request.shown(), act, deletes, endpoint }
    }

    fn writes(&self) -> bool {
        self.act == Act::Writes
    }

    /// What to do about a request that was for nothing. What a statement did that was tried, nobody knows.
    fn to_do(&self, remedy: &str) -> String {
        match self.act {
            Act::Tries => remedy.to_owned(),
            Act::Reads | Act::Writes => format!("nothing was changed; {remedy}"),
        }
    }

    /// Gives a kind what is its affair, and keeps what is the host's. Where a credential is tried, what is refused and redirected is the kind's too.
    pub(super) fn judge(&self, received: Received) -> Result<WireResponse> {
        let status = received.status;
        match status.as_u16() {
            // What a status says that nobody knows isn't that nothing was done.
            100..=199 | 300..=399 | 432..=450 | 452..=499 | 600.. if self.writes() => {
                return Err(unknown(&format!("{} answered {} with {status}", self.endpoint.place(), self.shown)));
            }
            401 if !self.endpoint.is_tried() => return Err(self.endpoint.rejected(received.words().as_deref())),
            408 => return Err(self.gave_up()),
            429 => return Err(self.limited(&received)),
            500..=599 => return Err(self.unavailable(&received)),
            _ => {}
        }
        let body = match &received.content {
            Content::Nothing => None,
            Content::Json(json) if status.is_success() && self.deletes && speaks_of_failure(json) => {
                let words = received.words().map(|words| format!(": {words}")).unwrap_or_default();
                let (place, shown) = (self.endpoint.place(), &self.shown);
                return Err(unknown(&format!("{place} answered {shown} with {status} and an error{words}")));
            }
            Content::Json(json) => Some(json.clone()),
            // A word or two that come with a deletion say nothing more. A page can be anybody's: that of a sign-in, say.
            Content::Other(_) if status.is_success() && self.deletes && received.words().is_some() => None,
            Content::Other(_) if status.is_success() && !self.endpoint.is_tried() => {
                return Err(self.not_json(&received));
            }
            Content::Other(_) => received.words().map(Value::String),
        };
        let mut response = WireResponse::new(status.as_u16(), body);
        response.headers = received.headers().to_vec();
        Ok(response)
    }

    /// A request that got no answer: nothing was changed, or nobody knows.
    pub(super) fn failed(&self, failure: &Failure) -> Error {
        let place = self.endpoint.place();
        match failure {
            Failure::Unsent(obstacle) => {
                Error::new(ErrorCode::Unreachable, format!("cannot reach {place}{}", obstacle.why))
                    .hint(self.to_do(&obstacle.remedy))
            }
            Failure::Lost(why) => {
                let message = format!("the connection to {place} failed: {why}");
                match self.writes() {
                    true => unknown(&message),
                    false => Error::new(ErrorCode::Unreachable, message).hint(self.to_do("try again")),
                }
            }
            Failure::TooLarge => self.unexpected(format!("{place} answered {} with more than 16 MiB", self.shown)),
        }
    }

    /// A redirect that isn't followed.
    pub(super) fn redirected(&self, status: StatusCode, turn: &Turn) -> Error {
        let (place, shown, status) = (self.endpoint.place(), &self.shown, status.as_u16());
        let message = match turn {
            Turn::Elsewhere(origin) => {
                format!("{place} redirects {shown} to another origin, `{origin}` ({status}), which isn't followed")
            }
            Turn::Circle => format!("{place} redirects {shown} in a circle ({status})"),
            Turn::Write => format!("{place} redirects {shown} ({status}), and a write isn't redirected"),
            Turn::Nowhere | Turn::To(_) => format!("{place} redirects {shown} to nowhere ({status})"),
        };
        // Some redirects (303) mean that the write was done.
        if self.writes() {
            return unknown(&message);
        }
        let hint = format!("give the address of the API itself as {}", self.endpoint.called());
        Error::new(ErrorCode::UnexpectedAnswer, message).hint(hint)
    }

    fn gave_up(&self) -> Error {
        let message = format!("{} gave up waiting for {} (408)", self.endpoint.place(), self.shown);
        match self.writes() {
            true => unknown(&message),
            false => Error::new(ErrorCode::Unavailable, message).hint(self.to_do("try again")),
        }
    }

    fn limited(&self, received: &Received) -> Error {
        let place = self.endpoint.place();
        let message = format!("{place} asks for fewer requests (429){}", wish(received));
        Error::new(ErrorCode::RateLimited, message).hint(match asked_wait(received) {
            Some(wait) if !wait.is_zero() => self.to_do("try again then"),
            _ => self.to_do("wait, then try again"),
        })
    }

    fn unavailable(&self, received: &Received) -> Error {
        let words = received.words().map(|words| format!(": {words}")).unwrap_or_default();
        let status = received.status.as_u16();
        let message = format!("{} failed ({status}){}{words}", self.endpoint.place(), wish(received));
        // 501 says that nothing was done. Behind any other failure a write may have happened, behind a 503 too: a proxy says that when it has
        // lost the service in the middle of a request.
        if self.writes() && status != 501 {
            return unknown(&message);
        }
        Error::new(ErrorCode::Unavailable, message).hint(match status {
            501 => self.to_do(&format!("look at {}", self.endpoint.routes_are_in())),
            _ => self.to_do("try again later"),
        })
    }

    fn not_json(&self, received: &Received) -> Error {
        let kind = received.content_type().unwrap_or("something");
        self.unexpected(format!("{} answered {} with {kind} that isn't JSON", self.endpoint.place(), self.shown))
    }

    fn unexpected(&self, message: String) -> Error {
        if self.writes() {
            return unknown(&message);
        }
        Error::new(ErrorCode::UnexpectedAnswer, message)
            .hint(format!("the {} may lead somewhere else", self.endpoint.called()))
    }
}

/// A write whose outcome nobody knows. How to find out depends on the verb, and is said by the command.
fn unknown(why: &str) -> Error {
    Error::new(ErrorCode::OutcomeUnknown, format!("{why}; it isn't known whether the change was made"))
}

/// Whether an answer that calls itself a success isn't one.
fn speaks_of_failure(body: &Value) -> bool {
    let says = |key: &str| body.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    let lists = body["errors"].as_array().is_some_and(Vec::is_empty);
    says("error")
        || says("errors") && !lists
        || body["success"] == false
        || body["status"].as_u64().is_some_and(|status| status >= 400)
}

/// What any body behind any status comes to, for a fuzzer.
#[cfg(feature = "fuzzing")]
pub(crate) fn judge(status: u16, body: &[u8]) -> Result<WireResponse> {
    let request = WireRequest::new("POST", [""; 0]);
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let endpoint = Endpoint::of_account(crate::account::Account::of_nobody());
    let received = Received::new(status, &http::HeaderMap::new(), body, &endpoint.hidden);
    Asked::new(&request, &endpoint).judge(received)
}
