//! The kind's side of a call: enforces the manifest's `calls` for this verb, and shows warnings.

use std::sync::{Arc, Mutex, PoisonError};

use carto_plugin_api::manifest::Call;
use carto_plugin_api::{Caller, ErrorCode, HOST_SERVICE, Verb, WireRequest, WireResponse};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Session;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::output::stderr;

/// The headers that a kind may set. All others are the host's (authorisation, addressing, framing) or could turn a request into another
/// (method overrides).
const KIND_HEADERS: [&str; 5] = ["accept-language", "idempotency-key", "if-match", "if-none-match", "prefer"];

/// The service that is the account's own API.
const ACCOUNT_SERVICE: &str = "api";

/// What one verb of one kind may do, for one run.
pub(crate) struct Broker {
    kind: String,
    verb: Verb,
    calls: Vec<Call>,
    session: Arc<Session>,
    handle: Handle,
    violation: Mutex<Option<Error>>,
    accepted: Mutex<Option<String>>,
}

impl Broker {
    /// A broker for a verb. Requests run on the runtime that `handle` leads to; the caller's thread waits.
    pub(crate) fn new(kind: &Kind, verb: Verb, session: Arc<Session>, handle: Handle) -> Broker {
        let calls = kind.manifest.verbs.get(&verb).map(|spec| spec.calls.clone()).unwrap_or_default();
        Broker {
            kind: kind.name().to_owned(),
            verb,
            calls,
            session,
            handle,
            violation: Mutex::new(None),
            accepted: Mutex::new(None),
        }
    }

    /// The breach of the manifest that happened, if one did. It decides the outcome, whatever the kind says.
    pub(crate) fn violation(&self) -> Option<Error> {
        self.violation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The write that a service accepted, if one did: whatever happens afterwards, something was changed.
    pub(crate) fn accepted(&self) -> Option<String> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, service: &str, request: &[u8]) -> Result<WireResponse> {
        let request: WireRequest = serde_json::from_slice(request)
            .map_err(|e| self.breach(format!("it made a request that can't be read: {e}")))?;
        if service == HOST_SERVICE {
            return self.host(&request);
        }
        if !self.calls.iter().any(|call| call.permits(service, &request)) {
            return Err(
                self.breach(format!("it asked for {service} {}, which its manifest doesn't declare", request.shown()))
            );
        }
        if let Some((name, _)) =
            request.headers.iter().find(|(name, _)| !KIND_HEADERS.contains(&name.to_lowercase().as_str()))
        {
            return Err(
                self.breach(format!("it set the header `{}`, which isn't a kind's to set", name.escape_debug()))
            );
        }
        if service != ACCOUNT_SERVICE {
            return Err(Error::new(
                ErrorCode::Forbidden,
                format!("the kind `{}` asks a service of its own, `{service}`, which isn't approved", self.kind),
            )
            .hint("this version of carto can't approve a service; only the account's own API can be asked"));
        }
        let write = (request.method != "GET").then(|| request.shown());
        let (sender, receiver) = oneshot::channel();
        let session = Arc::clone(&self.session);
        self.handle.spawn(async move {
            // The receiver is gone only if the command ended.
            let _ = sender.send(session.send(request).await);
        });
        let response =
            receiver.blocking_recv().unwrap_or_else(|_| Err(Error::fault("the host ended during a request")))?;
        if (200..300).contains(&response.status)
            && let Some(write) = write
        {
            *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(write);
        }
        Ok(response)
    }

    /// The host's own service: a warning for the user.
    fn host(&self, request: &WireRequest) -> Result<WireResponse> {
        let path: Vec<&str> = request.path.iter().map(carto_plugin_api::Segment::text).collect();
        let text = |key: &str| request.body.as_ref().and_then(|body| body[key].as_str());
        match (request.method.as_str(), path.as_slice(), text("message")) {
            ("POST", ["warnings"], Some(message)) => {
                stderr::warning(message, text("hint"));
                Ok(WireResponse { status: 204, headers: Vec::new(), body: None })
            }
            _ => Err(self.breach(format!("it asked the host for {}, which it doesn't have", request.shown()))),
        }
    }

    fn breach(&self, what: String) -> Error {
        let error = Error::fault(format!("the kind `{}` broke the contract in `{}`: {what}", self.kind, self.verb))
            .hint("nothing was sent; report it to the plugin's vendor");
        self.violation.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        error
    }
}

impl Caller for Broker {
    fn call(&self, service: &str, request: &[u8]) -> std::result::Result<Vec<u8>, Vec<u8>> {
        let answer = self.answer(service, request);
        // Both are plain JSON types: this can't fail.
        answer
            .map(|response| serde_json::to_vec(&response).unwrap_or_default())
            .map_err(|error| serde_json::to_vec(&error).unwrap_or_default())
    }
}
