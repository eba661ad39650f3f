//! The kind through the adapter that its library uses, against a host that answers from a script; with it, what both kinds of OAuth
//! client share: routes, look-up by id or title, and answers that came back wider.

use carto_plugin_api::ErrorCode;
use carto_plugin_api::testing::{FakeHost, Harness};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Spa;

const LIST: &str = "GET /v3/oauth-clients?type=spa&limit=100";
const SECOND: &str = "GET /v3/oauth-clients?type=spa&limit=100&cursor=p2";
const CREATE: &str = "POST /v3/oauth-clients?type=spa";
const ID: &str = "9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze";

fn clients() -> Harness<Spa> {
    Harness::new(include_str!("../kind.toml"))
}

fn item(method: &str, id: &str) -> String {
    format!("{method} /v3/oauth-clients/{id}?type=spa")
}

fn client(id: &str, title: &str) -> Value {
    json!({ "client_id": id, "type": "spa", "title": title })
}

/// The body that a create with these arguments sends.
fn posted(args: Value) -> Value {
    let host = FakeHost::new().answer(CREATE, 200, client(ID, "x"));
    clients().create(&host, args).unwrap();
    host.seen().pop().unwrap().1.unwrap()
}

#[test]
fn create_sends_what_was_given_and_shows_the_secret() {
    let args = json!({
        "title": "Store", "login_uri": "https://a.example.com/login", "callback": ["https://a.example.com/cb/"],
        "logout_url": ["https://a.example.com"], "web_origin": ["https://a.example.com"], "allowed_origin": ["http://[::1]:1"],
    });
    let wire = json!({
        "title": "Store", "login_uri": "https://a.example.com/login", "callbacks": ["https://a.example.com/cb/"],
        "logout_urls": ["https://a.example.com"], "web_origins": ["https://a.example.com"], "allowed_origins": ["http://[::1]:1"],
    });
    assert_eq!(posted(args.clone()), wire);
    assert_eq!(posted(json!({ "title": "Store" })), json!({ "title": "Store" }));
    let mut made = wire;
    made["client_id"] = ID.into();
    made["client_secret"] = "s3cr3t".into();
    let record = clients().create(&FakeHost::new().answer(CREATE, 201, made), args).unwrap();
    assert_eq!(
        (&record["clientSecret"], &record["loginUri"]),
        (&"s3cr3t".into(), &"https://a.example.com/login".into())
    );
    let keys: Vec<_> = record.as_object().unwrap().keys().collect();
    let expected = [
        "clientId",
        "clientSecret",
        "title",
        "loginUri",
        "callbacks",
        "logoutUrls",
        "webOrigins",
        "allowedOrigins",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn urls_that_no_sign_in_could_use_safely_are_refused_before_any_request() {
    let cases = [
        ("/relative", "isn't an absolute URL"),
        ("a.example.com", "isn't an absolute URL"),
        ("mailto:x@example.com", "isn't an absolute URL"),
        ("", "isn't an absolute URL"),
        ("http://a.example.com", "isn't https"),
        ("http://127.0.0.1.evil.com", "isn't https"),
        ("http://localhost.evil.com", "isn't https"),
        ("http://192.168.0.1", "isn't https"),
        ("https://a.example.com/#x", "has a fragment"),
        ("https://a.example.com/a b", "white space"),
        (" https://a.example.com", "white space"),
        ("https://a.example.com/\n", "white space"),
        ("https://user@a.example.com", "user name or a password"),
        ("https://user:pass@a.example.com/#x", "user name or a password"),
        ("ftp://a.example.com", "has the scheme `ftp`"),
        ("com.example.app://callback", "has the scheme `com.example.app`"),
    ];
    let options = [
        ("login_uri", "login-uri"),
        ("callback", "callback"),
        ("logout_url", "logout-url"),
        ("web_origin", "web-origin"),
        ("allowed_origin", "allowed-origin"),
    ];
    for (url, says) in cases {
        for (key, argument) in options {
            let value = if key == "login_uri" { json!(url) } else { json!([url]) };
            let host = FakeHost::new();
            let error = clients().create(&host, json!({ "title": "x", key: value })).unwrap_err();
            assert_eq!((error.code, error.argument.as_deref()), (ErrorCode::InvalidArgument, Some(argument)));
            assert!(error.message.contains(says) && !error.message.contains("pass@"), "{url}: {}", error.message);
            assert!(error.hint.is_some() && host.seen().is_empty() && host.warnings().is_empty());
        }
    }
}

#[test]
fn a_url_twice_is_refused() {
    let twice = json!({ "title": "x", "callback": ["https://a.example.com", "https://a.example.com"] });
    let error = clients().create(&FakeHost::new(), twice).unwrap_err();
    assert_eq!(error.argument.as_deref(), Some("callback"));
    // Exact matching makes these two different.
    posted(json!({ "title": "x", "callback": ["https://a.example.com", "https://a.example.com/"] }));
}

#[test]
fn a_title_is_text() {
    for args in [json!({ "title": "" }), json!({ "title": " " }), json!({ "title": "a\u{7}" })] {
        assert_eq!(clients().create(&FakeHost::new(), args).unwrap_err().argument.as_deref(), Some("title"));
    }
}

#[test]
fn origins_that_no_browser_sends_are_warned_of() {
    let warnings = |origin: &str| {
        let host = FakeHost::new().answer(CREATE, 200, client(ID, "x"));
        clients()
            .create(&host, json!({ "title": "x", "web_origin": [origin], "callback": ["https://a.example.com/"] }))
            .unwrap();
        host.warnings().len()
    };
    for (origin, count) in [
        ("https://a.example.com", 0),
        ("http://localhost:5173", 0),
        ("https://a.example.com/", 1),
        ("https://a.example.com/app", 1),
        ("https://A.example.com", 1),
        ("https://a.example.com:443", 1),
    ] {
        assert_eq!(warnings(origin), count, "{origin}");
    }
}

#[test]
fn update_sends_only_what_is_named() {
    let host = FakeHost::new().answer(&item("PATCH", ID), 200, client(ID, "x"));
    clients().update(&host, ID, json!({ "callback": ["https://b.example.com/cb"] })).unwrap();
    assert_eq!(host.seen()[0].1, Some(json!({ "callbacks": ["https://b.example.com/cb"] })));
    let error = clients().update(&FakeHost::new(), ID, json!({})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Usage, "nothing to change"));
}

#[test]
fn what_came_back_wider_is_an_error() {
    let mut answer = client(ID, "x");
    answer["callbacks"] = json!(["https://a.example.com/cb", "https://evil.example.com"]);
    let host = FakeHost::new().answer(CREATE, 200, answer);
    let error = clients().create(&host, json!({ "title": "x", "callback": ["https://a.example.com/cb"] })).unwrap_err();
    assert_eq!(error.code, ErrorCode::WiderThanAsked);
    assert!(
        error.message.contains(ID) && error.message.contains("`https://evil.example.com` in callbacks"),
        "{}",
        error.message
    );
    assert_eq!(error.hint.unwrap(), format!("delete it: `carto credentials delete spa {ID}`"));
}

#[test]
fn an_id_is_one_request_and_a_title_is_looked_up_over_pages() {
    let host = FakeHost::new().answer(&item("GET", ID), 200, client(ID, "Store"));
    assert_eq!(clients().get(&host, ID).unwrap()["title"], "Store");
    let pages = || {
        FakeHost::new().answer(LIST, 200, json!({ "clients": [client("a", "Other")], "next": "p2" })).answer(
            SECOND,
            200,
            json!({ "clients": [client("b", "Store")], "next": null }),
        )
    };
    let host = pages().answer(&item("GET", "b"), 200, client("b", "Store"));
    assert_eq!(clients().get(&host, "Store").unwrap()["clientId"], "b");
    // A title that looks like an id, and an id that doesn't.
    let host = FakeHost::new()
        .answer(&item("GET", ID), 404, Value::Null)
        .answer(LIST, 200, json!({ "clients": [client("a", ID)] }))
        .answer(&item("GET", "a"), 200, client("a", ID));
    assert_eq!(clients().get(&host, ID).unwrap()["clientId"], "a");
    let host = pages().answer(&item("DELETE", "b"), 204, Value::Null);
    assert_eq!(clients().delete(&host, "b").unwrap()["clientId"], "b");
    let error = clients().get(&pages(), "nothing").unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::NotFound, "no SPA client `nothing`"));
}

#[test]
fn a_title_of_several_is_ambiguous_and_an_id_beats_it() {
    let list = json!({ "clients": [client("a", "Twin"), client("b", "Twin"), client("c", "a")] });
    let host = FakeHost::new().answer(LIST, 200, list.clone());
    let error = clients().delete(&host, "Twin").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::Ambiguous, "2 SPA clients are called `Twin`: `a`, `b`")
    );
    assert_eq!(host.seen().len(), 1, "nothing is deleted");
    let host = FakeHost::new().answer(LIST, 200, list).answer(&item("GET", "a"), 200, client("a", "Twin"));
    assert_eq!(clients().get(&host, "a").unwrap()["clientId"], "a");
}

/// A service that ignores the filter must not lead to another kind's client.
#[test]
fn a_client_of_another_type_isnt_there() {
    let mut other = client("m", "Nightly");
    other["type"] = "m2m".into();
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [other.clone(), client("s", "Store")] }));
    let listed = clients().list(&host).unwrap();
    assert_eq!(listed.iter().map(|c| &c["clientId"]).collect::<Vec<_>>(), ["s"]);
    let host = FakeHost::new().answer(&item("GET", ID), 200, other);
    assert_eq!(clients().get(&host, ID).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_client_secret_typed_as_an_id_never_stands_in_a_path() {
    let secret = "Mf4gpQddWEqEYrNChNIHPbV2IkJuSq8BXk8HxSNkcMeN2pASPGaAHUnqKjNuBss6";
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [] }));
    clients().get(&host, secret).unwrap_err();
    assert!(host.seen().iter().all(|(request, _)| !request.contains(secret)));
}

#[test]
fn a_broken_answer_never_quotes_a_value() {
    let host = FakeHost::new().answer(&item("GET", ID), 200, json!({ "client_id": 7, "client_secret": "s3cr3t" }));
    let error = clients().get(&host, ID).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnexpectedAnswer);
    assert!(!format!("{error:?}").contains("s3cr3t"));
}

proptest! {
    /// Matching is exact, so whatever passes is sent letter by letter.
    #[test]
    fn urls_are_kept_as_given(host in "[a-zA-Z]{1,8}(\\.[a-zA-Z]{2,5}){1,2}", port in prop::option::of(1u16..), path in "(/[A-Za-z0-9%._~-]{0,6}){0,3}", query in "(\\?[a-z]=[A-Z0-9]{0,3})?") {
        let url = format!("https://{host}{}{path}{query}", port.map(|port| format!(":{port}")).unwrap_or_default());
        let body = posted(json!({ "title": "x", "callback": [url], "login_uri": url }));
        prop_assert_eq!(body["callbacks"][0].as_str(), Some(url.as_str()));
        prop_assert_eq!(body["login_uri"].as_str(), Some(url.as_str()));
    }
}
