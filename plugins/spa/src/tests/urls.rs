//! What a URL may be, and that it is sent letter by letter.

use carto_plugin_api::ErrorCode;
use carto_plugin_api::testing::FakeHost;
use proptest::prelude::*;
use serde_json::json;

use super::{CREATE, ID, client, clients, posted};

#[test]
fn urls_that_no_sign_in_could_use_safely_are_refused_before_any_request() {
    let cases = [
        ("/relative", "isn't an absolute URL"),
        ("a.example.com", "isn't an absolute URL"),
        ("mailto:x@example.com", "isn't an absolute URL"),
        ("", "isn't an absolute URL"),
        ("javascript:alert(1)", "isn't an absolute URL"),
        // A parser would mend these, and the service compares letters.
        ("https:a.example.com", "isn't an absolute URL"),
        ("https:/a.example.com", "isn't an absolute URL"),
        ("https:///a.example.com", "isn't an absolute URL"),
        ("https:\\\\a.example.com", "isn't an absolute URL"),
        ("https://a.example.com\\cb", "isn't an absolute URL"),
        ("http://a.example.com", "isn't https"),
        ("http://127.0.0.1.evil.com", "isn't https"),
        ("http://localhost.evil.com", "isn't https"),
        ("http://localhost.", "isn't https"),
        ("http://192.168.0.1", "isn't https"),
        ("http://0.0.0.0", "isn't https"),
        ("http://[::2]", "isn't https"),
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
            let created = clients().create(&host, json!({ "title": "x", key: value }));
            let updated = clients().update(&host, ID, json!({ key: value }));
            for error in [created.unwrap_err(), updated.unwrap_err()] {
                assert_eq!((error.code, error.argument.as_deref()), (ErrorCode::InvalidArgument, Some(argument)));
                assert!(error.message.contains(says) && !error.message.contains("pass@"), "{url}: {}", error.message);
                assert!(error.hint.is_some());
            }
            assert!(host.seen().is_empty() && host.warnings().is_empty());
        }
    }
}

#[test]
fn good_urls_are_sent_letter_by_letter() {
    let urls = [
        "https://a.example.com",
        "https://a.example.com/",
        "HTTPS://A.Example.com/Callback?x=1",
        "https://a.example.com:443/a/../b/%7e",
        "http://localhost:5173/callback",
        "http://LOCALHOST",
        "http://127.0.0.1:3000",
        "http://127.8.9.1",
        "http://[::1]:3000/",
    ];
    assert_eq!(posted(json!({ "title": "x", "callback": urls }))["callbacks"], json!(urls));
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
fn origins_that_no_browser_sends_are_warned_of() {
    let warnings = |option: &str, origin: &str| {
        let host = FakeHost::new().answer(CREATE, 200, client(ID, "x"));
        let args = json!({ "title": "x", option: [origin], "callback": ["https://a.example.com/"] });
        clients().create(&host, args).unwrap();
        host.warnings()
    };
    for (origin, count) in [
        ("https://a.example.com", 0),
        ("http://localhost:5173", 0),
        ("https://a.example.com/", 1),
        ("https://a.example.com/app", 1),
        ("https://A.example.com", 1),
        ("https://a.example.com:443", 1),
    ] {
        let expected = vec![format!("no browser will match the origin `{origin}`"); count];
        assert_eq!(warnings("web_origin", origin), expected);
        assert_eq!(warnings("allowed_origin", origin), expected);
    }
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

    /// Judged by its letters alone, whatever passed is https or on this machine.
    #[test]
    fn nothing_passes_that_is_neither_https_nor_local(
        scheme in "https?|HTTP|ftp",
        slashes in ":|:/|://|:///|:\\\\\\\\",
        user in "(u(:p)?@)?",
        host in "(localhost|127\\.0\\.0\\.1|\\[::1\\]|a)(\\.evil\\.com|:80)?",
        rest in "[/#? a]{0,3}",
    ) {
        let url = [scheme, slashes, user, host, rest].concat();
        let answers = FakeHost::new().answer(CREATE, 200, client(ID, "x"));
        if clients().create(&answers, json!({ "title": "x", "callback": [url] })).is_err() {
            prop_assert!(answers.seen().is_empty());
            return Ok(());
        }
        let sent = answers.seen().remove(0).1.unwrap_or_default();
        prop_assert_eq!(&sent["callbacks"], &json!([url]));
        let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
            let after = url.to_lowercase().strip_prefix(&format!("http://{name}")).map(str::to_owned);
            after.is_some_and(|after| after.is_empty() || after.starts_with(['/', '?', ':']))
        });
        prop_assert!((url.starts_with("https://") || local) && !url.contains(['#', ' ', '@', '\\']), "{}", url);
    }
}
