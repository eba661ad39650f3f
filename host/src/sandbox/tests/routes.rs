//! Who is let in, what is no route, and what a body must look like before it is read.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::{Fixture, token_body};
use crate::sandbox::body;
use crate::sandbox::jwt::Account;

#[test]
fn only_the_bearer_opens() {
    let it = Fixture::new();
    let bearer = it.sandbox.bearer();
    let good = [format!("Bearer {bearer}"), format!("bearer {bearer}"), format!("Bearer   {bearer}")];
    for value in good {
        let request = Request::get("/v3/tokens").header("authorization", value).body(Body::empty()).unwrap();
        it.send(request).ok();
    }
    let shorter = &bearer[..bearer.len() - 1];
    let bad = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        bearer.to_owned(),
        format!("Basic {bearer}"),
        format!("Bearer{bearer}"),
        format!("Bearer {shorter}"),
        format!("Bearer {bearer}x"),
        format!("Bearer {bearer} {bearer}"),
        "Bearer a.b.c".to_owned(),
    ];
    for value in bad {
        let request = Request::get("/v3/tokens").header("authorization", value).body(Body::empty()).unwrap();
        it.send(request).refused(401, "Token not defined");
    }
    let unreadable = Request::get("/v3/tokens").header("authorization", &b"Bearer \xff"[..]);
    it.send(unreadable.body(Body::empty()).unwrap()).refused(401, "Token not defined");
    let two = Request::get("/v3/tokens")
        .header("authorization", format!("Bearer {bearer}"))
        .header("authorization", format!("Bearer {bearer}"));
    it.send(two.body(Body::empty()).unwrap()).refused(401, "Token not defined");
}

#[test]
fn every_route_asks_for_the_bearer() {
    let it = Fixture::new();
    let routes = [
        ("GET", "/v3/tokens"),
        ("POST", "/v3/tokens"),
        ("GET", "/v3/tokens/tok_1"),
        ("PATCH", "/v3/tokens/tok_1"),
        ("DELETE", "/v3/tokens/tok_1"),
        ("PUT", "/v3/tokens/tok_1"),
        ("GET", "/v3/oauth-clients"),
        ("POST", "/v3/oauth-clients?type=spa"),
        ("GET", "/v3/oauth-clients/1"),
        ("PATCH", "/v3/oauth-clients/1"),
        ("DELETE", "/v3/oauth-clients/1"),
    ];
    for (method, path) in routes {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        it.send(request).refused(401, "Token not defined");
    }
}

#[test]
fn an_api_access_token_is_no_bearer() {
    let it = Fixture::new();
    let own = it.token(token_body())["token"].as_str().unwrap().to_owned();
    let foreign = Account::new("ac_12345678".to_owned(), b"another key").token("0a1b2c3d").unwrap();
    for token in [own, foreign] {
        let request = Request::get("/v3/tokens").header("authorization", format!("Bearer {token}"));
        it.send(request.body(Body::empty()).unwrap()).refused(401, "API Access Tokens are not accepted here");
    }
}

#[test]
fn bearers_belong_to_one_instance() {
    let (one, other) = (Fixture::new(), Fixture::new());
    assert_ne!(one.sandbox.bearer(), other.sandbox.bearer());
    assert_eq!(one.sandbox.bearer(), one.sandbox.clone().bearer());
}

#[test]
fn what_is_not_implemented_says_so() {
    let it = Fixture::new();
    let cases = [
        ("POST", "/v3/sql", "POST /v3/sql"),
        ("GET", "/v3/maps/", "GET /v3/maps/…"),
        ("POST", "/v3/imports/", "POST /v3/imports/…"),
        ("GET", "/v3/lds/geocoding/geocode", "GET /v3/lds/…"),
        ("GET", "/v4/anything", "GET /v4/…"),
        ("POST", "/oauth/device/code", "POST /oauth/…"),
        ("POST", "/dbconnections/signup", "POST /dbconnections/…"),
        ("GET", "/users/me/roles", "GET /users/me/…"),
        ("GET", "/oidc/logout", "GET /oidc/…"),
        ("GET", "/v2/anything", "GET /v2/…"),
        ("GET", "/.well-known/webfinger", "GET /.well-known/…"),
    ];
    for (method, path, named) in cases {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        it.send(request).refused(501, &format!("the sandbox does not implement {named}"));
    }
}

#[test]
fn every_other_path_is_not_found() {
    let it = Fixture::new();
    for path in ["/", "/v3", "/v3/tokens/", "/v3/tokens/a/b", "/v3/token", "/v3/sqlite", "/users", "//v3/tokens"] {
        it.get(path).refused(404, "Not found");
    }
}

#[test]
fn a_wrong_method_names_the_right_ones() {
    let it = Fixture::new();
    let cases = [
        ("PUT", "/v3/tokens", "GET,HEAD,POST"),
        ("DELETE", "/v3/tokens", "GET,HEAD,POST"),
        ("POST", "/v3/tokens/tok_1", "GET,HEAD,PATCH,DELETE"),
        ("PATCH", "/v3/oauth-clients", "GET,HEAD,POST"),
    ];
    for (method, path, allowed) in cases {
        let reply = it.call(method, path, json!({}));
        assert_eq!(reply.header("allow"), Some(allowed));
        reply.refused(405, "Method not allowed");
    }
}

#[test]
fn a_body_is_a_json_object() {
    let it = Fixture::new();
    let json = "application/json";
    let media = "The body must be JSON, with the content type `application/json`";
    let cases: [(Option<&str>, &[u8], u16, &str); 9] = [
        (None, b"{}", 415, media),
        (Some("text/plain"), b"{}", 415, media),
        (Some("application/x-www-form-urlencoded"), b"a=b", 415, media),
        (Some(json), b"", 400, "The body is not valid JSON: EOF while parsing a value at line 1 column 0"),
        (Some(json), b"{", 400, "The body is not valid JSON: EOF while parsing an object at line 1 column 1"),
        (Some(json), b"{} {}", 400, "The body is not valid JSON: trailing characters at line 1 column 4"),
        (Some(json), b"[]", 400, "The body must be a JSON object"),
        (Some(json), b"null", 400, "The body must be a JSON object"),
        (Some("APPLICATION/JSON ; charset=utf-8"), b"{}", 400, "`grants` is required: at least one grant"),
    ];
    for (content_type, body, status, message) in cases {
        let mut request =
            Request::post("/v3/tokens").header("authorization", format!("Bearer {}", it.sandbox.bearer()));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        it.send(request.body(Body::from(body.to_vec())).unwrap()).refused(status, message);
    }
}

#[test]
fn hostile_bodies_are_refused() {
    let it = Fixture::new();
    let post = |body: Vec<u8>| {
        let request = Request::post("/v3/tokens")
            .header("authorization", format!("Bearer {}", it.sandbox.bearer()))
            .header("content-type", "application/json");
        it.send(request.body(Body::from(body)).unwrap())
    };
    let deep = "[".repeat(100_000).into_bytes();
    post(deep).refused(400, "The body is not valid JSON: recursion limit exceeded at line 1 column 128");
    assert_eq!(post(b"{\"name\": \"\xff\"}".to_vec()).status, 400);

    let padded = |length: usize| format!("{{\"name\":\"{}\"}}", "x".repeat(length - 11)).into_bytes();
    post(padded(body::LIMIT)).refused(400, "`grants` is required: at least one grant");
    post(padded(body::LIMIT + 1)).refused(413, "The body is larger than 1048576 bytes");
}

#[test]
fn unknown_query_parameters_are_refused() {
    let it = Fixture::new();
    let cases = [
        ("GET", "/v3/tokens?limt=5", "Unknown query parameter `limt`"),
        ("GET", "/v3/tokens?limit=5&limit=6", "The query parameter `limit` stands there twice"),
        ("POST", "/v3/tokens?type=spa", "Unknown query parameter `type`"),
        ("GET", "/v3/tokens/tok_1?limit=5", "Unknown query parameter `limit`"),
        ("GET", "/v3/oauth-clients/1?limit=5", "Unknown query parameter `limit`"),
    ];
    for (method, path, message) in cases {
        it.call(method, path, token_body()).refused(400, message);
    }
}

#[test]
fn a_path_that_is_no_utf8_is_refused() {
    let it = Fixture::new();
    it.get("/v3/tokens/%FF").refused(400, "The path is not UTF-8");
}
