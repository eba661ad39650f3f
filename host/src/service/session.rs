//! The network's side of a call: one request of a kind, from its words to the meaning of its answer. The rules are in the files beside this
//! one; here they are put in order. One session serves a whole command, whatever services its kinds ask.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use carto_plugin_api::{Verb, WireRequest, WireResponse};
use http::Request;
use tokio::time::Instant;

use super::ACCOUNT_SERVICE;
use super::answer::Asked;
use super::deadline::{Deadline, REQUEST, RequestDeadline, Rest};
use super::draft::Draft;
use super::endpoint::{Act, Endpoint, Services};
use super::hidden::Hidden;
use super::own::Own;
use super::receive::{self, Received};
use super::redirect::{self, Redirects, Turn};
use super::request;
use super::retry::Attempts;
use super::tried::Tried;
use crate::account::Account;
use crate::error::{Error, Result, usage};
use crate::kinds::Kind;
use crate::output::stderr;
use crate::settings::Settings;
use crate::transport::Failure;

/// What the requests of a command have in common.
pub(crate) struct Session {
    /// The account's API, or why it can't be asked; nothing where no kind asks it.
    account: Option<Result<Arc<Endpoint>>>,
    settings: Settings,
    rest: Rest,
    /// Goes on with the work, so that a question has all the time that a person takes to answer it.
    deadline: OnceLock<Deadline>,
    debug: bool,
}

impl Session {
    /// A session, with the account if some kind asks it. `rest` is for the whole work of the command.
    pub(crate) fn new(account: Option<Result<Account>>, settings: Settings, rest: Rest, debug: bool) -> Session {
        let account = account.map(|account| account.map(|account| Arc::new(Endpoint::of_account(account))));
        Session { account, settings, rest, deadline: OnceLock::new(), debug }
    }

    /// The services that a verb may ask, each with what that needs: the account, or an approval and a secret. What lacks it is refused here,
    /// before anything is asked or opened.
    pub(crate) fn services(&self, kind: &Kind, verb: Verb) -> Result<Services> {
        let mut services = Services::new();
        for call in kind.calls(verb) {
            if !services.contains_key(&call.service) {
                services.insert(call.service.clone(), self.service(kind, &call.service, call.tries(verb))?);
            }
        }
        Ok(services)
    }

    fn service(&self, kind: &Kind, name: &str, is_tried: bool) -> Result<Arc<Endpoint>> {
        if name == ACCOUNT_SERVICE || is_tried {
            // Whoever begins a session knows which kinds it is for.
            let account = self.account.clone().unwrap_or_else(|| Err(Error::fault("the account wasn't looked for")))?;
            if !is_tried {
                return Ok(account);
            }
            let tried = Tried::find(name, account, self.sandbox().is_some(), &self.settings.auth)?;
            return Ok(Arc::new(Endpoint::of_tried(tried)));
        }
        if self.sandbox().is_some() {
            let kind = kind.name();
            return Err(usage(format!(
                "the kind `{kind}` asks a service of its own, `{name}`, of which the sandbox has no double"
            ))
            .hint("leave `--sandbox` out, or unset `CARTO_SANDBOX`, to ask the service itself"));
        }
        let own = Own::find(kind, name, &self.settings)?;
        if let Some(detour) = own.detour() {
            self.debug(|| detour);
        }
        Ok(Arc::new(Endpoint::of_kind(own)))
    }

    /// The account, if it is the sandbox.
    fn sandbox(&self) -> Option<&Account> {
        let Some(Ok(endpoint)) = &self.account else { return None };
        endpoint.account().filter(|account| account.is_sandbox())
    }

    /// The time that the command goes by: the sandbox's, or the clock's.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.sandbox().map_or_else(jiff::Timestamp::now, Account::now)
    }

    /// When the command has to end. Its time runs on from when this is first asked.
    pub(crate) fn deadline(&self) -> Deadline {
        *self.deadline.get_or_init(|| self.rest.begin())
    }

    /// The options that the user's settings hold for a kind.
    pub(crate) fn options(&self, kind: &str) -> serde_json::Map<String, serde_json::Value> {
        self.settings.kinds.get(kind).cloned().unwrap_or_default()
    }

    /// What the authority's bearers are for, where the settings say it. The sandbox's are for CARTO's own audience.
    pub(crate) fn audience(&self) -> Option<String> {
        self.settings.auth.audience.clone().filter(|_| self.sandbox().is_none())
    }

    /// Reads something of the account that no kind asks for, by the rules for what kinds read. What is refused is the caller's to judge.
    pub(crate) async fn read(&self, path: &[&str]) -> Result<WireResponse> {
        let account = self.account.clone().unwrap_or_else(|| Err(Error::fault("the account wasn't looked for")))?;
        let request = WireRequest::new("GET", path.iter().copied());
        self.send(&account, request, |_| ()).await
    }

    /// What a request would be, for a dry run.
    pub(super) fn draft(&self, endpoint: &Endpoint, request: &WireRequest) -> Draft {
        endpoint.draft(&self.settings, request)
    }

    /// How a request is named, by the path at which it is sent.
    pub(super) fn shown(&self, endpoint: &Endpoint, request: &WireRequest) -> String {
        WireRequest::new(request.method.as_str(), endpoint.moved(&self.settings, &request.path)).shown()
    }

    /// Sends a request that the manifest permits, as often as its outcome allows, and reads the answer. `on_wire` is told before
    /// something is on its way, and when it isn't any more because of a wait; what the end means is the caller's to note.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        request: WireRequest,
        on_wire: impl Fn(bool),
    ) -> Result<WireResponse> {
        let asked = Asked::new(&request, endpoint);
        let tried = request.bearer.as_ref().map(|bearer| Hidden::new(bearer.expose()));
        let hidden = tried.as_ref().unwrap_or(&endpoint.hidden);
        let mut url = request::url(endpoint, &self.settings, &request);
        let deadline = self.deadline().of_request(REQUEST);
        let mut attempts = Attempts::new(&self.settings.network, asked.act);
        let mut redirects = Redirects::new(asked.act == Act::Reads);
        loop {
            let http = request::http(endpoint, &url, &request)?;
            on_wire(true);
            let outcome = self.attempt(endpoint, http, &asked, deadline, hidden).await?;
            if let Some(wait) = attempts.wait(&outcome, deadline.left()) {
                on_wire(false);
                wait.pass(&asked.shown, &endpoint.place(), self.debug).await;
                continue;
            }
            let received = outcome.map_err(|failure| asked.failed(&failure))?;
            if endpoint.is_tried() || !redirect::is_redirect(received.status) {
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
        endpoint: &Endpoint,
        http: Request<Bytes>,
        asked: &Asked<'_>,
        deadline: RequestDeadline,
        hidden: &Hidden,
    ) -> Result<std::result::Result<Received, Failure>> {
        let transport = endpoint.transport(asked.act != Act::Reads, &self.settings.network)?;
        let started = Instant::now();
        let outcome = deadline.attempt(&transport, async {
            let response = transport.send(http).await?;
            receive::receive(response, hidden).await
        });
        let outcome = outcome.await;
        self.debug(|| {
            let told = match &outcome {
                Ok(received) => received.status.to_string(),
                Err(failure) => failure.to_string(),
            };
            format!("{}{} → {told} in {} ms", asked.shown, endpoint.at_place(), started.elapsed().as_millis())
        });
        Ok(outcome)
    }

    fn debug(&self, message: impl FnOnce() -> String) {
        if self.debug {
            stderr::debug(&message());
        }
    }
}

#[cfg(test)]
mod tests;
