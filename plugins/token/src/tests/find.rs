//! From what was typed to one token: an id, the token itself or its `jti` beat a name.

use carto_plugin_api::testing::FakeHost;
use carto_plugin_api::{Error, ErrorCode};
use serde_json::{Value, json};

use super::{LIST, SECOND, assert_error, jwt, one, requests, token, tokens, with, without};

/// A token whose text has this `jti`.
fn token_of(id: &str, name: &str, jti: &str) -> Value {
    with(token(id, name), json!({ "token": jwt(jti) }))
}

/// Gets what `typed` means, and says which token that is and what was asked for it.
#[track_caller]
fn found(host: FakeHost, typed: &str) -> (Value, Vec<String>) {
    let record = tokens().get(&host, typed).unwrap();
    (record["id"].clone(), requests(&host))
}

#[track_caller]
fn not_found(host: &FakeHost, typed: &str, shown: &str) -> Error {
    let error = tokens().get(host, typed).unwrap_err();
    let hint = "`carto credentials list tokens` shows those there are";
    assert_error(&error, ErrorCode::NotFound, &format!("no token `{shown}`"), hint);
    error
}

#[test]
fn an_id_is_one_request() {
    let host = FakeHost::new().answer(&one("GET", "tok_1"), 200, token("tok_1", "demo"));
    assert_eq!(tokens().get(&host, "tok_1").unwrap(), token("tok_1", "demo"));
    assert_eq!(requests(&host), [one("GET", "tok_1")]);
}

#[test]
fn a_token_itself_is_one_request() {
    let text = jwt("1a2b3c4d");
    let host = FakeHost::new().answer(&one("GET", &text), 200, token("tok_1", "demo"));
    assert_eq!(found(host, &text), (json!("tok_1"), vec![one("GET", &text)]));
}

#[test]
fn a_token_itself_is_shown_as_its_jti() {
    let text = jwt("1a2b3c4d");
    let host = FakeHost::new().answer(&one("GET", &text), 404, Value::Null);
    let error = not_found(&host, &text, "1a2b3c4d");
    assert!(!format!("{error:?}").contains(&text));
    assert_eq!(requests(&host), [one("GET", &text)], "a token is no name: the list has nothing to add");
}

#[test]
fn a_name_is_looked_up_over_pages() {
    let host = FakeHost::new()
        .answer(LIST, 200, json!({ "tokens": [token("tok_1", "other")], "next": "p2" }))
        .answer(SECOND, 200, json!({ "tokens": [token("tok_2", "demo")], "next": null }))
        .answer(&one("GET", "tok_2"), 200, token("tok_2", "demo"));
    let asked = vec![LIST.to_owned(), SECOND.to_owned(), one("GET", "tok_2")];
    assert_eq!(found(host, "demo"), (json!("tok_2"), asked));
}

#[test]
fn a_jti_is_looked_up() {
    let list = json!({ "tokens": [token_of("tok_1", "one", "00000001"), token_of("tok_2", "two", "00000002")] });
    let host = FakeHost::new().answer(LIST, 200, list).answer(&one("GET", "tok_2"), 200, token("tok_2", "two"));
    assert_eq!(found(host, "00000002").0, "tok_2");
}

#[test]
fn what_is_exact_beats_a_name() {
    for typed in ["0f0f0f0f", "own-id", "opaque-text"] {
        let exact = match typed {
            "0f0f0f0f" => token_of("tok_2", "two", typed),
            "own-id" => token(typed, "two"),
            _ => with(token("tok_2", "two"), json!({ "token": typed })),
        };
        let id = exact["id"].as_str().unwrap().to_owned();
        let host = FakeHost::new()
            .answer(LIST, 200, json!({ "tokens": [token("tok_1", typed)], "next": "p2" }))
            .answer(SECOND, 200, json!({ "tokens": [exact.clone()] }))
            .answer(&one("GET", &id), 200, exact);
        assert_eq!(found(host, typed).0, *id, "{typed}");
    }
}

#[test]
fn an_exact_match_ends_the_search() {
    let list = json!({ "tokens": [token("own-id", "demo")], "next": "p2" });
    let host = FakeHost::new().answer(LIST, 200, list).answer(&one("GET", "own-id"), 200, token("own-id", "demo"));
    assert_eq!(found(host, "own-id").1, [LIST.to_owned(), one("GET", "own-id")]);
}

#[test]
fn several_tokens_of_a_name_are_listed_by_id() {
    let unnamed = without(token_of("-", "demo", "00000002"), "id");
    let host = FakeHost::new()
        .answer(LIST, 200, json!({ "tokens": [token("tok_1", "demo"), token("tok_9", "x")], "next": "p2" }))
        .answer(SECOND, 200, json!({ "tokens": [unnamed] }));
    let error = tokens().delete(&host, "demo").unwrap_err();
    let message = "2 tokens are called `demo`: `tok_1`, `00000002`";
    assert_error(&error, ErrorCode::Ambiguous, message, "use one of these ids");
    assert_eq!(requests(&host), [LIST, SECOND], "nothing is deleted");
}

#[test]
fn a_name_that_is_not_there_is_not_found() {
    let host =
        FakeHost::new().answer(LIST, 200, json!({ "tokens": [token("tok_1", "demos"), token("tok_2", "Demo")] }));
    not_found(&host, "demo", "demo");
    not_found(&FakeHost::new().answer(LIST, 200, json!([])), "demo", "demo");
}

#[test]
fn a_name_like_an_id_is_looked_up_when_there_is_no_such_id() {
    let host = FakeHost::new()
        .answer(&one("GET", "tok_demo"), 404, Value::Null)
        .answer(LIST, 200, json!({ "tokens": [token("tok_1", "tok_demo")] }))
        .answer(&one("GET", "tok_1"), 200, token("tok_1", "tok_demo"));
    assert_eq!(found(host, "tok_demo").0, "tok_1");

    let host = FakeHost::new().answer(&one("GET", "tok_gone"), 404, Value::Null).answer(LIST, 200, json!([]));
    not_found(&host, "tok_gone", "tok_gone");
}

/// Observed: the path takes the token itself. Whether it takes an id too isn't public.
#[test]
fn a_service_that_knows_no_ids_is_asked_by_the_token_itself() {
    let text = jwt("1a2b3c4d");
    let unknown = |host: FakeHost| host.answer(&one("GET", "tok_1"), 404, Value::Null);
    let host = unknown(unknown(FakeHost::new()))
        .answer(LIST, 200, json!({ "tokens": [token("tok_1", "demo")] }))
        .answer(&one("GET", &text), 200, token("tok_1", "demo"));
    assert_eq!(found(host, "tok_1").0, "tok_1");

    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [without(token("-", "demo"), "id")] })).answer(
        &one("GET", &text),
        200,
        without(token("-", "demo"), "id"),
    );
    assert_eq!(found(host, "demo"), (json!("1a2b3c4d"), vec![LIST.to_owned(), one("GET", &text)]));
}

#[test]
fn a_token_that_goes_between_the_list_and_the_request_is_not_found() {
    let gone = without(token("tok_1", "demo"), "token");
    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [gone] })).answer(
        &one("GET", "tok_1"),
        404,
        json!({ "error": "Token not found" }),
    );
    not_found(&host, "demo", "demo");
}

#[test]
fn a_listed_token_that_cannot_be_read_stands_in_nobodys_way() {
    let list = json!({ "tokens": [{ "name": "demo" }, { "id": 7, "name": "demo" }, token("tok_1", "demo")] });
    let host = FakeHost::new().answer(LIST, 200, list).answer(&one("GET", "tok_1"), 200, token("tok_1", "demo"));
    assert_eq!(tokens().get(&host, "demo").unwrap()["id"], "tok_1");
    assert_eq!(host.warnings().len(), 2);
}

#[test]
fn a_list_that_never_ends_is_told() {
    // A page that leads to itself, and two that lead to each other.
    let page = |next: &str| json!({ "tokens": [], "next": next });
    let third = "GET /v3/tokens?limit=100&cursor=p3";
    let itself = FakeHost::new().answer(LIST, 200, page("p2")).answer(SECOND, 200, page("p2"));
    let circle =
        FakeHost::new().answer(LIST, 200, page("p2")).answer(SECOND, 200, page("p3")).answer(third, 200, page("p2"));
    for host in [itself, circle] {
        let error = tokens().get(&host, "demo").unwrap_err();
        assert_error(&error, ErrorCode::UnexpectedAnswer, "the service lists the same page for ever", "");
    }
}

#[test]
fn delete_by_id_is_one_request_and_knows_nothing_more() {
    let host = FakeHost::new().answer(&one("DELETE", "tok_1"), 204, Value::Null);
    assert_eq!(tokens().delete(&host, "tok_1").unwrap(), Value::Null);
    assert_eq!(requests(&host), [one("DELETE", "tok_1")]);
}

#[test]
fn delete_by_name_says_which_token_that_was() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [token("tok_1", "demo")] })).answer(
        &one("DELETE", "tok_1"),
        200,
        json!({ "ok": true }),
    );
    assert_eq!(tokens().delete(&host, "demo").unwrap(), token("tok_1", "demo"));
    assert_eq!(requests(&host), [LIST.to_owned(), one("DELETE", "tok_1")]);
}

#[test]
fn a_refused_delete_is_told() {
    let host = FakeHost::new().answer(&one("DELETE", "tok_1"), 403, json!({ "error": "Not yours" }));
    let error = tokens().delete(&host, "tok_1").unwrap_err();
    assert_eq!(error.code, ErrorCode::Forbidden);
    assert_eq!(error.message, "the service doesn't allow this: Not yours");
}
