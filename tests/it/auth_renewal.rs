//! The next bearer: when it is asked for, with what, by whom, and what is said where it isn't to be had.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use expect_test::expect;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::support::cloud::{Cloud, FIRST_REFRESH, SECRET, bearer};
use crate::support::output::Output;
use crate::support::session::Process;
use crate::support::{Carto, Run};

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(carto.home().join(".carto_credentials.json")).unwrap()).unwrap()
}

fn settled(output: &Output) -> String {
    let time = Regex::new(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z").unwrap();
    let text = time.replace_all(&output.to_string(), "[time]").into_owned();
    Regex::new("[0-9]+ s ago").unwrap().replace_all(&text, "[a moment] ago").into_owned()
}

/// A file with one profile, with what this program keeps of a sign-in.
fn signed_in(carto: &Carto, token: &str, mut sign_in: Value) {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    sign_in["token_sha256"] = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    let profile = json!({ "token": token, "tenant_id": "acme", "future": [1], "sign_in": sign_in });
    let text = json!({ "current_profile": "me", "profiles": { "me": profile } }).to_string();
    let path = carto.write(".carto_credentials.json", &text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// As a browser left it, and over.
fn signed_in_by_a_person(carto: &Carto, cloud: &Cloud) {
    let sign_in = json!({
        "how": "browser", "client_id": "spa-client", "issuer": cloud.issuer(), "audience": "carto-cloud-native-api",
        "refresh_token": FIRST_REFRESH, "base_url": cloud.api(),
    });
    signed_in(carto, &bearer("auth0|1", -10, 77), sign_in);
}

#[test]
fn a_machine_gets_the_next_bearer_when_it_is_due() {
    let carto = Carto::new();
    // Longer than five minutes, less, and over.
    for (life, renewals) in [(310, 0), (290, 1), (-10, 1)] {
        let cloud = Cloud::lasting(&[life, 86400]);
        cloud.login(&carto, "p").ok();
        for _ in 0..2 {
            carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", SECRET).ok();
        }
        let asked = cloud.asked().iter().filter(|line| *line == "POST /oauth/token").count();
        assert_eq!(asked - 1, renewals, "{life}");
        assert_eq!(file(&carto)["profiles"]["p"]["token"], *cloud.bearers().last().unwrap());
        let last = cloud.requests().last().unwrap().clone();
        assert!(last.contains(cloud.bearers().last().unwrap()), "{last}");
    }
}

#[test]
fn a_secret_is_read_again_from_where_it_came() {
    let carto = Carto::new();
    let cloud = Cloud::lasting(&[10]);
    let list = || carto.run("credentials list tokens");
    let made = format!(r#"{{"clientId": "machine-client", "clientSecret": "{SECRET}"}}"#);
    let client = carto.write("client.json", &made);
    cloud.run(&carto, "auth login p --m2m --client-file client.json").ok();
    // From anywhere.
    let mut elsewhere = list();
    elsewhere.command.current_dir("/");
    elsewhere.ok();
    std::fs::remove_file(client).unwrap();
    // A bearer that still lasts is used all the same.
    let output = list().ok();
    assert!(output.stderr.contains("another wasn't to be had: cannot read the client's secret"), "{output}");
    cloud.run(&carto, "auth login p --m2m --client-file -").stdin(&made).ok();
    assert_eq!(list().ok().stderr, "There is no API Access Token here.\n");
    cloud.login(&carto, "p").ok();
    assert_eq!(list().env("CARTO_M2M_CLIENT_SECRET", SECRET).ok().stderr, "There is no API Access Token here.\n");
    let output = list().ok();
    assert!(
        output.stderr.contains("`CARTO_M2M_CLIENT_SECRET`, which holds the client's secret, isn't set"),
        "{output}"
    );
}

#[test]
fn a_person_gets_the_next_bearer_with_a_refresh_token() {
    let (carto, cloud) = (Carto::new(), Cloud::start());
    signed_in_by_a_person(&carto, &cloud);
    assert_eq!(carto.run("auth status --json").ok().json()["renewable"], true);
    carto.run("credentials list tokens --debug").ok();
    let profile = file(&carto)["profiles"]["me"].clone();
    assert_eq!(profile["token"], cloud.bearers()[0]);
    assert_eq!((&profile["sign_in"]["refresh_token"], &profile["future"]), (&json!("canary-refresh-1"), &json!([1])));
    assert_eq!(cloud.asked(), ["POST /oauth/token", "GET /api/v3/tokens?limit=100"]);
    // The first works no more.
    signed_in_by_a_person(&carto, &cloud);
    let output = carto.run("credentials list tokens").fails(4);
    assert!(!output.stderr.contains("canary"), "{output}");
    expect![[r#"
        status 4
        --- stderr
        error: the bearer of the profile `me` ended at [time], and another wasn't to be had: `127.0.0.1:[port]` refused to sign in (`invalid_grant`: no good: ); the sign-in has ended there: it is too old, was revoked, or was used somewhere else
        hint: sign in again with `carto auth login me`
    "#]].assert_eq(&settled(&output));
    // It is forgotten, and nobody asks with it again.
    assert_eq!(file(&carto)["profiles"]["me"]["sign_in"]["refresh_token"], Value::Null);
    let asked = cloud.asked().len();
    assert_eq!(carto.run("auth status --json").output().json()["renewable"], false);
    let output = carto.run("credentials list tokens").fails(4);
    assert!(output.stderr.contains("sign in again with `carto auth login me`"), "{output}");
    assert_eq!(cloud.asked().len(), asked);
    signed_in_by_a_person(&carto, &cloud);
    carto.run("auth logout").ok();
    assert!(cloud.ended().contains(FIRST_REFRESH));
}

/// A cloud that gives a bearer only while the gate is open.
fn gated(lives: &[i64]) -> (Cloud, Arc<Mutex<()>>) {
    let gate = Arc::new(Mutex::new(()));
    let own = Arc::clone(&gate);
    let cloud = Cloud::otherwise(lives, move |path, _| {
        if path == "/oauth/token" {
            drop(own.lock());
        }
        None
    });
    (cloud, gate)
}

/// How often a bearer was asked for.
fn renewals(cloud: &Cloud) -> usize {
    cloud.asked().iter().filter(|line| *line == "POST /oauth/token").count()
}

/// Eight commands that find the bearer over at the same time: one has asked for the next, and its answer is kept back until all the others
/// stand behind it, or have done what they shouldn't. All of them must succeed, with the same bearer.
fn eight_at_once(carto: &Carto, cloud: &Cloud, gate: &Mutex<()>, prepare: impl Fn(Run) -> Run) {
    let closed = gate.lock().unwrap();
    let before = renewals(cloud);
    let start = |_| {
        let mut run = prepare(carto.run("credentials list tokens --json"));
        run.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = run.command.spawn().unwrap();
        (run, child)
    };
    let runs: Vec<(Run, Child)> = (0..8).map(start).collect();
    let is_at_the_lock = |child: &Child| {
        let process = Process::read(child.id().cast_signed()).unwrap();
        process.state == "Z" || process.has_open(".carto_credentials.json.lock")
    };
    loop {
        match renewals(cloud) - before {
            1 if runs.iter().all(|(_, child)| is_at_the_lock(child)) => break,
            0 | 1 => std::thread::yield_now(),
            _ => break,
        }
    }
    drop(closed);
    for (run, child) in runs {
        let output = run.ended(child);
        assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{output}");
    }
    assert_eq!(renewals(cloud) - before, 1);
    let bearer = cloud.bearers().last().unwrap().clone();
    let kept = file(carto);
    assert_eq!(kept["profiles"][kept["current_profile"].as_str().unwrap()]["token"], bearer);
    let lists = cloud.requests().into_iter().filter(|request| request.starts_with("GET /api/v3/tokens"));
    assert_eq!(lists.filter(|request| request.contains(&bearer)).count(), 8);
}

#[test]
fn whoever_comes_second_finds_it_in_the_file() {
    let carto = Carto::new();
    // Also where bearers are so short that each is soon over.
    for life in [86400, 60] {
        let (cloud, gate) = gated(&[-10, life]);
        cloud.login(&carto, "p").ok();
        eight_at_once(&carto, &cloud, &gate, |run| run.env("CARTO_M2M_CLIENT_SECRET", SECRET));
        assert_eq!(cloud.bearers().len(), 2);
    }
}

/// A refresh token works once: the next one is in the file before anybody else reads it.
#[test]
fn whoever_comes_second_sends_no_refresh_token() {
    let carto = Carto::new();
    for life in [86400, 60] {
        let (cloud, gate) = gated(&[life]);
        signed_in_by_a_person(&carto, &cloud);
        eight_at_once(&carto, &cloud, &gate, |run| run);
        assert_eq!(file(&carto)["profiles"]["me"]["sign_in"]["refresh_token"], "canary-refresh-1");
    }
}

#[test]
fn a_bearer_that_is_over_is_told_before_any_request() {
    let (carto, cloud) = (Carto::new(), Cloud::start());
    let over = bearer("auth0|1", -3600, 1);
    let api = cloud.api();
    let mut report = String::new();
    let mut say = |output: Output| report.push_str(&settled(&output));
    let list = format!("credentials list tokens --base-url {api}");
    say(carto.run(&format!("{list} --token {over}")).fails(4));
    say(carto.run(&format!("{list} --token -")).stdin(&over).fails(4));
    say(carto.run("credentials list tokens").env("CARTO_BASE_URL", &api).env("CARTO_API_TOKEN", &over).fails(4));
    say(carto.run("auth whoami").env("CARTO_BASE_URL", &api).env("CARTO_API_TOKEN", &over).fails(4));
    // As CARTO's own command line left it, and as one of ours that was given.
    let theirs = json!({ "current_profile": "x y", "profiles": { "x y": { "token": over, "tenant_id": "acme" } } });
    carto.write(".carto_credentials.json", &theirs.to_string());
    say(carto.run("credentials list tokens").fails(4));
    say(carto.run("auth status").output());
    signed_in(&carto, &over, json!({ "how": "token", "base_url": api }));
    say(carto.run("credentials list tokens").fails(4));
    assert_eq!(cloud.asked(), [""; 0]);
    expect![[r#"
        status 4
        --- stderr
        error: the bearer from `--token` expired at [time]
        hint: leave `--token` out and sign in with `carto --base-url http://127.0.0.1:[port]/api auth login`, or give another bearer: one lasts a day
        status 4
        --- stderr
        error: the bearer from `--token` expired at [time]
        hint: leave `--token` out and sign in with `carto --base-url http://127.0.0.1:[port]/api auth login`, or give another bearer: one lasts a day
        status 4
        --- stderr
        error: the bearer from `CARTO_API_TOKEN` expired at [time]
        hint: leave `CARTO_API_TOKEN` out and sign in with `carto auth login`, or give another bearer: one lasts a day
        status 4
        --- stderr
        error: the bearer from `CARTO_API_TOKEN` expired at [time]
        hint: leave `CARTO_API_TOKEN` out and sign in with `carto auth login`, or give another bearer: one lasts a day
        status 4
        --- stderr
        error: the bearer of the profile `x y` expired at [time]
        hint: sign in again with `carto auth login 'x y'`, or with CARTO's own command line
        status 4
        --- stdout
        profile   x y (the current one)
        tenant    acme
        base url  https://acme.api.carto.com, from the profile `x y`
        bearer    OAuth access token of a user, from the profile `x y`
        ends      [time], 1 h 0 min ago
        --- stderr
        error: the bearer of the profile `x y` expired at [time]
        hint: sign in again with `carto auth login 'x y'`, or with CARTO's own command line
        status 4
        --- stderr
        error: the bearer of the profile `me` expired at [time]
        hint: give it another bearer: `carto auth login me --with-token` reads it from standard input
    "#]].assert_eq(&report);
}

#[test]
fn a_bearer_that_isnt_to_be_had_is_told_with_its_reason() {
    let carto = Carto::new();
    let cloud = Cloud::lasting(&[-10]);
    cloud.login(&carto, "p").ok();
    let mut report = String::new();
    let mut say = |output: Output| report.push_str(&settled(&output));
    say(carto.run("credentials list tokens").fails(4));
    say(carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", "canary-another").fails(4));
    // What only such a variable could bring isn't promised without it.
    say(carto.run("auth status").output());
    assert_eq!(carto.run("auth status --json").output().json()["renewable"], false);
    say(carto.run("auth status").env("CARTO_M2M_CLIENT_SECRET", SECRET).ok());
    let mut down = file(&carto);
    down["profiles"]["p"]["sign_in"]["issuer"] = "http://127.0.0.1:9/".into();
    carto.write(".carto_credentials.json", &down.to_string());
    say(carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", SECRET).fails(6));
    // Whoever can write the file can't have the secret sent in the clear.
    down["profiles"]["p"]["sign_in"]["issuer"] = "http://evil.example.com/".into();
    carto.write(".carto_credentials.json", &down.to_string());
    say(carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", SECRET).fails(4));
    assert!(!report.contains("canary"), "{report}");
    expect![[r#"
        status 4
        --- stderr
        error: the bearer of the profile `p` ended at [time], and another wasn't to be had: the variable `CARTO_M2M_CLIENT_SECRET`, which holds the client's secret, isn't set
        hint: set and export it; or sign in again with `carto auth login p --m2m --client-file FILE`
        status 4
        --- stderr
        error: the bearer of the profile `p` ended at [time], and another wasn't to be had: `127.0.0.1:[port]` refused to sign in (`access_denied`: no good: [hidden]); the id or the secret of the client `machine-client` is wrong, or the client was deleted
        hint: look at the client in CARTO; or sign in again with `carto auth login p --m2m --client-file FILE`
        status 4
        --- stdout
        profile       p (the current one)
        organization  Acme, Inc. (ac_1)
        tenant        acme (127.0.0.1:[port])
        base url      http://127.0.0.1:[port]/api, from the profile `p`
        bearer        OAuth access token of a machine, from the profile `p`
        ends          [time], [a moment] ago; not renewed: `CARTO_M2M_CLIENT_SECRET` isn't set
        --- stderr
        error: the bearer of the profile `p` expired at [time], and another isn't to be had: the variable `CARTO_M2M_CLIENT_SECRET`, which holds the client's secret, isn't set
        hint: set and export it; or sign in again with `carto auth login p --m2m --client-file FILE`
        status 0
        --- stdout
        profile       p (the current one)
        organization  Acme, Inc. (ac_1)
        tenant        acme (127.0.0.1:[port])
        base url      http://127.0.0.1:[port]/api, from the profile `p`
        bearer        OAuth access token of a machine, from the profile `p`
        ends          [time], [a moment] ago; renewed by itself
        status 6
        --- stderr
        error: the bearer of the profile `p` ended at [time], and another wasn't to be had: cannot reach `127.0.0.1:[port]`: connection refused
        hint: look at the network and the address, then try again
        status 4
        --- stderr
        error: the bearer of the profile `p` expired at [time]
        hint: sign in again with `carto auth login p --m2m --client-file FILE`
    "#]].assert_eq(&report);
}
