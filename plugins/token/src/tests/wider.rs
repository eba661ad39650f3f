//! What came back, held against what was asked: more, or for longer, is an error that names the token.

use carto_plugin_api::testing::FakeHost;
use carto_plugin_api::{ErrorCode, Result};
use serde_json::{Value, json};

use super::{CREATE, assert_error, grant, jwt, one, token, tokens, with, without};

const ENDS: &str = "2027-01-01T00:00:00Z";

/// Creates one table, one API, one referer and an expiry, and gets an answer that differs in these fields.
fn create(fields: Value) -> Result<Value> {
    let asked = json!({ "referers": ["https://a/*"], "expiration_date": ENDS });
    create_with_answer(with(with(token("tok_1", "demo"), asked), fields))
}

fn create_with_answer(answer: Value) -> Result<Value> {
    let args = json!({
        "connection": ["dw"], "source": ["a.b.c"], "apis": "sql", "referer": ["https://a/*"], "expiration_date": ENDS,
    });
    tokens().create(&FakeHost::new().answer(CREATE, 201, answer), args)
}

#[track_caller]
fn assert_wider(outcome: Result<Value>, id: &str, what: &str) {
    let message = format!("the token `{id}` exists, but the service gave it more than was asked: {what}");
    let hint = format!("delete it: `carto credentials delete token {id}`");
    assert_error(&outcome.unwrap_err(), ErrorCode::WiderThanAsked, &message, &hint);
}

#[test]
fn an_answer_that_is_wider_is_told() {
    let cases = [
        (json!({ "grants": [grant("dw", "a.b.c"), grant("dw", "d.e")] }), "the grant `dw,d.e`"),
        (json!({ "grants": [grant("dw", "*")] }), "the grant `dw,*`"),
        (json!({ "grants": [grant("other", "a.b.c")] }), "the grant `other,a.b.c`"),
        (json!({ "allowed_apis": ["sql", "maps", "lds"] }), "the API `maps`, the API `lds`"),
        (json!({ "referers": [] }), "any referer"),
        (json!({ "referers": ["https://a/*", "*"] }), "the referer `*`"),
        (
            json!({ "expiration_date": "2027-01-01T00:00:01Z" }),
            "an expiry of 2027-01-01T00:00:01Z instead of 2027-01-01T00:00:00Z",
        ),
        (json!({ "expiration_date": "2027-01-02" }), "an expiry of 2027-01-02 instead of 2027-01-01T00:00:00Z"),
        (json!({ "expiration_date": "next year" }), "an expiry of next year instead of 2027-01-01T00:00:00Z"),
        (json!({ "expiration_date": null }), "no expiry instead of 2027-01-01T00:00:00Z"),
        (json!({ "allowed_apis": ["maps"], "referers": [] }), "the API `maps`, any referer"),
    ];
    for (fields, what) in cases {
        assert_wider(create(fields), "tok_1", what);
    }
}

#[test]
fn a_wider_token_without_an_id_is_named_by_its_jti() {
    let answer = json!({ "token": jwt("1a2b3c4d"), "allowed_apis": ["sql", "maps"] });
    assert_wider(create_with_answer(answer), "1a2b3c4d", "the API `maps`");
}

#[test]
fn an_expiry_that_an_otherwise_full_answer_leaves_out_is_none() {
    let answer = without(with(token("tok_1", "demo"), json!({ "referers": ["https://a/*"] })), "expiration_date");
    assert_wider(create_with_answer(answer), "tok_1", "no expiry instead of 2027-01-01T00:00:00Z");
}

#[test]
fn the_same_less_or_nothing_said_is_fine() {
    let cases = [
        json!({}),
        json!({ "grants": [] }),
        json!({ "allowed_apis": [] }),
        json!({ "grants": null, "allowed_apis": null, "referers": null }),
        json!({ "expiration_date": "2026-12-01T00:00:00Z" }),
        json!({ "expiration_date": "2027-01-01T01:00:00+01:00" }),
        json!({ "expiration_date": "2027-01-01" }),
    ];
    for fields in cases {
        create(fields.clone()).unwrap_or_else(|e| panic!("{fields}: {e}"));
    }
    create_with_answer(json!({ "token": jwt("1a2b3c4d") })).unwrap();
}

#[test]
fn sql_that_comes_back_folded_is_what_was_asked() {
    let answer = with(token("tok_1", "demo"), json!({ "grants": [grant("dw", "SELECT 1 AS 'one';")] }));
    let args = json!({ "connection": ["dw"], "source": ["select  1 as \"one\""], "apis": "sql" });
    tokens().create(&FakeHost::new().answer(CREATE, 201, answer), args).unwrap();
}

#[test]
fn referers_where_none_were_asked_narrow() {
    let answer = with(token("tok_1", "demo"), json!({ "referers": ["https://a/*"] }));
    let record = tokens().create(&FakeHost::new().answer(CREATE, 201, answer), super::least()).unwrap();
    assert_eq!(record["referers"], json!(["https://a/*"]));
}

#[test]
fn an_update_in_one_request_is_held_against_what_it_sent() {
    let update = |args: Value, fields: Value| {
        let answer = with(token("tok_1", "demo"), fields);
        tokens().update(&FakeHost::new().answer(&one("PATCH", "tok_1"), 200, answer), "tok_1", args)
    };
    assert_wider(update(json!({ "apis": "sql" }), json!({ "allowed_apis": ["sql", "lds"] })), "tok_1", "the API `lds`");
    assert_wider(update(json!({ "referer": ["https://a/*"] }), json!({ "referers": [] })), "tok_1", "any referer");
    update(json!({ "name": "new" }), json!({ "allowed_apis": ["sql", "lds"], "expiration_date": ENDS })).unwrap();
    update(json!({ "referers": "" }), json!({ "referers": [] })).unwrap();
}

#[test]
fn an_update_that_reads_first_is_held_against_what_was_there_too() {
    let update = |before: Value, after: Value| {
        let host = FakeHost::new().answer(&one("GET", "tok_1"), 200, with(token("tok_1", "demo"), before)).answer(
            &one("PATCH", "tok_1"),
            200,
            with(token("tok_1", "demo"), after),
        );
        tokens().update(&host, "tok_1", json!({ "remove_grant": ["dw,d.e"] }))
    };
    let before = json!({
        "grants": [grant("dw", "a.b.c"), grant("dw", "d.e")], "referers": ["https://a/*"], "expiration_date": ENDS,
    });
    let cases = [
        (json!({ "grants": before["grants"] }), "the grant `dw,d.e`"),
        (json!({ "allowed_apis": ["sql", "lds"] }), "the API `lds`"),
        (json!({ "referers": [] }), "any referer"),
        (json!({ "expiration_date": null }), "no expiry instead of 2027-01-01T00:00:00Z"),
    ];
    let same = with(before.clone(), json!({ "grants": [grant("dw", "a.b.c")] }));
    for (fields, what) in cases {
        assert_wider(update(before.clone(), with(same.clone(), fields)), "tok_1", what);
    }
    update(before, same).unwrap();
}
