//! Which pages may read what.

use super::super::{Fixture, Reply};
use super::{APP, AUDIENCE, CALLBACK, authorize, form, m2m, redeem, send, signed_in, spa, token};

const OTHER: &str = "https://other.example.com";

fn allowed(reply: &Reply) -> Option<&str> {
    reply.header("access-control-allow-origin")
}

#[test]
fn a_preflight_is_answered_for_registered_origins() {
    let it = Fixture::new();
    spa(&it);
    let paths =
        ["/oauth/token", "/oauth/revoke", "/userinfo", "/.well-known/jwks.json", "/.well-known/openid-configuration"];
    for path in paths {
        for origin in [APP, OTHER] {
            let headers = [("origin", origin), ("access-control-request-method", "POST")];
            let reply = send(&it, "OPTIONS", path, &headers, "");
            assert_eq!((reply.status.as_u16(), allowed(&reply)), (204, Some(origin)), "{path}");
            assert_eq!(reply.header("access-control-allow-methods"), Some("GET, POST"));
            let headers = reply.header("access-control-allow-headers").unwrap();
            assert_eq!(headers, "authorization, content-type, auth0-client");
            assert_eq!(reply.header("vary"), Some("Origin"));
        }
        let foreign = [
            "https://evil.example",
            "http://localhost:5174",
            "https://localhost:5173",
            "http://localhost:5173/",
            "http://LOCALHOST:5173",
            "https://app.example.com",
            "null",
        ];
        for origin in foreign {
            let reply = send(&it, "OPTIONS", path, &[("origin", origin)], "");
            assert_eq!(allowed(&reply), None, "{origin}");
            reply.refused(403, "The origin is among no SPA client's web origins or allowed origins");
        }
    }
    for path in ["/authorize", "/accounts", "/v2/logout", "/v3/tokens"] {
        let reply = send(&it, "OPTIONS", path, &[("origin", APP)], "");
        assert!(!reply.status.is_success() && allowed(&reply).is_none(), "{path}");
    }
}

#[test]
fn a_request_for_a_token_must_come_from_the_clients_own_pages() {
    let it = Fixture::new();
    let (client, machine) = (spa(&it), m2m(&it));
    let elsewhere = it.spa(serde_json::json!({ "title": "B", "web_origins": ["https://b.example"] }));
    let elsewhere = super::client(&elsewhere);
    let with_origin = |origin: &str, body: String| {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
        send(&it, "POST", "/oauth/token", &headers, body)
    };
    let code = super::Browser::new(&it).code(&authorize(&client, &[]));
    for origin in ["https://b.example", "https://evil.example", "null"] {
        let reply = with_origin(origin, form(&redeem(&client, &code, &[])));
        assert_eq!(allowed(&reply), None);
        let message = format!("The origin `{origin}` is not among the client's web origins or allowed origins");
        reply.oauth_error(403, "access_denied", &message);
    }
    let reply = with_origin(OTHER, form(&redeem(&client, "x", &[])));
    assert_eq!(allowed(&reply), Some(OTHER));
    let reply = with_origin(APP, form(&redeem(&client, &code, &[])));
    assert_eq!(allowed(&reply), Some(APP));
    reply.ok();
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", &*machine.id),
        ("client_secret", &*machine.secret),
        ("audience", AUDIENCE),
    ];
    token(&it, &pairs).ok();
    assert_eq!(with_origin(APP, form(&pairs)).status, 403);
    assert_eq!(with_origin(APP, form(&redeem(&elsewhere, "x", &[]))).status, 403);
}

#[test]
fn other_answers_are_for_pages_of_any_client() {
    let it = Fixture::new();
    let given = signed_in(&it, &spa(&it), "openid");
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    for (origin, expected) in [(APP, Some(APP)), (OTHER, Some(OTHER)), ("https://evil.example", None)] {
        let reply = send(&it, "GET", "/userinfo", &[("origin", origin), ("authorization", &bearer)], "");
        assert_eq!((reply.status.as_u16(), allowed(&reply)), (200, expected));
        let reply = send(&it, "GET", "/.well-known/jwks.json", &[("origin", origin)], "");
        assert_eq!((reply.status.as_u16(), allowed(&reply)), (200, expected));
    }
    let reply = send(&it, "GET", "/userinfo", &[("origin", APP)], "");
    assert_eq!((reply.status.as_u16(), allowed(&reply)), (401, Some(APP)));
    assert_eq!(allowed(&send(&it, "GET", "/.well-known/jwks.json", &[], "")), None);
}

#[test]
fn a_registered_url_with_a_path_is_no_origin() {
    let it = Fixture::new();
    it.spa(serde_json::json!({
        "title": "A",
        "callbacks": [CALLBACK],
        "web_origins": ["http://localhost:1/app", "http://localhost:2?x", "https://*.example.com", "HTTPS://B.example:443/"],
    }));
    let cases = [
        ("http://localhost:1", false),
        ("http://localhost:2", false),
        ("http://localhost:5173", false),
        ("https://a.example.com", false),
        ("https://b.example", true),
    ];
    for (origin, expected) in cases {
        let reply = send(&it, "OPTIONS", "/oauth/token", &[("origin", origin)], "");
        assert_eq!(allowed(&reply).is_some(), expected, "{origin}");
    }
}
