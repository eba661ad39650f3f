//! The kind through the adapter that its library uses, against a host that answers from a script. What it shares with the other kind
//! of OAuth client (routes, look-up, what came back wider) is tested there.

mod verify;

use carto_plugin_api::manifest::Manifest;
use carto_plugin_api::testing::{FakeHost, Harness};
use carto_plugin_api::{ErrorCode, Verb};
use serde_json::{Value, json};

use super::M2m;

const LIST: &str = "GET /v3/oauth-clients?type=m2m&limit=100";
const CREATE: &str = "POST /v3/oauth-clients?type=m2m";
const ID: &str = "uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z";

fn clients() -> Harness<M2m> {
    Harness::new(include_str!("../kind.toml"))
}

fn item(method: &str) -> String {
    format!("{method} /v3/oauth-clients/{ID}?type=m2m")
}

fn client(title: &str) -> Value {
    json!({
        "client_id": ID, "type": "m2m", "title": title,
        "created_at": "2026-11-23T10:00:00Z", "updated_at": "2026-11-23T10:00:00Z",
    })
}

#[test]
fn a_title_is_all_it_takes_and_all_that_is_sent() {
    let mut made = client("Nightly");
    made["client_secret"] = "s3cr3t".into();
    let host = FakeHost::new().answer(CREATE, 200, made);
    let record = clients().create(&host, json!({ "title": "Nightly" })).unwrap();
    assert_eq!(host.seen(), [(CREATE.to_owned(), Some(json!({ "title": "Nightly" })))]);
    assert_eq!(record["clientSecret"], "s3cr3t");
    let keys: Vec<_> = record.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["clientId", "clientSecret", "title", "createdAt", "updatedAt"]);
}

#[test]
fn a_title_is_text_and_judged_before_any_request() {
    for title in ["", "  ", "a\nb", "a\u{1b}[0m"] {
        let host = FakeHost::new();
        for error in [
            clients().create(&host, json!({ "title": title })).unwrap_err(),
            clients().update(&host, ID, json!({ "title": title })).unwrap_err(),
        ] {
            assert_eq!(
                (error.code, error.argument.as_deref()),
                (ErrorCode::InvalidArgument, Some("title")),
                "{title:?}"
            );
        }
        assert_eq!(host.seen(), []);
    }
}

#[test]
fn both_writes_demand_a_title() {
    let manifest = Manifest::parse(include_str!("../kind.toml")).unwrap();
    for verb in [Verb::Create, Verb::Update] {
        assert!(manifest.verbs[&verb].args.iter().any(|arg| arg.name == "title" && arg.required), "{verb}");
    }
}

#[test]
fn the_secret_is_null_ever_after() {
    let host = FakeHost::new()
        .answer(&item("GET"), 200, client("Nightly"))
        .answer(&item("PATCH"), 200, client("Nightly"))
        .answer(LIST, 200, json!({ "clients": [client("Nightly")] }));
    let mut records = clients().list(&host).unwrap();
    records.push(clients().get(&host, ID).unwrap());
    records.push(clients().update(&host, ID, json!({ "title": "Nightly" })).unwrap());
    for record in records {
        assert_eq!((&record["clientId"], &record["clientSecret"]), (&json!(ID), &Value::Null));
    }
}

#[test]
fn a_list_goes_from_page_to_page_and_leaves_other_types_out() {
    let other = json!({ "client_id": "s", "type": "spa", "title": "Store" });
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [other, client("One")], "next": "p2" })).answer(
        &format!("{LIST}&cursor=p2"),
        200,
        json!({ "clients": [client("Two")], "next": null }),
    );
    let records = clients().list(&host).unwrap();
    assert_eq!(records.iter().map(|record| &record["title"]).collect::<Vec<_>>(), ["One", "Two"]);
}

#[test]
fn a_title_of_several_is_ambiguous() {
    let mut twin = client("Nightly");
    twin["client_id"] = "other".into();
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [client("Nightly"), twin] }));
    let error = clients().delete(&host, "Nightly").unwrap_err();
    assert_eq!(error.code, ErrorCode::Ambiguous);
    assert_eq!(error.message, format!("2 M2M clients are called `Nightly`: `{ID}`, `other`"));
    assert_eq!(host.seen().len(), 1, "nothing is deleted");
}

#[test]
fn a_client_of_another_type_isnt_there() {
    let mut other = client("Store");
    other["type"] = "spa".into();
    let host = FakeHost::new().answer(&item("GET"), 200, other);
    let error = clients().get(&host, ID).unwrap_err();
    assert_eq!((error.code, error.message), (ErrorCode::NotFound, format!("no M2M client `{ID}`")));
    assert_eq!(error.hint.as_deref(), Some("`carto credentials list m2m` shows those there are"));
}

#[test]
fn update_and_delete_by_id_are_one_request() {
    let host = FakeHost::new().answer(&item("PATCH"), 200, client("Daily")).answer(&item("DELETE"), 204, Value::Null);
    assert_eq!(clients().update(&host, ID, json!({ "title": "Daily" })).unwrap()["title"], "Daily");
    assert_eq!(clients().delete(&host, ID).unwrap(), Value::Null);
    assert_eq!(host.seen().len(), 2);
    // Observed, and nobody would guess it.
    assert_eq!(host.warnings(), ["API Access Tokens that were made with this client go on working"]);
}

#[test]
fn delete_by_title_says_which_one_it_was() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [client("Nightly")], "next": null })).answer(
        &item("DELETE"),
        204,
        Value::Null,
    );
    assert_eq!(clients().delete(&host, "Nightly").unwrap()["clientId"], ID);
}

#[test]
fn a_plan_without_oauth_clients_is_explained() {
    let host = FakeHost::new().answer(CREATE, 403, json!({ "error": "Forbidden" }));
    let error = clients().create(&host, json!({ "title": "x" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::Forbidden);
    assert!(error.hint.unwrap().contains("plan"));
}
