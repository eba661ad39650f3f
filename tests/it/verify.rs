//! `credentials verify`, as the host has it: what the host lets a kind try, with which bearer, what reaches the kind of the answers, and how it is shown.

use expect_test::expect;

use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run, library};

const MANIFEST: &str = r#"
schema = "1.1"
abi = 1
name = "probe"
plural = "probes"
title = "Probe"
about = "Is tried"
vendor = "the tests"
[services.api]
[record]
fields = ["id"]
id = "id"
columns = ["id"]
[verbs.list]
calls = ["api GET /v3/tokens"]
[verbs.verify]
calls = [
  "api GET /v3/tokens/{}", "data GET /v3/maps/{}/query",
  "auth GET /authorize?prompt=none", "auth GET /authorize", "auth POST /oauth/token",
]
aliases = ["try"]
[[verbs.verify.args]]
name = "key"
type = "secret"
help = "A secret of it"
"#;

/// The user's bearer, the credential that is tried, and a secret of an option.
pub(crate) const BEARER: &str = "canary-user-0a1b2c3d";
pub(crate) const TRIED: &str = "canary-tried-4e5f6a7b";
pub(crate) const KEY: &str = "canary-key-8c9d0e1f";

fn with(manifest: &str, mode: &str) -> Carto {
    let carto = Carto::without_kinds();
    let mut bytes = library::with_manifest("strange", manifest.as_bytes());
    library::set_mode(&mut bytes, mode);
    std::fs::write(carto.kinds().join(library::file_name("probe")), bytes).unwrap();
    carto.write(".config/carto/config.toml", "[network]\nbackoff = \"1ms\"\n");
    carto
}

pub(crate) fn probe() -> Carto {
    with(MANIFEST, "verify:try")
}

/// The program, with an account on one server and an authority on another.
pub(crate) fn run(carto: &Carto, api: &Wire, auth: &Wire, line: &str) -> Run {
    carto
        .run(line)
        .env("CARTO_BASE_URL", api.url())
        .env("CARTO_API_TOKEN", BEARER)
        .env("CARTO_AUTH_ISSUER", format!("{}/", auth.url()))
        .env("PROBE_KEY", KEY)
}

pub(crate) fn fine() -> Wire {
    Wire::json("200 OK", r#"{"rows": []}"#)
}

pub(crate) fn is_clean(output: &Output) {
    assert!(!format!("{}{}", output.stdout, output.stderr).contains("canary-"), "{output}");
}

/// First line and `Authorization` of each request.
pub(crate) fn asked(wire: &Wire) -> Vec<String> {
    let heads = wire.requests();
    let line = |head: &String| {
        let more = head.lines().filter(|line| {
            let line = line.to_lowercase();
            line.starts_with("authorization:") || line.starts_with("referer:")
        });
        head.lines().take(1).chain(more).collect::<Vec<_>>().join(" | ")
    };
    heads.iter().map(line).collect()
}

#[test]
fn the_bearer_of_the_user_goes_to_neither() {
    let (carto, api, auth) = (probe(), fine(), fine());
    let line = format!("--debug credentials verify probe {TRIED} --key env:PROBE_KEY");
    let output = run(&carto, &api, &auth, &line).ok();
    is_clean(&output);
    expect![[r#"
        GET /v3/maps/dw/query?q=SELECT+1 HTTP/1.1 | referer: https://shop.example.com/ | authorization: Bearer canary-tried-4e5f6a7b
        GET /v3/maps/dw/query?q=SELECT+1 HTTP/1.1"#]]
    .assert_eq(&asked(&api).join("\n"));
    expect![[r#"
        GET /authorize?prompt=none HTTP/1.1
        POST /oauth/token HTTP/1.1"#]]
    .assert_eq(&asked(&auth).join("\n"));
    // What the user gave is in the body, and nowhere else.
    assert!(auth.requests()[1].ends_with(&format!("{{\"secret\":\"{KEY}\"}}")));
}

/// A server that answers in this way, and where its answer names the credential, only if that came.
fn echo(act: Act) -> Wire {
    Wire::start_with(move |_, request| match &act {
        Act::Answer(head, body) if !request.contains(TRIED) => {
            let body = String::from_utf8(body.clone()).unwrap();
            Act::Answer(head.clone(), body.replace(TRIED, "credential").into_bytes())
        }
        act => act.clone(),
    })
}

/// What each answer of the account's API and of the authority comes to.
#[test]
fn every_answer_but_the_hosts_own_reaches_the_kind() {
    let mut report = String::new();
    let location = [("location", "https://shop.example.com/callback?error=login_required")];
    for act in [
        Act::json("401 Unauthorized", &format!(r#"{{"error": "no {TRIED}"}}"#)),
        Act::json("403 Forbidden", r#"{"error": "Unauthorized referer"}"#),
        Act::with("302 Found", &location, ""),
        Act::with("200 OK", &[("content-type", "text/html")], "<html>"),
        Act::with("400 Bad Request", &[("content-type", "text/html")], "<html>"),
        Act::json("408 Request Timeout", "{}"),
        Act::json("429 Too Many Requests", &format!(r#"{{"error": "no {TRIED}"}}"#)),
        Act::json("503 Service Unavailable", &format!(r#"{{"error": "no {TRIED}"}}"#)),
    ] {
        let (carto, api, auth) = (probe(), echo(act.clone()), echo(act));
        let output = run(&carto, &api, &auth, &format!("credentials try probe {TRIED} --json")).output();
        // The kind is told what the service says, but for the credential that it was sent.
        is_clean(&output);
        if output.stdout.is_empty() {
            report.push_str(&format!("{}\n", output.error()["code"]));
            continue;
        }
        let found: Vec<String> =
            output.json()["checks"].as_array().unwrap().iter().map(|check| check["found"].to_string()).collect();
        report.push_str(&format!("{}\n", found.join(" ")));
    }
    expect![[r#"
        "401 no [hidden]" "401 no credential" "401 no credential" "401 no credential" "not asked"
        "403 Unauthorized referer" "403 Unauthorized referer" "403 Unauthorized referer" "403 Unauthorized referer" "not asked"
        "302 https://shop.example.com/callback?error=login_required" "302 https://shop.example.com/callback?error=login_required" "302 https://shop.example.com/callback?error=login_required" "302 https://shop.example.com/callback?error=login_required" "not asked"
        "200" "200" "200" "200" "not asked"
        "400" "400" "400" "400" "not asked"
        "unavailable"
        "rate_limited"
        "unavailable"
    "#]].assert_eq(&report);
}

#[test]
fn what_came_of_it_is_shown_and_decides_the_status() {
    let (carto, api) = (probe(), fine());
    let auth = Wire::json("400 Bad Request", r#"{"error": "invalid_client"}"#);
    let run = |line: &str| run(&carto, &api, &auth, &format!("{line} verify probe {TRIED} --key env:PROBE_KEY"));
    let mut report = String::new();
    for more in ["", "-o json", "-o jsonl", "-o csv", "--field passed"] {
        let output = run(&format!("{more} credentials")).output();
        assert_eq!(output.status, 1);
        is_clean(&output);
        report.push_str(&format!("{more}: {output}"));
    }
    for more in ["-o env", "--field name"] {
        report.push_str(&format!("{more}: {}", run(&format!("{more} credentials")).fails(2)));
    }
    expect![[r#"
        : status 1
        --- stdout
        OUTCOME  ASKED               EXPECTED  FOUND
        passed   data with a bearer  200       200
        passed   data without        200       200
        failed   auth by GET         200       400 invalid_client
        failed   auth by POST        200       400 invalid_client
        skipped  anything else       nothing   not asked

        secret  [hidden]
        --- stderr
        warning: auth by GET: expected 200, found 400 invalid_client
        hint: `carto credentials list probes` shows them
        warning: auth by POST: expected 200, found 400 invalid_client
        hint: `carto credentials list probes` shows them
        error: 2 of 4 checks of Probe `s1` failed
        -o json: status 1
        --- stdout
        {
          "id": "s1",
          "passed": false,
          "checks": [
            {
              "outcome": "passed",
              "rule": "data",
              "asked": "data with a bearer",
              "expected": "200",
              "found": "200",
              "hint": "`carto credentials list probes` shows them"
            },
            {
              "outcome": "passed",
              "rule": "data",
              "asked": "data without",
              "expected": "200",
              "found": "200",
              "hint": "`carto credentials list probes` shows them"
            },
            {
              "outcome": "failed",
              "rule": "auth",
              "asked": "auth by GET",
              "expected": "200",
              "found": "400 invalid_client",
              "hint": "`carto credentials list probes` shows them"
            },
            {
              "outcome": "failed",
              "rule": "auth",
              "asked": "auth by POST",
              "expected": "200",
              "found": "400 invalid_client",
              "hint": "`carto credentials list probes` shows them"
            },
            {
              "outcome": "skipped",
              "rule": null,
              "asked": "anything else",
              "expected": "nothing",
              "found": "not asked",
              "hint": null
            }
          ],
          "facts": {
            "secret": "[hidden]"
          }
        }
        --- stderr
        {"error":{"code":"failed","message":"2 of 4 checks of Probe `s1` failed"}}
        -o jsonl: status 1
        --- stdout
        {"id":"s1","passed":false,"checks":[{"outcome":"passed","rule":"data","asked":"data with a bearer","expected":"200","found":"200","hint":"`carto credentials list probes` shows them"},{"outcome":"passed","rule":"data","asked":"data without","expected":"200","found":"200","hint":"`carto credentials list probes` shows them"},{"outcome":"failed","rule":"auth","asked":"auth by GET","expected":"200","found":"400 invalid_client","hint":"`carto credentials list probes` shows them"},{"outcome":"failed","rule":"auth","asked":"auth by POST","expected":"200","found":"400 invalid_client","hint":"`carto credentials list probes` shows them"},{"outcome":"skipped","rule":null,"asked":"anything else","expected":"nothing","found":"not asked","hint":null}],"facts":{"secret":"[hidden]"}}
        --- stderr
        {"error":{"code":"failed","message":"2 of 4 checks of Probe `s1` failed"}}
        -o csv: status 1
        --- stdout
        outcome,rule,asked,expected,found,hint
        passed,data,data with a bearer,200,200,`carto credentials list probes` shows them
        passed,data,data without,200,200,`carto credentials list probes` shows them
        failed,auth,auth by GET,200,400 invalid_client,`carto credentials list probes` shows them
        failed,auth,auth by POST,200,400 invalid_client,`carto credentials list probes` shows them
        skipped,,anything else,nothing,not asked,
        --- stderr
        error: 2 of 4 checks of Probe `s1` failed
        --field passed: status 1
        --- stdout
        false
        --- stderr
        error: 2 of 4 checks of Probe `s1` failed
        -o env: status 2
        --- stderr
        error: `-o env` writes variables, and verify answers with checks
        hint: use `-o json`, or `--field passed`; the exit status says it too
        --field name: status 2
        --- stderr
        error: there is no field `name`
        hint: fields: `id`, `passed`, `checks`, `facts`
    "#]].assert_eq(&report);
}

#[test]
fn a_dry_run_reads_and_shows_the_first_post() {
    let (carto, api, auth) = (probe(), fine(), fine());
    let line = format!("verify probe {TRIED} --key env:PROBE_KEY");
    let output = run(&carto, &api, &auth, &format!("--dry-run credentials {line}")).ok();
    is_clean(&output);
    check(
        &output,
        expect![[r#"
        status 0
        --- stdout
        POST /oauth/token

        {
          "secret": "[hidden]"
        }
        --- stderr
        Not sent to `http://127.0.0.1:[port]`: this was a dry run, and nothing was changed.
    "#]],
    );
    assert_eq!(asked(&api).len(), 2);
    assert_eq!(asked(&auth), ["GET /authorize?prompt=none HTTP/1.1"]);
    let json = run(&carto, &api, &auth, &format!("--dry-run --json credentials {line}")).ok();
    assert_eq!(json.json()["dry_run"]["base_url"], auth.url());
    assert_eq!(json.json()["dry_run"]["body"]["secret"], "[hidden]");
    run(&carto, &api, &auth, &format!("--dry-run --field passed credentials {line}")).fails(2);
    assert!(asked(&auth).iter().all(|line| line.starts_with("GET ")));
}

/// What was sent may have been done: it isn't sent again, and nobody says that it wasn't done. What only asks is repeated.
#[test]
fn a_post_is_sent_once() {
    let mut report = String::new();
    for act in [
        Act::json("503 Service Unavailable", "{}"),
        Act::json("500 Internal Server Error", "{}"),
        Act::json("429 Too Many Requests", "{}"),
        Act::json("408 Request Timeout", "{}"),
        Act::Raw(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Act::RawReset(Vec::new()),
    ] {
        let (carto, api) = (probe(), fine());
        let posted = act.clone();
        let auth = Wire::start_with(move |_, request| match request.starts_with("GET ") {
            true => Act::json("200 OK", "{}"),
            false => posted.clone(),
        });
        let output = run(&carto, &api, &auth, &format!("credentials verify probe {TRIED}")).output();
        is_clean(&output);
        assert!(!output.stderr.contains("nothing was changed"), "{output}");
        let posts = asked(&auth).iter().filter(|line| !line.starts_with("GET ")).count();
        let place = auth.url().replace("http://", "");
        let first = output.stderr.lines().next().unwrap_or_default().replace(&place, "authority");
        report.push_str(&format!("{posts} sent: {}: {first}\n", output.status));
        let reading = Wire::start_with(move |_, _| act.clone());
        let output = run(&carto, &reading, &auth, &format!("credentials verify probe {TRIED}")).output();
        assert!(output.stderr.contains("nothing was changed"), "{output}");
        assert!(reading.requests().len() > 1, "{output}");
    }
    expect![[r#"
        1 sent: 6: error: `authority` failed (503)
        1 sent: 6: error: `authority` failed (500)
        1 sent: 6: error: `authority` asks for fewer requests (429)
        1 sent: 6: error: `authority` gave up waiting for POST /oauth/token (408)
        1 sent: 6: error: the connection to `authority` failed: it ended before there was an answer
        1 sent: 6: error: the connection to `authority` failed: connection reset by peer
    "#]]
    .assert_eq(&report);
}

/// What the kind would need to make a token with the one that is tried, in a manifest: the file isn't used.
#[test]
fn a_manifest_that_would_write_is_refused() {
    let (api, auth) = (fine(), fine());
    let hostile = MANIFEST.replace("data GET /v3/maps/{}/query", "data POST /{}/{}");
    let carto = with(&hostile, "verify:write-by-trial");
    let output = run(&carto, &api, &auth, "--dry-run credentials verify probe x").fails(7);
    assert_eq!((api.requests().len(), auth.requests().len()), (0, 0));
    check(
        &output,
        expect![[r#"
            status 7
            --- stderr
            error: the kind `probe` can't be used: `[home]/kinds/libcarto_kind_probe.so` holds a manifest that can't be used: verbs.verify: `data POST /{}/{}` tries no credential; these do: data POST /v3/sql/{}/query, data GET /v3/maps/{}/table, data GET /v3/maps/{}/query, data GET /v3/maps/{}/tileset, data GET /v3/tokens, auth POST /oauth/token, auth GET /authorize, auth GET /v2/logout
            hint: get a newer version of the plugin, or remove the file
        "#]],
    );
}

#[test]
fn what_was_tried_is_recorded() {
    let place = Prefix::with_policy(
        "version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"HOME/audit.jsonl\"\nrequired = true\n",
    );
    let place_a_token = "credentials create token --name a --grant carto_dw,carto.shared.demo_table --apis sql";
    place.sandbox(place_a_token).ok();
    place.sandbox("credentials verify token a").output();
    place.sandbox("--dry-run credentials verify token a").output();
    let text = std::fs::read_to_string(place.free.home().join("audit.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let told: String = records
        .filter(|record| record["event"] == "ended")
        .map(|record| {
            format!(
                "{} {} {} {}\n",
                record["verb"],
                record["dry_run"],
                record["writes"].as_array().unwrap().len(),
                record["tried"]
            )
        })
        .collect();
    expect![[r#"
        "create" false 1 null
        "verify" false 0 ["POST /v3/sql/carto_dw/query","POST /v3/sql/carto-verify-not-granted/query"]
        "verify" true 0 []
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_kind_that_goes_too_far_is_stopped() {
    let mut report = String::new();
    for mode in [
        "bearer-to-api",
        "bearer-to-auth",
        "bearer-of-two",
        "referer-to-api",
        "write-by-trial",
        "write-by-get",
        "delete-by-trial",
        "segment-by-trial",
        "undeclared",
        "not-json",
        "record",
        "text",
        "rule",
        "no-outcome",
        "too-large",
    ] {
        let (carto, api, auth) = (with(MANIFEST, &format!("verify:{mode}")), fine(), fine());
        let output = run(&carto, &api, &auth, "credentials verify probe x").fails(7);
        is_clean(&output);
        let requests = asked(&api).len() + asked(&auth).len();
        let first = output.stderr.lines().next().unwrap_or_default();
        report.push_str(&format!("{mode}: {requests} requests: {first}\n"));
    }
    expect![[r#"
        bearer-to-api: 0 requests: error: the kind `probe` broke the contract in `verify`: it sent a bearer of its own to `api`, and only `data` takes one
        bearer-to-auth: 0 requests: error: the kind `probe` broke the contract in `verify`: it sent a bearer of its own to `auth`, and only `data` takes one
        bearer-of-two: 0 requests: error: the kind `probe` broke the contract in `verify`: it tried a credential that can't be sent: it isn't one word of plain letters
        referer-to-api: 0 requests: error: the kind `probe` broke the contract in `verify`: it set the header `referer`, which isn't a kind's to set
        write-by-trial: 0 requests: error: the kind `probe` broke the contract in `verify`: it asked for `data POST /v3/tokens`, which its manifest doesn't declare
        write-by-get: 0 requests: error: the kind `probe` broke the contract in `verify`: it asked for `data GET /v3/sql/dw/query`, which its manifest doesn't declare
        delete-by-trial: 0 requests: error: the kind `probe` broke the contract in `verify`: it asked for `data DELETE /v3/tokens/x`, which its manifest doesn't declare
        segment-by-trial: 0 requests: error: the kind `probe` broke the contract in `verify`: it asked for `data GET /v3/maps/{}/query` with a segment that isn't one word of a path
        undeclared: 0 requests: error: the kind `probe` broke the contract in `verify`: it asked for `api DELETE /v3/tokens/x`, which its manifest doesn't declare
        not-json: 0 requests: error: the kind `probe` broke the contract in `verify`: its answer isn't JSON: EOF while parsing a value at line 1 column 7
        record: 0 requests: error: the kind `probe` answered with something that isn't a verification: an `id` and `checks`
        text: 0 requests: error: the kind `probe` answered with something that isn't a verification: an `id` and `checks`
        rule: 0 requests: error: the kind `probe` answered with a check whose `rule` isn't a word like `referer`
        no-outcome: 0 requests: error: the kind `probe` answered with something that isn't a verification: an `id` and `checks`
        too-large: 0 requests: error: the kind `probe` broke the contract in `verify`: its answer has 2097183 bytes, and 1048576 is the limit
    "#]].assert_eq(&report);
}

/// A kind of a later contract: what is new in its answer refuses none of it, and fails and passes nothing.
#[test]
fn an_outcome_that_came_later_tells_nothing() {
    let (carto, api, auth) = (with(MANIFEST, "verify:later-outcome"), fine(), fine());
    check(
        &run(&carto, &api, &auth, "credentials verify probe x").ok(),
        expect![[r#"
        status 0
        --- stdout
        OUTCOME  ASKED  EXPECTED  FOUND
        passed   a      b         c
        skipped  d      e         `partly-passed`, an outcome that isn't known here: half of it
        --- stderr
        Verified Probe `s1`: 1 check passed; 1 couldn't be made
    "#]],
    );
    let output = run(&carto, &api, &auth, "credentials verify probe x -o jsonl").ok();
    expect![[r#"
        {"id":"s1","passed":true,"checks":[{"outcome":"passed","rule":null,"asked":"a","expected":"b","found":"c","hint":null},{"outcome":"skipped","rule":"later","asked":"d","expected":"e","found":"`partly-passed`, an outcome that isn't known here: half of it","hint":null}],"facts":{}}
    "#]].assert_eq(&output.stdout);
}

#[test]
fn a_kind_is_held_to_the_schema_that_it_is_written_in() {
    let old = MANIFEST.replace("\"1.1\"", "\"1.0\"");
    let (api, auth) = (fine(), fine());
    check(
        &run(&with(&old, "get:any-id"), &api, &auth, "credentials verify probe x").fails(7),
        expect![[r#"
        status 7
        --- stderr
        error: the kind `probe` can't be used: `[home]/kinds/libcarto_kind_probe.so` holds a manifest that can't be used: `verbs.verify` is a key of schema 1.1: write `schema = "1.1"`
        hint: get a newer version of the plugin, or remove the file
    "#]],
    );
    // Before 1.1 it was a word like any other, and means what it meant.
    let (verbs, _) = old.split_once("[verbs.verify]").unwrap();
    let alias = format!("{verbs}[verbs.get]\ncalls = [\"api GET /v3/tokens/{{}}\"]\naliases = [\"verify\"]\n");
    let carto = with(&alias.replace("fields = [\"id\"]", "fields = [\"id\", \"name\", \"key\"]"), "get:any-id");
    assert_eq!(run(&carto, &api, &auth, "credentials verify probe s7 --field id").ok().stdout, "s7\n");
    run(&carto, &api, &auth, "credentials --help").ok();
    // A kind without it says so.
    check(
        &run(&with(verbs, "get:any-id"), &api, &auth, "credentials verify probe x").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `probe` has no verb `verify`; verbs: list
        hint: `carto credentials --help` lists the verbs; `probe` has those above
    "#]],
    );
}

#[test]
fn what_it_may_try_can_be_read() {
    let (carto, api, auth) = (probe(), fine(), fine());
    let sheet = run(&carto, &api, &auth, "plugin info probe").ok().stdout;
    let (_, asks) = sheet.split_once("What its verbs may ask").unwrap();
    expect![[r#"
        , and nothing else
        list        may send GET to /v3/tokens of your CARTO account
        verify      may send GET to /v3/tokens/{} of your CARTO account
                    may send GET to /v3/maps/{}/query of your CARTO account, with a credential that it tries, which it passes itself
                    may send GET to /authorize?prompt=none of the authority of your CARTO account, without your bearer
                    may send GET to /authorize of the authority of your CARTO account, without your bearer
                    may send POST to /oauth/token of the authority of your CARTO account, without your bearer
                    is also called try

        What it gets to know
        verify      --key: a secret, from standard input, a file or a variable
                    the credential that it tries, and a bearer that comes of it
                    `audience` below `[auth]` of your settings
        each verb   the answers to what it asks, `[kinds.probe]` of your settings, the time

        What it can't do
        It can't read or write files, open connections, start programs, see your variables or your bearer, or write on your terminal: it can compute, and ask carto for what stands above.
    "#]].assert_eq(asks);
    check(
        &run(&carto, &api, &auth, "plugin why probe verify").ok(),
        expect![[r#"
        status 0
        --- stdout
        probe verify: allowed
          kind     probe
          title    Probe
          release  0.1.0
          file     [home]/kinds/libcarto_kind_probe.so
          sha256   [secret]
          policy   none: everything is allowed
          lock     not locked
    "#]],
    );
    check(
        &run(&carto, &api, &auth, "credentials verify probe --help").ok(),
        expect![[r#"
        status 0
        --- stdout
        Try whether a credential opens what it should, and nothing else; no credential is changed

        Probe: Is tried

        Usage: carto credentials verify probe [OPTIONS] <ID>

        Arguments:
          <ID>  Its id; `-` reads it from standard input

        Options:
              --key <SOURCE>  A secret of it
          -h, --help          Print help

        Account:
              --sandbox         Use the sandbox: no account, no network [env: CARTO_SANDBOX]
              --profile <NAME>  Use this profile of ~/.carto_credentials.json [env: CARTO_PROFILE]
              --token <T>       Use this OAuth access token; `-` reads it from standard input [env:
                                CARTO_API_TOKEN]
              --base-url <URL>  Use the API at this address [env: CARTO_BASE_URL]

        Output:
              --json          Write JSON, errors too; the same as `-o json`
          -o <FORMAT>         Write in this format [possible values: table, json, jsonl, csv, env]
              --field <NAME>  Write this one field alone
              --reveal        Show secrets that are otherwise hidden
              --debug         Say on standard error what is asked of the service

        Behaviour:
              --dry-run           Show the first change that would be made instead of making it
          -y, --yes               Don't ask before something is destroyed
              --no-input          Never ask; fail where a question would be
              --timeout <D>       Give up after this time, like 30s or 2m
              --kinds-path <DIR>  Look for kinds here instead of the usual folders [env: CARTO_KINDS_PATH]
          -v, --version           Print the version

        `--key` takes `-` (standard input), `@FILE` or `env:NAME`.
    "#]],
    );
    // No account, no trial; and an authority is https, or on this machine.
    carto.run("credentials verify probe x").fails(4);
    check(
        &run(&carto, &api, &auth, "credentials verify probe x")
            .env("CARTO_AUTH_ISSUER", "http://auth.example.com/")
            .fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: the issuer from `CARTO_AUTH_ISSUER` isn't https: `http://auth.example.com/`
            hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`
        "#]],
    );
}
