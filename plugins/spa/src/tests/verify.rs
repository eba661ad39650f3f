//! Verify: what is asked about each URL, and what an answer says of it.

use std::collections::BTreeMap;

use carto_plugin_api::{Check, Outcome};
use expect_test::expect;

use super::*;

fn registered(lists: Value) -> Value {
    let mut client = client(ID, "Store");
    client.as_object_mut().unwrap().extend(lists.as_object().unwrap().clone());
    client
}

fn authorize(callback: &str, more: &str) -> String {
    format!(
        "GET /authorize?prompt=none&response_type=code&client_id={ID}&redirect_uri={callback}&scope=openid&state=carto-verify\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{more}"
    )
}

fn logout(to: &str) -> String {
    format!("GET /v2/logout?client_id={ID}&returnTo={to}")
}

const TOKEN: &str = "POST /oauth/token";
const FOREIGN: &str = "https://carto-verify.invalid";

fn lines(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let Check { asked, expected, found, outcome, rule, hint, .. } = check;
        let rule = rule.as_deref().unwrap_or_default();
        let hint = hint.as_ref().map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{outcome:?} {rule}: {asked} ({expected}) → {found}{hint}\n")
    };
    checks.iter().map(line).collect()
}

fn to(location: &str) -> Vec<(&str, &str)> {
    vec![("location", location)]
}

#[test]
fn each_url_is_asked_and_one_that_isnt_registered() {
    let lists = json!({
        "login_uri": "https://a.example.com/login",
        "callbacks": ["https://a.example.com/cb", "http://localhost:5173"],
        "logout_urls": ["https://a.example.com/bye?x=1", "https://gone.example.com/"],
        "web_origins": ["https://a.example.com", "https://b.example.com"],
        "allowed_origins": ["https://*.example.com"],
    });
    let no = || json!({ "error": "invalid_request", "error_description": "not registered" });
    let host = FakeHost::new()
        .answer(&item("GET", ID), 200, registered(lists))
        .answer_with(
            &authorize("https://a.example.com/cb", ""),
            302,
            &to("https://a.example.com/cb?error=login_required&state=x"),
            Value::Null,
        )
        .answer_with(
            &authorize("http://localhost:5173", ""),
            302,
            &to("http://localhost:5173/?error=login_required"),
            Value::Null,
        )
        .answer(&authorize("https://carto-verify.invalid/callback", ""), 403, no())
        .answer_with(&logout("https://a.example.com/bye?x=1"), 302, &to("https://a.example.com/bye?x=1"), Value::Null)
        .answer_with(
            &logout("https://gone.example.com/"),
            302,
            &to("https://auth.carto.com/error?error=invalid_request"),
            Value::Null,
        )
        .answer_with(&logout("https://carto-verify.invalid/"), 302, &to("https://carto-verify.invalid/"), Value::Null)
        .answer(&authorize("https://a.example.com/cb", "&response_mode=web_message"), 200, Value::Null)
        .answer(&authorize("http://localhost:5173", "&response_mode=web_message"), 400, no())
        .answer_with(TOKEN, 403, &[("access-control-allow-origin", "https://a.example.com")], no())
        .answer(TOKEN, 403, no())
        .answer_with(TOKEN, 400, &[("access-control-allow-origin", "*")], no())
        .answer(TOKEN, 403, no());
    let verification = clients().verify(&host, ID, json!({})).unwrap();
    expect![[r#"
        Passed callback: callback `https://a.example.com/cb` (accepted) → accepted (302, login_required)
        Passed callback: callback `http://localhost:5173` (accepted) → accepted (302, login_required)
        Passed callback: callback `https://carto-verify.invalid/callback` (not registered) (refused) → refused (403): invalid_request: not registered
        Passed logout-url: logout URL `https://a.example.com/bye?x=1` (accepted) → accepted (302)
        Failed logout-url: logout URL `https://gone.example.com/` (accepted) → refused (302 to `https://auth.carto.com`, invalid_request)
            it may take a little to be known there; else give all of `carto credentials get spa 9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze --field logoutUrls` again, each with `--logout-url`
        Failed logout-url: logout URL `https://carto-verify.invalid/` (not registered) (refused) → accepted (302)
            the authority takes more than is registered: don't use this client, and tell CARTO
        Passed web-origin: web origin `https://a.example.com`, silently (accepted) → accepted (200)
        Skipped web-origin: web origin `https://b.example.com`, silently (accepted) → not asked: no callback is of that origin
        Passed web-origin: `http://localhost:5173`, silently (no web origin) (refused) → refused (400): invalid_request: not registered
        Passed web-origin: token request from `https://a.example.com` (accepted) → may read the answer (403)
        Failed web-origin: token request from `https://b.example.com` (accepted) → may not read the answer (403)
            it may take a little to be known there; else `carto credentials update spa 9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze --web-origin https://a.example.com --web-origin https://b.example.com` gives the list again
        Passed allowed-origin: token request from `https://x.example.com` (accepted) → may read the answer (400)
        Passed allowed-origin: token request from `https://carto-verify.invalid` (not registered) (refused) → may not read the answer (403)
        Passed login-uri: login URI `https://a.example.com/login` (well-formed) → well-formed; not asked, since it isn't CARTO's
    "#]].assert_eq(&lines(&verification.checks));
    assert_eq!(verification.facts["title"], "Store");
    let origins: Vec<_> = host
        .requests()
        .into_iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.headers.into_iter().collect::<BTreeMap<_, _>>()["origin"].clone())
        .collect();
    assert_eq!(origins, ["https://a.example.com", "https://b.example.com", "https://x.example.com", FOREIGN]);
    assert!(host.requests().iter().all(|request| request.bearer.is_none()));
}

#[test]
fn where_nothing_is_registered_nothing_is_accepted() {
    let host = FakeHost::new()
        .answer(&item("GET", ID), 200, client(ID, "Store"))
        .answer(&authorize("https://carto-verify.invalid/callback", ""), 404, Value::Null)
        .answer(&logout("https://carto-verify.invalid/"), 400, Value::Null)
        .answer(TOKEN, 404, Value::Null);
    let verification = clients().verify(&host, ID, json!({})).unwrap();
    expect![[r#"
        Skipped callback: callbacks (accepted) → there is none: nobody can sign in
            `carto credentials update spa --help` shows how to add one
        Skipped callback: callback `https://carto-verify.invalid/callback` (not registered) (refused) → the answer tells nothing (404)
        Passed logout-url: logout URL `https://carto-verify.invalid/` (not registered) (refused) → refused (400)
        Skipped allowed-origin: token request from `https://carto-verify.invalid` (not registered) (refused) → the answer tells nothing (404)
    "#]].assert_eq(&lines(&verification.checks));
}

/// What a sign-in that ends here, or there, says of a callback.
#[test]
fn only_a_redirect_to_the_callback_accepts_it() {
    let callback = "https://a.example.com/cb?tenant=1";
    for (status, location, accepted) in [
        (302, "https://a.example.com/cb?tenant=1&error=login_required", true),
        (303, "https://a.example.com/cb?tenant=1&code=x", true),
        (302, "https://a.example.com/cb/other?error=x", false),
        (302, "https://a.example.com.evil.example/cb?error=x", false),
        (302, "http://a.example.com/cb?error=x", false),
        (302, "https://auth.carto.com/login?redirect=https://a.example.com/cb", false),
        (302, "/login", false),
        (200, "https://a.example.com/cb", false),
    ] {
        let host = FakeHost::new()
            .answer(&item("GET", ID), 200, registered(json!({ "callbacks": [callback] })))
            .answer_with(&authorize(callback, ""), status, &to(location), Value::Null)
            .answer(&authorize("https://carto-verify.invalid/callback", ""), 403, Value::Null)
            .answer(&logout("https://carto-verify.invalid/"), 400, Value::Null)
            .answer(&authorize(callback, "&response_mode=web_message"), 403, Value::Null)
            .answer(TOKEN, 403, Value::Null);
        let verification = clients().verify(&host, ID, json!({})).unwrap();
        assert_eq!(verification.checks[0].outcome == Outcome::Passed, accepted, "{status} {location}");
    }
}

/// As somebody copies it from a browser's address line.
#[test]
fn an_origin_with_a_path_is_mended_by_a_command() {
    let lists = json!({
        "web_origins": ["https://a.example.com/", "https://b.example.com"],
        "allowed_origins": ["https://c.example.com/app", "https://c.example.com", "https://*.example.com"],
    });
    let host = FakeHost::new()
        .answer(&item("GET", ID), 200, registered(lists))
        .answer(&authorize("https://carto-verify.invalid/callback", ""), 403, Value::Null)
        .answer(&logout("https://carto-verify.invalid/"), 400, Value::Null)
        .answer(TOKEN, 404, Value::Null)
        .answer(TOKEN, 404, Value::Null)
        .answer(TOKEN, 404, Value::Null)
        .answer(TOKEN, 404, Value::Null);
    let verification = clients().verify(&host, ID, json!({})).unwrap();
    expect![[r#"
        Skipped web-origin: web origin `https://b.example.com`, silently (accepted) → not asked: no callback is of that origin
        Failed web-origin: web origin `https://a.example.com/` (an origin) → no browser will match it: browsers send `https://a.example.com`
            browsers send no path: `carto credentials update spa 9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze --web-origin https://a.example.com --web-origin https://b.example.com` mends it
        Skipped web-origin: token request from `https://b.example.com` (accepted) → the answer tells nothing (404)
        Failed allowed-origin: allowed origin `https://c.example.com/app` (an origin) → no browser will match it: browsers send `https://c.example.com`
            browsers send no path: `carto credentials update spa 9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze --allowed-origin https://c.example.com --allowed-origin 'https://*.example.com'` mends it
        Skipped allowed-origin: token request from `https://c.example.com` (accepted) → the answer tells nothing (404)
        Skipped allowed-origin: token request from `https://x.example.com` (accepted) → the answer tells nothing (404)
        Skipped allowed-origin: token request from `https://carto-verify.invalid` (not registered) (refused) → the answer tells nothing (404)
    "#]].assert_eq(&lines(&verification.checks[3..]));
    let mended = json!({ "web_origin": ["https://a.example.com", "https://b.example.com"] });
    let host =
        FakeHost::new().answer(&item("PATCH", ID), 200, registered(json!({ "web_origins": mended["web_origin"] })));
    clients().update(&host, ID, mended).unwrap();
    assert_eq!(host.warnings(), [""; 0]);
}
