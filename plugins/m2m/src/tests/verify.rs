//! Verify: what signing in comes to, and what is told of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carto_plugin_api::{Check, Error, Outcome};
use expect_test::{Expect, expect};

use super::*;

const TOKEN: &str = "POST /oauth/token";
const TOKENS: &str = "GET /v3/tokens?limit=1";

fn bearer(claims: &Value) -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn claims() -> Value {
    json!({
        "iss": "https://auth.carto.com/", "aud": "carto-cloud-native-api", "sub": format!("{ID}@clients"), "azp": ID,
        "scope": "read:tokens", "iat": 1_795_428_000, "exp": 1_795_514_400,
    })
}

fn given(bearer: &str) -> Value {
    json!({ "access_token": bearer, "scope": "read:tokens", "expires_in": 86400, "token_type": "Bearer" })
}

/// What a verify with these answers of the authority and of the API comes to.
fn tried(answers: &[(&str, u16, Value)], expected: Expect) {
    let host = FakeHost::new().answer(&item("GET"), 200, client("Nightly"));
    let host = answers.iter().fold(host, |host, (request, status, body)| host.answer(request, *status, body.clone()));
    let verification = clients().verify(&host, ID, json!({ "secret": "s3cr3t" })).unwrap();
    let line = |check: &Check| {
        let Check { asked, expected, found, outcome, rule, hint, .. } = check;
        let rule = rule.as_deref().unwrap_or_default();
        let hint = hint.as_ref().map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{outcome:?} {rule}: {asked} ({expected}) → {found}{hint}\n")
    };
    let text: String = verification.checks.iter().map(line).collect();
    let text = text + &serde_json::to_string(&verification.facts).unwrap() + "\n";
    assert!(!text.contains("s3cr3t") && !text.contains("eyJ"), "{text}");
    expected.assert_eq(&text);
    assert_eq!(host.seen().len(), answers.len() + 1);
    let sent = host.seen()[1].1.clone().unwrap();
    assert_eq!(
        sent,
        json!({ "grant_type": "client_credentials", "client_id": ID, "client_secret": "s3cr3t", "audience": "carto-cloud-native-api" })
    );
}

#[test]
fn a_client_that_signs_in_is_told_by_its_claims() {
    let refused = (TOKEN, 401, json!({ "error": "invalid_client", "error_description": "another secret" }));
    let good = bearer(&claims());
    tried(
        &[(TOKEN, 200, given(&good)), refused.clone(), (TOKENS, 200, json!({ "tokens": [] }))],
        expect![[r#"
            Passed secret: signing in with this secret (a bearer) → a bearer (200)
            Passed audience: audience of the bearer (carto-cloud-native-api) → carto-cloud-native-api
            Passed subject: subject of the bearer (uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z@clients) → uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z@clients
            Passed expiry: end of the bearer (later than now) → 2026-11-24T10:00:00Z
            Passed party: party of the bearer (uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z) → uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z
            Passed secret: signing in with another secret (refused) → refused (401): invalid_client: another secret
            Passed api: the API with this bearer (allowed) → allowed (200)
            {"title":"Nightly","iss":"https://auth.carto.com/","aud":"carto-cloud-native-api","sub":"uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z@clients","azp":"uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z","scope":"read:tokens","exp":1795514400}
        "#]],
    );
    let mut other = claims();
    other["aud"] = json!(["https://carto.example.com/userinfo"]);
    other["sub"] = "auth0|1".into();
    other["exp"] = 1_700_000_000.into();
    tried(
        &[
            (TOKEN, 200, given(&bearer(&other))),
            (TOKEN, 200, given(&good)),
            (TOKENS, 403, json!({ "error": "no such account" })),
        ],
        expect![[r#"
            Passed secret: signing in with this secret (a bearer) → a bearer (200)
            Failed audience: audience of the bearer (carto-cloud-native-api) → ["https://carto.example.com/userinfo"]
            Failed subject: subject of the bearer (uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z@clients) → auth0|1
            Failed expiry: end of the bearer (later than now) → 2023-11-14T22:13:20Z
            Passed party: party of the bearer (uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z) → uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z
            Failed secret: signing in with another secret (refused) → a bearer (200)
                the authority doesn't ask for the secret: don't use this client, and tell CARTO
            Failed api: the API with this bearer (allowed) → refused (403): no such account
                see that the client and the base URL are of one account, and that its plan has M2M clients
            {"title":"Nightly","iss":"https://auth.carto.com/","aud":["https://carto.example.com/userinfo"],"sub":"auth0|1","azp":"uwaYSzELBoOYoOEBaMtrJHA4ijdLmY6Z","scope":"read:tokens","exp":1700000000}
        "#]],
    );
    tried(
        &[(TOKEN, 200, given("opaque")), refused, (TOKENS, 404, Value::Null)],
        expect![[r#"
            Passed secret: signing in with this secret (a bearer) → a bearer (200)
            Skipped claims: what the bearer says (claims of CARTO's) → it isn't a JWT, so it says nothing
            Passed secret: signing in with another secret (refused) → refused (401): invalid_client: another secret
            Skipped api: the API with this bearer (allowed) → the answer tells nothing (404)
            {"title":"Nightly"}
        "#]],
    );
}

#[test]
fn a_secret_that_isnt_its_own_ends_it() {
    tried(
        &[(TOKEN, 401, json!({ "error": "invalid_client" }))],
        expect![[r#"
            Failed secret: signing in with this secret (a bearer) → refused (401): invalid_client
                the secret is another client's, or has a line break too much; it was shown once, at creation: make a new client if it is lost
            {"title":"Nightly"}
        "#]],
    );
    tried(
        &[(TOKEN, 302, Value::Null)],
        expect![[r#"
            Skipped secret: signing in with this secret (a bearer) → the answer tells nothing of the secret (302)
            {"title":"Nightly"}
        "#]],
    );
}

#[test]
fn the_bearer_is_the_one_that_was_given() {
    let good = bearer(&claims());
    let host = FakeHost::new()
        .answer(&item("GET"), 200, client("Nightly"))
        .answer(TOKEN, 200, given(&good))
        .answer(TOKEN, 401, Value::Null)
        .answer(TOKENS, 200, Value::Null);
    clients().verify(&host, ID, json!({ "secret": "s3cr3t" })).unwrap();
    let bearers: Vec<_> =
        host.requests().into_iter().map(|request| request.bearer.map(|bearer| bearer.expose().clone())).collect();
    assert_eq!(bearers, [None, None, None, Some(good)]);
}

/// Of a refusal only what it says counts. Each ends it: with another secret nothing more would be known.
#[test]
fn a_refusal_is_held_to_what_it_says() {
    let audience = "Client is not authorized to access \"carto-cloud-native-api\"";
    for (status, error, words, expected) in [
        (
            401,
            "access_denied",
            "Unauthorized",
            expect![[r#"
            Failed secret: signing in with this secret (a bearer) → refused (401): access_denied: Unauthorized
                the secret is another client's, or has a line break too much; it was shown once, at creation: make a new client if it is lost
            {"title":"Nightly"}
        "#]],
        ),
        (
            403,
            "access_denied",
            audience,
            expect![[r#"
            Failed audience: signing in with this secret (a bearer) → refused (403): access_denied: Client is not authorized to access "carto-cloud-native-api"
                the client may not ask for that audience: look at `audience` below `[auth]` in the settings, and that the authority is the account's
            {"title":"Nightly"}
        "#]],
        ),
        (
            403,
            "unauthorized_client",
            "Grant type not allowed",
            expect![[r#"
            Failed grant-type: signing in with this secret (a bearer) → refused (403): unauthorized_client: Grant type not allowed
                the client may not sign in for itself: `carto credentials create m2m --title TITLE` makes one that may
            {"title":"Nightly"}
        "#]],
        ),
        (
            400,
            "invalid_request",
            "no such parameter",
            expect![[r#"
            Skipped secret: signing in with this secret (a bearer) → the answer tells nothing of the secret (400): invalid_request: no such parameter
            {"title":"Nightly"}
        "#]],
        ),
        (
            404,
            "not_found",
            "no such tenant",
            expect![[r#"
            Skipped secret: signing in with this secret (a bearer) → the answer tells nothing of the secret (404): not_found: no such tenant
            {"title":"Nightly"}
        "#]],
        ),
    ] {
        tried(&[(TOKEN, status, json!({ "error": error, "error_description": words }))], expected);
    }
}

#[test]
fn another_secret_is_refused_only_by_what_says_so() {
    for (status, body, outcome) in [
        (401, json!({ "error": "invalid_client" }), Outcome::Passed),
        (401, Value::Null, Outcome::Skipped),
        (403, json!({ "error": "unauthorized_client" }), Outcome::Skipped),
        (400, json!({ "error": "invalid_request" }), Outcome::Skipped),
        (404, Value::Null, Outcome::Skipped),
        (204, Value::Null, Outcome::Failed),
    ] {
        let host = FakeHost::new()
            .answer(&item("GET"), 200, client("Nightly"))
            .answer(TOKEN, 200, given(&bearer(&claims())))
            .answer(TOKEN, status, body.clone())
            .answer(TOKENS, 200, Value::Null);
        let checks = clients().verify(&host, ID, json!({ "secret": "s3cr3t" })).unwrap().checks;
        let check = checks.iter().find(|check| check.asked == "signing in with another secret").unwrap();
        assert_eq!((check.outcome, check.rule.as_deref()), (outcome, Some("secret")), "{status} {body}");
    }
}

#[test]
fn an_answer_that_isnt_one_is_an_error() {
    let answer =
        |status, body| FakeHost::new().answer(&item("GET"), 200, client("Nightly")).answer(TOKEN, status, body);
    let error = clients().verify(&answer(200, json!({ "access_token": 7 })), ID, json!({ "secret": "x" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnexpectedAnswer);
    let limited = Error::new(ErrorCode::RateLimited, "wait");
    let host = FakeHost::new().answer(&item("GET"), 200, client("Nightly")).fail(TOKEN, limited);
    assert_eq!(clients().verify(&host, ID, json!({ "secret": "x" })).unwrap_err().code, ErrorCode::RateLimited);
}

#[test]
fn an_authority_that_wants_no_more_of_it_is_no_end() {
    for code in [ErrorCode::RateLimited, ErrorCode::Unavailable] {
        let host = FakeHost::new()
            .answer(&item("GET"), 200, client("Nightly"))
            .answer(TOKEN, 200, given(&bearer(&claims())))
            .fail(TOKEN, Error::new(code, "it is the host's"))
            .answer(TOKENS, 200, Value::Null);
        let checks = clients().verify(&host, ID, json!({ "secret": "s3cr3t" })).unwrap().checks;
        let check = &checks[checks.len() - 2];
        assert_eq!((check.outcome, check.rule.as_deref()), (Outcome::Skipped, Some("secret")));
        assert_eq!(check.found, "the answer tells nothing: it is the host's");
        assert_eq!(checks.last().unwrap().outcome, Outcome::Passed);
        let tried = host.seen().iter().filter(|(request, _)| request == TOKEN).count();
        assert_eq!(tried, 2, "another secret is tried once");
    }
    let lost = Error::new(ErrorCode::Unreachable, "x");
    let host = FakeHost::new()
        .answer(&item("GET"), 200, client("Nightly"))
        .answer(TOKEN, 200, given(&bearer(&claims())))
        .fail(TOKEN, lost);
    assert_eq!(clients().verify(&host, ID, json!({ "secret": "x" })).unwrap_err().code, ErrorCode::Unreachable);
}

#[test]
fn the_audience_is_that_of_the_settings() {
    let mut said = claims();
    said["aud"] = "https://api.example.com".into();
    let host = FakeHost::new()
        .answer(&item("GET"), 200, client("Nightly"))
        .answer(TOKEN, 200, given(&bearer(&said)))
        .answer(TOKEN, 401, json!({ "error": "access_denied", "error_description": "Unauthorized" }))
        .answer(TOKENS, 200, Value::Null);
    let clients = clients().for_audience("https://api.example.com");
    let checks = clients.verify(&host, ID, json!({ "secret": "s3cr3t" })).unwrap().checks;
    assert!(checks.iter().all(|check| check.outcome == Outcome::Passed), "{checks:?}");
    for (_, sent) in &host.seen()[1..3] {
        assert_eq!(sent.as_ref().unwrap()["audience"], "https://api.example.com");
    }
}
