//! `update` of what one request changes: name, APIs, referers.

use carto_plugin_api::ErrorCode;
use carto_plugin_api::testing::FakeHost;
use serde_json::{Value, json};

use super::{LIST, assert_error, last_body, one, refused_update, requests, token, tokens, with};

#[test]
fn nothing_to_change_is_told() {
    assert_error(&refused_update(json!({})), ErrorCode::Usage, "nothing to change", "`--help` lists the options");
    let empty = json!({ "referer": [], "add_grant": [], "remove_grant": [] });
    assert_error(&refused_update(empty), ErrorCode::Usage, "nothing to change", "like `--name NAME`");
}

#[test]
fn one_request_holds_what_was_named_and_nothing_else() {
    let cases = [
        (json!({ "name": "new" }), json!({ "name": "new" })),
        (json!({ "apis": "maps,lds" }), json!({ "allowed_apis": ["maps", "lds"] })),
        (json!({ "referer": ["https://a/*"] }), json!({ "referers": ["https://a/*"] })),
        (json!({ "referers": "https://a/*,https://b/*" }), json!({ "referers": ["https://a/*", "https://b/*"] })),
        (json!({ "referers": "" }), json!({ "referers": [] })),
        (
            json!({ "name": "new", "apis": "imports", "referers": "" }),
            json!({ "name": "new", "allowed_apis": ["imports"], "referers": [] }),
        ),
    ];
    for (args, body) in cases {
        let answer = with(token("tok_1", "old"), body.clone());
        let host = FakeHost::new().answer(&one("PATCH", "tok_1"), 200, answer.clone());
        assert_eq!(tokens().update(&host, "tok_1", args).unwrap(), answer);
        assert_eq!(host.seen(), [(one("PATCH", "tok_1"), Some(body))]);
    }
}

#[test]
fn a_name_is_looked_up_first() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [token("tok_1", "demo")] })).answer(
        &one("PATCH", "tok_1"),
        200,
        token("tok_1", "new"),
    );
    assert_eq!(tokens().update(&host, "demo", json!({ "name": "new" })).unwrap()["name"], "new");
    assert_eq!(requests(&host), [LIST.to_owned(), one("PATCH", "tok_1")]);
    assert_eq!(last_body(&host), json!({ "name": "new" }));
}

#[test]
fn a_bare_origin_is_warned_of() {
    let answer = with(token("tok_1", "demo"), json!({ "referers": ["http://localhost:5173"] }));
    let host = FakeHost::new().answer(&one("PATCH", "tok_1"), 200, answer);
    tokens().update(&host, "tok_1", json!({ "referer": ["http://localhost:5173"] })).unwrap();
    assert_eq!(host.warnings().len(), 1, "{:?}", host.warnings());
}

#[test]
fn refusals_of_the_service_are_told() {
    let cases = [
        (
            400,
            json!({ "error": "This token name already exists (new)" }),
            ErrorCode::Conflict,
            "the account already has a token of that name",
        ),
        (400, json!({ "error": "No" }), ErrorCode::RefusedByService, "the service refused this: No"),
        (403, Value::Null, ErrorCode::Forbidden, "the service doesn't allow this (status 403)"),
    ];
    for (status, body, code, message) in cases {
        let host = FakeHost::new().answer(&one("PATCH", "tok_1"), status, body);
        let error = tokens().update(&host, "tok_1", json!({ "name": "new" })).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }
}
