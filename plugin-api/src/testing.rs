//! For a kind's own tests: a host that answers from a script, and a harness that runs a kind's verbs the way the real host does.
//!
//! The fake host lets through what the manifest declares for the verb and nothing else, so a missing line in `calls` fails here first. It asks
//! no service, so it needs no approval and no secret.

use std::cell::RefCell;
use std::marker::PhantomData;

use serde_json::{Map, Value, json};

use crate::manifest::Manifest;
use crate::wire::{Caller, DATA_SERVICE, HOST_SERVICE, Input, Settings, WireRequest, WireResponse};
use crate::{CredentialKind, Error, Result, Verb, Verification};

/// A host that answers requests from a script. Each answer serves once, in the order given for its request.
#[derive(Default)]
pub struct FakeHost {
    answers: RefCell<Vec<(String, Result<WireResponse>)>>,
    seen: RefCell<Vec<WireRequest>>,
    warnings: RefCell<Vec<String>>,
}

impl FakeHost {
    /// A host without answers.
    pub fn new() -> FakeHost {
        FakeHost::default()
    }

    /// Answers `GET /v3/tokens?limit=100` (method, path, query as the kind gives them) once with this status and body.
    pub fn answer(self, request: &str, status: u16, body: Value) -> FakeHost {
        self.answer_with(request, status, &[], body)
    }

    /// The same, with headers.
    pub fn answer_with(self, request: &str, status: u16, headers: &[(&str, &str)], body: Value) -> FakeHost {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = (!body.is_null()).then_some(body);
        self.answers.borrow_mut().push((request.to_owned(), Ok(WireResponse { status, headers, body })));
        self
    }

    /// Fails that request once, as the host does for 401, 429, 5xx and network failures.
    pub fn fail(self, request: &str, error: Error) -> FakeHost {
        self.answers.borrow_mut().push((request.to_owned(), Err(error)));
        self
    }

    /// The requests so far, `METHOD /path?query`, with their bodies.
    pub fn seen(&self) -> Vec<(String, Option<Value>)> {
        self.seen.borrow().iter().map(|request| (spelled(request), request.body.clone())).collect()
    }

    /// The requests so far, with all that is in them.
    pub fn requests(&self) -> Vec<WireRequest> {
        self.seen.borrow().clone()
    }

    /// The warnings so far.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }
}

/// `METHOD /path?query`, as `answer` spells it.
fn spelled(request: &WireRequest) -> String {
    let mut text = format!("{} ", request.method);
    for segment in &request.path {
        text.push('/');
        text.push_str(segment.text());
    }
    for (i, (key, value)) in request.query.iter().enumerate() {
        text.push(if i == 0 { '?' } else { '&' });
        text.push_str(&format!("{key}={value}"));
    }
    text
}

struct Bounded<'a> {
    host: &'a FakeHost,
    manifest: &'a Manifest,
    verb: Verb,
}

impl Caller for Bounded<'_> {
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let request: WireRequest = serde_json::from_slice(request).expect("the request is what `Request` makes");
        let answer = if service == HOST_SERVICE {
            let text = request.body.as_ref().and_then(|body| body["message"].as_str()).unwrap_or_default();
            self.host.warnings.borrow_mut().push(text.to_owned());
            Ok(WireResponse { status: 204, headers: Vec::new(), body: None })
        } else {
            let spelled = spelled(&request);
            let calls = self.manifest.verbs.get(&self.verb).map_or(&[][..], |spec| &spec.calls);
            assert!(
                calls.iter().any(|call| call.permits(service, &request)),
                "the manifest doesn't declare `{service} {spelled}` for this verb"
            );
            let auth = self.manifest.services.get(service).and_then(|service| service.auth.as_ref());
            assert!(
                !auth.is_some_and(|auth| auth.is_set_by(&request)),
                "`{service} {spelled}` sets what the host adds: the service's secret"
            );
            assert!(
                request.bearer.is_none() || service == DATA_SERVICE,
                "`{service} {spelled}` has a bearer, which only a request to `{DATA_SERVICE}` may have"
            );
            self.host.seen.borrow_mut().push(request);
            let mut answers = self.host.answers.borrow_mut();
            let at = answers.iter().position(|(asked, _)| *asked == spelled);
            answers.remove(at.unwrap_or_else(|| panic!("the test has no answer for `{spelled}`"))).1
        };
        match answer {
            Ok(response) => Ok(serde_json::to_vec(&response).expect("a response is JSON")),
            Err(error) => Err(serde_json::to_vec(&error).expect("an error is JSON")),
        }
    }
}

/// Runs the verbs of a kind through the same adapter as its library does, JSON on both sides.
pub struct Harness<K> {
    manifest: Manifest,
    settings: Settings,
    kind: PhantomData<K>,
}

impl<K: CredentialKind> Harness<K> {
    /// A harness over the text of the kind's manifest: `Harness::new(include_str!("../kind.toml"))`. The time is
    /// `2026-11-23T10:00:00Z` until [`Harness::at`] says otherwise.
    ///
    /// # Panics
    /// If the manifest is not valid.
    pub fn new(manifest: &str) -> Harness<K> {
        let manifest = Manifest::parse(manifest).unwrap_or_else(|e| panic!("the manifest is refused: {e}"));
        let settings = Settings { now: "2026-11-23T10:00:00Z".to_owned(), ..Settings::default() };
        Harness { manifest, settings, kind: PhantomData }
    }

    /// Sets the time, RFC 3339 in UTC.
    pub fn at(mut self, now: &str) -> Harness<K> {
        now.clone_into(&mut self.settings.now);
        self
    }

    /// Sets the audience of the account's authority, as `[auth]` of the user's configuration does.
    pub fn for_audience(mut self, audience: &str) -> Harness<K> {
        self.settings.audience = Some(audience.to_owned());
        self
    }

    /// All pages of the list.
    ///
    /// # Errors
    /// The kind's.
    pub fn list(&self, host: &FakeHost) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.run(host, Verb::List, Input { cursor, ..Input::default() })?;
            items.extend(page["items"].as_array().expect("a page has items").clone());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// Creates with these arguments (an object, keys with `_`).
    ///
    /// # Errors
    /// The kind's.
    pub fn create(&self, host: &FakeHost, args: Value) -> Result<Value> {
        self.run(host, Verb::Create, Input { args: object(args), ..Input::default() })
    }

    /// Gets one.
    ///
    /// # Errors
    /// The kind's.
    pub fn get(&self, host: &FakeHost, id: &str) -> Result<Value> {
        self.run(host, Verb::Get, Input { id: Some(id.to_owned()), ..Input::default() })
    }

    /// Updates one.
    ///
    /// # Errors
    /// The kind's.
    pub fn update(&self, host: &FakeHost, id: &str, args: Value) -> Result<Value> {
        self.run(host, Verb::Update, Input { id: Some(id.to_owned()), args: object(args), ..Input::default() })
    }

    /// Deletes one.
    ///
    /// # Errors
    /// The kind's.
    pub fn delete(&self, host: &FakeHost, id: &str) -> Result<Value> {
        self.run(host, Verb::Delete, Input { id: Some(id.to_owned()), ..Input::default() })
    }

    /// Verifies one.
    ///
    /// # Errors
    /// The kind's.
    pub fn verify(&self, host: &FakeHost, id: &str, args: Value) -> Result<Verification> {
        let answer =
            self.run(host, Verb::Verify, Input { id: Some(id.to_owned()), args: object(args), ..Input::default() })?;
        Ok(serde_json::from_value(answer).expect("it is a verification"))
    }

    /// As `carto` does: what isn't declared can't be masked where it should be.
    fn check_fields(&self, record: &Value) {
        for field in record.as_object().into_iter().flat_map(Map::keys) {
            assert!(
                self.manifest.record.fields.contains(field),
                "the manifest declares no field `{field}` in `[record] fields`"
            );
        }
    }

    fn run(&self, host: &FakeHost, verb: Verb, input: Input) -> Result<Value> {
        let spec = self.manifest.verbs.get(&verb).unwrap_or_else(|| panic!("the manifest has no verb `{verb}`"));
        for key in input.args.keys() {
            assert!(
                spec.args.iter().any(|arg| arg.key() == *key),
                "the manifest declares no argument `{key}` for `{verb}`"
            );
        }
        let input = serde_json::to_vec(&Input { settings: self.settings.clone(), ..input }).expect("an input is JSON");
        match crate::invoke::<K>(verb.as_str(), &input, &Bounded { host, manifest: &self.manifest, verb }) {
            Ok(answer) => {
                let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
                let records = if verb == Verb::List { answer["items"].as_array().cloned() } else { None };
                if verb == Verb::Verify {
                    return Ok(answer);
                }
                for record in records.iter().flatten().chain(Some(&answer).filter(|_| verb != Verb::List)) {
                    self.check_fields(record);
                }
                Ok(answer)
            }
            Err(error) => Err(serde_json::from_slice(&error).expect("an error is JSON")),
        }
    }
}

fn object(args: Value) -> Map<String, Value> {
    match args {
        Value::Object(map) => map,
        other => panic!("arguments are an object, not {}", json!(other)),
    }
}
