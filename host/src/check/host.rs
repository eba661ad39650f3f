//! The host at the other end of a kind that is checked: what it asks is held against its manifest as always, noted, and answered by the
//! double, or as the check wants it to be answered.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use carto_plugin_api::manifest::{Call, Manifest};
use carto_plugin_api::{Caller, Error, ErrorCode, HOST_SERVICE, Segment, Verb, WireRequest, WireResponse};
use serde_json::Value;

use super::canary;
use super::double::Double;
use crate::service::permits;

/// How the service is today.
#[derive(Clone)]
pub(super) enum Mood {
    Well,
    /// It refuses, with this status.
    Refuses(Which, u16),
    /// The host itself has an error.
    Fails(Which, ErrorCode),
    /// It answers 200 with something else.
    Answers(Which, Option<Value>),
    /// Its answers are twisted.
    Twists(Which, fn(&mut Value)),
}

/// Which requests a mood is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Writes,
}

/// A request that was made.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// `GET /v3/tokens/…`
    pub(super) shown: String,
    pub(super) writes: bool,
    /// Whether it tries a credential: its path is about anything.
    pub(super) tries: bool,
    /// What stands in place of the template's `{}`, and whether it is marked as a secret.
    pub(super) open: Vec<(String, bool)>,
    pub(super) query: Vec<(String, String)>,
    /// The status, unless the host had an error.
    pub(super) status: Option<u16>,
}

/// What one call of the kind came to at this end.
#[derive(Default)]
pub(super) struct Record {
    pub(super) seen: Vec<Seen>,
    pub(super) warnings: Vec<(String, Option<String>)>,
    /// What it did that it may not do.
    pub(super) breach: Option<String>,
    /// How long it waited for this end.
    pub(super) waited: Duration,
}

/// This end.
pub(super) struct Host {
    manifest: Manifest,
    state: RefCell<State>,
}

struct State {
    verb: Verb,
    mood: Mood,
    double: Double,
    record: Record,
    used: BTreeSet<(Verb, String)>,
}

impl Host {
    pub(super) fn new(manifest: &Manifest, double: Double) -> Host {
        let state =
            State { verb: Verb::List, mood: Mood::Well, double, record: Record::default(), used: BTreeSet::new() };
        Host { manifest: manifest.clone(), state: RefCell::new(state) }
    }

    /// The service, to be looked at and changed.
    pub(super) fn with_double<T>(&self, work: impl FnOnce(&mut Double) -> T) -> T {
        work(&mut self.state.borrow_mut().double)
    }

    pub(super) fn set_mood(&self, mood: Mood) {
        self.state.borrow_mut().mood = mood;
    }

    /// The next requests are this verb's.
    pub(super) fn begin(&self, verb: Verb) {
        let mut state = self.state.borrow_mut();
        state.verb = verb;
        state.record = Record::default();
    }

    /// What has come since then.
    pub(super) fn take(&self) -> Record {
        std::mem::take(&mut self.state.borrow_mut().record)
    }

    /// Whether a verb has ever made that request.
    pub(super) fn has_used(&self, verb: Verb, call: &Call) -> bool {
        self.state.borrow().used.contains(&(verb, call.to_string()))
    }

    fn answer(&self, service: &str, request: &[u8]) -> Result<WireResponse, Error> {
        let mut state = self.state.borrow_mut();
        let State { verb, mood, double, record, used } = &mut *state;
        let mut breach = |what: String| {
            record.breach.get_or_insert(what);
            Error::fault("it made a request that its manifest doesn't declare")
        };
        let mut request = permits::read(request).map_err(&mut breach)?;
        if service == HOST_SERVICE {
            let (message, hint) = permits::warning(&request).map_err(&mut breach)?;
            record.warnings.push((message.to_owned(), hint.map(str::to_owned)));
            return Ok(WireResponse::new(204, None));
        }
        let call = permits::permit(&self.manifest, *verb, service, &mut request).map_err(&mut breach)?;
        used.insert((*verb, call.to_string()));
        let tries = call.tries(*verb);
        let writes = request.method != "GET" && !tries;
        let answer = match mood {
            // Whether that is as it should be is what the kind is asked.
            Mood::Refuses(..) if tries => Ok(double.tried(call, &request)),
            _ => mood.answer(double, call, &request, (writes, tries)),
        };
        record.seen.push(Seen {
            shown: request.shown(),
            writes,
            tries,
            open: open(call, &request),
            query: request.query,
            status: answer.as_ref().ok().map(|answer| answer.status),
        });
        answer
    }
}

impl Caller for Host {
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let began = Instant::now();
        let answer = self.answer(service, request);
        // Both are plain JSON types: this can't fail.
        let answer = answer
            .map(|response| serde_json::to_vec(&response).unwrap_or_default())
            .map_err(|error| serde_json::to_vec(&error).unwrap_or_default());
        self.state.borrow_mut().record.waited += began.elapsed();
        answer
    }
}

impl Mood {
    fn answer(
        &self,
        double: &mut Double,
        call: &Call,
        request: &WireRequest,
        (writes, tries): (bool, bool),
    ) -> Result<WireResponse, Error> {
        let is_meant = |which: &Which| *which == Which::All || writes;
        match self {
            Mood::Refuses(which, status) if is_meant(which) => {
                Ok(double.refusal(*status, &format!("refused, with {}", canary::echoed())))
            }
            Mood::Fails(which, code) if is_meant(which) => Err(failure(*code)),
            Mood::Answers(which, body) if is_meant(which) => Ok(WireResponse::new(200, body.clone())),
            Mood::Twists(which, twist) => {
                let mut answer = if tries { double.tried(call, request) } else { double.answer(call, request) };
                if is_meant(which)
                    && answer.status < 300
                    && let Some(body) = &mut answer.body
                {
                    twist(body);
                }
                Ok(answer)
            }
            _ if tries => Ok(double.tried(call, request)),
            _ => Ok(double.answer(call, request)),
        }
    }
}

/// An error as the host has it.
fn failure(code: ErrorCode) -> Error {
    let (message, hint) = match code {
        ErrorCode::NotSignedIn => ("the service doesn't accept the bearer (401)", "sign in again"),
        ErrorCode::RateLimited => ("the service asks for fewer requests (429)", "nothing was changed; try again later"),
        ErrorCode::OutcomeUnknown => {
            ("the connection to the service failed; it isn't known whether the change was made", "look")
        }
        ErrorCode::Unreachable => ("cannot reach the service", "nothing was changed; try again"),
        _ => ("the service failed (503)", "nothing was changed; try again later"),
    };
    Error::new(code, message).hint(hint)
}

/// What a request puts into its template.
fn open(call: &Call, request: &WireRequest) -> Vec<(String, bool)> {
    let open = call.path().zip(&request.path).filter(|(template, _)| template.is_none());
    open.map(|(_, segment)| (segment.text().to_owned(), matches!(segment, Segment::Secret { .. }))).collect()
}
