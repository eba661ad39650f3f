//! `carto auth login` in a browser, with the test as the person at it: real processes, real ports, an authority that can lie.

mod attacks;

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use url::Url;

use crate::support::authority::Authority;
use crate::support::cloud::{Cloud, SECRET};
use crate::support::login::{Login, free_port, login, said};
use crate::support::server::Served;
use crate::support::{Carto, Output, Run};

fn profiles(carto: &Carto) -> Option<Value> {
    let text = std::fs::read_to_string(carto.home().join(".carto_credentials.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The person at the sandbox's page: an answer to what it asks, and where the browser is sent.
fn decided(url: &Url, decision: &str) -> String {
    let host = format!("127.0.0.1:{}", url.port().unwrap());
    let connect = || TcpStream::connect(&host).unwrap();
    let target = &url[url::Position::BeforePath..];
    let page = said(connect(), &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert_eq!(page.status, 200, "{page:?}");
    let after = |before: &str, end: &str| {
        let found = page.text.split(before).nth(1).unwrap().split(end).next().unwrap();
        found.replace("&amp;", "&")
    };
    let cookie = after("set-cookie: ", ";");
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("request", &after("name=\"request\" value=\"", "\""))
        .append_pair("seal", &after("name=\"seal\" value=\"", "\""))
        .append_pair("decision", decision)
        .finish();
    let length = form.len();
    let sent = said(
        connect(),
        &format!(
            "POST /authorize HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        ),
    );
    assert_eq!(sent.status, 303, "{sent:?}");
    sent.text.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
}

/// What was printed, with what differs from run to run as its name.
fn settled(mut output: Output, port: u16) -> String {
    let random = regex_lite::Regex::new("(state|nonce|code_challenge)=[A-Za-z0-9_-]{43}").unwrap();
    let time = regex_lite::Regex::new("[0-9-]{10}T[0-9:]{8}Z").unwrap();
    for text in [&mut output.stdout, &mut output.stderr] {
        *text = random.replace_all(text, "$1=[random]").into_owned();
        *text = time.replace_all(text, "[time]").into_owned();
        *text = text.replace(&format!("port {port}"), "port [port]");
        *text = text.replace(&format!("127.0.0.1%3A{port}%2F"), "127.0.0.1%3A[port]%2F");
    }
    output.to_string()
}

#[test]
fn a_person_signs_in() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "--organization-name 'ACME, Inc.'");
    let port = login.port;
    let page = login.browser(&authority.sends_back(&login.url));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("You are signed in") && page.text.contains("close this page"), "{page:?}");
    let output = login.ended();
    expect![[r#"
        status 0
        --- stderr
        There is no display here: open this address in a browser that reaches this machine at port [port]:

        http://127.0.0.1:[port]/authorize?response_type=code&client_id=the-client&state=[random]&code_challenge=[random]&code_challenge_method=S256&redirect_uri=http%3A%2F%2F127.0.0.1%3A[port]%2Fcallback&scope=openid+profile+email+offline_access&nonce=[random]&audience=carto-cloud-native-api&organization=ACME%2C+Inc.

        note: if none does, use `--no-launch-browser`, and finish with `--callback`
        Signed in as `ada@example.com` at `http://127.0.0.1:[port]`, until [time]. The profile `work` is the current one.
    "#]].assert_eq(&settled(output, port));
    let file = profiles(&carto).unwrap();
    assert_eq!(file["current_profile"], "work");
    assert_eq!(file["profiles"]["work"]["user_email"], "ada@example.com");
    let secrets = authority.secrets();
    assert!(secrets.contains(&file["profiles"]["work"]["token"].as_str().unwrap().to_owned()));
    assert_eq!(
        authority.asked(),
        [
            "GET /.well-known/openid-configuration HTTP/1.1",
            "POST /oauth/token HTTP/1.1",
            "GET /.well-known/jwks.json HTTP/1.1"
        ]
    );
}

/// The next bearer is asked for there too.
#[test]
fn where_tokens_are_given_is_kept_if_it_isnt_where_cartos_are() {
    for (place, is_kept) in [("oauth/token", false), ("tenant/token", true)] {
        let (carto, authority) = (Carto::without_kinds(), Authority::start_at(place));
        let login = Login::start(&carto, &authority, "");
        login.browser(&authority.sends_back(&login.url));
        assert_eq!(login.ended().status, 0);
        assert!(authority.asked().contains(&format!("POST /{place} HTTP/1.1")));
        let kept = profiles(&carto).unwrap()["profiles"]["work"]["sign_in"]["token_endpoint"].clone();
        let elsewhere = Value::from(format!("{}{place}", authority.issuer()));
        assert_eq!(kept, if is_kept { elsewhere } else { Value::Null });
    }
}

/// One process begins, another finishes.
#[test]
fn a_sign_in_is_finished_by_another_process() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let port = free_port();
    let begun = login(&carto, &authority, port, "--no-launch-browser").ok();
    let first = Url::parse(begun.stdout.trim()).unwrap();
    let mut report = settled(begun, port);
    let second = login(&carto, &authority, port, "--no-launch-browser --json").ok();
    let begins = second.json()["expires_at"].as_str().unwrap().len();
    assert_eq!((begins, second.stderr.as_str()), ("2026-11-23T10:00:00Z".len(), ""));
    let second = Url::parse(second.json()["url"].as_str().unwrap()).unwrap();
    let back = authority.sends_back(&first);
    let finish = |back: &str| carto.run("auth login --callback -").stdin(&format!("{back}\n"));
    report.push_str(&settled(finish(&back).ok(), port));
    assert_eq!(profiles(&carto).unwrap()["current_profile"], "work");
    // What both were told is used once; several can be pending, in any order.
    report.push_str(&finish(&back).fails(4).to_string());
    let words = ["auth", "login", "other", "--callback", &authority.sends_back(&second)];
    carto.run_words(&words).ok();
    assert_eq!(profiles(&carto).unwrap()["current_profile"], "other");
    assert_eq!(std::fs::read_dir(carto.data().join("logins")).unwrap().count(), 0);
    expect![[r#"
        status 0
        --- stdout
        http://127.0.0.1:[port]/authorize?response_type=code&client_id=the-client&state=[random]&code_challenge=[random]&code_challenge_method=S256&redirect_uri=http%3A%2F%2F127.0.0.1%3A[port]%2Fcallback&scope=openid+profile+email+offline_access&nonce=[random]&audience=carto-cloud-native-api
        --- stderr
        Open it in any browser within ten minutes. Then copy the address that the browser comes to, and finish with:
          carto --base-url http://127.0.0.1:[port] auth login --callback -
        status 0
        --- stderr
        Signed in as `ada@example.com` at `http://127.0.0.1:[port]`, until [time]. The profile `work` is the current one.
        status 4
        --- stderr
        error: the sign-in that this address belongs to wasn't begun by this user on this machine, was finished already, or is too old
        hint: begin again with `carto auth login --no-launch-browser`, and what else you said the first time
    "#]].assert_eq(&report);
}

/// Several processes that finish the same sign-in at once: one gets it, and the code is sent once.
#[test]
fn a_sign_in_is_finished_by_one_process() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let begun = login(&carto, &authority, free_port(), "--no-launch-browser").ok();
    let back = authority.sends_back(&Url::parse(begun.stdout.trim()).unwrap());
    let statuses: Vec<i32> = std::thread::scope(|scope| {
        let finish = || carto.run("auth login --callback -").stdin(&back).output().status;
        let running: Vec<_> = (0..6).map(|_| scope.spawn(finish)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let count = |wanted: i32| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(0), count(4)), (1, 5), "{statuses:?}");
    assert_eq!(authority.asked().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[test]
fn what_is_remembered_is_for_nobody_else_and_not_for_long() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let begin =
        || Url::parse(login(&carto, &authority, free_port(), "--no-launch-browser").ok().stdout.trim()).unwrap();
    let (first, _) = (begin(), begin());
    let folder = carto.data().join("logins");
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let long_ago = SystemTime::now() - Duration::from_secs(601);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    }
    let output = carto.run("auth login --callback -").stdin(&authority.sends_back(&first)).fails(4);
    assert!(output.stderr.contains("was begun more than ten minutes ago"), "{output}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    assert!(!authority.asked().iter().any(|line| line.starts_with("POST")), "{:?}", authority.asked());
}

#[test]
fn an_address_that_finishes_nothing_is_refused() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let begin = || Url::parse(login(&carto, &authority, 3003, "--no-launch-browser").ok().stdout.trim()).unwrap();
    let state = |url: Url| url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let refused = format!(
        "http://127.0.0.1:3003/callback?error=access_denied&error_description=User+did+%1b%5b31mnot&state={}",
        state(begin())
    );
    let mut report = String::new();
    for (what, address) in [
        ("no address", "code".to_owned()),
        ("no query", "http://127.0.0.1:3003/callback".to_owned()),
        ("no code", "http://127.0.0.1:3003/callback?state=x".to_owned()),
        ("no state", "http://127.0.0.1:3003/callback?code=x".to_owned()),
        ("twice", "http://127.0.0.1:3003/callback?code=x&code=y&state=z".to_owned()),
        ("unknown", "http://127.0.0.1:3003/callback?code=x&state=../../lock".to_owned()),
        ("refused", refused),
    ] {
        let output = carto.run("auth login --callback -").stdin(&address).output();
        report.push_str(&format!("{what}: {output}"));
    }
    let beside = carto.run("auth login --callback http://x/?code=1&state=2 --client-id x").output();
    report.push_str(&format!("beside: {beside}"));
    expect![[r#"
        no address: status 2
        --- stderr
        error: `--callback` isn't an address
        hint: copy the whole address that the browser came to in the end; it begins like `http://127.0.0.1:[port]/callback?`, and that no page is shown there doesn't matter
        no query: status 2
        --- stderr
        error: `--callback` has no `state` in it, by which the sign-in is found
        hint: copy the whole address that the browser came to in the end; it begins like `http://127.0.0.1:[port]/callback?`, and that no page is shown there doesn't matter
        no code: status 2
        --- stderr
        error: `--callback` has neither a code nor an error in it
        hint: copy the whole address that the browser came to in the end; it begins like `http://127.0.0.1:[port]/callback?`, and that no page is shown there doesn't matter
        no state: status 2
        --- stderr
        error: `--callback` has no `state` in it, by which the sign-in is found
        hint: copy the whole address that the browser came to in the end; it begins like `http://127.0.0.1:[port]/callback?`, and that no page is shown there doesn't matter
        twice: status 2
        --- stderr
        error: `--callback` has a parameter twice, which no authority sends
        hint: copy the whole address that the browser came to in the end; it begins like `http://127.0.0.1:[port]/callback?`, and that no page is shown there doesn't matter
        unknown: status 4
        --- stderr
        error: the sign-in that this address belongs to wasn't begun by this user on this machine, was finished already, or is too old
        hint: begin again with `carto auth login --no-launch-browser`, and what else you said the first time
        refused: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`access_denied`: `User did [31mnot`)
        hint: sign in again, and allow it; or ask whoever administers the account
        beside: status 2
        --- stderr
        error: `--client-id` can't stand beside `--callback`: it was decided when the sign-in began
        hint: leave it out, or begin again with `carto auth login --client-id x --no-launch-browser`
    "#]].assert_eq(&report);
    assert!(profiles(&carto).is_none());
}

/// Whatever else comes, the wait goes on, and the right answer still counts.
#[test]
fn anybody_may_knock() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "");
    let port = login.port;
    let back = authority.sends_back(&login.url);
    let target = &back[format!("http://127.0.0.1:{port}").len()..];
    let (own, foreign) = (format!("Host: 127.0.0.1:{port}\r\n"), "Host: rebound.example.com\r\n".to_owned());
    let long = format!("X: {}\r\n", "x".repeat(100_000));
    // Connections that never say what they want, and more than are kept.
    let silent: Vec<_> = (0..40).map(|_| login.connect()).collect();
    let mut halves: Vec<_> = (0..3).map(|_| login.connect()).collect();
    for half in &mut halves {
        half.write_all(b"GET /callback HTTP/1.1\r\nHost: 127").unwrap();
    }
    let mut report = String::new();
    for (what, request) in [
        ("another path", format!("GET / HTTP/1.1\r\n{own}\r\n")),
        ("favicon", format!("GET /favicon.ico HTTP/1.1\r\n{own}\r\n")),
        ("too early", format!("GET /done HTTP/1.1\r\n{own}\r\n")),
        ("another name", format!("GET {target} HTTP/1.1\r\n{foreign}\r\n")),
        ("localhost", format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")),
        ("no name", format!("GET {target} HTTP/1.0\r\n\r\n")),
        ("POST", format!("POST {target} HTTP/1.1\r\n{own}Content-Length: 0\r\n\r\n")),
        ("HEAD", format!("HEAD {target} HTTP/1.1\r\n{own}\r\n")),
        ("a parameter twice", format!("GET {target}&code=x HTTP/1.1\r\n{own}\r\n")),
        ("no HTTP", "\x16\x03\x01\x02\r\n\r\n".to_owned()),
        ("a long head", format!("GET {target} HTTP/1.1\r\n{own}{long}\r\n")),
    ] {
        let reply = login.says(&request);
        report.push_str(&format!("{what}: {}\n", reply.status));
    }
    expect![[r#"
        another path: 404
        favicon: 404
        too early: 404
        another name: 421
        localhost: 421
        no name: 421
        POST: 405
        HEAD: 405
        a parameter twice: 400
        no HTTP: 400
        a long head: 431
    "#]]
    .assert_eq(&report);
    let page = login.browser(&back);
    assert!(page.text.contains("You are signed in"), "{page:?}");
    let output = login.ended();
    assert_eq!(output.status, 0, "{output}");
    drop((silent, halves));
}

#[test]
fn the_page_holds_nothing_and_loads_nothing() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "");
    let back = authority.sends_back(&login.url);
    let first = login.asks(&back);
    let last = login.asks(&format!("http://127.0.0.1:{}/done", login.port));
    for reply in [&first, &last] {
        assert!(authority.secrets().iter().all(|secret| !reply.text.contains(secret)), "{reply:?}");
    }
    let dated = regex_lite::Regex::new("date: .*\r\n").unwrap();
    expect![[r#"
        HTTP/1.1 200 OK
        content-type: text/html; charset=utf-8
        cache-control: no-store
        referrer-policy: no-referrer
        x-content-type-options: nosniff
        x-frame-options: DENY
        content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        connection: close
        content-length: 237

        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="color-scheme" content="light dark">
        <title>carto: You are signed in</title>
        <h1>You are signed in</h1>
        <p>You can close this page and go on in the terminal.</p>
        </html>
    "#]]
    .assert_eq(&dated.replace_all(&last.text, "").replace("\r\n", "\n"));
    assert_eq!(login.ended().status, 0);
}

#[test]
fn a_refusal_ends_the_wait() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "");
    let port = login.port;
    let state = login.url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let page = login.browser(&format!("http://127.0.0.1:{port}/callback?error=access_denied&state={state}"));
    assert!(page.text.contains("You aren't signed in"), "{page:?}");
    let output = login.ended();
    assert_eq!((output.status, profiles(&carto)), (4, None));
    assert!(output.stderr.contains("refused to sign in (`access_denied`)"), "{output}");
}

#[test]
fn time_and_signals_end_the_wait() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let output = Login::start(&carto, &authority, "--timeout 300ms").ended();
    assert_eq!(output.status, 4, "{output}");
    assert!(output.stderr.contains("nobody has signed in in the browser within 300ms"), "{output}");
    for (signal, line) in [(Signal::INT, ""), (Signal::TERM, "--json")] {
        let login = Login::start(&carto, &authority, line);
        kill_process(Pid::from_raw(login.id().cast_signed()).unwrap(), signal).unwrap();
        let output = login.ended();
        assert_eq!((output.status, profiles(&carto)), (130, None), "{output}");
    }
}

#[test]
fn what_is_missing_is_explained() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bare = |line: &str| carto.run(line).env("CARTO_AUTH_ISSUER", authority.issuer());
    let mut report = String::new();
    for (what, run) in [
        ("no client", bare("auth login")),
        ("no port", bare("auth login --client-id x").env("CARTO_AUTH_PORT", "callback")),
        ("no such port", bare("auth login --client-id x").env("CARTO_AUTH_PORT", "65536")),
        ("any port", bare("auth login --client-id x").env("CARTO_AUTH_PORT", "0")),
        ("a port that is taken", bare("auth login --client-id x").env("CARTO_AUTH_PORT", port.to_string())),
        ("nobody there", bare("auth login --client-id x --no-input")),
        ("a dry run", bare("auth login --client-id x --dry-run")),
        (
            "another issuer",
            bare(&format!("auth login --client-id x --no-launch-browser --issuer {}other", authority.issuer())),
        ),
    ] {
        let output = run.output();
        report.push_str(&format!("{what}: {}", settled(output, port)));
    }
    expect![[r#"
        no client: status 2
        --- stderr
        error: there is no OAuth client to sign in as: CARTO's own is its command line's, and not for other programs
        hint: signed in with `--m2m` or `--with-token`, make one: `carto credentials create spa --title carto --callback http://127.0.0.1:[port]/callback`; then add `--client-id ID`
        no port: status 2
        --- stderr
        error: `CARTO_AUTH_PORT` isn't a port: `callback`
        hint: set it to a number from 1 to 65535, or unset it for 3003
        no such port: status 2
        --- stderr
        error: `CARTO_AUTH_PORT` isn't a port: `65536`
        hint: set it to a number from 1 to 65535, or unset it for 3003
        any port: status 2
        --- stderr
        error: `CARTO_AUTH_PORT` isn't a port: `0`
        hint: set it to a number from 1 to 65535, or unset it for 3003
        a port that is taken: status 1
        --- stderr
        error: cannot wait for the browser on port [port]: another program has it, or another sign-in that is waiting
        hint: end what is there; or set `CARTO_AUTH_PORT` to a port of another callback of the client; or use `--no-launch-browser`, which needs no port
        nobody there: status 2
        --- stderr
        error: signing in in a browser needs a person, and `--no-input` says that there is none
        hint: sign in as a machine with `carto auth login --m2m`, or leave `--no-input` out
        a dry run: status 0
        --- stderr
        A browser would be sent to `127.0.0.1:[port]`, for the client `x`, and come back to `http://127.0.0.1:[port]/callback`: this was a dry run.
        another issuer: status 1
        --- stderr
        error: `127.0.0.1:[port]` answered 404 Not Found when it was asked for `.well-known/openid-configuration`
        hint: look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings
    "#]].assert_eq(&report);
    assert!(authority.asked().iter().all(|line| !line.starts_with("POST")));
}

/// The authority of the sandbox, a client that `credentials create spa` made, and the account that it leads to.
#[test]
fn a_person_signs_in_to_the_sandbox() {
    let carto = Carto::new();
    // Its clock is this machine's, by which the sign-in is judged.
    let served = Served::start_with(carto.run("sandbox serve --port 0 --json").env("CARTO_SANDBOX_FAULT", ""));
    let port = free_port();
    let create =
        format!("credentials create spa --title carto --callback http://127.0.0.1:{port}/callback --field clientId");
    let client = served.run(&carto, &create).ok().stdout;
    let run = |line: &str| {
        carto
            .run(line)
            .env("CARTO_AUTH_ISSUER", &served.url)
            .env("CARTO_AUTH_CLIENT_ID", client.trim())
            .env("CARTO_AUTH_PORT", port.to_string())
            .env("CARTO_ACCOUNTS_URL", format!("{}/accounts", served.url))
    };
    let denied = Login::of(&carto, port, run("auth login")).unwrap();
    denied.browser(&decided(&denied.url, "deny"));
    let output = denied.ended();
    assert_eq!(output.status, 4, "{output}");
    assert!(output.stderr.contains("(`access_denied`: `The user did not allow it`)"), "{output}");
    let login = Login::of(&carto, port, run("auth login")).unwrap();
    let page = login.browser(&decided(&login.url, "allow"));
    assert!(page.text.contains("You are signed in"), "{page:?}");
    let output = login.ended();
    assert_eq!(output.status, 0, "{output}");
    let file = profiles(&carto).unwrap();
    let name = file["current_profile"].as_str().unwrap();
    assert_eq!(file["profiles"][name]["user_email"], "owner@sandbox.invalid");
    // What was got opens the account, and nothing else is needed for that.
    assert_eq!(carto.run("credentials list spa --field title").ok().stdout, "carto\n");
    // A client without this callback.
    let elsewhere = run("auth login --no-launch-browser").env("CARTO_AUTH_PORT", "1").ok();
    let url = Url::parse(elsewhere.stdout.trim()).unwrap();
    let target = &url[url::Position::BeforePath..];
    let host = format!("127.0.0.1:{}", url.port().unwrap());
    let stream = TcpStream::connect(&host).unwrap();
    let reply = said(stream, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert!(reply.status >= 400 && !reply.text.contains("location:"), "{reply:?}");
}

/// A script stands for the browser: it is opened with the address, apart from the command, and without its credentials.
#[test]
fn a_browser_is_opened_if_there_is_one() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let cloud = Cloud::start();
    let machine = "auth login m --m2m --client-id machine-client --client-secret env:MY_SECRET";
    cloud.run(&carto, machine).env("MY_SECRET", SECRET).ok();
    let script = "#!/bin/sh\n{ echo \"$1\"; echo \"token: $CARTO_API_TOKEN$CARTO_KIND_ROBOT_SECRET$MY_SECRET\"; readlink /proc/$$/fd/0 /proc/$$/fd/2; } > \"$HOME/opened.new\"\nmv \"$HOME/opened.new\" \"$HOME/opened\"\n";
    let file = carto.write("bin/xdg-open", script);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", carto.home().join("bin").display());
    let at_a_desk = |run: Run| {
        let run = run.env("PATH", &path).env("DISPLAY", ":0").env("CARTO_API_TOKEN", "not-for-browsers");
        run.env("CARTO_KIND_ROBOT_SECRET", "nor-this").env("MY_SECRET", SECRET)
    };
    let login = Login::start_with(&carto, &authority, "", at_a_desk);
    let opened = carto.home().join("opened");
    let started = std::time::Instant::now();
    while !opened.exists() {
        assert!(started.elapsed() < Duration::from_secs(20), "no browser was opened");
        std::thread::yield_now();
    }
    let opened = std::fs::read_to_string(opened).unwrap();
    let mut lines = opened.lines();
    assert_eq!(lines.next().unwrap(), login.url.as_str());
    assert_eq!(lines.next().unwrap(), "token: ");
    assert_eq!(lines.collect::<Vec<_>>(), ["/dev/null", "/dev/null"], "{opened}");
    login.browser(&authority.sends_back(&login.url));
    let output = login.ended();
    assert_eq!(output.status, 0, "{output}");
    // Over the network, and where none can be opened, the address is enough.
    let far = Login::start_with(&carto, &authority, "", |run| at_a_desk(run).env("SSH_CONNECTION", "a b c d"));
    far.browser(&authority.sends_back(&far.url));
    let output = far.ended();
    assert!(output.stderr.contains("This is a remote session"), "{output}");
    let mut none = Login::start_with(&carto, &authority, "", |run| at_a_desk(run).env("PATH", "/nowhere"));
    none.hears("no browser could be opened here");
    none.browser(&authority.sends_back(&none.url));
    assert_eq!(none.ended().status, 0);
}

/// Codes, verifiers and tokens, and where they must not be.
#[test]
fn no_secret_is_anywhere_that_others_look() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "--debug");
    let words = std::fs::read(format!("/proc/{}/cmdline", login.id())).unwrap();
    login.browser(&authority.sends_back(&login.url));
    let mut seen = String::from_utf8_lossy(&words).into_owned();
    let mut see = |output: Output| {
        seen.push_str(&output.stdout);
        seen.push_str(&output.stderr);
        output
    };
    assert!(see(login.ended()).stderr.contains("POST /oauth/token"));
    let url = see(self::login(&carto, &authority, 3003, "--no-launch-browser --debug").ok());
    let remembered = carto.data().join("logins");
    let file = std::fs::read_dir(&remembered).unwrap().next().unwrap().unwrap().path();
    let verifier =
        serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap()["attempt"]["verifier"].clone();
    let back = authority.sends_back(&Url::parse(url.stdout.trim()).unwrap());
    see(carto.run("auth login --callback - --debug").stdin(&back).ok());
    see(carto.run("auth login --callback - --debug --json").stdin(&back).fails(4));
    let secrets = authority.secrets();
    assert!(secrets.contains(&verifier.as_str().unwrap().to_owned()) && secrets.len() >= 10, "{secrets:?}");
    for secret in &secrets {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
    // In the home, only files that nobody else can read hold any.
    let mut folders = vec![carto.home().to_owned()];
    let mut held = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                    if secrets.iter().any(|secret| text.contains(secret)) {
                        held += 1;
                        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
                    }
                }
                _ => {}
            }
        }
    }
    assert!(held > 0);
}
