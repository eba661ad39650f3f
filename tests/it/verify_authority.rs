//! `credentials verify` at the authority: which one is asked, and how often.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::expect;
use serde_json::json;

use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Run};
use crate::verify::{BEARER, KEY, TRIED, asked, fine, is_clean, probe, run};

/// A file with one profile that was signed in at this authority.
fn signed_in(carto: &Carto, api: &Wire, issuer: &str) {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, BEARER.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let sign_in = json!({ "how": "token", "issuer": issuer, "base_url": api.url(), "token_sha256": digest });
    let profile = json!({ "token": BEARER, "tenant_id": "acme", "sign_in": sign_in });
    let text = json!({ "current_profile": "me", "profiles": { "me": profile } }).to_string();
    carto.write(".carto_credentials.json", &text);
}

#[test]
fn a_client_is_tried_at_the_authority_of_its_account_and_no_other() {
    let (carto, api, own, other) = (probe(), fine(), fine(), fine());
    signed_in(&carto, &api, &own.url());
    let verify = || carto.run(&format!("credentials verify probe {TRIED} --key env:PROBE_KEY")).env("PROBE_KEY", KEY);
    verify().ok();
    // The same one may be named, with a slash or without.
    verify().env("CARTO_AUTH_ISSUER", format!("{}/", own.url())).ok();
    assert_eq!(asked(&own).len(), 4);
    let before = asked(&api).len();
    let mut report = String::new();
    let mut refused = |run: Run| {
        let output = run.fails(2);
        is_clean(&output);
        report.push_str(&output.stderr.replace(&other.url(), "[other]").replace(&own.url(), "[own]"));
    };
    refused(verify().env("CARTO_AUTH_ISSUER", other.url()));
    carto.write(".config/carto/config.toml", &format!("[auth]\nissuer = \"{}\"\n", other.url()));
    refused(verify());
    assert_eq!((asked(&other).len(), asked(&own).len(), asked(&api).len()), (0, 4, before));
    expect![[r#"
        error: the profile `me` was signed in at `[own]/`, and `CARTO_AUTH_ISSUER` names another authority, `[other]/`: nothing of this account is tried there
        hint: unset `CARTO_AUTH_ISSUER`, or name a profile that was signed in there with `--profile`
        error: the profile `me` was signed in at `[own]/`, and the settings name another authority, `[other]/`: nothing of this account is tried there
        hint: take `issuer` out of `[auth]` in the settings, or name a profile that was signed in there with `--profile`
    "#]].assert_eq(&report);
    // A bearer that is given by itself is of nobody's profile.
    let alone = verify().env("CARTO_BASE_URL", api.url()).env("CARTO_API_TOKEN", BEARER);
    alone.ok();
    assert_eq!((asked(&other).len(), asked(&own).len()), (2, 4));
}

#[test]
fn a_profile_that_carto_made_is_of_the_authority_that_its_bearer_names() {
    let (carto, api, other) = (probe(), fine(), fine());
    let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": "https://auth.carto.com/", "sub": "x" }).to_string());
    let bearer = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln");
    let profile = json!({ "token": bearer, "tenant_id": "acme" });
    carto.write(
        ".carto_credentials.json",
        &json!({ "current_profile": "me", "profiles": { "me": profile } }).to_string(),
    );
    let run = carto.run("credentials verify probe x --base-url").env("CARTO_AUTH_ISSUER", other.url());
    let mut run = run;
    run.command.arg(api.url());
    let output = run.fails(2);
    assert!(output.stderr.contains("was signed in at `https://auth.carto.com/`"), "{output}");
    assert!(asked(&api).is_empty() && asked(&other).is_empty());
}

/// Authorities count the sign-ins that they refuse.
#[test]
fn a_sign_in_is_tried_once() {
    for status in ["429 Too Many Requests", "503 Service Unavailable", "408 Request Timeout"] {
        let (carto, api) = (probe(), fine());
        let auth = Wire::start_with(move |_, request| match request.starts_with("POST") {
            true => Act::json(status, "{}"),
            false => Act::json("200 OK", "{}"),
        });
        run(&carto, &api, &auth, &format!("credentials verify probe {TRIED} --key env:PROBE_KEY")).fails(6);
        let posts = asked(&auth).iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(posts, 1, "{status}");
    }
}
