//! Kinds with a service of their own: what has to be approved, where the secret goes and where it never shows, and that such a kind needs no
//! CARTO. The library is the fixture `strange` with another manifest; the service is a real server, which keeps what it was sent.

use std::path::Path;

use expect_test::expect;

use crate::support::output::check;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run, library};

/// Opaque, so that nothing but its being hidden keeps it from showing; and spelled differently in a query, in JSON and in a text.
const SECRET: &str = r#"canary/k3y+of="robots"\"#;
const IN_QUERY: &str = "canary%2Fk3y%2Bof%3D%22robots%22%5C";
const BEARER: &str = "canary-bearer-0a1b2c3d";
const VARIABLE: &str = "CARTO_KIND_ROBOT_SECRET";

/// A manifest with a service `fleet` of its own, which each verb asks for its own, and `get` may ask the account's too.
fn manifest(name: &str, base_url: &str, auth: &str, get: &str) -> String {
    format!(
        r#"
schema = "1.0"
abi = 1
name = "{name}"
plural = "{name}s"
title = "Robot"
about = "Moves by itself"
vendor = "the tests"
[services.api]
[services.fleet]
base_url = "{base_url}"
auth = "{auth}"
[record]
fields = ["id", "name", "key"]
id = "id"
label = "name"
secrets = ["key"]
columns = ["id", "name"]
env = {{ key = "ROBOT_KEY" }}
[verbs.list]
calls = ["fleet GET /robots"]
[verbs.get]
calls = [{get}"fleet GET /robots/{{}}"]
[verbs.create]
calls = ["fleet POST /robots"]
[[verbs.create.args]]
name = "program"
type = "file"
help = "What it does"
[verbs.delete]
calls = ["fleet DELETE /robots/{{}}"]
"#
    )
}

/// A kind with a service of its own, and what a test says about it.
struct Robot {
    name: &'static str,
    base_url: String,
    auth: &'static str,
    get: &'static str,
    mode: &'static str,
}

impl Robot {
    fn at(base_url: impl Into<String>) -> Robot {
        Robot { name: "robot", base_url: base_url.into(), auth: "header:X-Robot-Key", get: "", mode: "get:own" }
    }

    fn auth(self, auth: &'static str) -> Robot {
        Robot { auth, ..self }
    }

    fn mode(self, mode: &'static str) -> Robot {
        Robot { mode, ..self }
    }

    fn install(&self, carto: &Carto) {
        let text = manifest(self.name, &self.base_url, self.auth, self.get);
        let mut bytes = library::with_manifest("strange", text.as_bytes());
        library::set_mode(&mut bytes, self.mode);
        std::fs::write(carto.kinds().join(library::file_name(self.name)), bytes).unwrap();
    }
}

fn approve(carto: &Carto, url: &str) {
    let settings = format!("[network]\nbackoff = \"1ms\"\n[approved.robot]\nfleet = \"{url}\"\n");
    carto.write(".config/carto/config.toml", &settings);
}

/// An empty home with this kind, approved where its manifest says it is.
fn with(robot: &Robot) -> Carto {
    let carto = Carto::without_kinds();
    robot.install(&carto);
    approve(&carto, &robot.base_url);
    carto
}

fn run(carto: &Carto, line: &str) -> Run {
    carto.run(line).env(VARIABLE, SECRET)
}

/// The answer of a service that has nothing to hide.
fn fine() -> Act {
    Act::json("200 OK", r#"{"id": "r_1", "name": "R2"}"#)
}

/// Neither the secret nor the bearer is in what a command wrote, in any spelling, or in a file of the home.
fn is_clean(carto: &Carto, output: &Output) {
    let text = format!("{}{}", output.stdout, output.stderr);
    for canary in ["canary", "k3y", "0a1b2c3d"] {
        assert!(!text.contains(canary), "{output}");
    }
    nothing_is_left_in_files(carto.home());
}

fn nothing_is_left_in_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            nothing_is_left_in_files(&path);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("canary"), "{}", path.display());
        }
    }
}

/// The request line, and the headers that could say who asks.
fn asked(request: &str) -> String {
    let lines: Vec<&str> = request.lines().collect();
    let who = ["authorization", "x-robot-key", "cookie", "prefer"];
    let told = lines[1..].iter().filter(|line| who.iter().any(|name| line.to_lowercase().starts_with(name)));
    [lines[0]].iter().chain(told).map(|line| format!("{line}\n")).collect()
}

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

/// Without a file of settings, a secret or anything of CARTO's.
#[test]
fn what_isnt_approved_is_refused_before_anything_else() {
    let service = Wire::start(vec![fine()]);
    let carto = Carto::without_kinds();
    Robot::at("https://robots.example.com/v1").install(&carto);
    std::fs::remove_file(carto.home().join(".config/carto/config.toml")).unwrap();
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        "#]],
    );
    for line in [
        "credentials list robots",
        // No question, though nobody could answer it.
        "credentials delete robot r_1",
        // No file is read, and none is made.
        "credentials create robot --program nowhere",
        "credentials create robot --env-file .env",
        "--dry-run credentials create robot",
    ] {
        let output = run(&carto, line).fails(4);
        assert!(output.stderr.contains("which isn't approved"), "{output}");
        assert!(!carto.home().join(".env").exists());
    }
    assert_eq!(run(&carto, "credentials list robots --json").fails(4).error()["code"], "forbidden");
    // What the hint says is what it takes.
    let hint = run(&carto, "credentials get robot r_1").fails(4).stderr;
    let lines: Vec<&str> = hint.split('`').filter(|part| part.starts_with('[') || part.contains(" = ")).collect();
    carto.write(
        ".config/carto/config.toml",
        &format!("{}\n", lines.join("\n")).replace("https://robots.example.com", &service.url()),
    );
    run(&carto, "credentials get robot r_1").ok();
    assert!(service.requests()[0].starts_with("GET /v1/robots/r_1"));
    // Another service of the kind is approved, or another kind's.
    carto.write(".config/carto/config.toml", "[approved.robot]\nother = \"https://robots.example.com\"\n");
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the line `fleet = "https://robots.example.com/v1"` below `[approved.robot]` in `[home]/.config/carto/config.toml`
        "#]],
    );
    carto.write(".config/carto/config.toml", "[approved.robots]\nfleet = \"https://robots.example.com\"\n");
    run(&carto, "credentials get robot r_1").fails(4);
    // An address that could never be approved isn't offered.
    Robot::at("http://robots.example.com/\\\"\\\\x").install(&carto);
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
        status 4
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: its manifest says that it is at `http://robots.example.com/"\x`, which can't be approved: report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
    "#]],
    );
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

#[test]
fn requests_go_where_it_was_approved_whatever_the_manifest_says() {
    let (approved, declared) = (Wire::start(vec![fine()]), Wire::start(vec![fine()]));
    let carto = Carto::without_kinds();
    Robot::at(declared.url()).install(&carto);
    approve(&carto, &approved.url());
    let output = run(&carto, "--debug credentials get robot r_1").ok();
    assert_eq!((approved.requests().len(), declared.connections()), (1, 0));
    is_clean(&carto, &output);
    let says = format!(
        "debug: the service `fleet` of the kind `robot` is asked at `{}`, as approved, and not at `{}`, as its manifest says\n",
        approved.url(),
        declared.url()
    );
    assert!(output.stderr.contains(&says), "{output}");
    // The same address, written otherwise.
    approve(&carto, &format!("{}/", declared.url()));
    let output = run(&carto, "--debug credentials get robot r_1").ok();
    assert!(!output.stderr.contains("as approved"), "{output}");
}

#[test]
fn an_approved_address_is_https_or_this_machine() {
    let carto = Carto::without_kinds();
    Robot::at("https://robots.example.com").install(&carto);
    let mut report = String::new();
    for url in [
        "http://robots.example.com",
        "http://127.0.0.1.evil.com",
        "robots.example.com",
        "https://u:canary@robots.example.com",
        "https://robots.example.com?key=canary",
    ] {
        approve(&carto, url);
        let output = run(&carto, "credentials get robot r_1").fails(2);
        report.push_str(&output.to_string());
    }
    expect![[r#"
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't https: `http://robots.example.com`; a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't https: `http://127.0.0.1.evil.com`; a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't an address: `robots.example.com`; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service holds a user name or a password; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service has a query or a fragment; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
    "#]].assert_eq(&report);
    // Whom nobody knows may be approved.
    let settings =
        "[approved.nobody]\nx = \"https://x.example.com\"\n[approved.robot]\ny = \"https://y.example.com\"\n";
    carto.write(".config/carto/config.toml", settings);
    run(&carto, "credentials get robot r_1").fails(4);
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
        hint: look that it is still valid, and that it belongs to this address
        query:key: status 4
        --- stderr
        error: `127.0.0.1:[port]` doesn't accept the secret from `CARTO_KIND_ROBOT_SECRET`: who are you?
        hint: look that it is still valid, and that it belongs to this address
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

#[test]
fn each_of_two_services_gets_what_is_for_it() {
    let (service, account) = (Wire::start(vec![fine()]), Wire::json("200 OK", r#"{"tokens": []}"#));
    let both = Robot { get: r#""api GET /v3/tokens", "#, ..Robot::at(service.url()).mode("get:own-and-account") };
    let carto = with(&both);
    let line = "--debug credentials get robot r_1";
    let output = run(&carto, line).env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).ok();
    is_clean(&carto, &output);
    assert_eq!(asked(&service.requests()[0]), format!("GET /robots/r_1?with=parts HTTP/1.1\nx-robot-key: {SECRET}\n"));
    assert_eq!(asked(&account.requests()[0]), format!("GET /v3/tokens HTTP/1.1\nauthorization: Bearer {BEARER}\n"));
    // Without either of them nothing is sent to the other.
    let output = run(&carto, line).fails(4);
    assert!(output.stderr.contains("error: not signed in"), "{output}");
    let output = carto.run(line).env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).fails(4);
    assert!(output.stderr.contains(VARIABLE), "{output}");
    assert_eq!((service.requests().len(), account.requests().len()), (1, 1));
    // The other verbs of the kind need no account.
    run(&carto, "credentials list robots").ok();
}

#[test]
fn what_belongs_to_the_account_isnt_even_read() {
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()));
    carto.write(".carto_credentials.json", "broken");
    for line in [
        "credentials list robots",
        "credentials get robot r_1",
        "--token 'two words' credentials get robot r_1",
        "--profile nobody credentials list",
        // Standard input is left to whoever needs it.
        "--token - credentials get robot -",
    ] {
        run(&carto, line).env("CARTO_BASE_URL", "nonsense").env("CARTO_API_TOKEN", "two words").stdin("r_1\n").ok();
    }
    assert_eq!(service.requests().len(), 3);
    assert!(service.requests().iter().all(|request| !request.contains("two") && request.contains(SECRET)));
}

#[test]
fn a_list_of_all_kinds_shows_those_that_can_be_asked() {
    let service = Wire::start(vec![fine()]);
    let account = Wire::json("200 OK", r#"{"tokens": [{"id": "tok_1", "name": "demo"}]}"#);
    let carto = with(&Robot::at(service.url()).mode("list:own"));
    Robot { name: "drone", ..Robot::at("https://drones.example.com") }.install(&carto);
    Robot { name: "old-ship", ..Robot::at("https://ships.example.com") }.install(&carto);
    carto.install("token");
    let settings = std::fs::read_to_string(carto.home().join(".config/carto/config.toml")).unwrap();
    carto
        .write(".config/carto/config.toml", &format!("{settings}[approved.old-ship]\nfleet = \"{}\"\n", service.url()));
    let signed_in = |run: Run| run.env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER);
    check(
        &signed_in(run(&carto, "credentials list")).output(),
        expect![[r#"
            status 4
            --- stdout
            Robot (robots)
            ID  NAME
            s1  strange

            API Access Token (tokens)
            ID     NAME  GRANTS  ALLOWED APIS  EXPIRATION DATE
            tok_1  demo  -       -             -
            --- stderr
            error: drone: the kind `drone` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the two lines `[approved.drone]` and `fleet = "https://drones.example.com"` to `[home]/.config/carto/config.toml`
            error: old-ship: the kind `old-ship` needs a secret for `127.0.0.1:[port]`, and `CARTO_KIND_OLD_SHIP_SECRET` isn't set
            hint: set `CARTO_KIND_OLD_SHIP_SECRET` to the secret that the service gave you
        "#]],
    );
    // Not signed in, with a secret: what needs no account is still there.
    let output = run(&carto, "credentials list --json").output();
    is_clean(&carto, &output);
    check(
        &output,
        expect![[r#"
            status 4
            --- stdout
            {
              "robots": [
                {
                  "id": "s1",
                  "name": "strange",
                  "key": null
                }
              ],
              "errors": [
                {
                  "kind": "drone",
                  "code": "forbidden",
                  "message": "the kind `drone` asks a service of its own, `fleet`, which isn't approved",
                  "hint": "if you trust it, add the two lines `[approved.drone]` and `fleet = \"https://drones.example.com\"` to `[home]/.config/carto/config.toml`"
                },
                {
                  "kind": "old-ship",
                  "code": "not_signed_in",
                  "message": "the kind `old-ship` needs a secret for `127.0.0.1:[port]`, and `CARTO_KIND_OLD_SHIP_SECRET` isn't set",
                  "hint": "set `CARTO_KIND_OLD_SHIP_SECRET` to the secret that the service gave you"
                },
                {
                  "kind": "token",
                  "code": "not_signed_in",
                  "message": "not signed in",
                  "hint": "set `CARTO_API_TOKEN` and `CARTO_BASE_URL`, or sign in with CARTO's own command line, whose `~/.carto_credentials.json` is read; or add `--sandbox` to try it without an account"
                }
              ]
            }
        "#]],
    );
    // Neither.
    let output = carto.run("credentials list --json").output();
    let json = output.json();
    let codes: Vec<_> =
        json["errors"].as_array().unwrap().iter().map(|error| format!("{} {}", error["kind"], error["code"])).collect();
    expect![[r#"
        "drone" "forbidden"
        "old-ship" "not_signed_in"
        "robot" "not_signed_in"
        "token" "not_signed_in""#]]
    .assert_eq(&codes.join("\n"));
    assert_eq!(output.status, 4);
    // A list of one of them is its failure.
    run(&carto, "credentials list drones").fails(4);
    run(&carto, "credentials list robots").ok();
    assert!(account.requests().iter().all(|request| !request.contains("canary/")));
    assert!(service.requests().iter().all(|request| !request.contains(BEARER)));
}

#[test]
fn the_sandbox_has_no_double_of_it() {
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()).mode("list:own"));
    check(
        &run(&carto, "--sandbox credentials list robots").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, of which the sandbox has no double
        hint: leave `--sandbox` out, or unset `CARTO_SANDBOX`, to ask the service itself
    "#]],
    );
    for line in ["credentials get robot r_1", "credentials delete robot r_1", "--dry-run credentials create robot"] {
        let output = run(&carto, line).env("CARTO_SANDBOX", "1").fails(2);
        assert!(output.stderr.contains("the sandbox has no double"), "{output}");
    }
    carto.install("token");
    check(
        &run(&carto, "credentials list --json").env("CARTO_SANDBOX", "1").output(),
        expect![[r#"
        status 2
        --- stdout
        {
          "tokens": [],
          "errors": [
            {
              "kind": "robot",
              "code": "usage",
              "message": "the kind `robot` asks a service of its own, `fleet`, of which the sandbox has no double",
              "hint": "leave `--sandbox` out, or unset `CARTO_SANDBOX`, to ask the service itself"
            }
          ]
        }
    "#]],
    );
    // What contradicts itself does so for every kind.
    let output = run(&carto, "--sandbox --profile x credentials list robots").fails(2);
    assert!(output.stderr.contains("`--profile` can't stand beside `--sandbox`"), "{output}");
    assert_eq!(service.connections(), 0);
}

#[test]
fn the_rules_of_the_network_are_the_same() {
    // Reads are tried again, writes are not.
    let service = Wire::start(vec![Act::json("503 Service Unavailable", "{}"), fine()]);
    run(&with(&Robot::at(service.url())), "credentials get robot r_1").ok();
    assert_eq!(service.requests().len(), 2);
    let service = Wire::start(vec![Act::json("503 Service Unavailable", "{}"), fine()]);
    let output = run(&with(&Robot::at(service.url()).mode("create:own")), "credentials create robot").fails(8);
    assert_eq!(service.requests().len(), 1);
    assert!(output.stderr.contains("hint: look before you repeat it: `carto credentials list robots`"), "{output}");
    // The command has one deadline, whatever it asks.
    let (service, account) = (Wire::start(vec![Act::Silence]), Wire::json("200 OK", r#"{"tokens": []}"#));
    let both = Robot { get: r#""api GET /v3/tokens", "#, ..Robot::at(service.url()).mode("get:own-and-account") };
    let carto = with(&both);
    let late = run(&carto, "--timeout 3s credentials get robot r_1");
    let output = late.env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).fails(6);
    assert!(output.stderr.contains("no whole answer within 3s"), "{output}");
}
