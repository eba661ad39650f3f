//! What the service may answer, each with its own message and exit status, in the sandbox and over HTTP alike.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;
use crate::support::server::Served;
use crate::support::wire::{Act, Wire};

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

#[test]
fn refusals_of_the_service() {
    let carto = Carto::new();
    let mut report = String::new();
    for (fault, line) in [
        ("status=401", "credentials list tokens"),
        ("status=403", "credentials list tokens"),
        ("status=403", "credentials create m2m --title x"),
        ("status=404", "credentials get token tok_aaaaaaaaaaaaaaaaaaaa"),
        ("status=409", CREATE),
        ("status=400", CREATE),
        ("status=422", CREATE),
        ("status=429", CREATE),
        ("status=429,retry-after=900", CREATE),
        ("status=500", "credentials list tokens"),
        ("status=500", CREATE),
        ("status=502", CREATE),
        ("status=503", CREATE),
        ("status=418", CREATE),
    ] {
        let output = carto.sandbox(line).fault(fault).output();
        report.push_str(&format!("{fault}, {}: {output}", line.split(' ').nth(1).unwrap()));
    }
    expect![[r#"
        status=401, list: status 4
        --- stderr
        error: the sandbox doesn't accept the bearer from the sandbox itself: Unauthorized
        hint: give another, and look that it belongs to this address
        status=403, list: status 4
        --- stderr
        error: the service doesn't allow this: Forbidden
        hint: ask the account's administrator for the permission
        status=403, create: status 4
        --- stderr
        error: the service doesn't allow this: Forbidden
        hint: managing OAuth clients needs an account and a plan that have them; ask the account's administrator
        status=404, get: status 3
        --- stderr
        error: the service found nothing at GET /v3/tokens: Not Found
        hint: look at the id, and at the base URL
        status=409, create: status 5
        --- stderr
        error: the service reports a conflict: Conflict
        hint: look at what is there, then try again
        status=400, create: status 1
        --- stderr
        error: the service refused this: Bad Request
        hint: change what it names; `--debug` shows the requests
        status=422, create: status 1
        --- stderr
        error: the service refused this: Unprocessable Entity
        hint: change what it names; `--debug` shows the requests
        status=429, create: status 6
        --- stderr
        error: the sandbox asks for fewer requests (429)
        hint: nothing was changed; wait, then try again
        status=429,retry-after=900, create: status 6
        --- stderr
        error: the sandbox asks for fewer requests (429), and asks to wait 15 min
        hint: nothing was changed; try again then
        status=500, list: status 6
        --- stderr
        error: the sandbox failed (500): Internal Server Error
        hint: nothing was changed; try again later
        status=500, create: status 8
        --- stderr
        error: the sandbox failed (500): Internal Server Error; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials get token demo` finds it if it was made
        status=502, create: status 8
        --- stderr
        error: the sandbox failed (502): Bad Gateway; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials get token demo` finds it if it was made
        status=503, create: status 8
        --- stderr
        error: the sandbox failed (503): Service Unavailable; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials get token demo` finds it if it was made
        status=418, create: status 1
        --- stderr
        error: the service refused this: I'm a teapot
        hint: change what it names; `--debug` shows the requests
    "#]]
    .assert_eq(&report);
}

/// The same faults over HTTP read the same, but for the name of the place.
#[test]
fn http_and_the_sandbox_say_the_same() {
    let carto = Carto::new();
    for fault in ["status=401", "status=403", "status=429,retry-after=900", "status=500", "status=503", "status=409"] {
        let served = Served::start_with(carto.run("sandbox serve --port 0 --json").fault(fault));
        let over_http = served.run(&carto, CREATE).output();
        let inside = carto.sandbox(CREATE).fault(fault).output();
        assert_eq!(over_http.status, inside.status, "{fault}: {over_http}");
        let place = format!("`{}`", served.url.trim_start_matches("http://"));
        let same = |text: &str| text.replace(&place, "the sandbox").replace("`CARTO_API_TOKEN`", "the sandbox itself");
        assert_eq!(same(&over_http.stderr), inside.stderr, "{fault}");
    }
}

#[test]
fn one_kind_that_fails_hides_no_other() {
    let carto = Carto::new();
    carto.sandbox("credentials create m2m --title Nightly").ok();
    let output = carto.sandbox("credentials list --json").fault("status=503,path=/v3/tokens").output();
    check(
        &output,
        expect![[r#"
        status 6
        --- stdout
        {
          "m2m": [
            {
              "clientId": "[client-id]",
              "clientSecret": null,
              "title": "Nightly",
              "createdAt": "2026-11-23T10:00:00Z",
              "updatedAt": "2026-11-23T10:00:00Z"
            }
          ],
          "spa": [],
          "errors": [
            {
              "kind": "token",
              "code": "unavailable",
              "message": "the sandbox failed (503): Service Unavailable",
              "hint": "nothing was changed; try again later"
            }
          ]
        }
    "#]],
    );
    let output = carto.sandbox("credentials list").fault("status=503,path=/v3/tokens").output();
    check(
        &output,
        expect![[r#"
            status 6
            --- stdout
            M2M OAuth Client (m2m)
            CLIENT ID                         TITLE    CREATED AT
            [client-id]  Nightly  2026-11-23T10:00:00Z

            SPA OAuth Client (spa)
            none
            --- stderr
            error: token: the sandbox failed (503): Service Unavailable
            hint: nothing was changed; try again later
        "#]],
    );
    carto.sandbox("credentials list tokens --json").fault("status=503,path=/v3/tokens").fails(6);
}

#[test]
fn a_sandbox_that_doesnt_answer() {
    let carto = Carto::new();
    let slow = |line: &str| carto.sandbox(&format!("{line} --timeout 1s")).fault("latency=10s");
    check(
        &slow("credentials list tokens").fails(6),
        expect![[r#"
            status 6
            --- stderr
            error: the connection to the sandbox failed: no whole answer within 1s
            hint: nothing was changed; try again
        "#]],
    );
    check(
        &slow(CREATE).fails(8),
        expect![[r#"
            status 8
            --- stderr
            error: the connection to the sandbox failed: no whole answer within 1s; it isn't known whether the change was made
            hint: look before you repeat it: `carto credentials get token demo` finds it if it was made
        "#]],
    );
}

/// An answer that grants more than was asked is said loudly.
#[test]
fn what_came_back_wider_is_an_error() {
    let carto = Carto::new();
    let server = Wire::json(
        "200 OK",
        r#"{"id": "tok_1", "token": "x", "grants": [{"connection_name": "dw", "source": "*"}], "allowed_apis": ["sql", "maps"]}"#,
    );
    check(
        &server.run(&carto, CREATE).fails(1),
        expect![[r#"
        status 1
        --- stderr
        error: the token `tok_1` exists, but the service gave it more than was asked: the grant `dw,*`, the API `maps`
        hint: delete it: `carto credentials delete token tok_1`
    "#]],
    );
}

/// The sandbox decides by itself too: what the kinds refuse, it refuses again.
#[test]
fn bad_switches_are_explained() {
    let carto = Carto::new();
    check(
        &carto.sandbox("credentials list").env("CARTO_SANDBOX_FAULT", "staus=500").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: `CARTO_SANDBOX_FAULT`: unknown switch `staus`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and `times`; `clock` stands alone
            hint: mend the variable, or unset it for no faults
        "#]],
    );
}

/// What `--debug` says holds no secret.
#[test]
fn debug_shows_requests_and_no_secret() {
    let carto = Carto::new();
    let token = carto.created(CREATE, "token");
    let output = carto.sandbox(&format!("--debug credentials get token {token} --reveal --field name")).ok();
    assert!(!output.stderr.contains(&token), "{output}");
    check(
        &output,
        expect![[r#"
            status 0
            --- stdout
            demo
            --- stderr
            debug: opening token (`[home]/kinds/libcarto_kind_token.so`, sha256 [hash]…) in process [id]: confined (the default)
            debug: GET /v3/tokens/… → 200 OK in [n] ms
        "#]],
    );
}

/// A service that echoes what it was sent must not lead the bearer into a message, a record or a kind.
#[test]
fn an_echoed_bearer_is_hidden() {
    let carto = Carto::new();
    let bearer = "canary-opaque-bearer";
    for status in [
        "200 OK",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "409 Conflict",
        "422 Unprocessable",
        "500 Internal Server Error",
    ] {
        let echo = format!(
            r#"{{"error": "bad {bearer}", "description": "{bearer}", "tokens": [{{"id": "tok_1", "name": "{bearer}"}}], "id": "tok_1", "name": "{bearer}", "token": "x"}}"#
        );
        let server = Wire::json(status, &echo);
        for line in [
            "list tokens",
            "get token tok_1",
            "get token tok_1 --json --reveal",
            "delete token tok_1 -y",
            "create token --grant a,b.c --apis sql",
            "create m2m --title x",
        ] {
            let output = carto
                .run(&format!("--debug credentials {line}"))
                .env("CARTO_BASE_URL", server.url())
                .env("CARTO_API_TOKEN", bearer)
                .output();
            assert!(!output.stdout.contains(bearer) && !output.stderr.contains(bearer), "{status}, {line}: {output}");
        }
    }
}

#[test]
fn a_bad_record_hides_no_other() {
    let carto = Carto::new();
    let server =
        Wire::json("200 OK", r#"{"tokens": [{"name": "nameless"}, {"id": 7}, {"id": "tok_2", "name": "good"}]}"#);
    check(
        &server.run(&carto, "credentials list tokens").output(),
        expect![[r#"
            status 0
            --- stdout
            ID     NAME  GRANTS  ALLOWED APIS  EXPIRATION DATE
            tok_2  good  -       -             -
            --- stderr
            warning: token: the service lists a token that can't be read: it is left out
            warning: token: the service lists a token that can't be read: it is left out
        "#]],
    );
}

#[test]
fn a_timeout_of_any_length_is_one() {
    let carto = Carto::new();
    carto.sandbox("--timeout 2562047788015215h credentials list").ok();
}

#[test]
fn what_comes_with_a_deletion_says_nothing() {
    let carto = Carto::new();
    let server = Wire::start(vec![Act::with("200 OK", &[("content-type", "text/plain")], "OK")]);
    server.run(&carto, "credentials delete token tok_1 -y").ok();
}

/// A sign-in page in front of the service isn't the service.
#[test]
fn a_page_is_no_deletion() {
    let carto = Carto::new();
    for answer in [
        Act::with("200 OK", &[("content-type", "text/html")], "<title>Sign in</title>"),
        Act::json("200 OK", r#"{"error": "nope"}"#),
        Act::json("200 OK", r#"{"error": {"code": 7, "message": "in use"}}"#),
        Act::json("200 OK", r#"{"errors": ["in use"]}"#),
        Act::json("200 OK", r#"{"success": false}"#),
        Act::json("200 OK", r#"{"title": "Forbidden", "status": 403}"#),
    ] {
        let server = Wire::start(vec![answer]);
        let output = server.run(&carto, "credentials delete token tok_1 -y").fails(8);
        assert!(output.stderr.contains("`carto credentials get token tok_1`"), "{output}");
    }
}

#[test]
fn what_a_service_says_of_a_deletion_that_it_made_is_no_failure() {
    let carto = Carto::new();
    for body in [
        "",
        "{}",
        r#"{"deleted": true, "error": null, "errors": []}"#,
        r#"{"status": "deleted"}"#,
        r#"{"status": 200}"#,
    ] {
        let server = Wire::json("200 OK", body);
        server.run(&carto, "credentials delete token tok_1 -y").ok();
    }
}
