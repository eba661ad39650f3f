//! The secret of a kind's own service: where it goes, and that it shows nowhere, whatever the service, the kind or the network does.

use expect_test::expect;

use crate::support::output::check;
use crate::support::robot::{BEARER, IN_QUERY, Robot, SECRET, VARIABLE, asked, fine, is_clean, run, with};
use crate::support::wire::{Act, Wire};

#[test]
fn the_secret_goes_where_the_manifest_says_and_no_bearer_with_it() {
    let mut report = String::new();
    for auth in ["bearer", "header:X-Robot-Key", "header:Prefer", "query:key", "none"] {
        let service = Wire::start(vec![fine()]);
        let carto = with(&Robot::at(format!("{}/v1/", service.url())).auth(auth));
        // Nothing of CARTO's is there, or all of it is.
        run(&carto, "credentials get robot a/b").ok();
        let proxy = Wire::start(vec![fine()]);
        run(&carto, "--profile nobody --base-url http://nowhere credentials get robot a/b")
            .env("CARTO_API_TOKEN", BEARER)
            .env("HTTP_PROXY", proxy.url())
            .env("ALL_PROXY", proxy.url())
            .ok();
        assert_eq!(proxy.connections(), 0);
        let requests = service.requests();
        assert_eq!(requests.len(), 2);
        assert!(!requests[1].contains("canary-bearer"), "{}", requests[1]);
        assert_eq!(asked(&requests[0]), asked(&requests[1]));
        report.push_str(&format!("{auth}: {}", asked(&requests[0])));
    }
    expect![[r#"
        bearer: GET /v1/robots/a%2Fb?with=parts HTTP/1.1
        authorization: Bearer canary/k3y+of="robots"\
        header:X-Robot-Key: GET /v1/robots/a%2Fb?with=parts HTTP/1.1
        x-robot-key: canary/k3y+of="robots"\
        header:Prefer: GET /v1/robots/a%2Fb?with=parts HTTP/1.1
        prefer: canary/k3y+of="robots"\
        query:key: GET /v1/robots/a%2Fb?with=parts&key=canary%2Fk3y%2Bof%3D%22robots%22%5C HTTP/1.1
        none: GET /v1/robots/a%2Fb?with=parts HTTP/1.1
    "#]]
    .assert_eq(&report);
}

#[test]
fn a_secret_that_is_missing_or_cant_be_sent_is_named_by_its_variable() {
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()));
    check(
        &carto.run("credentials delete robot r_1").env("CARTO_API_TOKEN", BEARER).fails(4),
        expect![[r#"
        status 4
        --- stderr
        error: the kind `robot` needs a secret for `127.0.0.1:[port]`, and `CARTO_KIND_ROBOT_SECRET` isn't set
        hint: set `CARTO_KIND_ROBOT_SECRET` to the secret that the service gave you
    "#]],
    );
    for (auth, secret) in [
        ("header:X-Robot-Key", " canary"),
        ("header:X-Robot-Key", "canary\r\nx: y"),
        ("header:X-Robot-Key", "canary-ü"),
        ("bearer", "canary two"),
        ("query:key", "canary\n"),
    ] {
        Robot::at(service.url()).auth(auth).install(&carto);
        let output = carto.run("credentials get robot r_1").env(VARIABLE, secret).fails(2);
        is_clean(&carto, &output);
        assert!(output.stderr.contains(&format!("the secret from `{VARIABLE}` holds white space")), "{output}");
    }
    assert_eq!(service.connections(), 0);
    Robot::at(service.url()).install(&carto);
    carto.run("credentials get robot r_1").env(VARIABLE, "Robot canary").ok();
    Robot::at(service.url()).auth("none").install(&carto);
    carto.run("credentials get robot r_1").ok();
}

/// A service that sends back what it was sent, wherever it can.
#[test]
fn a_secret_that_comes_back_goes_no_further() {
    let json = serde_json::to_string(SECRET).unwrap();
    let inside = serde_json::to_string(&format!("{{\"key\":{json}}}")).unwrap();
    let slashes = json.replace('/', r"\/");
    let answer = format!(
        r#"{{"error": {inside}, "description": "no ?key={IN_QUERY}& here", "name": {json}, {json}: [{slashes}, {inside}]}}"#
    );
    let mut acts = Vec::new();
    for status in [
        "200 OK",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "429 Too Many Requests",
        "500 Internal Server Error",
    ] {
        let headers = [("content-type", "application/json"), ("x-echo", SECRET), ("etag", IN_QUERY)];
        acts.push(Act::with(status, &headers, &answer));
        acts.push(Act::with(status, &[("content-type", "text/plain"), ("x-echo", SECRET)], SECRET));
    }
    acts.push(Act::with("200 OK", &[("content-type", SECRET)], SECRET));
    for location in [&format!("https://evil.example.com/?key={IN_QUERY}"), &format!("/robots/x?key={IN_QUERY}"), SECRET]
    {
        acts.push(Act::with("302 Found", &[("location", location)], SECRET));
    }
    let lines = [
        ("--debug credentials get robot r_1 --reveal", "get:own"),
        ("--debug credentials get robot r_1 -o json --reveal", "get:own"),
        ("--debug --json credentials create robot", "create:own"),
        ("--debug credentials list", "list:own"),
    ];
    for (nth, act) in acts.iter().enumerate() {
        for (more, auth) in ["bearer", "header:X-Robot-Key", "query:key"].into_iter().enumerate() {
            let (line, mode) = lines[(nth + more) % lines.len()];
            let service = Wire::start(vec![act.clone()]);
            let carto = with(&Robot::at(service.url()).auth(auth).mode(mode));
            let output = run(&carto, line).output();
            assert!(!service.requests().is_empty(), "{output}");
            is_clean(&carto, &output);
        }
    }
}

#[test]
fn a_refused_secret_is_the_services_and_not_the_accounts() {
    let mut report = String::new();
    for auth in ["bearer", "query:key", "none"] {
        let service = Wire::json("401 Unauthorized", r#"{"error": "who are you?"}"#);
        let carto = with(&Robot::at(service.url()).auth(auth));
        report.push_str(&format!("{auth}: {}", run(&carto, "credentials get robot r_1").fails(4)));
    }
    // What else is said of an address leads to the setting.
    for act in [
        Act::json("501 Not Implemented", ""),
        Act::with("302 Found", &[("location", "https://evil.example.com/x")], ""),
        Act::with("200 OK", &[("content-type", "text/html")], "<html>"),
    ] {
        let service = Wire::start(vec![act]);
        let carto = with(&Robot::at(service.url()));
        report.push_str(&run(&carto, "credentials get robot r_1").output().to_string());
    }
    expect![[r#"
        bearer: status 4
        --- stderr
        error: `127.0.0.1:[port]` doesn't accept the secret from `CARTO_KIND_ROBOT_SECRET`: who are you?
        hint: see that it is still valid, and that it belongs to this address
        query:key: status 4
        --- stderr
        error: `127.0.0.1:[port]` doesn't accept the secret from `CARTO_KIND_ROBOT_SECRET`: who are you?
        hint: see that it is still valid, and that it belongs to this address
        none: status 4
        --- stderr
        error: `127.0.0.1:[port]` wants to know who asks, and the kind `robot` says that it needs no secret: who are you?
        hint: report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
        status 6
        --- stderr
        error: `127.0.0.1:[port]` failed (501)
        hint: nothing was changed; look at the base URL (`fleet` in `[approved.robot]` of the settings)
        status 1
        --- stderr
        error: `127.0.0.1:[port]` redirects GET /robots/r_1 to another origin, `https://evil.example.com` (302), which isn't followed
        hint: give the address of the API itself as base URL (`fleet` in `[approved.robot]` of the settings)
        status 1
        --- stderr
        error: `127.0.0.1:[port]` answered GET /robots/r_1 with text/html that isn't JSON
        hint: the base URL (`fleet` in `[approved.robot]` of the settings) may lead somewhere else
    "#]].assert_eq(&report);
}

#[test]
fn a_dry_run_shows_where_a_secret_would_stand() {
    let mut report = String::new();
    for auth in ["bearer", "header:X-Robot-Key", "query:key", "none"] {
        let service = Wire::start(vec![fine()]);
        let carto = with(&Robot::at(format!("{}/v1", service.url())).auth(auth).mode("create:own"));
        let output = run(&carto, "--dry-run --debug credentials create robot").ok();
        is_clean(&carto, &output);
        report.push_str(&output.stdout);
        assert!(
            output.stderr.ends_with(&format!(
                "Not sent to `{}/v1`: this was a dry run, and nothing was changed.\n",
                service.url()
            )),
            "{output}"
        );
        let output = run(&carto, "--dry-run credentials create robot -o jsonl").ok();
        is_clean(&carto, &output);
        assert_eq!(output.json()["dry_run"]["base_url"], format!("{}/v1", service.url()));
        assert_eq!(service.connections(), 0);
    }
    expect![[r#"
        POST /robots
        authorization: Bearer [hidden]

        {
          "name": "R2"
        }
        POST /robots
        X-Robot-Key: [hidden]

        {
          "name": "R2"
        }
        POST /robots?key=[hidden]

        {
          "name": "R2"
        }
        POST /robots

        {
          "name": "R2"
        }
    "#]]
    .assert_eq(&report);
}

#[test]
fn a_redirect_takes_the_secret_nowhere_else() {
    for auth in ["bearer", "header:X-Robot-Key", "query:key"] {
        let elsewhere = Wire::start(vec![fine()]);
        let location = format!("{}/robots/r_1?key={IN_QUERY}", elsewhere.url());
        let service = Wire::start(vec![Act::with("307 Temporary Redirect", &[("location", &location)], "")]);
        let carto = with(&Robot::at(service.url()).auth(auth));
        let output = run(&carto, "--debug credentials get robot r_1").fails(1);
        is_clean(&carto, &output);
        assert!(output.stderr.contains("to another origin"), "{output}");
        assert_eq!((service.requests().len(), elsewhere.connections()), (1, 0));
        // Within the origin it is the host that authorises again, whatever the service makes of it.
        for location in [&format!("/moved?key={IN_QUERY}&a=b"), "/moved?a=b", "/moved?Key=other&a=b"] {
            let service = Wire::start(vec![Act::with("307 Temporary Redirect", &[("location", location)], ""), fine()]);
            let carto = with(&Robot::at(service.url()).auth(auth));
            is_clean(&carto, &run(&carto, "--debug credentials get robot r_1").ok());
            let requests = service.requests();
            let again = asked(&requests[1]);
            assert_eq!(
                again.lines().skip(1).collect::<Vec<_>>(),
                asked(&requests[0]).lines().skip(1).collect::<Vec<_>>()
            );
            match auth {
                "query:key" => {
                    assert!(again.starts_with(&format!("GET /moved?a=b&key={IN_QUERY} HTTP/1.1")), "{again}")
                }
                _ => assert!(again.starts_with("GET /moved?"), "{again}"),
            }
        }
    }
}

#[test]
fn a_kind_that_authorises_itself_breaks_the_contract() {
    let mut report = String::new();
    for (auth, mode) in [
        ("header:X-Robot-Key", "get:own-header"),
        ("bearer", "get:own-bearer"),
        ("query:key", "get:own-query"),
        // Where the service has another way, the header is still the host's.
        ("none", "get:own-header"),
        ("query:key", "get:own-bearer"),
    ] {
        let service = Wire::start(vec![fine()]);
        let carto = with(&Robot::at(service.url()).auth(auth).mode(mode));
        let output = run(&carto, "credentials get robot r_1").fails(7);
        assert_eq!(service.connections(), 0);
        report.push_str(&format!("{auth}: {output}"));
    }
    expect![[r#"
        header:X-Robot-Key: status 7
        --- stderr
        error: the kind `robot` broke the contract in `get`: it set what authorises its service `fleet` (`header:X-Robot-Key`), which only the host does
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
        bearer: status 7
        --- stderr
        error: the kind `robot` broke the contract in `get`: it set what authorises its service `fleet` (`bearer`), which only the host does
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
        query:key: status 7
        --- stderr
        error: the kind `robot` broke the contract in `get`: it set what authorises its service `fleet` (`query:key`), which only the host does
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
        none: status 7
        --- stderr
        error: the kind `robot` broke the contract in `get`: it set the header `x-robot-key`, which isn't a kind's to set
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
        query:key: status 7
        --- stderr
        error: the kind `robot` broke the contract in `get`: it set the header `authorization`, which isn't a kind's to set
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
    "#]].assert_eq(&report);
    // A pair of that name is nothing where the secret is elsewhere.
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()).mode("get:own-query"));
    run(&carto, "credentials get robot r_1").ok();
}
