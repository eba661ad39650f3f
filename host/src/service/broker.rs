//! The kind's side of a call: enforces the manifest's `calls` for this verb, notes what becomes of writes and what is tried, and shows warnings.

use std::sync::{Arc, Mutex, PoisonError};

use carto_plugin_api::{Caller, ErrorCode, HOST_SERVICE, Verb, WireRequest, WireResponse};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::endpoint::{Act, Endpoint, Services};
use super::{Accepted, Fate, Session, permits};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::output::stderr;
use crate::run::shortened;

/// More than anybody reads.
const MOST_WARNINGS: usize = 20;

/// What one verb of one kind may do, and what it has done, for one run.
pub(crate) struct Broker {
    kind: Kind,
    verb: Verb,
    session: Arc<Session>,
    services: Services,
    handle: Handle,
    rehearsal: Option<Rehearsal>,
    fate: Arc<Mutex<Fate>>,
}

/// A dry run: reads happen, and the first request that does more is drafted instead of sent.
pub(crate) struct Rehearsal {
    /// Secrets that the user gave, which the draft hides.
    pub(crate) secrets: Vec<String>,
}

impl Broker {
    /// A broker for a verb, with the services that the session has for it. Requests run on the runtime that `handle` leads to; the caller's
    /// thread waits.
    pub(crate) fn new(
        kind: Kind,
        verb: Verb,
        session: Arc<Session>,
        services: Services,
        handle: Handle,
        rehearsal: Option<Rehearsal>,
    ) -> Broker {
        Broker { kind, verb, session, services, handle, rehearsal, fate: Arc::default() }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    /// What has become of the requests so far.
    pub(crate) fn fate(&self) -> Fate {
        self.note(|fate| fate.clone())
    }

    fn note<T>(&self, note: impl FnOnce(&mut Fate) -> T) -> T {
        note(&mut self.fate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, service: &str, request: &[u8]) -> Result<WireResponse> {
        let mut request = permits::read(request).map_err(|what| self.breach(what))?;
        if service == HOST_SERVICE {
            return self.host(&request);
        }
        // What comes after a breach isn't done any more.
        if let Some(violation) = self.fate().violation {
            return Err(violation);
        }
        permits::permit(&self.kind.manifest, self.verb, service, &mut request).map_err(|what| self.breach(what))?;
        // One for every service that a call of this verb names.
        let endpoint = self.services.get(service).ok_or_else(|| Error::fault("a service wasn't made ready"))?;
        match endpoint.act(&request) {
            Act::Reads => self.send(endpoint, request),
            Act::Writes => self.write(endpoint, request),
            Act::Tries => self.try_with(endpoint, request),
        }
    }

    /// In a dry run the end, with the request as it would have been sent.
    fn rehearse(&self, endpoint: &Endpoint, request: &WireRequest) -> Result<()> {
        let Some(rehearsal) = &self.rehearsal else { return Ok(()) };
        let mut secrets = rehearsal.secrets.clone();
        secrets.push(endpoint.secret().to_owned());
        secrets.extend(request.bearer.iter().map(|bearer| bearer.expose().to_owned()));
        let draft = self.session.draft(endpoint, request).hide(&self.kind.manifest.record.secrets, &secrets);
        self.note(|fate| {
            fate.drafted.get_or_insert(draft);
        });
        Err(Error::new(ErrorCode::Failed, "a dry run ends before anything is changed"))
    }

    /// A request that does something with a credential that is tried. It is recorded before it is sent: there is nothing to be said of its end.
    fn try_with(&self, endpoint: &Arc<Endpoint>, request: WireRequest) -> Result<WireResponse> {
        self.rehearse(endpoint, &request)?;
        let shown = self.session.shown(endpoint, &request);
        self.note(|fate| fate.tried.push(shown));
        self.send(endpoint, request)
    }

    /// A request that may change something: in a dry run the end, otherwise noted before it is sent and after it is answered.
    fn write(&self, endpoint: &Arc<Endpoint>, request: WireRequest) -> Result<WireResponse> {
        self.rehearse(endpoint, &request)?;
        let shape = &self.kind.manifest.record;
        // What comes after an unknown outcome would build on a guess.
        if let Some(unknown) = self.fate().unknown {
            return Err(unknown);
        }
        let (shown, deletes) = (self.session.shown(endpoint, &request), request.method == "DELETE");
        let outcome = self.send(endpoint, request);
        self.note(|fate| {
            fate.under_way = None;
            match &outcome {
                Ok(response) if (200..300).contains(&response.status) => {
                    fate.refused = None;
                    fate.accepted.push(Accepted::new(shown, deletes, response.body.as_ref(), shape));
                }
                Err(error) if error.code == ErrorCode::OutcomeUnknown => fate.unknown = Some(error.clone()),
                // It was refused, or never sent.
                _ => fate.refused = Some(shown),
            }
        });
        outcome
    }

    fn send(&self, endpoint: &Arc<Endpoint>, request: WireRequest) -> Result<WireResponse> {
        let (sender, receiver) = oneshot::channel();
        let (session, endpoint) = (Arc::clone(&self.session), Arc::clone(endpoint));
        let fate = Arc::clone(&self.fate);
        let written = (endpoint.act(&request) == Act::Writes).then(|| self.session.shown(&endpoint, &request));
        let written_too = written.clone();
        self.handle.spawn(async move {
            let on_wire = |is_there: bool| {
                let mut fate = fate.lock().unwrap_or_else(PoisonError::into_inner);
                fate.under_way = written.clone().filter(|_| is_there);
            };
            // The receiver is gone only if the command ended.
            let _ = sender.send(session.send(&endpoint, request, on_wire).await);
        });
        receiver.blocking_recv().unwrap_or_else(|_| {
            Err(match written_too {
                Some(shown) => {
                    let message = format!(
                        "the host failed while {shown} was under way; it isn't known whether the change was made"
                    );
                    Error::new(ErrorCode::OutcomeUnknown, message)
                }
                None => Error::new(ErrorCode::Failed, "the host failed during a request"),
            })
        })
    }

    /// The host's own service: a warning for the user.
    fn host(&self, request: &WireRequest) -> Result<WireResponse> {
        let (message, hint) = permits::warning(request).map_err(|what| self.breach(what))?;
        let count = self.note(|fate| {
            fate.warnings += 1;
            fate.warnings
        });
        if count > MOST_WARNINGS {
            return Err(self.breach(format!("it made more than {MOST_WARNINGS} warnings")));
        }
        // Its words, not the host's.
        let message = format!("{}: {}", self.kind.name(), shortened(message.to_owned()));
        stderr::warning(&message, hint.map(|hint| shortened(hint.to_owned())).as_deref());
        Ok(WireResponse::new(204, None))
    }

    fn breach(&self, what: String) -> Error {
        let error =
            self.kind.breach(self.verb, &what).hint(format!("that request wasn't sent; {}", self.kind.remedy()));
        self.note(|fate| fate.violation.get_or_insert_with(|| error.clone()).clone())
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
