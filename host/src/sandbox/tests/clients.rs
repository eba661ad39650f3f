//! The rules of `/v3/oauth-clients`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fixture, keys, with};
use crate::sandbox::clients::url::problem as url_problem;

const SPA: &str = "/v3/oauth-clients?type=spa";
const M2M: &str = "/v3/oauth-clients?type=m2m";

fn path(client: &Value) -> String {
    format!("/v3/oauth-clients/{}", client["client_id"].as_str().unwrap())
}

#[test]
fn a_new_spa_comes_back_whole_and_its_secret_once() {
    let it = Fixture::new();
    let reply = it.call(
        "POST",
        SPA,
        json!({
            "title": "App",
            "login_uri": "https://app.example.com/login",
            "callbacks": ["https://app.example.com/cb", "http://localhost:5173/cb?x=1"],
            "logout_urls": [],
            "web_origins": ["HTTPS://App.Example.com"],
        }),
    );
    assert_eq!(reply.etag(), "\"1\"");
    let mut created = reply.ok();
    let id = created["client_id"].as_str().unwrap().to_owned();
    let secret = created["client_secret"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let is_secret = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    assert!(secret.len() == 64 && secret.bytes().all(is_secret), "{secret}");

    let expected = json!({
        "client_id": id,
        "client_secret": secret,
        "type": "spa",
        "title": "App",
        "login_uri": "https://app.example.com/login",
        "callbacks": ["https://app.example.com/cb", "http://localhost:5173/cb?x=1"],
        "logout_urls": [],
        "web_origins": ["HTTPS://App.Example.com"],
        "allowed_origins": [],
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
    });
    assert_eq!(created.to_string(), expected.to_string());
    created.as_object_mut().unwrap().shift_remove("client_secret");
    assert_eq!(it.get(&path(&created)).ok().to_string(), created.to_string());
    assert_eq!(it.get("/v3/oauth-clients").ok(), json!({ "clients": [created], "next": null }));
}

#[test]
fn an_m2m_client_has_a_title_only() {
    let it = Fixture::new();
    let created = it.call("POST", M2M, json!({ "title": "Job" })).ok();
    assert_eq!(keys(&created), ["client_id", "client_secret", "type", "title", "created_at", "updated_at"]);
    let shown = it.get(&path(&created)).ok();
    assert_eq!(keys(&shown), ["client_id", "type", "title", "created_at", "updated_at"]);
    let only_title = "Unknown field `callbacks`; the fields are `title`";
    it.call("POST", M2M, json!({ "title": "Job", "callbacks": [] })).refused(400, only_title);
    it.call("PATCH", &path(&created), json!({ "callbacks": [] })).refused(400, only_title);
    it.call("POST", M2M, json!({ "title": "Job" })).ok();
}

#[test]
fn the_type_is_asked_for_where_it_matters() {
    let it = Fixture::new();
    let body = || json!({ "title": "App" });
    it.call("POST", "/v3/oauth-clients", body()).refused(400, "The query parameter `type` is required: `spa` or `m2m`");
    for query in ["type=", "type=SPA", "type=web"] {
        let message = "The query parameter `type` must be `spa` or `m2m`";
        it.call("POST", &format!("/v3/oauth-clients?{query}"), body()).refused(400, message);
        it.get(&format!("/v3/oauth-clients?{query}")).refused(400, message);
        it.get(&format!("/v3/oauth-clients/x?{query}")).refused(400, message);
    }

    let (spa, m2m) = (it.spa(body()), it.call("POST", M2M, body()).ok());
    for (client, right, wrong) in [(&spa, "spa", "m2m"), (&m2m, "m2m", "spa")] {
        let (right, wrong) = (format!("{}?type={right}", path(client)), format!("{}?type={wrong}", path(client)));
        it.get(&wrong).refused(404, "OAuth client not found");
        it.call("PATCH", &wrong, json!({ "title": "x" })).refused(404, "OAuth client not found");
        it.delete(&wrong).refused(404, "OAuth client not found");
        it.call("PATCH", &right, json!({ "title": "x" })).ok();
        it.get(&right).ok();
        it.get(&path(client)).ok();
    }
    let ids = |query: &str| -> Vec<Value> {
        let page = it.get(&format!("/v3/oauth-clients{query}")).ok();
        page["clients"].as_array().unwrap().iter().map(|client| client["client_id"].clone()).collect()
    };
    assert_eq!(ids("?type=spa"), [spa["client_id"].clone()]);
    assert_eq!(ids("?type=m2m"), [m2m["client_id"].clone()]);
    assert_eq!(ids(""), [spa["client_id"].clone(), m2m["client_id"].clone()]);
    assert_eq!(it.delete(&format!("{}?type=spa", path(&spa))).status, 204);
    assert_eq!(it.delete(&path(&m2m)).status, 204);
    it.get(&path(&spa)).refused(404, "OAuth client not found");
}

#[test]
fn a_body_with_a_mistake_is_refused() {
    let spa = |field: &str, value: Value| with(json!({ "title": "App" }), field, value);
    let many: Vec<String> = (0..101).map(|n| format!("https://a.example/{n}")).collect();
    let fields = "`title`, `login_uri`, `callbacks`, `logout_urls`, `web_origins`, `allowed_origins`";
    let cases = [
        (json!({}), "`title` is required".to_owned()),
        (json!({ "title": "" }), "`title` must not be empty".to_owned()),
        (json!({ "title": " " }), "`title` must not be empty".to_owned()),
        (json!({ "title": null }), "`title` must be a string".to_owned()),
        (spa("callback", json!([])), format!("Unknown field `callback`; the fields are {fields}")),
        (spa("client_secret", json!("x")), format!("Unknown field `client_secret`; the fields are {fields}")),
        (spa("login_uri", json!(1)), "`login_uri` must be a string or null".to_owned()),
        (spa("login_uri", json!("/login")), "`login_uri` must be an absolute `https://` URL".to_owned()),
        (spa("callbacks", Value::Null), "`callbacks` must be a list of strings".to_owned()),
        (spa("logout_urls", json!("https://a")), "`logout_urls` must be a list of strings".to_owned()),
        (spa("web_origins", json!([1])), "`web_origins` must be a list of strings".to_owned()),
        (
            spa("allowed_origins", json!(["https://a", "https://b", "https://a"])),
            "`allowed_origins[2]` stands in the list twice".to_owned(),
        ),
        (
            spa("callbacks", json!(["https://a", "http://a"])),
            "`callbacks[1]` must be `https://`; `http://` is for loopback hosts only".to_owned(),
        ),
        (spa("callbacks", json!(many)), "`callbacks` must hold at most 100 URLs".to_owned()),
    ];
    let it = Fixture::new();
    for (body, message) in cases {
        it.call("POST", SPA, body).refused(400, &message);
    }
    it.spa(spa("callbacks", json!(many[..100])));
    it.spa(spa("login_uri", Value::Null));
}

#[test]
fn urls_that_are_accepted_and_refused() {
    let good = [
        "https://app.example.com",
        "https://app.example.com/cb?x=1&y=%23",
        "https://*.example.com",
        "https://例え.jp/",
        "http://localhost:3000/",
        "http://LOCALHOST",
        "http://127.0.0.1/cb",
        "http://127.8.9.10:80",
        "http://[::1]:5173/",
    ];
    for text in good {
        assert_eq!(url_problem(text), None, "{text}");
    }
    let bad = [
        ("", "absolute"),
        ("app.example.com", "absolute"),
        ("/cb", "absolute"),
        ("//app.example.com", "absolute"),
        ("https:app.example.com", "absolute"),
        ("ftp://a", "absolute"),
        ("javascript:alert(1)", "absolute"),
        ("https://", "valid"),
        ("https://a:port/", "valid"),
        ("https://a#", "fragment"),
        ("https://a/#/cb", "fragment"),
        (" https://a", "white space"),
        ("https://a b", "white space"),
        ("https://a/\n", "white space"),
        ("https://a/\u{a0}", "white space"),
        ("https://a/\u{7f}", "control"),
        ("https://a\\b", "backslash"),
        ("http://localhost\\@evil.example", "backslash"),
        ("http://app.example.com", "loopback"),
        ("http://127.0.0.1.evil.example", "loopback"),
        ("http://localhost.evil.example", "loopback"),
        ("http://localhost@evil.example", "loopback"),
        ("http://128.0.0.1", "loopback"),
        ("http://0.0.0.0", "loopback"),
        ("http://[::2]", "loopback"),
    ];
    for (text, word) in bad {
        let problem = url_problem(text);
        assert!(problem.is_some_and(|problem| problem.contains(word)), "{text}: {problem:?}");
    }
}

#[test]
fn a_change_replaces_each_field_it_names() {
    let it = Fixture::new();
    let mut expected = it.spa(json!({ "title": "App", "callbacks": ["https://a", "https://b"] }));
    expected.as_object_mut().unwrap().shift_remove("client_secret");
    let changes = [
        ("title", json!("Other")),
        ("login_uri", json!("https://a/login")),
        ("login_uri", Value::Null),
        ("callbacks", json!(["https://c"])),
        ("logout_urls", json!(["https://d"])),
        ("web_origins", json!(["https://e"])),
        ("allowed_origins", json!(["https://f"])),
        ("callbacks", json!([])),
    ];
    for (version, (field, value)) in (2..).zip(changes) {
        let reply = it.call("PATCH", &path(&expected), json!({ field: value }));
        assert_eq!(reply.etag(), format!("\"{version}\""));
        expected[field] = value;
        assert_eq!(reply.ok(), expected);
        assert_eq!(it.get(&path(&expected)).ok(), expected);
    }
}

#[test]
fn a_change_with_a_mistake_changes_nothing() {
    let it = Fixture::new();
    let client = it.spa(json!({ "title": "App" }));
    let before = it.get(&path(&client)).ok();
    let cases = [
        (json!({}), "There is nothing to change in an empty body"),
        (json!({ "title": "x", "type": "m2m" }), "type cannot be changed"),
        (json!({ "title": "x", "client_id": "y" }), "client_id cannot be changed"),
        (json!({ "title": "x", "client_secret": "y" }), "client_secret cannot be changed"),
        (json!({ "title": "" }), "`title` must not be empty"),
        (json!({ "title": "x", "callbacks": ["https://a", "https://a"] }), "`callbacks[1]` stands in the list twice"),
    ];
    for (body, message) in cases {
        it.call("PATCH", &path(&client), body).refused(400, message);
    }
    assert_eq!(it.get(&path(&client)).ok(), before);
}

#[test]
fn a_change_can_depend_on_a_version() {
    let it = Fixture::new();
    let client = path(&it.spa(json!({ "title": "App" })));
    it.if_match("PATCH", &client, Some(json!({ "title": "b" })), "\"1\"").ok();
    let message = "It was changed in between: its version is \"2\", not \"1\"";
    it.if_match("PATCH", &client, Some(json!({ "title": "c" })), "\"1\"").refused(412, message);
    it.if_match("DELETE", &client, None, "\"1\"").refused(412, message);
    assert_eq!(it.if_match("DELETE", &client, None, "\"2\"").status, 204);
    it.if_match("DELETE", &client, None, "\"2\"").refused(404, "OAuth client not found");
}

proptest! {
    /// Whatever is accepted is read the same way by a parser, at the host that the rule looked at.
    #[test]
    fn plain_http_stays_on_this_machine(text in "http://[a-z0-9.@:\\[\\]\\\\/#? \t]{0,24}") {
        if url_problem(&text).is_none() {
            let host = url::Url::parse(&text).unwrap().host_str().unwrap().to_owned();
            prop_assert!(host == "localhost" || host == "[::1]" || host.starts_with("127."), "{}", host);
        }
    }
}
