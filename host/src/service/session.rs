//! The network's side of a call: path, bearer, deadline, limits. One session serves a whole command.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use carto_plugin_api::{ErrorCode, WireRequest, WireResponse};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::answer::{self, Asked};
use crate::account::Account;
use crate::error::{Error, Result};
use crate::output::stderr;
use crate::settings::Settings;
use crate::transport::{Failure, Transport};

/// All but RFC 3986's unreserved characters, so that whatever stands in a segment stays in it.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How long a request may take when `--timeout` says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The account of a command and the way to it.
pub(crate) struct Session {
    account: Account,
    settings: Settings,
    /// Made at the first request: a trust store takes milliseconds to read.
    transport: Mutex<Option<Transport>>,
    deadline: Option<Instant>,
    timeout: Duration,
    debug: bool,
}

impl Session {
    /// A session for an account. `timeout` is for the whole command, from now.
    pub(crate) fn new(account: Account, settings: Settings, timeout: Option<Duration>, debug: bool) -> Session {
        Session {
            account,
            settings,
            transport: Mutex::new(None),
            // A time beyond what the clock can count is none.
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
            debug,
        }
    }

    /// The time that the command goes by: the sandbox's, or the clock's.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.account.now()
    }

    /// The options that the user's settings hold for a kind.
    pub(crate) fn options(&self, kind: &str) -> serde_json::Map<String, serde_json::Value> {
        self.settings.kinds.get(kind).cloned().unwrap_or_default()
    }

    /// Sends a request that the manifest permits, and reads the answer.
    pub(crate) async fn send(&self, request: WireRequest) -> Result<WireResponse> {
        let asked = Asked {
            shown: request.shown(),
            writes: request.method != "GET",
            deletes: request.method == "DELETE",
            account: &self.account,
        };
        let http = self.build(&request)?;
        let transport = self.transport()?;
        let started = Instant::now();
        let left = self.deadline.map_or(DEFAULT_TIMEOUT, |deadline| deadline.saturating_duration_since(started));
        if left.is_zero() {
            return Err(asked.failure(&Failure::Unsent(format!("the {:?} of `--timeout` are over", self.timeout))));
        }
        let received = tokio::time::timeout(left, async {
            let response = transport.send(http).await?;
            answer::receive(response, self.account.bearer()).await
        })
        .await
        .unwrap_or_else(|_| Err(Failure::Lost(format!("no answer within {:?}", self.timeout))));
        if self.debug {
            let outcome = match &received {
                Ok(received) => received.status.to_string(),
                Err(failure) => failure.to_string(),
            };
            stderr::debug(&format!("{} → {outcome} in {} ms", asked.shown, started.elapsed().as_millis()));
        }
        received.map_err(|failure| asked.failure(&failure)).and_then(|received| asked.judge(received))
    }

    fn transport(&self) -> Result<Transport> {
        let mut transport = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = &*transport {
            return Ok(ready.clone());
        }
        let made = self.account.transport()?;
        *transport = Some(made.clone());
        Ok(made)
    }

    fn build(&self, request: &WireRequest) -> Result<Request<Bytes>> {
        let bad = |what: &str| Error::fault(format!("{} can't be sent: {what}", request.shown()));
        let mut builder = Request::builder()
            .method(request.method.as_str())
            .uri(self.url(request).as_str())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("carto/", env!("CARGO_PKG_VERSION")))
            .header(AUTHORIZATION, self.account.authorization()?);
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().map_err(|_| bad("a header's name isn't one"))?;
            builder =
                builder.header(name, HeaderValue::from_str(value).map_err(|_| bad("a header's value isn't one"))?);
        }
        let body = match &request.body {
            None => Bytes::new(),
            Some(body) => {
                builder = builder.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(|_| bad("its body isn't JSON"))?.into()
            }
        };
        builder.body(body).map_err(|_| bad("it isn't a request"))
    }

    /// The address: base URL, encoded segments, encoded query. Built from parts, never by joining text, which could change the host.
    fn url(&self, request: &WireRequest) -> Url {
        let mut url = self.account.base_url().clone();
        let segments: Vec<&str> = request.path.iter().map(carto_plugin_api::Segment::text).collect();
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in self.moved(&segments) {
            path.push('/');
            path.extend(utf8_percent_encode(segment, IN_SEGMENT));
        }
        url.set_path(&path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    /// The segments as the settings move them: the longest `[services.api.paths]` that the path begins with.
    fn moved<'a>(&'a self, segments: &[&'a str]) -> Vec<&'a str> {
        if self.account.is_sandbox() {
            return segments.to_vec();
        }
        let rule = self
            .settings
            .services
            .api
            .paths
            .iter()
            .map(|(from, to)| (from[1..].split('/').collect::<Vec<_>>(), to))
            .filter(|(from, _)| segments.starts_with(from))
            .max_by_key(|(from, _)| from.len());
        match rule {
            Some((from, to)) => to[1..].split('/').chain(segments[from.len()..].iter().copied()).collect(),
            None => segments.to_vec(),
        }
    }
}

impl Asked<'_> {
    /// A request that got no answer: nothing was changed, or nobody knows.
    fn failure(&self, failure: &Failure) -> Error {
        let place = self.account.place();
        match failure {
            Failure::Unsent(why) => Error::new(ErrorCode::Unreachable, format!("cannot reach {place}: {why}"))
                .hint("nothing was changed; look at the network and the base URL, then try again"),
            Failure::Lost(why) if self.writes => self.unknown(&format!("the connection to {place} failed: {why}")),
            Failure::Lost(why) => {
                Error::new(ErrorCode::Unreachable, format!("the connection to {place} failed: {why}"))
                    .hint("nothing was changed; try again")
            }
            Failure::TooLarge if self.writes => {
                self.unknown(&format!("{place} answered {} with more than 16 MiB", self.shown))
            }
            Failure::TooLarge => Error::new(
                ErrorCode::UnexpectedAnswer,
                format!("{place} answered {} with more than 16 MiB", self.shown),
            )
            .hint("the base URL may lead somewhere else"),
        }
    }
}
