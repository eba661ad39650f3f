//! The verbs against a fake host. It lets through what `kind.toml` declares for the verb and nothing
//! else, as carto does, and it answers what a test tells it, each answer once.

use carto_plugin_api::testing::{FakeHost, Harness};
use serde_json::json;

use super::*;

fn kind() -> Harness<Kind> {
    Harness::new(include_str!("../kind.toml"))
}

fn key(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "scopes": ["read"] })
}

#[test]
fn a_list_has_all_pages() {
    let first = json!({ "keys": [key("k1", "a")], "next": "2" });
    let second = json!({ "keys": [key("k2", "b")], "next": null });
    let host = FakeHost::new().answer("GET /v1/keys", 200, first).answer(
        "GET /v1/keys?cursor=2",
        200,
        second,
    );
    let items = kind().list(&host).unwrap();
    assert_eq!((items.len(), &items[1]["id"]), (2, &json!("k2")));
}

#[test]
fn one_that_cant_be_read_hides_no_other() {
    let keys = json!([{ "id": 7 }, key("k1", "a")]);
    let host = FakeHost::new().answer("GET /v1/keys", 200, json!({ "keys": keys }));
    assert_eq!(kind().list(&host).unwrap().len(), 1);
    assert_eq!(host.warnings().len(), 1);
}

#[test]
fn create_sends_what_was_asked_and_shows_the_secret() {
    let end = "2027-01-01T00:00:00Z";
    let sent = json!({ "name": "a", "scopes": ["read"], "expires_at": end });
    let mut made = sent.clone();
    made["id"] = json!("k1");
    made["secret"] = json!("s3cr3t");
    let host = FakeHost::new().answer("POST /v1/keys", 201, made);
    let input = json!({ "name": "a", "expires": end });
    assert_eq!(kind().create(&host, input).unwrap()["secret"], "s3cr3t");
    assert_eq!(host.seen(), [("POST /v1/keys".to_owned(), Some(sent))]);
}

#[test]
fn a_rule_is_decided_before_anything_is_sent() {
    let host = FakeHost::new();
    let error = kind().create(&host, json!({ "name": " " })).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert_eq!(error.argument.as_deref(), Some("name"));
    let error = kind().update(&host, "k1", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::Usage);
    assert!(host.seen().is_empty());
}

#[test]
fn what_the_service_refuses_is_said_in_its_words() {
    let refusal = json!({ "error": "the name is taken" });
    let host = FakeHost::new().answer("POST /v1/keys", 409, refusal);
    let error = kind().create(&host, json!({ "name": "a" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("the name is taken"), "{error}");
}

#[test]
fn more_than_was_asked_is_no_success() {
    let made = json!({ "id": "k1", "name": "a", "scopes": ["read", "write"] });
    let host = FakeHost::new().answer("POST /v1/keys", 201, made);
    let error = kind().create(&host, json!({ "name": "a" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::WiderThanAsked);
}

#[test]
fn an_id_takes_one_request_and_a_name_takes_the_list() {
    let host = FakeHost::new().answer("GET /v1/keys/k1", 200, key("k1", "a"));
    assert_eq!(kind().get(&host, "k1").unwrap()["name"], "a");
    assert_eq!(host.seen().len(), 1);

    let list = json!({ "keys": [key("k1", "a"), key("k2", "b")], "next": null });
    let host = FakeHost::new()
        .answer("GET /v1/keys/b", 404, Value::Null)
        .answer("GET /v1/keys", 200, list);
    assert_eq!(kind().get(&host, "b").unwrap()["id"], "k2");
}

#[test]
fn what_isnt_there_and_what_is_there_twice_is_an_error() {
    let answers = |keys: Value| {
        FakeHost::new()
            .answer("GET /v1/keys/a", 404, Value::Null)
            .answer("GET /v1/keys", 200, json!({ "keys": keys, "next": null }))
    };
    let error = kind().get(&answers(json!([])), "a").unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    let two = answers(json!([key("k1", "a"), key("k2", "a")]));
    let error = kind().delete(&two, "a").unwrap_err();
    assert_eq!(error.code, ErrorCode::Ambiguous);
    assert!(error.message.contains("`k1`, `k2`"), "{error}");
}

#[test]
fn update_and_delete_are_for_the_one_that_was_found() {
    let found = || FakeHost::new().answer("GET /v1/keys/k1", 200, key("k1", "a"));
    let host = found().answer("PATCH /v1/keys/k1", 200, key("k1", "b"));
    let change = json!({ "name": "b" });
    let changed = kind().update(&host, "k1", change.clone()).unwrap();
    assert_eq!(changed["name"], "b");
    assert_eq!(host.seen()[1].1, Some(change));

    let host = found().answer("DELETE /v1/keys/k1", 204, Value::Null);
    assert_eq!(kind().delete(&host, "k1").unwrap()["id"], "k1");
}

#[test]
fn what_carto_says_of_the_network_is_passed_on() {
    let limited = Error::new(ErrorCode::RateLimited, "too many requests");
    let host = FakeHost::new().fail("GET /v1/keys", limited);
    assert_eq!(kind().list(&host).unwrap_err().code, ErrorCode::RateLimited);
}
