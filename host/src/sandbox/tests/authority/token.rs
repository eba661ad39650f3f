//! `POST /oauth/token`: the shapes that are documented, and what is refused.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::super::{Fixture, keys};
use super::{
    AUDIENCE, Browser, CALLBACK, Client, VERIFIER, authorize, form, m2m, m2m_token, part, payload, redeem, send,
    signed_in, spa, token, used,
};

const API: &str = "read:tokens write:tokens read:imports write:imports read:connections write:connections";

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

#[test]
fn a_machine_gets_a_token_of_the_documented_shape() {
    let it = Fixture::new();
    let client = m2m(&it);
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client.id),
        ("client_secret", &*client.secret),
        ("audience", AUDIENCE),
    ];
    let reply = token(&it, &pairs);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let given = reply.ok();
    assert_eq!(keys(&given), ["access_token", "scope", "expires_in", "token_type"]);
    assert_eq!(
        (&given["scope"], &given["expires_in"], &given["token_type"]),
        (&json!(API), &json!(86400), &json!("Bearer"))
    );

    let jwt = given["access_token"].as_str().unwrap();
    let header = part(jwt, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let claims = payload(jwt);
    assert_eq!(keys(&claims), ["iss", "sub", "aud", "iat", "exp", "azp", "scope", "permissions", "jti"]);
    assert_eq!(claims["iss"], "http://127.0.0.1:4000/");
    assert_eq!(claims["aud"], AUDIENCE);
    assert_eq!(claims["sub"], format!("{}@clients", client.id));
    assert_eq!(claims["azp"], client.id);
    assert_eq!(claims["permissions"], json!(API.split(' ').collect::<Vec<_>>()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86400);

    let published = send(&it, "GET", "/.well-known/jwks.json", &[], "").ok();
    let key = &published["keys"][0];
    assert_eq!(
        (&key["kid"], &key["alg"], &key["use"], &key["kty"]),
        (&header["kid"], &json!("RS256"), &json!("sig"), &json!("RSA"))
    );
    used(&it, jwt).ok();
}

#[test]
fn a_machine_may_send_its_secret_in_three_ways() {
    let it = Fixture::new();
    let Client { id, secret } = m2m(&it);
    let body =
        json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": AUDIENCE });
    send(&it, "POST", "/oauth/token", &[("content-type", "application/json; charset=utf-8")], body.to_string()).ok();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*basic(&id, &secret))];
    let body = form(&[("grant_type", "client_credentials"), ("audience", AUDIENCE)]);
    send(&it, "POST", "/oauth/token", &headers, &*body).ok();
    let both = form(&[("grant_type", "client_credentials"), ("client_secret", &secret)]);
    let message = "The client's secret stands in the body and in the header";
    send(&it, "POST", "/oauth/token", &headers, both).oauth_error(400, "invalid_request", message);
    let other = form(&[("grant_type", "client_credentials"), ("client_id", "x")]);
    let message = "The body and the header name two clients";
    send(&it, "POST", "/oauth/token", &headers, other).oauth_error(400, "invalid_request", message);

    let unreadable = "The `Authorization` header is not `Basic` with the client's id and secret";
    let cases = [
        (basic(&id, "wrong"), "The client's secret is another one"),
        (basic("x", &secret), "There is no such client"),
        (basic("", ""), "There is no such client"),
        (format!("Bearer {secret}"), unreadable),
        ("Basic !".to_owned(), unreadable),
        (format!("Basic {}", BASE64_STANDARD.encode("no colon")), unreadable),
    ];
    for (value, message) in cases {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*value)];
        let reply = send(&it, "POST", "/oauth/token", &headers, &*body);
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"sandbox\""), "{value}");
        reply.oauth_error(401, "invalid_client", message);
    }
}

#[test]
fn requests_for_a_token_that_are_refused() {
    let it = Fixture::new();
    let (machine, app) = (m2m(&it), spa(&it));
    let (m, s, a) = (machine.id.as_str(), machine.secret.as_str(), app.id.as_str());
    let cc = ("grant_type", "client_credentials");
    let code = ("grant_type", "authorization_code");
    type Row<'a> = (Vec<(&'a str, &'a str)>, u16, &'a str, &'a str);
    let cases: Vec<Row<'_>> = vec![
        (vec![], 400, "invalid_request", "`client_id` is required"),
        (vec![cc], 400, "invalid_request", "`client_id` is required"),
        (vec![("client_id", a)], 400, "invalid_request", "`grant_type` is required"),
        (
            vec![("client_id", a), ("grant_type", "password")],
            400,
            "unsupported_grant_type",
            "`grant_type` must be `authorization_code`, `client_credentials` or `refresh_token`",
        ),
        (vec![cc, ("client_id", "x")], 401, "invalid_client", "There is no such client"),
        (vec![cc, ("client_id", m)], 401, "invalid_client", "The client has to present its secret"),
        (
            vec![cc, ("client_id", m), ("client_secret", "x")],
            401,
            "invalid_client",
            "The client's secret is another one",
        ),
        (
            vec![cc, ("client_id", m), ("client_secret", &app.secret)],
            401,
            "invalid_client",
            "The client's secret is another one",
        ),
        (vec![cc, ("client_id", m), ("client_secret", s)], 400, "invalid_request", "`audience` is required"),
        (
            vec![cc, ("client_id", m), ("client_secret", s), ("audience", "other")],
            400,
            "invalid_target",
            "`audience` must be `carto-cloud-native-api`",
        ),
        (
            vec![cc, ("client_id", a), ("client_secret", &app.secret), ("audience", AUDIENCE)],
            400,
            "unauthorized_client",
            "This grant is for M2M clients",
        ),
        (
            vec![code, ("client_id", m), ("client_secret", s)],
            400,
            "unauthorized_client",
            "This grant is for SPA clients",
        ),
        (vec![code, ("client_id", a)], 400, "invalid_request", "`code` is required"),
        (vec![code, ("client_id", a), ("code", "x")], 400, "invalid_request", "`redirect_uri` is required"),
        (
            vec![code, ("client_id", a), ("code", "x"), ("redirect_uri", CALLBACK)],
            400,
            "invalid_request",
            "`code_verifier` is required",
        ),
        (
            vec![code, ("client_id", a), ("code", "x"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)],
            400,
            "invalid_grant",
            "The code is unknown, or over",
        ),
        (
            vec![("grant_type", "refresh_token"), ("client_id", a)],
            400,
            "invalid_request",
            "`refresh_token` is required",
        ),
        (
            vec![("grant_type", "refresh_token"), ("client_id", a), ("refresh_token", "x")],
            400,
            "invalid_grant",
            "The refresh token is unknown, over or revoked",
        ),
        (vec![cc, cc, ("client_id", m)], 400, "invalid_request", "`grant_type` stands there twice"),
    ];
    for (pairs, status, error, description) in cases {
        token(&it, &pairs).oauth_error(status, error, description);
    }
}

#[test]
fn bodies_that_are_no_parameters_are_refused() {
    let it = Fixture::new();
    let object = |place: &str| format!("The body is not a JSON object of strings, at {place}");
    let either = "The body must be `application/x-www-form-urlencoded` or `application/json`";
    let cases = [
        ("text/plain", "a=b", either.to_owned()),
        ("application/json", "", object("line 1 column 0")),
        ("application/json", "[]", object("line 1 column 0")),
        ("application/json", "{\"code\": 5}", object("line 1 column 10")),
        ("application/json", "{\"code\": null}", object("line 1 column 13")),
        ("application/json", "{\"code\": \"a\", \"code\": \"b\"}", "`code` stands there twice".to_owned()),
        ("application/x-www-form-urlencoded", "code=a&code=", "`code` stands there twice".to_owned()),
        ("application/x-www-form-urlencoded", "", "`client_id` is required".to_owned()),
        ("application/x-www-form-urlencoded", "client_id=", "`client_id` is required".to_owned()),
    ];
    for (content_type, body, message) in cases {
        send(&it, "POST", "/oauth/token", &[("content-type", content_type)], body).oauth_error(
            400,
            "invalid_request",
            &message,
        );
    }
    send(&it, "GET", "/oauth/token?grant_type=client_credentials", &[], "").refused(405, "Method not allowed");
}

#[test]
fn a_person_gets_an_id_token_and_no_more_than_was_asked_for() {
    let it = Fixture::new();
    let client = spa(&it);
    let given = signed_in(&it, &client, "openid profile email write:tokens admin");
    assert_eq!(keys(&given), ["access_token", "id_token", "scope", "expires_in", "token_type"]);
    assert_eq!(given["scope"], "openid profile email write:tokens");
    let access = payload(given["access_token"].as_str().unwrap());
    let id = payload(given["id_token"].as_str().unwrap());
    assert_eq!(access["azp"], client.id);
    assert_eq!(access["sub"], id["sub"]);
    assert!(id["sub"].as_str().unwrap().starts_with("sandbox|ac_"));
    assert_eq!(
        keys(&id),
        ["sub", "name", "nickname", "email", "email_verified", "iss", "aud", "iat", "exp", "auth_time", "nonce"]
    );
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(client.id), &json!("a nonce")));
    assert_eq!((&id["name"], &id["email"]), (&json!("Sandbox Owner"), &json!("owner@sandbox.invalid")));
    used(&it, given["access_token"].as_str().unwrap()).ok();
    used(&it, given["id_token"].as_str().unwrap())
        .refused(401, "The bearer is not an access token that this sandbox signed");

    let bare = signed_in(&it, &client, "None");
    assert_eq!(keys(&bare), ["access_token", "scope", "expires_in", "token_type"]);
    assert_eq!(bare["scope"], "");
    used(&it, bare["access_token"].as_str().unwrap()).ok();
    let id = payload(signed_in(&it, &client, "openid")["id_token"].as_str().unwrap());
    assert_eq!(keys(&id), ["sub", "iss", "aud", "iat", "exp", "auth_time", "nonce"]);
}

#[test]
fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let it = Fixture::new();
    let (client, other) = (spa(&it), spa(&it));
    let refresh = |client: &Client, refresh_token: &str, scope: &str| {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", &*client.id),
            ("refresh_token", refresh_token),
            ("scope", scope),
        ];
        token(&it, &pairs)
    };
    let text = |given: &serde_json::Value, name: &str| given[name].as_str().unwrap().to_owned();
    let first = signed_in(&it, &client, "openid email offline_access");
    let one = text(&first, "refresh_token");
    refresh(&other, &one, "").oauth_error(400, "invalid_grant", "The refresh token was given to another client");
    refresh(&client, &one, "profile").oauth_error(400, "invalid_scope", "`scope` asks for more than was allowed");
    let second = refresh(&client, &one, "openid").ok();
    assert_eq!(second["scope"], "openid");
    assert_eq!(payload(&text(&second, "id_token")).get("nonce"), None);
    let two = text(&second, "refresh_token");
    // What was narrowed once can be asked for again: it was allowed.
    let third = refresh(&client, &two, "").ok();
    assert_eq!(third["scope"], "openid email offline_access");
    let access = text(&third, "access_token");
    used(&it, &access).ok();

    let used_already = "The refresh token was used already: it and all that came of it have ended now";
    refresh(&client, &one, "").oauth_error(400, "invalid_grant", used_already);
    let over = "The refresh token is unknown, over or revoked";
    for token in [one, two, text(&third, "refresh_token")] {
        refresh(&client, &token, "").oauth_error(400, "invalid_grant", over);
    }
    used(&it, &access).refused(401, "The access token was revoked");
    // Another sign-in of the same person is another family.
    let access = text(&signed_in(&it, &client, "offline_access"), "access_token");
    used(&it, &access).ok();
}

#[test]
fn what_a_deleted_client_had_stops_at_once() {
    let it = Fixture::new();
    let (machine, app) = (m2m(&it), spa(&it));
    let bearer = m2m_token(&it, &machine);
    // Made with the machine's bearer.
    let headers = [("authorization", &*format!("Bearer {bearer}")), ("content-type", "application/json")];
    let made = send(&it, "POST", "/v3/tokens", &headers, super::super::token_body().to_string()).ok();
    let person = signed_in(&it, &app, "offline_access");
    let code = Browser::new(&it).code(&authorize(&app, &[]));
    for client in [&machine, &app] {
        assert_eq!(it.delete(&format!("/v3/oauth-clients/{}", client.id)).status, 204);
    }
    for bearer in [bearer.as_str(), person["access_token"].as_str().unwrap()] {
        used(&it, bearer).refused(401, "The access token's OAuth client was deleted");
    }
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", &*app.id),
        ("refresh_token", person["refresh_token"].as_str().unwrap()),
    ];
    token(&it, &refresh).oauth_error(401, "invalid_client", "There is no such client");
    token(&it, &redeem(&app, &code, &[])).oauth_error(401, "invalid_client", "There is no such client");
    // An API Access Token survives the client that made it.
    it.get(&format!("/v3/tokens/{}", made["id"].as_str().unwrap())).ok();
}
