//! What somebody might try, each with what comes of it. The test prints its table: `cargo test attack -- --nocapture`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::super::{Fixture, Reply};
use super::{
    Browser, CHALLENGE, VERIFIER, authorize, m2m, m2m_token, part, payload, redeem, send, signed_in, spa, token, used,
};
use crate::sandbox::{Sandbox, Switches};

/// A token with this header and payload, signed with nothing or with `key` by HMAC.
fn forged(header: &Value, claims: &Value, key: Option<&[u8]>) -> String {
    let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature =
        key.map(|key| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec());
    format!("{text}.{}", BASE64.encode(signature.unwrap_or_default()))
}

fn answer(reply: &Reply) -> String {
    let said = match reply.header("location") {
        Some(location) => location.to_owned(),
        None if reply.text.starts_with('{') => {
            let body: Value = serde_json::from_str(&reply.text).unwrap();
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            if body.get("error").is_none() { String::new() } else { text("error") + " " + &text("error_description") }
        }
        None => reply.text.split("<p>").nth(1).unwrap_or_default().split("</p>").next().unwrap_or_default().to_owned(),
    };
    format!("{} {said}", reply.status.as_u16()).trim().to_owned()
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is read in the output of the test")]
fn attacks_and_what_comes_of_them() {
    let it = Fixture::new();
    let (machine, app, thief) = (m2m(&it), spa(&it), spa(&it));
    let mut rows = Vec::new();
    let mut row = |attack: &'static str, reply: Reply, expected: &str| {
        rows.push((attack, answer(&reply), expected.to_owned()));
    };

    let good = m2m_token(&it, &machine);
    let (header, claims) = (part(&good, 0), payload(&good));
    let with = |mut value: Value, name: &str, other: Value| {
        value[name] = other;
        value
    };
    let jwks = send(&it, "GET", "/.well-known/jwks.json", &[], "").ok();
    let modulus = jwks["keys"][0]["n"].as_str().unwrap().to_owned();
    let none = with(header.clone(), "alg", json!("none"));
    let hs256 = with(header.clone(), "alg", json!("HS256"));
    let foreign = "401 The bearer is not an access token that this sandbox signed";
    row("the token itself", used(&it, &good), "200");
    row("alg none", used(&it, &forged(&none, &claims, None)), "401 Token not defined");
    row("alg NONE", used(&it, &forged(&with(none, "alg", json!("NONE")), &claims, None)), "401 Token not defined");
    let key = BASE64.decode(&modulus).unwrap();
    row("HS256 with the public modulus", used(&it, &forged(&hs256, &claims, Some(&key))), "401 Token not defined");
    let key = jwks.to_string();
    row("HS256 with the JWKS", used(&it, &forged(&hs256, &claims, Some(key.as_bytes()))), "401 Token not defined");
    row("RS256 without a signature", used(&it, &forged(&header, &claims, None)), foreign);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let later = BASE64.encode(with(claims.clone(), "exp", json!(9_999_999_999_i64)).to_string());
    row("another exp under its signature", used(&it, &format!("{head}.{later}.{signature}")), foreign);
    let other_kid = BASE64.encode(with(header.clone(), "kid", json!("other")).to_string());
    let body = signed.split_once('.').unwrap().1;
    row("another kid", used(&it, &format!("{other_kid}.{body}.{signature}")), foreign);
    let elsewhere = Fixture::new();
    row("a token of another sandbox", used(&it, &m2m_token(&elsewhere, &m2m(&elsewhere))), foreign);
    let person = signed_in(&it, &app, "openid");
    row("an id token as a bearer", used(&it, person["id_token"].as_str().unwrap()), foreign);

    let grant = "400 invalid_grant";
    let code = Browser::new(&it).code(&authorize(&app, &[]));
    let without = token(&it, &redeem(&app, &code, &[("code_verifier", "")]));
    row("a stolen code without the verifier", without, "400 invalid_request `code_verifier` is required");
    let wrong = format!("{grant} The `code_verifier` is not the one that the request began with");
    let other = VERIFIER.replace('d', "e");
    row("a wrong verifier", token(&it, &redeem(&app, &code, &[("code_verifier", &other)])), &wrong);
    row("the challenge as the verifier", token(&it, &redeem(&app, &code, &[("code_verifier", CHALLENGE)])), &wrong);
    let another = format!("{grant} The code was given to another client");
    row("another client's code", token(&it, &redeem(&thief, &code, &[])), &another);
    let elsewhere = [("redirect_uri", "https://app.example.com/cb?tab=1")];
    let another = format!("{grant} The code was given to another `redirect_uri`");
    row("another redirect URI of the client", token(&it, &redeem(&app, &code, &elsewhere)), &another);
    let given = token(&it, &redeem(&app, &code, &[]));
    let access = given.json()["access_token"].as_str().unwrap().to_owned();
    row("the code itself, after all that", given, "200");
    row("what it gave", used(&it, &access), "200");
    let reused = format!("{grant} The code was used already: all that it gave has ended now");
    row("a reused code", token(&it, &redeem(&app, &code, &[])), &reused);
    row("what the reused code gave", used(&it, &access), "401 The access token was revoked");

    let method = |value: &str| Browser::new(&it).get(&authorize(&app, &[("code_challenge_method", value)]));
    let back = "http://localhost:5173/cb?error=invalid_request&error_description=";
    let s256 = format!("302 {back}code_challenge_method+must+be+S256&state=a+state");
    row("PKCE by `plain`", method("plain"), &s256);
    row("PKCE without a method", method(""), &s256);
    let bare = Browser::new(&it).get(&authorize(&app, &[("code_challenge", "")]));
    row("no PKCE", bare, &format!("302 {back}code_challenge+is+required&state=a+state"));
    let page = "400 The `redirect_uri` is not among the client&#39;s callbacks, character by character.";
    for uri in ["http://localhost:5173/cb/", "http://localhost:5174/cb", "https://evil.example/cb"] {
        row("another redirect URI", Browser::new(&it).get(&authorize(&app, &[("redirect_uri", uri)])), page);
    }

    let tomorrow = Switches::parse("clock=2026-11-24T10:00:00Z").unwrap();
    let tomorrow = Sandbox::open(&it.database(), tomorrow).unwrap();
    let later = |bearer: &str| {
        let request = axum::http::Request::get("/v3/tokens").header("authorization", format!("Bearer {bearer}"));
        it.runtime.block_on(super::super::send(&tomorrow.router(), request.body(axum::body::Body::empty()).unwrap()))
    };
    row("an expired token", later(&good), "401 The access token expired at 2026-11-24T10:00:00Z");
    assert_eq!(it.delete(&format!("/v3/oauth-clients/{}", machine.id)).status, 204);
    row("a token of a deleted client", used(&it, &good), "401 The access token's OAuth client was deleted");

    for (attack, answer, _) in &rows {
        println!("{attack:40} {answer}");
    }
    for (attack, answer, expected) in &rows {
        assert_eq!(answer, expected, "{attack}");
    }
}

#[test]
fn a_token_ends_in_the_second_that_it_says() {
    let it = Fixture::new();
    let bearer = m2m_token(&it, &m2m(&it));
    let at = |clock: &str| {
        let sandbox = Sandbox::open(&it.database(), Switches::parse(clock).unwrap()).unwrap();
        let request = axum::http::Request::get("/v3/tokens").header("authorization", format!("Bearer {bearer}"));
        let request = request.body(axum::body::Body::empty()).unwrap();
        it.runtime.block_on(super::super::send(&sandbox.router(), request)).status.as_u16()
    };
    // Two minutes early or late is a clock that is off: early is no harm, late is late.
    assert_eq!(at("clock=2026-11-23T09:58:00Z"), 200);
    assert_eq!(at("clock=2026-11-24T09:59:59Z"), 200);
    assert_eq!(at("clock=2026-11-24T10:00:00Z"), 401);
    assert_eq!(at("clock=2026-11-24T10:02:00Z"), 401);
}
