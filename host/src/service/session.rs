//! The network's side of a call: one request of a kind, from its words to the meaning of its answer. The rules are in the files beside this
//! one; here they are put in order. One session serves a whole command.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use carto_plugin_api::{WireRequest, WireResponse};
use http::Request;
use tokio::time::{Instant, sleep, timeout};

use super::answer::Asked;
use super::deadline::{Deadline, RequestDeadline};
use super::draft::Draft;
use super::hidden::Hidden;
use super::receive::{self, Received};
use super::redirect::{self, Redirects, Turn};
use super::request;
use super::retry::Attempts;
use crate::account::Account;
use crate::error::Result;
use crate::output::stderr;
use crate::settings::Settings;
use crate::transport::{Failure, Obstacle, Transport};

/// A wait that somebody would wonder about.
const LONG: Duration = Duration::from_secs(3);

/// The account of a command and the way to it.
pub(crate) struct Session {
    account: Account,
    settings: Settings,
    hidden: Hidden,
    /// Made at the first request: a trust store takes milliseconds to read.
    transport: Mutex<Option<Transport>>,
    timeout: Option<Duration>,
    /// Begins with the work, so that a question has all the time that a person takes to answer it.
    deadline: OnceLock<Deadline>,
    debug: bool,
}

impl Session {
    /// A session for an account. `timeout` is for the whole work of the command.
    pub(crate) fn new(account: Account, settings: Settings, timeout: Option<Duration>, debug: bool) -> Session {
        let hidden = Hidden::new(account.bearer());
        Session { account, settings, hidden, transport: Mutex::new(None), timeout, deadline: OnceLock::new(), debug }
    }

    /// The time that the command goes by: the sandbox's, or the clock's.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.account.now()
    }

    /// When the command has to end. Its time runs from when this is first asked.
    pub(crate) fn deadline(&self) -> Deadline {
        *self.deadline.get_or_init(|| Deadline::new(self.timeout))
    }

    /// The options that the user's settings hold for a kind.
    pub(crate) fn options(&self, kind: &str) -> serde_json::Map<String, serde_json::Value> {
        self.settings.kinds.get(kind).cloned().unwrap_or_default()
    }

    /// What a request would be, for a dry run.
    pub(super) fn draft(&self, request: &WireRequest) -> Draft {
        Draft::of(request, request::moved(&self.account, &self.settings, &request.path))
    }

    /// Sends a request that the manifest permits, as often as its outcome allows, and reads the answer. `on_wire` is told before
    /// something is on its way, and when it isn't any more because of a wait; what the end means is the caller's to note.
    pub(crate) async fn send(&self, request: WireRequest, on_wire: impl Fn(bool)) -> Result<WireResponse> {
        let asked = Asked::new(&request, &self.account);
        let mut url = request::url(&self.account, &self.settings, &request);
        let deadline = self.deadline().of_request();
        let mut attempts = Attempts::new(&self.settings.network, asked.writes);
        let mut redirects = Redirects::new(!asked.writes);
        loop {
            let http = request::http(&self.account, &url, &request)?;
            on_wire(true);
            let outcome = self.attempt(http, &asked, deadline).await?;
            if let Some(wait) = attempts.wait(&outcome, deadline.left()) {
                self.debug(|| format!("{} is tried again in {} ms", asked.shown, wait.time.as_millis()));
                if wait.is_asked && wait.time >= LONG {
                    let (place, seconds) = (self.account.place(), wait.time.as_secs());
                    stderr::note(&format!("{place} asks to wait {seconds} s before the next request"));
                }
                on_wire(false);
                sleep(wait.time).await;
                continue;
            }
            let received = outcome.map_err(|failure| asked.failed(&failure))?;
            if !redirect::is_redirect(received.status) {
                return asked.judge(received);
            }
            let turn = redirects.turn(&url, received.status, received.header(http::header::LOCATION));
            let Turn::To(next) = turn else { return Err(asked.redirected(received.status, &turn)) };
            // Not where to: a path can hold a secret.
            self.debug(|| format!("{} is redirected within the origin", asked.shown));
            url = next;
        }
    }

    /// One attempt, within the time that is left.
    async fn attempt(
        &self,
        http: Request<Bytes>,
        asked: &Asked<'_>,
        deadline: RequestDeadline,
    ) -> Result<std::result::Result<Received, Failure>> {
        let transport = self.transport(asked.writes)?;
        let (started, given) = (Instant::now(), deadline.given);
        let left = deadline.left();
        if left.is_zero() {
            return Ok(Err(Failure::Unsent(Obstacle {
                why: format!(": the {given:?} of `--timeout` are over"),
                remedy: "give it more time with `--timeout`".to_owned(),
                lasting: true,
            })));
        }
        let outcome = timeout(left, async {
            let response = transport.send(http).await?;
            receive::receive(response, &self.hidden).await
        });
        let outcome = outcome.await.unwrap_or_else(|_| {
            Err(if transport.has_connected() {
                Failure::Lost(format!("no whole answer within {given:?}"))
            } else {
                Failure::Unsent(Obstacle {
                    why: format!(": no connection came about within {given:?}"),
                    remedy: "look at the network and the base URL, or give it more time with `--timeout`".to_owned(),
                    lasting: true,
                })
            })
        });
        self.debug(|| {
            let told = match &outcome {
                Ok(received) => received.status.to_string(),
                Err(failure) => failure.to_string(),
            };
            format!("{} → {told} in {} ms", asked.shown, started.elapsed().as_millis())
        });
        Ok(outcome)
    }

    fn debug(&self, message: impl FnOnce() -> String) {
        if self.debug {
            stderr::debug(&message());
        }
    }

    /// The way to the service. A write gets a connection of its own where others were used before: one that the other side closes just then
    /// would leave it with an unknown outcome for nothing.
    fn transport(&self, writes: bool) -> Result<Transport> {
        let mut transport = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        let network = &self.settings.network;
        match &*transport {
            Some(used) if writes && used.has_connected() => used.fresh(self.account.base_url(), network),
            Some(ready) => Ok(ready.clone()),
            None => {
                let made = self.account.transport(network)?;
                *transport = Some(made.clone());
                Ok(made)
            }
        }
    }
}

#[cfg(test)]
mod tests;
