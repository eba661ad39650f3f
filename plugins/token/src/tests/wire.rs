//! What the fake host doesn't keep: the headers of a request, which segments of its path are secret, the hint of a warning.

use std::cell::RefCell;

use carto_plugin_api::{Caller, HOST_SERVICE, Segment, Verb, WireRequest, WireResponse};
use serde_json::{Value, json};

use super::{jwt, least, token, with};
use crate::Token;

/// Answers in the given order, and keeps every request whole.
struct Wire {
    answers: RefCell<Vec<WireResponse>>,
    requests: RefCell<Vec<WireRequest>>,
}

impl Caller for Wire {
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.requests.borrow_mut().push(serde_json::from_slice(request).unwrap());
        let answer = match service {
            HOST_SERVICE => answer(204, None, Value::Null),
            _ => self.answers.borrow_mut().remove(0),
        };
        Ok(serde_json::to_vec(&answer).unwrap())
    }
}

fn answer(status: u16, etag: Option<&str>, body: Value) -> WireResponse {
    let headers = etag.map(|etag| ("etag".to_owned(), etag.to_owned())).into_iter().collect();
    let mut response = WireResponse::new(status, Some(body));
    response.headers = headers;
    response
}

/// Runs a verb, and says all that it asked.
fn asked(verb: Verb, input: Value, answers: &[WireResponse]) -> Vec<WireRequest> {
    let wire = Wire { answers: RefCell::new(answers.to_vec()), requests: RefCell::default() };
    let outcome = carto_plugin_api::invoke::<Token>(verb.as_str(), input.to_string().as_bytes(), &wire);
    outcome.unwrap_or_else(|error| panic!("{}", String::from_utf8_lossy(&error)));
    wire.requests.into_inner()
}

fn adding(id: &str) -> Value {
    json!({ "id": id, "args": { "add_grant": ["dw,d.e"] } })
}

#[test]
fn a_write_is_bound_to_the_version_that_was_read() {
    let requests = asked(
        Verb::Update,
        adding("tok_1"),
        &[
            answer(200, Some("\"1\""), token("tok_1", "demo")),
            answer(412, None, Value::Null),
            answer(200, Some("\"2\""), token("tok_1", "demo")),
            answer(200, Some("\"3\""), token("tok_1", "demo")),
        ],
    );
    let headers: Vec<_> = requests.iter().map(|request| request.headers.clone()).collect();
    let bound_to = |version: &str| vec![("If-Match".to_owned(), version.to_owned())];
    assert_eq!(headers, [vec![], bound_to("\"1\""), vec![], bound_to("\"2\"")]);
}

#[test]
fn a_service_without_versions_is_written_to_all_the_same() {
    let shown = answer(200, None, token("tok_1", "demo"));
    let requests = asked(Verb::Update, adding("tok_1"), &[shown.clone(), shown]);
    assert!(requests.iter().all(|request| request.headers.is_empty()), "{requests:?}");
}

#[test]
fn a_token_in_a_path_is_a_secret_segment() {
    let text = jwt("1a2b3c4d");
    let nameless = with(token("-", "demo"), json!({ "id": null }));
    let shown = answer(200, None, nameless.clone());
    let list = answer(200, None, json!([nameless, token(&text, "own")]));
    let runs = [
        asked(Verb::Get, json!({ "id": text }), std::slice::from_ref(&shown)),
        asked(Verb::Delete, json!({ "id": text }), std::slice::from_ref(&shown)),
        asked(Verb::Get, json!({ "id": "demo" }), &[list.clone(), shown.clone()]),
        asked(Verb::Get, json!({ "id": "own" }), &[list, shown.clone()]),
        asked(Verb::Update, adding(&text), &[shown.clone(), shown]),
    ];
    for requests in runs {
        assert!(requests.iter().any(|request| request.path.len() == 3));
        for segment in requests.iter().flat_map(|request| request.path.get(2)) {
            assert!(matches!(segment, Segment::Secret { secret } if *secret.expose() == text), "{segment:?}");
        }
    }
}

#[test]
fn a_warning_comes_with_the_form_that_works() {
    let args = with(least(), json!({ "referer": ["http://localhost:5173"] }));
    let input = json!({ "args": args, "settings": { "now": "2026-11-23T10:00:00Z" } });
    let requests = asked(Verb::Create, input, &[answer(201, None, json!({ "token": jwt("1a2b3c4d") }))]);
    let warning = requests[0].body.as_ref().unwrap();
    assert_eq!(
        warning["hint"],
        "`--referer http://localhost:5173/` allows what they send to another origin, `--referer 'http://localhost:5173/*'` pages that send their whole address; take both"
    );
    assert_eq!(requests[1].method, "POST");
}
