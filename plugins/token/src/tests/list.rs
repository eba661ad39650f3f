//! `list`: pages in either documented shape.

use carto_plugin_api::testing::FakeHost;
use serde_json::{Value, json};

use super::{LIST, SECOND, jwt, requests, token, tokens};

fn ids(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["id"].as_str().unwrap()).collect()
}

#[test]
fn a_list_goes_from_page_to_page() {
    let host = FakeHost::new()
        .answer(LIST, 200, json!({ "tokens": [token("tok_1", "a"), token("tok_2", "b")], "next": "p2" }))
        .answer(SECOND, 200, json!({ "tokens": [token("tok_3", "c")], "next": null }));
    let records = tokens().list(&host).unwrap();
    assert_eq!(ids(&records), ["tok_1", "tok_2", "tok_3"]);
    assert_eq!(records[2].to_string(), token("tok_3", "c").to_string());
    assert_eq!(requests(&host), [LIST, SECOND]);
}

#[test]
fn a_page_that_names_no_next_is_the_last() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [token("tok_1", "a")] }));
    assert_eq!(ids(&tokens().list(&host).unwrap()), ["tok_1"]);
}

#[test]
fn a_bare_list_is_all_there_is() {
    let host = FakeHost::new().answer(LIST, 200, json!([token("tok_1", "a"), token("tok_2", "b")]));
    assert_eq!(ids(&tokens().list(&host).unwrap()), ["tok_1", "tok_2"]);
    let host = FakeHost::new().answer(LIST, 200, json!([]));
    assert_eq!(tokens().list(&host).unwrap(), [Value::Null; 0]);
}

#[test]
fn an_id_that_is_the_token_itself_is_shown_as_its_jti() {
    let host = FakeHost::new().answer(LIST, 200, json!([token(&jwt("1a2b3c4d"), "a")]));
    assert_eq!(ids(&tokens().list(&host).unwrap()), ["1a2b3c4d"]);
}

/// The official command line's documentation shows no more than these two.
#[test]
fn a_token_with_nothing_but_a_name_and_a_text_is_listed() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "tokens": [{ "name": "a", "token": jwt("1a2b3c4d") }] }));
    let expected = json!([{
        "id": "1a2b3c4d",
        "token": jwt("1a2b3c4d"),
        "name": "a",
        "grants": [],
        "allowed_apis": [],
        "referers": [],
        "expiration_date": null,
        "created_at": null,
        "updated_at": null,
    }]);
    assert_eq!(Value::Array(tokens().list(&host).unwrap()), expected);
}
