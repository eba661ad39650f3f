//! The host, as a kind sees it: ask a service, warn the user, know the time.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::wire::{self, Caller, HOST_SERVICE, Input, Segment, WireRequest, WireResponse};
use crate::{Error, ErrorCode, Result, Secret};

/// What the host gives to a verb while it runs.
pub struct Host<'a> {
    caller: &'a dyn Caller,
    input: &'a Input,
}

impl<'a> Host<'a> {
    pub(crate) fn new(caller: &'a dyn Caller, input: &'a Input) -> Host<'a> {
        Host { caller, input }
    }

    /// Asks a service that the manifest declares, and waits for the answer.
    ///
    /// # Errors
    /// What the host keeps to itself: not signed in (401), limited (429), unavailable (5xx), unreachable, a write whose outcome
    /// isn't known (after which it lets no other through), a request that the manifest doesn't declare. Pass these on with `?`. Every other status is a [`Response`]; see [`Response::ok`].
    pub fn call(&self, service: &str, request: Request) -> Result<Response> {
        let asked = request.0.shown();
        let bytes = serde_json::to_vec(&request.0).map_err(|e| Error::fault(format!("cannot write a request: {e}")))?;
        match self.caller.call(service, &bytes) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(wire) => Ok(Response { wire, asked }),
                Err(e) => Err(Error::fault(format!("cannot read the host's answer: {e}"))),
            },
            Err(bytes) => Err(serde_json::from_slice(&bytes)
                .unwrap_or_else(|e| Error::fault(format!("cannot read the host's error: {e}")))),
        }
    }

    /// Shows the user a warning on standard error, with what to do about it. Neither may hold a credential.
    pub fn warn(&self, message: &str, hint: Option<&str>) {
        let request = Request::post(["warnings"]).json(&json!({ "message": message, "hint": hint }));
        // A warning that the host can't show must not fail the verb.
        let _ = self.call(HOST_SERVICE, request);
    }

    /// The time that the command goes by: RFC 3339 in UTC to the second, like `2026-11-23T10:00:00Z`.
    pub fn now(&self) -> &str {
        &self.input.settings.now
    }

    /// The table `[kinds.<name>]` of the user's configuration.
    pub fn options(&self) -> &serde_json::Map<String, Value> {
        &self.input.settings.options
    }

    /// For verify: the audience that the authority of the account gives bearers for, where the user's configuration says one (`audience` below
    /// `[auth]`).
    pub fn audience(&self) -> Option<&str> {
        self.input.settings.audience.as_deref()
    }

    /// The options of the verb that runs, for one whose trait function has no typed input (list, get, delete, verify).
    ///
    /// Read them in the verb itself, not in a function that several verbs call: while get looks for a name in the list, these are get's
    /// options, not list's.
    ///
    /// # Errors
    /// A [`ErrorCode::PluginFault`] if what the manifest declares for that verb and `T` disagree.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(Value::Object(self.input.args.clone())).map_err(|e| {
            Error::fault(format!("the manifest and the kind disagree about the arguments of the verb that runs: {e}"))
        })
    }
}

/// A request to a service: method, path, query, body. The host encodes the path and adds base URL and authorisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Request(WireRequest);

impl Request {
    fn new<S: Into<Segment>>(method: &str, path: impl IntoIterator<Item = S>) -> Request {
        Request(WireRequest::new(method, path))
    }

    /// GET of a path given in segments: `Request::get(["v3", "tokens"])`.
    pub fn get<S: Into<Segment>>(path: impl IntoIterator<Item = S>) -> Request {
        Request::new("GET", path)
    }

    /// POST.
    pub fn post<S: Into<Segment>>(path: impl IntoIterator<Item = S>) -> Request {
        Request::new("POST", path)
    }

    /// PUT.
    pub fn put<S: Into<Segment>>(path: impl IntoIterator<Item = S>) -> Request {
        Request::new("PUT", path)
    }

    /// PATCH.
    pub fn patch<S: Into<Segment>>(path: impl IntoIterator<Item = S>) -> Request {
        Request::new("PATCH", path)
    }

    /// DELETE.
    pub fn delete<S: Into<Segment>>(path: impl IntoIterator<Item = S>) -> Request {
        Request::new("DELETE", path)
    }

    /// Adds a segment at the end of the path, as it is: a slash or a dot in it stays inside the segment.
    pub fn segment(mut self, segment: impl Into<Segment>) -> Request {
        self.0.path.push(segment.into());
        self
    }

    /// Adds a segment that is itself a credential, masked wherever the path is shown.
    pub fn secret_segment(self, secret: Secret) -> Request {
        self.segment(Segment::Secret { secret })
    }

    /// Adds a pair to the query.
    pub fn query(mut self, key: &str, value: impl Into<String>) -> Request {
        self.0.query.push((key.to_owned(), value.into()));
        self
    }

    /// Adds a pair to the query if there is a value.
    pub fn query_if(self, key: &str, value: Option<String>) -> Request {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the credential that is tried, for a request to [`crate::DATA_SERVICE`]. Nowhere else a kind has a bearer to set.
    pub fn bearer(mut self, bearer: Secret) -> Request {
        self.0.bearer = Some(bearer);
        self
    }

    /// Sets the JSON body. A value that JSON can't hold (a map with keys that aren't strings) becomes `null`.
    pub fn json(mut self, body: &impl Serialize) -> Request {
        self.0.body = Some(serde_json::to_value(body).unwrap_or(Value::Null));
        self
    }
}

/// The answer of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    wire: WireResponse,
    asked: String,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.wire.status
    }

    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.wire.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as it came.
    pub fn body(&self) -> Option<&Value> {
        self.wire.body.as_ref()
    }

    /// What the service says of a failure: its `error` and `description`, or its text.
    pub fn problem(&self) -> Option<String> {
        match self.body()? {
            Value::String(text) => Some(text.clone()),
            body => wire::problem(body),
        }
    }

    /// The response if its status is 2xx, else the general meaning of its status as an error: 403 is
    /// [`ErrorCode::Forbidden`], 404 and 410 [`ErrorCode::NotFound`], 409 and 412 [`ErrorCode::Conflict`],
    /// every other 4xx [`ErrorCode::RefusedByService`], anything else [`ErrorCode::UnexpectedAnswer`]. A kind that knows better looks at
    /// [`Response::status`] first.
    pub fn ok(self) -> Result<Response> {
        let (code, what, hint) = match self.status() {
            200..300 => return Ok(self),
            403 => (
                ErrorCode::Forbidden,
                "the service doesn't allow this".to_owned(),
                "ask the account's administrator for the permission",
            ),
            404 | 410 => (
                ErrorCode::NotFound,
                format!("the service found nothing at {}", self.asked),
                "look at the id, and at the base URL",
            ),
            409 | 412 => (
                ErrorCode::Conflict,
                "the service reports a conflict".to_owned(),
                "look at what is there, then try again",
            ),
            400..500 => (
                ErrorCode::RefusedByService,
                "the service refused this".to_owned(),
                "change what it names; `--debug` shows the requests",
            ),
            _ => return Err(self.unexpected(format_args!("status {}", self.status()))),
        };
        let message = match self.problem() {
            Some(problem) => format!("{what}: {problem}"),
            None => format!("{what} (status {})", self.status()),
        };
        Err(Error::new(code, message).hint(hint))
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`ErrorCode::UnexpectedAnswer`], naming the request and what is wrong, never the body's content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = self.body().ok_or_else(|| self.unexpected("an empty answer"))?;
        // The text of a type error quotes the value that it met, and that can be a secret: keep to what was expected where.
        T::deserialize(body).map_err(|e| self.unexpected(without_values(&e.to_string())))
    }

    fn unexpected(&self, what: impl Display) -> Error {
        Error::new(
            ErrorCode::UnexpectedAnswer,
            format!("the service's answer to {} isn't understood: {what}", self.asked),
        )
        .hint("the service may have changed, or the base URL may lead somewhere else; `--debug` shows the requests")
    }
}

/// serde's messages look like ``invalid type: string "the value", expected a sequence``: drop what stands in quotes.
fn without_values(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}…{}", &message[..start], &message[end + 1..]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: Value) -> Response {
        Response {
            wire: WireResponse { status, headers: Vec::new(), body: Some(body) },
            asked: "GET /v3/robots/…".to_owned(),
        }
    }

    #[test]
    fn a_type_error_never_quotes_the_value() {
        let error = answer(200, json!({"id": "s3cr3t"})).json::<std::collections::BTreeMap<String, u8>>().unwrap_err();
        assert!(!error.message.contains("s3cr3t"), "{}", error.message);
        assert_eq!(error.code, ErrorCode::UnexpectedAnswer);
    }

    #[test]
    fn statuses_have_their_general_meaning() {
        let cases = [
            (403, ErrorCode::Forbidden),
            (404, ErrorCode::NotFound),
            (409, ErrorCode::Conflict),
            (422, ErrorCode::RefusedByService),
            (302, ErrorCode::UnexpectedAnswer),
        ];
        for (status, code) in cases {
            let error = answer(status, json!({"error": "why", "description": "more"})).ok().unwrap_err();
            assert_eq!(error.code, code, "{status}");
        }
        assert!(answer(204, Value::Null).ok().is_ok());
    }

    #[test]
    fn a_secret_segment_is_masked_where_the_path_is_shown() {
        let request = Request::get(["v3", "tokens"]).secret_segment(Secret::new("s3cr3t".into()));
        assert_eq!(request.0.shown(), "GET /v3/tokens/…");
        assert!(!format!("{request:?}").contains("s3cr3t"));
    }
}
