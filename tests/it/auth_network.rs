//! How often the requests of signing in are sent, and how long they are waited for: as those of kinds are.

use std::collections::BTreeSet;
use std::sync::Mutex;

use expect_test::expect;

use crate::support::Carto;
use crate::support::authority::Authority;
use crate::support::cloud::{Cloud, SECRET};
use crate::support::login::{Login, free_port};
use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::wire::{Act, Wire};

/// A cloud that does this when something is asked for the first time.
fn hesitant(act: Act) -> Cloud {
    let seen = Mutex::new(BTreeSet::new());
    Cloud::otherwise(&[86400], move |path, _| {
        let is_form = path.starts_with("/oauth/");
        (!is_form && seen.lock().unwrap().insert(path.to_owned())).then(|| act.clone())
    })
}

/// A cloud that always does this at one path.
fn failing(at: &'static str, act: Act) -> Cloud {
    Cloud::otherwise(&[86400], move |path, _| (path == at).then(|| act.clone()))
}

fn status(status: &str) -> Act {
    Act::with(status, &[("content-type", "text/plain")], "not now")
}

fn limited(retry_after: &str) -> Act {
    Act::with("429 Too Many Requests", &[("retry-after", retry_after)], "")
}

#[test]
fn what_is_read_is_tried_again() {
    for act in [
        status("503 Service Unavailable"),
        Act::with("503 Service Unavailable", &[("retry-after", "0")], ""),
        limited("0"),
        limited("Sun, 06 Nov 1994 08:49:37 GMT"),
        status("408 Request Timeout"),
        Act::RawReset(Vec::new()),
        Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
    ] {
        let (carto, cloud) = (Carto::without_kinds(), hesitant(act));
        cloud.login(&carto, "p").ok();
        cloud.run(&carto, "auth whoami").ok();
        let output = cloud.run(&carto, "auth logout").env("CARTO_M2M_CLIENT_SECRET", SECRET).ok();
        assert!(!output.stderr.contains("warning"), "{output}");
        let twice = |path: &str| vec![format!("GET {path}"); 2];
        let expected = [
            vec!["POST /oauth/token".to_owned()],
            twice("/accounts"),
            twice("/config.yaml"),
            twice("/api/users/me"),
            twice("/.well-known/openid-configuration"),
            vec!["POST /oauth/revoke".to_owned()],
        ];
        assert_eq!(cloud.asked(), expected.concat());
    }
}

/// A code is worth nothing a second time: what comes after it mustn't end at a moment's trouble.
#[test]
fn a_sign_in_in_a_browser_survives_a_moment() {
    let (carto, authority) = (Carto::without_kinds(), Authority::hesitant());
    let login = Login::start(&carto, &authority, "");
    assert_eq!(login.browser(&authority.sends_back(&login.url)).status, 200);
    let output = login.ended();
    assert!(output.stderr.contains("Signed in as `ada@example.com`"), "{output}");
    let count = |line: &str| authority.asked().iter().filter(|asked| asked.starts_with(line)).count();
    assert_eq!(count("GET /.well-known/openid-configuration "), 2);
    assert_eq!(count("GET /.well-known/jwks.json "), 2);
    assert_eq!((count("POST /oauth/token "), authority.asked().len()), (1, 5));
}

#[test]
fn as_often_as_the_settings_say() {
    for (retries, expected) in [(0, 1), (2, 3), (3, 4)] {
        let (carto, cloud) = (Carto::without_kinds(), failing("/accounts", status("503 Service Unavailable")));
        carto.write(".config/carto/config.toml", &format!("[network]\nbackoff = \"1ms\"\nretries = {retries}\n"));
        let output = cloud.login(&carto, "p").fails(6);
        assert!(output.stderr.contains("failed (503): not now"), "{output}");
        assert_eq!(cloud.asked().iter().filter(|asked| *asked == "GET /accounts").count(), expected);
    }
}

/// An authority counts what it refuses, and a code or a refresh token may have been used up.
#[test]
fn a_form_is_sent_once() {
    for act in [
        status("503 Service Unavailable"),
        limited("0"),
        status("408 Request Timeout"),
        status("500 Internal Server Error"),
        Act::RawReset(Vec::new()),
    ] {
        let (carto, cloud) = (Carto::without_kinds(), failing("/oauth/token", act));
        let output = cloud.login(&carto, "p --debug").output();
        assert!(output.status == 6 && !output.stderr.contains("tried again"), "{output}");
        assert_eq!(cloud.asked(), ["POST /oauth/token"]);
    }
}

/// Where no connection came about, nothing was sent.
#[test]
fn what_wasnt_sent_is_sent_again() {
    let carto = Carto::without_kinds();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let login = |line: &str| {
        let run = carto.run(&format!("auth login p --debug {line}")).env("CARTO_AUTH_ISSUER", &nowhere);
        run.env("CARTO_M2M_CLIENT_ID", "x").env("CARTO_M2M_CLIENT_SECRET", SECRET)
    };
    for (line, shown) in
        [("--m2m", "POST /oauth/token"), ("--client-id x --no-launch-browser", "GET /.well-known/openid-configuration")]
    {
        let output = login(line).fails(6);
        let again = output.stderr.lines().filter(|line| line.contains(shown) && line.contains("is tried again in"));
        assert_eq!(again.count(), 3, "{output}");
        assert!(!output.stderr.contains(SECRET), "{output}");
    }
}

/// A wait that would end after the deadline isn't begun, and the message says how long the service wants.
#[test]
fn no_wait_is_begun_in_vain() {
    for (line, retry_after, act) in [
        ("p", "3600", "429 Too Many Requests"),
        ("p --timeout 2s", "20", "503 Service Unavailable"),
        ("p", "31", "503 Service Unavailable"),
    ] {
        let cloud = failing("/accounts", Act::with(act, &[("retry-after", retry_after)], ""));
        let carto = Carto::without_kinds();
        let output = cloud.login(&carto, line).fails(6);
        let wish = if retry_after == "3600" { "60 min".to_owned() } else { format!("{retry_after} s") };
        assert!(output.stderr.contains(&format!(", and asks to wait {wish}")), "{output}");
        assert_eq!(cloud.asked(), ["POST /oauth/token", "GET /accounts"]);
    }
    let (carto, server) = (Carto::without_kinds(), Wire::start(vec![limited("90000")]));
    check(
        &server.run(&carto, "auth whoami").fails(6),
        expect![[r#"
        status 6
        --- stderr
        error: `127.0.0.1:[port]` asks for fewer requests (429), and asks to wait 25 h
        hint: nothing was changed; try again then
    "#]],
    );
}

/// One time is for all requests of a command, and all their attempts.
#[test]
fn the_timeout_is_for_the_whole_sign_in() {
    let (carto, cloud) = (Carto::without_kinds(), failing("/config.yaml", Act::Silence));
    let output = cloud.login(&carto, "p --timeout 600ms").fails(6);
    assert!(output.stderr.contains("600ms"), "{output}");
    assert_eq!(cloud.asked().len(), 3, "{:?}", cloud.asked());
    let output = cloud.run(&carto, "auth status --field authenticated").output();
    assert_eq!(output.status, 4, "{output}");
}

/// Where the settings say that a route is elsewhere, that holds for what no kind asks, too; and so does a policy on that.
#[test]
fn whoami_goes_where_its_route_is() {
    let moved = "[services.api.paths]\n\"/users/me\" = \"/v4/people/self\"\n";
    let place = Prefix::with_policy("version = 1\nmode = \"allow-all\"\n");
    place.free.write(".config/carto/config.toml", moved);
    let server = Wire::json("200 OK", r#"{"user_id": "u1"}"#);
    let whoami = |line: &str| {
        let run = place.run(line).env("CARTO_BASE_URL", format!("{}/base", server.url()));
        run.env("CARTO_API_TOKEN", "x")
    };
    assert_eq!(whoami("auth whoami --field user_id").ok().stdout, "u1\n");
    assert!(server.requests()[0].starts_with("GET /base/v4/people/self HTTP/1.1"), "{:?}", server.requests());
    place.policy("version = 1\nmode = \"allow-all\"\nservice_paths = false\n");
    check(
        &whoami("auth whoami").fails(4),
        expect![[r#"
        status 4
        --- stderr
        error: `[services.api.paths]` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, doesn't allow other routes of the service
        hint: leave `[services.api.paths]` out, or unset it
    "#]],
    );
    assert_eq!(server.requests().len(), 1);
    // What isn't moved is asked, whatever a policy says of routes.
    place.free.write(".config/carto/config.toml", "");
    whoami("auth whoami").ok();
    assert!(server.requests()[1].starts_with("GET /base/users/me HTTP/1.1"), "{:?}", server.requests());
}

/// What an account answers with objects in it: each value has a line and a label.
#[test]
fn whoami_shows_objects_a_value_a_line() {
    let carto = Carto::without_kinds();
    let json = r#"{"user_id": "u1", "account": {"id": "ac_1", "name": "a", "tenant": {"id": "t1", "domain": "d.example"}}, "none": {}}"#;
    let server = Wire::json("200 OK", json);
    let run = carto.run("auth whoami").env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "x");
    check(
        &run.ok(),
        expect![[r#"
        status 0
        --- stdout
        user id                u1
        account id             ac_1
        account name           a
        account tenant id      t1
        account tenant domain  d.example
        none                   -
    "#]],
    );
}
