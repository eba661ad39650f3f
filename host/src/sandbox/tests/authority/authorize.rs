//! `/authorize`: the page, what leads past it, and where mistakes are told.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Fixture, Reply};
use super::{APP, Browser, CALLBACK, ORIGIN, authorize, field, form, m2m, parameter, redeem, send, spa, token};

#[track_caller]
fn is_page(reply: &Reply, status: u16, message: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("location"), None);
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    assert!(reply.text.contains(message), "{}", reply.text);
}

/// What a page of the sandbox tells the page around it, and to which origin.
fn message(reply: &Reply) -> (Value, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let (_, rest) = reply.text.split_once(".postMessage(").unwrap();
    let (arguments, _) = rest.split_once(");</script>").unwrap();
    let mut values = serde_json::from_str::<Vec<Value>>(&format!("[{arguments}]")).unwrap();
    let origin = values.pop().unwrap().as_str().unwrap().to_owned();
    let message = values.pop().unwrap();
    assert_eq!(message["type"], "authorization_response");
    (message["response"].clone(), origin)
}

#[test]
fn the_page_names_who_asks_for_what() {
    let it = Fixture::new();
    let client = spa(&it);
    let reply = Browser::new(&it).get(&authorize(&client, &[]));
    is_page(&reply, 200, "Map &amp; &lt;b&gt;more&lt;/b&gt;");
    for text in
        [&*client.id, "Sandbox Owner", "owner@sandbox.invalid", "<code>openid</code>", "<code>email</code>", CALLBACK]
    {
        assert!(reply.text.contains(text), "{text}: {}", reply.text);
    }
    assert!(!reply.text.contains("<script") && !reply.text.contains("://fonts") && !reply.text.contains("src="));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-"));
    assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[test]
fn nothing_is_redirected_before_the_address_is_known() {
    let it = Fixture::new();
    let (client, machine) = (spa(&it), m2m(&it));
    let other = [("redirect_uri", "https://app.example.com/cb?tab=1"), ("response_mode", "web_message")];
    let cases = [
        (authorize(&client, &[("client_id", "")]), 400, "The address has no `client_id`."),
        (authorize(&client, &[("client_id", "x")]), 400, "There is no client with this `client_id`."),
        (authorize(&machine, &[]), 400, "This client is a machine&#39;s"),
        (authorize(&client, &[("redirect_uri", "")]), 400, "The address has no `redirect_uri`."),
        (authorize(&client, &[("redirect_uri", APP)]), 400, "is not among the client&#39;s callbacks"),
        (authorize(&client, &[]) + "&client_id=x", 400, "`client_id` stands in the address twice."),
        (authorize(&client, &[]) + "&redirect_uri=x", 400, "`redirect_uri` stands in the address twice."),
        (
            authorize(&client, &other),
            403,
            "The origin of the `redirect_uri` is not among the client&#39;s web origins.",
        ),
    ];
    for (path, status, message) in cases {
        is_page(&Browser::new(&it).get(&path), status, message);
    }
    is_page(&send(&it, "GET", "/authorize", &[], ""), 400, "The address has no `client_id`.");
}

#[test]
fn later_mistakes_are_told_the_client() {
    let it = Fixture::new();
    let client = spa(&it);
    let invalid = "invalid_request";
    type Changes<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Changes<'_>, &str, &str); 14] = [
        (&[("response_type", "")], invalid, "response_type is required"),
        (&[("response_type", "token")], "unsupported_response_type", "response_type must be code"),
        (&[("response_mode", "fragment")], invalid, "response_mode must be query or web_message"),
        (&[("code_challenge", "")], invalid, "code_challenge is required"),
        (&[("code_challenge", "abc")], invalid, "code_challenge must be a SHA-256 in base64url: 43 characters"),
        (&[("code_challenge_method", "")], invalid, "code_challenge_method must be S256"),
        (&[("code_challenge_method", "plain")], invalid, "code_challenge_method must be S256"),
        (&[("audience", "other")], "invalid_target", "audience must be carto-cloud-native-api"),
        (&[("prompt", "none login")], invalid, "prompt must be none alone, or login, consent, select_account"),
        (&[("prompt", "x")], invalid, "prompt must be none alone, or login, consent, select_account"),
        (&[("max_age", "-1")], invalid, "max_age must be a number of seconds"),
        (&[("request", "a.b.c")], "request_not_supported", "request is not supported"),
        (&[("request_uri", "https://a")], "request_uri_not_supported", "request_uri is not supported"),
        (&[("prompt", "none")], "login_required", "Nobody is signed in"),
    ];
    for (changes, error, description) in cases {
        let reply = Browser::new(&it).get(&authorize(&client, changes));
        assert_eq!(reply.status, 302, "{changes:?}: {}", reply.text);
        assert!(reply.header("location").unwrap().starts_with("http://localhost:5173/cb?error="), "{reply:?}");
        let got = |name: &str| parameter(&reply, name);
        assert_eq!(got("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(got("error_description").as_deref(), Some(description));
        assert_eq!(got("state").as_deref(), Some("a state"));
        assert_eq!(got("code"), None);
    }
    let reply = Browser::new(&it).get(&(authorize(&client, &[]) + "&state=b&nonce=c"));
    assert_eq!(parameter(&reply, "error_description").as_deref(), Some("state stands there twice"));
    assert_eq!(parameter(&reply, "state"), None);
}

#[test]
fn allowing_gives_a_code_and_denying_an_error() {
    let it = Fixture::new();
    let client = spa(&it);
    let browser = Browser::new(&it);
    let with_query = [("redirect_uri", "https://app.example.com/cb?tab=1"), ("state", "")];
    let reply = browser.decide(&browser.get(&authorize(&client, &with_query)), "allow");
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(reply.status, 303);
    let code = location.strip_prefix("https://app.example.com/cb?tab=1&code=").unwrap();
    assert!(code.len() == 43 && !code.contains('&'), "{code}");
    token(&it, &redeem(&client, code, &[("redirect_uri", "https://app.example.com/cb?tab=1")])).ok();

    let other = Browser::new(&it);
    let reply = other.decide(&other.get(&authorize(&client, &[])), "deny");
    assert_eq!((reply.status.as_u16(), parameter(&reply, "error").as_deref()), (303, Some("access_denied")));
    assert_eq!(parameter(&reply, "state").as_deref(), Some("a state"));
    let silent = other.get(&authorize(&client, &[("prompt", "none")]));
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
}

#[test]
fn what_was_allowed_is_not_asked_again_and_more_is() {
    let it = Fixture::new();
    let (client, other) = (spa(&it), spa(&it));
    let browser = Browser::new(&it);
    browser.code(&authorize(&client, &[]));
    let asks = |path: String| browser.get(&path).text.contains("<form");
    let error = |path: String| parameter(&browser.get(&path), "error");
    for changes in [&[][..], &[("prompt", "none")], &[("scope", "openid")], &[("organization", "org_1")]] {
        assert!(parameter(&browser.get(&authorize(&client, changes)), "code").is_some(), "{changes:?}");
    }
    for changes in
        [("prompt", "login"), ("prompt", "consent"), ("prompt", "login consent"), ("scope", "openid write:tokens")]
    {
        assert!(asks(authorize(&client, &[changes])), "{changes:?}");
    }
    assert!(asks(authorize(&other, &[])));
    let more = [("scope", "openid write:tokens"), ("prompt", "none")];
    assert_eq!(error(authorize(&client, &more)).as_deref(), Some("consent_required"));
    assert_eq!(error(authorize(&other, &[("prompt", "none")])).as_deref(), Some("consent_required"));
    // One session for all clients of a browser.
    browser.code(&authorize(&other, &[]));
    for client in [&client, &other] {
        assert!(parameter(&browser.get(&authorize(client, &[("prompt", "none")])), "code").is_some());
    }
}

#[test]
fn a_session_ends_and_can_be_too_old() {
    let it = Fixture::new();
    let client = spa(&it);
    let browser = Browser::new(&it);
    browser.code(&authorize(&client, &[]));
    let at = |clock: &str, changes: &[(&str, &str)]| {
        let switches = crate::sandbox::Switches::parse(clock).unwrap();
        let sandbox = crate::sandbox::Sandbox::open(&it.database(), switches).unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        let later = Fixture { folder, router: sandbox.router(), sandbox, runtime: super::super::runtime() };
        let browser = Browser { it: &later, cookies: browser.cookies.clone() };
        parameter(&browser.get(&authorize(&client, changes)), "error")
    };
    let none = ("prompt", "none");
    assert_eq!(at("clock=2026-11-26T09:59:59Z", &[none]), None);
    assert_eq!(at("clock=2026-11-26T10:00:00Z", &[none]).as_deref(), Some("login_required"));
    assert_eq!(at("clock=2026-11-23T10:01:00Z", &[none, ("max_age", "60")]), None);
    assert_eq!(at("clock=2026-11-23T10:01:01Z", &[none, ("max_age", "60")]).as_deref(), Some("login_required"));
}

#[test]
fn a_code_ends_after_ten_minutes() {
    let it = Fixture::new();
    let client = spa(&it);
    let code = Browser::new(&it).code(&authorize(&client, &[]));
    let sandbox = crate::sandbox::Switches::parse("clock=2026-11-23T10:10:00Z").unwrap();
    let sandbox = crate::sandbox::Sandbox::open(&it.database(), sandbox).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let later = Fixture { folder, router: sandbox.router(), sandbox, runtime: super::super::runtime() };
    token(&later, &redeem(&client, &code, &[])).oauth_error(400, "invalid_grant", "The code is unknown, or over");
    token(&it, &redeem(&client, &code, &[])).ok();
}

#[test]
fn a_message_goes_to_the_redirect_uris_origin() {
    let it = Fixture::new();
    let client = spa(&it);
    let browser = Browser::new(&it);
    let mode = ("response_mode", "web_message");
    let silent = authorize(&client, &[mode, ("prompt", "none"), ("state", "</script><!--\u{2028}")]);
    let reply = browser.get(&silent);
    assert!(!reply.text.contains("</script><!--"), "{}", reply.text);
    let (answer, origin) = message(&reply);
    assert_eq!(origin, APP);
    let expected = json!({
        "error": "login_required", "error_description": "Nobody is signed in", "state": "</script><!--\u{2028}",
    });
    assert_eq!(answer, expected);

    // In a window of its own, after the page.
    let (answer, _) = message(&browser.decide(&browser.get(&authorize(&client, &[mode])), "allow"));
    token(&it, &redeem(&client, answer["code"].as_str().unwrap(), &[])).ok();
    // Silently, in a frame.
    let reply = browser.get(&authorize(&client, &[mode, ("prompt", "none")]));
    assert_eq!(reply.header("x-frame-options"), None);
    let policy = reply.header("content-security-policy").unwrap();
    let nonce = policy.strip_prefix("default-src 'none'; base-uri 'none'; script-src 'nonce-").unwrap();
    assert!(reply.text.contains(&format!("<script nonce=\"{}\">", nonce.trim_end_matches('\''))));
    let (answer, origin) = message(&reply);
    assert_eq!((origin.as_str(), &answer["state"]), (APP, &json!("a state")));
    token(&it, &redeem(&client, answer["code"].as_str().unwrap(), &[])).ok();
}

#[test]
fn the_form_comes_from_the_page_that_this_browser_was_shown() {
    let it = Fixture::new();
    let client = spa(&it);
    let browser = Browser::new(&it);
    let page = browser.get(&authorize(&client, &[]));
    let body = |request: &str, seal: &str| form(&[("request", request), ("seal", seal), ("decision", "allow")]);
    let (request, seal) = (field(&page, "request"), field(&page, "seal"));
    let content = ("content-type", "application/x-www-form-urlencoded");
    let elsewhere = "This form was sent from elsewhere.";
    for origin in ["http://localhost:4000", "http://127.0.0.1:4001", APP, "https://evil.example", "null"] {
        let reply = browser.send("POST", "/authorize", &[content, ("origin", origin)], body(&request, &seal));
        is_page(&reply, 403, elsewhere);
    }
    is_page(&browser.send("POST", "/authorize", &[content], body(&request, &seal)), 403, elsewhere);

    let own = [content, ("origin", ORIGIN)];
    let other = "This form is not the one that was shown here. Begin again.";
    let thief = Browser::new(&it);
    let their_page = thief.get(&authorize(&client, &[]));
    let wider = request.replace("openid", "write%3Atokens+openid");
    assert_ne!(wider, request);
    let forms = [
        body(&request, ""),
        body(&request, "x"),
        body(&request, &field(&their_page, "seal")),
        body(&wider, &seal),
        body("", &seal),
    ];
    for form in forms {
        is_page(&browser.send("POST", "/authorize", &own, form), 403, other);
    }
    is_page(&Browser::new(&it).send("POST", "/authorize", &own, body(&request, &seal)), 403, other);
    let undecided = form(&[("request", &request), ("seal", &seal)]);
    is_page(&browser.send("POST", "/authorize", &own, undecided), 400, "The form has no decision.");

    // A second page in the same browser doesn't spoil the first.
    is_page(&browser.get(&authorize(&client, &[("state", "other")])), 200, "wants to act as");
    let it_changed = it.call("PATCH", &format!("/v3/oauth-clients/{}", client.id), json!({ "callbacks": [] }));
    it_changed.ok();
    is_page(&browser.decide(&page, "allow"), 400, "is not among the client&#39;s callbacks");
    it.call("PATCH", &format!("/v3/oauth-clients/{}", client.id), json!({ "callbacks": [CALLBACK] })).ok();
    assert!(parameter(&browser.decide(&page, "allow"), "code").is_some());
}

#[test]
fn signing_in_again_gives_a_new_session() {
    let it = Fixture::new();
    let client = spa(&it);
    let browser = Browser::new(&it);
    browser.code(&authorize(&client, &[]));
    let before = Browser { it: &it, cookies: browser.cookies.clone() };
    let page = browser.get(&authorize(&client, &[("prompt", "login")]));
    assert_eq!(browser.decide(&page, "allow").status, 303);
    let silent = authorize(&client, &[("prompt", "none")]);
    assert_eq!(parameter(&before.get(&silent), "error").as_deref(), Some("login_required"));
    assert!(parameter(&browser.get(&silent), "code").is_some());
}

proptest! {
    /// Whatever is close to a registered redirect URI is not it.
    #[test]
    fn only_a_registered_redirect_uri_is_redirected_to(
        at in 0..CALLBACK.len(),
        cut in 0_usize..3,
        insert in "[a-zA-Z0-9/.:@?#%\\\\ ]{0,3}",
    ) {
        thread_local! {
            static SHARED: (Fixture, super::Client) = {
                let it = Fixture::new();
                let client = spa(&it);
                (it, client)
            };
        }
        let end = (at + cut).min(CALLBACK.len());
        let uri = format!("{}{insert}{}", &CALLBACK[..at], &CALLBACK[end..]);
        SHARED.with(|(it, client)| {
            let reply = Browser::new(it).get(&authorize(client, &[("redirect_uri", &uri), ("prompt", "none")]));
            let redirected = reply.header("location").is_some();
            prop_assert_eq!(redirected, uri == CALLBACK, "{}", uri);
            Ok(())
        })?;
    }
}
