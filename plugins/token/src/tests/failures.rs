//! What goes wrong on the way: the host's errors pass through, and an answer that isn't understood is told without a value of it.

use carto_plugin_api::testing::{FakeHost, Harness};
use carto_plugin_api::{Error, ErrorCode, Result};
use serde_json::{Value, json};

use super::{CREATE, LIST, SECOND, least, one, requests, token, tokens};
use crate::Token;

type Run = fn(&Harness<Token>, &FakeHost) -> Result<Value>;

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
fn an_answer_that_is_not_understood_is_told_without_its_values() {
    const CANARY: &str = "c4n4ry";
    let answers = [
        Value::Null,
        json!(CANARY),
        json!(7),
        json!({ "tokens": CANARY }),
        json!({ "tokens": { CANARY: [] } }),
        json!({ "tokens": [CANARY] }),
        json!({ "tokens": [{ "token": [CANARY] }] }),
        json!({ "tokens": [{ "grants": CANARY }] }),
        json!({ "tokens": [{ "token": CANARY }], "next": [CANARY] }),
        json!([CANARY]),
        json!([{ "token": { "text": CANARY } }]),
        json!({ "token": [CANARY] }),
        json!({ "grants": CANARY }),
        json!({ "grants": [{ "source": CANARY }] }),
        json!({ "id": "tok_1", "referers": CANARY }),
        json!({ "token": CANARY }),
    ];
    for (request, run) in verbs().into_iter().filter(|(request, _)| !request.starts_with("DELETE")) {
        for answer in &answers {
            let host = FakeHost::new().answer(&request, 200, answer.clone());
            let Err(error) = run(&tokens(), &host) else { panic!("{request} understands {answer}") };
            // A list without the token that was looked for is understood.
            let codes = [ErrorCode::UnexpectedAnswer, ErrorCode::NotFound];
            assert!(codes.contains(&error.code), "{request} {answer}: {error:?}");
            assert!(!format!("{error:?}").contains(CANARY), "{request} {answer}: {error:?}");
        }
    }
}
