//! `create`: the body as documented, and the record out of whatever comes back.

use carto_plugin_api::ErrorCode;
use carto_plugin_api::testing::FakeHost;
use serde_json::{Value, json};

use super::{CREATE, assert_error, creating, grant, jwt, least, posted, token, tokens, with, without};

/// A create with every option.
fn everything() -> Value {
    json!({
        "connection": ["dw"],
        "source": ["a.b.*", "select 1 as one"],
        "grant": ["bq,*"],
        "apis": "maps,sql",
        "referer": ["https://app.example.com/*"],
        "referers": "http://localhost:5173*",
        "name": "demo",
        "expiration_date": "2027-01-01T00:00:00Z",
    })
}

fn create(answer: Value, args: Value) -> Value {
    tokens().create(&FakeHost::new().answer(CREATE, 201, answer), args).unwrap()
}

#[test]
fn the_body_is_the_documented_one() {
    let body = json!({
        "name": "demo",
        "grants": [grant("dw", "a.b.*"), grant("dw", "select 1 as one"), grant("bq", "*")],
        "allowed_apis": ["maps", "sql"],
        "referers": ["https://app.example.com/*", "http://localhost:5173*"],
        "expiration_date": "2027-01-01T00:00:00Z",
    });
    assert_eq!(posted(everything()), body);
}

#[test]
fn what_was_not_given_is_not_sent() {
    let body = json!({ "grants": [grant("dw", "a.b.c")], "allowed_apis": ["sql"], "referers": [] });
    assert_eq!(posted(least()), body);
}

#[test]
fn the_record_is_what_the_service_shows_in_the_contracts_order() {
    let shown = with(token("tok_1", "demo"), json!({ "owner": "somebody", "version": 3 }));
    assert_eq!(create(shown, least()).to_string(), token("tok_1", "demo").to_string());
}

#[test]
fn the_least_answer_is_filled_from_what_was_asked() {
    let record = tokens().create(&creating(), everything()).unwrap();
    let expected = json!({
        "id": "1a2b3c4d",
        "token": jwt("1a2b3c4d"),
        "name": "demo",
        "grants": [grant("dw", "a.b.*"), grant("dw", "select 1 as one"), grant("bq", "*")],
        "allowed_apis": ["maps", "sql"],
        "referers": ["https://app.example.com/*", "http://localhost:5173*"],
        "expiration_date": "2027-01-01T00:00:00Z",
        "created_at": null,
        "updated_at": null,
    });
    assert_eq!(record.to_string(), expected.to_string());
}

#[test]
fn what_the_service_says_wins_over_what_was_asked() {
    let answer = json!({ "id": "tok_9", "token": jwt("1a2b3c4d"), "name": "tk_made_up", "grants": [] });
    let record = create(answer, least());
    assert_eq!(
        (&record["id"], &record["name"], &record["grants"]),
        (&json!("tok_9"), &json!("tk_made_up"), &json!([]))
    );
}

#[test]
fn an_id_is_never_a_credential() {
    let mut opaque = token("tok_1", "demo");
    opaque["token"] = json!("c4n4ry");
    assert_eq!(create(opaque.clone(), least())["id"], "tok_1");

    let host = FakeHost::new().answer(CREATE, 201, without(opaque, "id"));
    let error = tokens().create(&host, least()).unwrap_err();
    let message = "the service's answer holds a token without an id and without a `jti`";
    assert_error(&error, ErrorCode::UnexpectedAnswer, message, "`--debug` shows the requests");
}

#[test]
fn a_taken_name_is_a_conflict() {
    let taken = json!({ "error": "This token name already exists (demo)", "status": 400 });
    let host = FakeHost::new().answer(CREATE, 400, taken);
    let error = tokens().create(&host, everything()).unwrap_err();
    assert_error(&error, ErrorCode::Conflict, "the account already has a token of that name", "another `--name`");
}

#[test]
fn other_refusals_keep_the_services_words() {
    let refused = ErrorCode::RefusedByService;
    let cases = [
        (
            400,
            json!({ "error": "Bad wildcard", "description": "use all sources" }),
            refused,
            "the service refused this: Bad wildcard: use all sources",
        ),
        (422, json!("plain words"), refused, "the service refused this: plain words"),
        (403, json!({ "error": "Forbidden" }), ErrorCode::Forbidden, "the service doesn't allow this: Forbidden"),
        (409, Value::Null, ErrorCode::Conflict, "the service reports a conflict (status 409)"),
        // The words alone mean nothing: only a 400 is known to come with them.
        (422, json!({ "error": "already exists" }), refused, "the service refused this: already exists"),
    ];
    for (status, body, code, message) in cases {
        let host = FakeHost::new().answer(CREATE, status, body);
        let error = tokens().create(&host, least()).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }
}
