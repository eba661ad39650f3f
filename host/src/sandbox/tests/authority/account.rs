//! What a client asks after it has a token, and what it reads before: discovery, the account, the user, signing out.

use serde_json::{Value, json};

use super::super::{Fixture, keys};
use super::{APP, Browser, ORIGIN, authorize, m2m, m2m_token, parameter, send, signed_in, spa, used};

fn bearer(it: &Fixture, method: &str, path: &str, bearer: &str) -> super::Reply {
    send(it, method, path, &[("authorization", &format!("Bearer {bearer}"))], "")
}

#[test]
fn discovery_names_what_there_is_at_the_address_that_was_asked() {
    let it = Fixture::new();
    for (host, origin) in
        [("127.0.0.1:4000", ORIGIN), ("LOCALHOST:9", "http://localhost:9"), ("[::1]:1", "http://[::1]:1")]
    {
        let found = send(&it, "GET", "/.well-known/openid-configuration", &[("host", host)], "").ok();
        assert_eq!(found["issuer"], format!("{origin}/"));
        for (name, value) in found.as_object().unwrap() {
            let path = value.as_str().and_then(|text| text.strip_prefix(origin));
            let Some(path) = path.filter(|path| *path != "/") else { continue };
            // Not one of them is a route that isn't there.
            let status = send(&it, "GET", path, &[("host", host)], "").status.as_u16();
            assert!(![404, 501].contains(&status), "{name}: {status}");
        }
        assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(found["id_token_signing_alg_values_supported"], json!(["RS256"]));
    }
}

#[test]
fn nothing_is_answered_at_another_name() {
    let it = Fixture::new();
    let message = "The sandbox answers this at `127.0.0.1`, `localhost` and `[::1]` only";
    let paths = [
        ("GET", "/.well-known/openid-configuration"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/authorize"),
        ("POST", "/authorize"),
        ("POST", "/oauth/token"),
        ("OPTIONS", "/oauth/token"),
        ("POST", "/oauth/revoke"),
        ("GET", "/userinfo"),
        ("GET", "/v2/logout"),
        ("GET", "/accounts"),
        ("GET", "/users/me"),
        ("GET", "/config.yaml"),
        ("PUT", "/config.yaml"),
    ];
    for (method, path) in paths {
        for host in ["evil.example:4000", "127.0.0.1.evil.example", "localhost.evil.example"] {
            send(&it, method, path, &[("host", host)], "").refused(421, message);
        }
    }
}

#[test]
fn the_account_is_found_through_a_token() {
    let it = Fixture::new();
    let token = m2m_token(&it, &m2m(&it));
    let mut answers = Vec::new();
    for text in [token.as_str(), it.sandbox.bearer()] {
        let account = bearer(&it, "GET", "/accounts", text).ok();
        assert_eq!(keys(&account), ["id", "name", "tenant_id", "tenant_domain"]);
        assert_eq!(account["tenant_domain"], "127.0.0.1:4000");
        let user = bearer(&it, "GET", "/users/me", text).ok();
        assert_eq!(keys(&user), ["user_id", "name", "email", "account", "roles"]);
        assert_eq!(user["account"], account);
        assert_eq!(user["user_id"], format!("sandbox|{}", account["id"].as_str().unwrap()));
        answers.push((account, user));
    }
    assert_eq!(answers[0], answers[1]);
    let config = send(&it, "GET", "/config.yaml", &[], "");
    assert_eq!((config.status.as_u16(), config.header("content-type")), (200, Some("application/yaml")));
    assert_eq!(config.text, "apis:\n  baseUrl: \"http://127.0.0.1:4000\"\n");

    let api_token = it.token(super::super::token_body())["token"].as_str().unwrap().to_owned();
    for path in ["/accounts", "/users/me"] {
        send(&it, "GET", path, &[], "").refused(401, "Token not defined");
        bearer(&it, "GET", path, "x").refused(401, "Token not defined");
        bearer(&it, "GET", path, &api_token).refused(401, "API Access Tokens are not accepted here");
    }
}

#[test]
fn userinfo_says_what_the_scope_allows() {
    let it = Fixture::new();
    let client = spa(&it);
    let cases: [(&str, &[&str]); 3] = [
        ("openid", &["sub"]),
        ("openid email", &["sub", "email", "email_verified"]),
        ("openid profile email", &["sub", "name", "nickname", "email", "email_verified"]),
    ];
    for (scope, names) in cases {
        let given = signed_in(&it, &client, scope);
        let token = given["access_token"].as_str().unwrap();
        for method in ["GET", "POST"] {
            let user = bearer(&it, method, "/userinfo", token).ok();
            assert_eq!(keys(&user), names);
            assert_eq!(user["sub"], super::payload(token)["sub"]);
        }
    }
    assert_eq!(keys(&bearer(&it, "GET", "/userinfo", it.sandbox.bearer()).ok()).len(), 5);

    let machine = m2m_token(&it, &m2m(&it));
    let cases = [
        (machine.as_str(), 403, "insufficient_scope", "The access token's scope has no `openid`"),
        ("x", 401, "invalid_token", "Token not defined"),
    ];
    for (token, status, error, message) in cases {
        let reply = bearer(&it, "GET", "/userinfo", token);
        assert_eq!(reply.header("www-authenticate"), Some(format!("Bearer error=\"{error}\"").as_str()));
        reply.refused(status, message);
    }
}

#[test]
fn signing_out_ends_the_session_and_leads_back_to_registered_addresses_only() {
    let it = Fixture::new();
    let client = spa(&it);
    let logout = |back: &str, id: &str| format!("/v2/logout?{}", super::form(&[("returnTo", back), ("client_id", id)]));
    let bye = format!("{APP}/bye");
    let silent = authorize(&client, &[("prompt", "none")]);
    let is_signed_in = |browser: &Browser<'_>| parameter(&browser.get(&silent), "code").is_some();

    let refusals = [
        (logout("https://evil.example/", &client.id), "The `returnTo` is not among the client&#39;s logout URLs."),
        (logout("http://localhost:5173/bye/", &client.id), "The `returnTo` is not among the client&#39;s logout URLs."),
        (logout(super::CALLBACK, &client.id), "The `returnTo` is not among the client&#39;s logout URLs."),
        (logout(&bye, "x"), "The `returnTo` is not among the client&#39;s logout URLs."),
        (logout(&bye, ""), "The address has a `returnTo`, and no `client_id` to which it belongs."),
        (logout(&bye, &client.id) + "&returnTo=x", "`returnTo` stands in the address twice."),
    ];
    let browser = Browser::new(&it);
    let code = browser.code(&authorize(&client, &[]));
    let access: Value = super::token(&it, &super::redeem(&client, &code, &[])).ok();
    for (path, message) in refusals {
        let reply = browser.get(&path);
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.text.contains(message), "{}", reply.text);
        assert!(is_signed_in(&browser), "{path}");
    }
    let reply = browser.get(&logout(&bye, &client.id));
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, Some(bye.as_str())));
    assert_eq!(parameter(&browser.get(&silent), "error").as_deref(), Some("login_required"));
    // What the client was given is the client's: it revokes it, or lets it end.
    used(&it, access["access_token"].as_str().unwrap()).ok();

    browser.code(&authorize(&client, &[]));
    let stolen = Browser { it: &it, cookies: browser.cookies.clone() };
    let reply = browser.get(&format!("/v2/logout?client_id={}", client.id));
    assert!(reply.status == 200 && reply.text.contains("Signed out"), "{reply:?}");
    assert!(!is_signed_in(&browser) && !is_signed_in(&stolen));
}
