//! `--apis`, `--name` and `--expiration-date`.

use carto_plugin_api::testing::FakeHost;
use serde_json::json;

use super::{
    assert_argument, creating, jwt, last_body, least, posted, refused_create, refused_update, requests, tokens, with,
};

#[test]
fn apis_are_a_list_in_the_order_given() {
    let cases = [
        ("sql", json!(["sql"])),
        ("imports", json!(["imports"])),
        ("maps,sql", json!(["maps", "sql"])),
        (" sql , maps,lds ", json!(["sql", "maps", "lds"])),
    ];
    for (text, apis) in cases {
        assert_eq!(posted(with(least(), json!({ "apis": text })))["allowed_apis"], apis, "{text}");
    }
}

#[test]
fn bad_apis_are_refused() {
    let choose = "choose from sql, maps, lds; or imports alone";
    let cases = [
        ("", "no API is named", choose),
        ("sql,", "`sql,` names no API in one place", choose),
        ("sql,,maps", "`sql,,maps` names no API in one place", choose),
        ("SQL", "there is no API `SQL`", choose),
        ("sql,tiles", "there is no API `tiles`", choose),
        ("sql maps", "there is no API `sql maps`", choose),
        ("sql,maps,sql", "`sql` is named twice", choose),
        ("sql,imports", "`imports` can't stand beside other APIs", "create two tokens"),
        ("imports,lds", "`imports` can't stand beside other APIs", "create two tokens"),
    ];
    for (apis, message, hint) in cases {
        assert_argument(&refused_create(with(least(), json!({ "apis": apis }))), "apis", message, hint);
        assert_argument(&refused_update(json!({ "apis": apis })), "apis", message, hint);
    }
}

#[test]
fn a_name_is_something_that_can_be_typed_again() {
    for name in ["demo", "My token", "tok_like", "a,b", "ключ"] {
        assert_eq!(posted(with(least(), json!({ "name": name })))["name"], name);
    }
    let cases = [
        ("", "the name is empty", "leave `--name` out"),
        (" \t", "the name is empty", "leave `--name` out"),
        ("a\nb", "the name holds control characters", "one line"),
        ("\u{1b}[31mred", "the name holds control characters", "one line"),
    ];
    let error = refused_create(with(least(), json!({ "name": super::jwt("1a2b3c4d") })));
    assert_argument(
        &error,
        "name",
        "the name is itself a token, and names are shown everywhere",
        "what the token is for",
    );
    for (name, message, hint) in cases {
        assert_argument(&refused_create(with(least(), json!({ "name": name }))), "name", message, hint);
        assert_argument(&refused_update(json!({ "name": name })), "name", message, hint);
    }
}

#[test]
fn an_expiry_lies_ahead_of_the_hosts_time() {
    let until = |date: &str| with(least(), json!({ "expiration_date": date }));
    for date in ["2026-11-23T10:00:01Z", "2026-11-23T11:00:01+01:00", "2100-01-01T00:00:00Z"] {
        assert_eq!(posted(until(date))["expiration_date"], date);
    }
    for date in ["2026-11-23T10:00:00Z", "2026-11-23T09:59:59Z", "2026-11-23T11:30:00+02:00", "1999-01-01T00:00:00Z"] {
        let message = format!("the expiry {date} is in the past");
        assert_argument(&refused_create(until(date)), "expiration-date", &message, "a time from now like `7d`");
    }
}

#[test]
fn the_time_is_the_hosts_and_not_the_clocks() {
    let args = with(least(), json!({ "expiration_date": "1970-01-02T00:00:00Z" }));
    let host = creating();
    tokens().at("1970-01-01T00:00:00Z").create(&host, args).unwrap();
    assert_eq!(last_body(&host)["expiration_date"], "1970-01-02T00:00:00Z");
}

#[test]
fn an_expiry_never_changes_and_the_message_shows_the_way() {
    let update = |id: &str| {
        let host = FakeHost::new();
        let args = json!({ "name": "new", "expiration_date": "2027-01-01T00:00:00Z" });
        let error = tokens().update(&host, id, args).unwrap_err();
        assert!(requests(&host).is_empty());
        error
    };
    let message = "an expiry is fixed when a token is created and can't be changed";
    assert_argument(&update("demo"), "expiration-date", message, "`carto credentials delete token demo`");
    let error = update(&jwt("1a2b3c4d"));
    assert_argument(&error, "expiration-date", message, "`carto credentials delete token 1a2b3c4d`");
}
