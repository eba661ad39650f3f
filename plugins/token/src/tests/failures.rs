//! What goes wrong on the way: the host's errors pass through, and an answer that isn't understood is told without a value of it.

use carto_plugin_api::testing::{FakeHost, Harness};
use carto_plugin_api::{Error, ErrorCode, Result};
use serde_json::{Value, json};

use super::{CREATE, LIST, SECOND, least, one, requests, token, tokens};
use crate::Token;

type Run = fn(&Harness<Token>, &FakeHost) -> Result<Value>;

/// What must not come out of a broken answer.
const CANARY: &str = "c4n4ry";

/// What is no token, or one that nothing names.
fn broken_tokens() -> Vec<Value> {
    vec![
        json!(CANARY),
        json!({}),
        json!({ "token": [CANARY] }),
        json!({ "token": { "text": CANARY } }),
        json!({ "token": CANARY }),
        json!({ "id": { CANARY: 1 }, "grants": [] }),
        json!({ "id": "tok_1", "grants": CANARY }),
        json!({ "id": "tok_1", "grants": [{ "source": CANARY }] }),
        json!({ "id": "tok_1", "referers": CANARY }),
    ]
}

/// Every verb in every way that it goes, with the one request that is to go wrong.
fn verbs() -> [(String, Run); 8] {
    [
        (LIST.to_owned(), |kind, host| kind.list(host).map(Value::Array)),
        (CREATE.to_owned(), |kind, host| kind.create(host, least())),
        (one("GET", "tok_1"), |kind, host| kind.get(host, "tok_1")),
        (LIST.to_owned(), |kind, host| kind.get(host, "demo")),
        (one("PATCH", "tok_1"), |kind, host| kind.update(host, "tok_1", json!({ "name": "new" }))),
        (one("GET", "tok_1"), |kind, host| kind.update(host, "tok_1", json!({ "add_grant": ["dw,d.e"] }))),
        (one("DELETE", "tok_1"), |kind, host| kind.delete(host, "tok_1")),
        (LIST.to_owned(), |kind, host| kind.delete(host, "demo")),
    ]
}

#[test]
fn the_hosts_errors_pass_through_unchanged() {
    let errors = [
        Error::new(ErrorCode::NotSignedIn, "not signed in").hint("`carto auth login`"),
        Error::new(ErrorCode::RateLimited, "the service asks for fewer requests"),
        Error::new(ErrorCode::Unavailable, "the service failed").hint("try again later"),
        Error::new(ErrorCode::OutcomeUnknown, "it isn't known whether the change was made"),
    ];
    for (request, run) in verbs() {
        for error in &errors {
            let host = FakeHost::new().fail(&request, error.clone());
            assert_eq!(run(&tokens(), &host).unwrap_err(), *error, "{request}");
            assert_eq!(requests(&host), [&*request], "nothing is tried again");
        }
    }
}

#[test]
fn a_failure_on_a_later_page_is_told() {
    let error = Error::new(ErrorCode::Unreachable, "gone");
    let runs: [Run; 2] = [|kind, host| kind.list(host).map(Value::Array), |kind, host| kind.get(host, "demo")];
    for run in runs {
        let first = json!({ "tokens": [token("tok_1", "demo")], "next": "p2" });
        let host = FakeHost::new().answer(LIST, 200, first).fail(SECOND, error.clone());
        assert_eq!(run(&tokens(), &host).unwrap_err(), error);
    }
}

#[test]
fn a_page_that_is_not_understood_is_told_without_its_values() {
    let pages = [
        Value::Null,
        json!(CANARY),
        json!(7),
        json!({}),
        json!({ "tokens": CANARY }),
        json!({ "tokens": { CANARY: [] } }),
        json!({ "tokens": [], "next": [CANARY] }),
        json!({ "token": CANARY }),
    ];
    for (request, run) in verbs().into_iter().filter(|(request, _)| request == LIST) {
        for page in &pages {
            assert_not_understood(&request, run, page);
        }
    }
}

#[test]
fn a_token_that_is_not_understood_is_told_without_its_values() {
    for (request, run) in verbs().into_iter().filter(|(request, _)| request != LIST && !request.starts_with("DELETE")) {
        for token in broken_tokens().iter().chain([&Value::Null, &json!([CANARY])]) {
            assert_not_understood(&request, run, token);
        }
    }
}

/// Running into this answer ends in an error that holds nothing of it.
#[track_caller]
fn assert_not_understood(request: &str, run: Run, answer: &Value) {
    let host = FakeHost::new().answer(request, 200, answer.clone());
    let Err(error) = run(&tokens(), &host) else { panic!("{request} understands {answer}") };
    assert_eq!(error.code, ErrorCode::UnexpectedAnswer, "{request} {answer}: {error:?}");
    assert!(!format!("{error:?}").contains(CANARY), "{request} {answer}: {error:?}");
}

#[test]
fn a_listed_token_that_is_not_understood_hides_no_other() {
    for broken in broken_tokens() {
        let list = json!({ "tokens": [token("tok_1", "a"), broken, token("tok_2", "b")] });
        let host = FakeHost::new().answer(LIST, 200, list);
        assert_eq!(tokens().list(&host).unwrap(), [token("tok_1", "a"), token("tok_2", "b")], "{broken}");
        assert_eq!(host.warnings(), ["the service lists a token that can't be read: it is left out"]);
    }
}
