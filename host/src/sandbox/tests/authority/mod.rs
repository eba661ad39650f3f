//! The sandbox as an authority. Here are the means: a client of each kind, a browser, and somebody at it; the rules are
//! in the files.

mod account;
mod attacks;
mod authorize;
mod cors;
mod revoke;
mod shared;
mod token;

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use super::{Fixture, Reply};

const HOST: &str = "127.0.0.1:4000";
const ORIGIN: &str = "http://127.0.0.1:4000";
const APP: &str = "http://localhost:5173";
const CALLBACK: &str = "http://localhost:5173/cb";
const AUDIENCE: &str = "carto-cloud-native-api";

/// The example of RFC 7636, B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A client's id and secret.
#[derive(Clone)]
struct Client {
    id: String,
    secret: String,
}

/// Keeps cookies, as a browser does.
struct Browser<'a> {
    it: &'a Fixture,
    cookies: RefCell<BTreeMap<String, String>>,
}

fn client(record: &Value) -> Client {
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    Client { id: text("client_id"), secret: text("client_secret") }
}

fn m2m(it: &Fixture) -> Client {
    client(&it.call("POST", "/v3/oauth-clients?type=m2m", json!({ "title": "Job" })).ok())
}

fn spa(it: &Fixture) -> Client {
    client(&it.spa(json!({
        "title": "Map & <b>more</b>",
        "callbacks": [CALLBACK, "https://app.example.com/cb?tab=1"],
        "logout_urls": ["http://localhost:5173/bye"],
        "web_origins": [APP],
        "allowed_origins": ["https://other.example.com/"],
    })))
}

/// Sends with these headers, to the address that the sandbox has in these tests.
fn send(it: &Fixture, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", HOST);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    it.send(request.body(Body::from(body.into())).unwrap())
}

fn form(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty())).finish()
}

/// `POST /oauth/token` with a form; empty values are left out.
fn token(it: &Fixture, pairs: &[(&str, &str)]) -> Reply {
    post_form(it, "/oauth/token", pairs)
}

fn post_form(it: &Fixture, path: &str, pairs: &[(&str, &str)]) -> Reply {
    send(it, "POST", path, &[("content-type", "application/x-www-form-urlencoded")], form(pairs))
}

/// Uses `bearer` on a route of the credentials API.
fn used(it: &Fixture, bearer: &str) -> Reply {
    send(it, "GET", "/v3/tokens", &[("authorization", &format!("Bearer {bearer}"))], "")
}

fn m2m_token(it: &Fixture, client: &Client) -> String {
    let reply = token(
        it,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &client.id),
            ("client_secret", &client.secret),
            ("audience", AUDIENCE),
        ],
    );
    reply.ok()["access_token"].as_str().unwrap().to_owned()
}

/// The address of a request for a code, with some parameters changed, added, or left out by an empty value.
fn authorize(client: &Client, changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("audience", AUDIENCE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes);
    format!("/authorize?{}", form(&pairs))
}

impl<'a> Browser<'a> {
    fn new(it: &'a Fixture) -> Browser<'a> {
        Browser { it, cookies: RefCell::default() }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Reply {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookies));
        let reply = send(self.it, method, path, &headers, body);
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], String::new())
    }

    /// Presses a button of the consent page.
    fn decide(&self, page: &Reply, decision: &str) -> Reply {
        assert_eq!(page.status, 200, "{}", page.text);
        let body =
            form(&[("request", &field(page, "request")), ("seal", &field(page, "seal")), ("decision", decision)]);
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)];
        self.send("POST", "/authorize", &headers, body)
    }

    /// Asks, allows, and gives the code.
    fn code(&self, path: &str) -> String {
        let page = self.get(path);
        parameter(&self.decide(&page, "allow"), "code").unwrap()
    }
}

/// The value of a hidden field, as the browser would send it back.
fn field(page: &Reply, name: &str) -> String {
    let (_, rest) = page.text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// A parameter of the address that a reply redirects to.
fn parameter(reply: &Reply, name: &str) -> Option<String> {
    let url = Url::parse(reply.header("location").unwrap_or_else(|| panic!("{reply:?}"))).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// What redeems a code, with some parameters changed.
fn redeem<'a>(client: &'a Client, code: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client.id.as_str()),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes);
    pairs
}

/// A person's tokens, freshly allowed.
fn signed_in(it: &Fixture, client: &Client, scope: &str) -> Value {
    let code = Browser::new(it).code(&authorize(client, &[("scope", scope)]));
    token(it, &redeem(client, &code, &[])).ok()
}

fn payload(jwt: &str) -> Value {
    part(jwt, 1)
}

fn part(jwt: &str, index: usize) -> Value {
    serde_json::from_slice(&BASE64.decode(jwt.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

impl Reply {
    /// Checks an error in OAuth's shape.
    #[track_caller]
    fn oauth_error(self, status: u16, error: &str, description: &str) {
        assert_eq!(self.json(), json!({ "error": error, "error_description": description }));
        assert_eq!(self.status.as_u16(), status);
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }
}
