//! What ends a sign-in, a renewal or a sign-out before its end, and what is kept and said then.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use expect_test::expect;
use regex_lite::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::cloud::{CLIENT, Cloud, FIRST_REFRESH, SECRET, bearer};
use crate::support::login::Login;
use crate::support::wire::Act;
use crate::support::{Carto, Output, Run};

const FILE: &str = ".carto_credentials.json";

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(carto.home().join(FILE)).unwrap()).unwrap()
}

/// Waits until something is so, which it soon is.
fn until(mut what: impl FnMut() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed().as_secs() < 20, "it never came to that");
        std::thread::yield_now();
    }
}

/// A profile as a browser's login left it, whose bearer ends in so many seconds.
fn signed_in_by_a_person(carto: &Carto, cloud: &Cloud, seconds: i64, more: &[(&str, Value)]) {
    let token = bearer("auth0|1", seconds, 77);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut sign_in = json!({
        "how": "browser", "client_id": "spa-client", "issuer": cloud.issuer(), "audience": "carto-cloud-native-api",
        "refresh_token": FIRST_REFRESH, "base_url": cloud.api(), "token_sha256": digest,
    });
    for (key, value) in more {
        sign_in[*key] = value.clone();
    }
    let profile = json!({ "token": token, "tenant_id": "acme", "sign_in": sign_in });
    let path = carto.write(FILE, &json!({ "current_profile": "me", "profiles": { "me": profile } }).to_string());
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// A cloud that answers at this path when it is told to.
fn holding(path: &'static str) -> (Cloud, Sender<()>) {
    let (release, held) = channel();
    let held = Mutex::new(held);
    let cloud = Cloud::otherwise(&[86400], move |asked, _| {
        if asked == path {
            // Whoever doesn't tell it is over.
            let _ = held.lock().unwrap().recv();
        }
        None
    });
    (cloud, release)
}

/// A command that was started, and what it has said so far.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    fn start(mut run: Run) -> Running {
        let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, said: String::new() }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn hears(&mut self, text: &str) {
        while !self.said.contains(text) {
            assert_ne!(self.stderr.read_line(&mut self.said).unwrap(), 0, "{}", self.said);
        }
    }

    fn ended(mut self, carto: &Carto) -> Output {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut stdout = Vec::new();
        self.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        let output = std::process::Output { status, stdout, stderr: self.said.into_bytes() };
        Output::new(output, carto.home())
    }
}

fn settled(output: &Output) -> String {
    let time = Regex::new(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z").unwrap();
    time.replace_all(&output.to_string(), "[time]").into_owned()
}

#[test]
fn a_refresh_that_was_sent_is_waited_for_at_the_first_signal() {
    let carto = Carto::without_kinds();
    // Whether the bearer is over or still lasts a while.
    for (signal, seconds) in [(Signal::INT, -10), (Signal::TERM, 60)] {
        let (cloud, release) = holding("/oauth/token");
        signed_in_by_a_person(&carto, &cloud, seconds, &[]);
        let mut running = Running::start(carto.run("auth whoami"));
        until(|| cloud.asked() == ["POST /oauth/token"]);
        running.signal(signal);
        running.hears("note:");
        release.send(()).unwrap();
        let output = running.ended(&carto);
        expect![[r#"
            status 130
            --- stderr
            note: the next bearer is on its way and is waited for; a second Ctrl-C ends at once, and may lose the sign-in
            error: interrupted; the next bearer of the profile `me` was kept
            hint: nothing is lost: run it again
        "#]].assert_eq(&output.to_string());
        let profile = file(&carto)["profiles"]["me"].clone();
        assert_eq!(profile["token"], cloud.bearers()[0]);
        assert_eq!(profile["sign_in"]["refresh_token"], "canary-refresh-1");
        assert_eq!(cloud.asked(), ["POST /oauth/token"]);
        carto.run("auth whoami").ok();
    }
}

#[test]
fn a_second_signal_ends_it_and_says_what_may_be_lost() {
    let (carto, (cloud, _release)) = (Carto::without_kinds(), holding("/oauth/token"));
    signed_in_by_a_person(&carto, &cloud, -10, &[]);
    let before = file(&carto);
    let mut running = Running::start(carto.run("auth whoami"));
    until(|| cloud.asked() == ["POST /oauth/token"]);
    running.signal(Signal::INT);
    running.hears("note:");
    // As somebody does who sees nothing happen. What comes at once is taken for the same signal, and a terminal goes away only once.
    running.signal(Signal::HUP);
    until(|| {
        running.signal(Signal::INT);
        running.child.try_wait().unwrap().is_some()
    });
    let output = running.ended(&carto);
    expect![[r#"
        status 130
        --- stderr
        note: the next bearer is on its way and is waited for; a second Ctrl-C ends at once, and may lose the sign-in
        error: interrupted a second time: if the authority gives another bearer now, the sign-in is lost
        hint: sign in again with `carto auth login me`
    "#]]
    .assert_eq(&output.to_string());
    assert_eq!(file(&carto), before);
}

#[test]
fn a_refresh_without_an_answer_says_what_may_be_lost() {
    let carto = Carto::without_kinds();
    let mut report = String::new();
    let (cloud, _release) = holding("/oauth/token");
    signed_in_by_a_person(&carto, &cloud, -10, &[]);
    report.push_str(&settled(&carto.run("auth whoami --timeout 300ms").fails(6)));
    // The same in a warning, where the bearer still lasts.
    let cloud =
        Cloud::otherwise(&[86400], |path, _| (path == "/oauth/token").then(|| Act::json("502 Bad Gateway", "")));
    signed_in_by_a_person(&carto, &cloud, 60, &[]);
    report.push_str(&settled(&carto.run("auth whoami").fails(4)));
    // Nothing was sent, and nothing is lost.
    signed_in_by_a_person(&carto, &cloud, -10, &[("issuer", json!("http://127.0.0.1:9/"))]);
    report.push_str(&settled(&carto.run("auth whoami").fails(6)));
    expect![[r#"
        status 6
        --- stderr
        error: the bearer of the profile `me` ended at [time], and another wasn't to be had: the connection to `127.0.0.1:[port]` failed: no whole answer within 300ms; if the authority gave another bearer, the sign-in is lost
        hint: try again; if that is refused, sign in again with `carto auth login me`
        status 4
        --- stderr
        warning: the bearer of the profile `me` ends at [time], and another wasn't to be had: POST /oauth/token at `127.0.0.1:[port]` failed (502); if the authority gave another bearer, the sign-in is lost
        hint: try again; if that is refused, sign in again with `carto auth login me`
        error: `127.0.0.1:[port]` doesn't accept the bearer from the profile `me`: unknown bearer Some("[hidden]")
        hint: sign in again with `carto auth login me`; if that changes nothing, the account may have moved: look at its address
        status 6
        --- stderr
        error: the bearer of the profile `me` ended at [time], and another wasn't to be had: cannot reach `127.0.0.1:[port]`: connection refused
        hint: look at the network and the address, then try again
    "#]].assert_eq(&report);
}

/// Where tokens are given is known from the sign-in, and every grant's answer has to be a bearer.
#[test]
fn a_refresh_goes_where_the_sign_in_went() {
    let carto = Carto::without_kinds();
    let given = |kind: &str| {
        let tokens = json!({ "access_token": bearer("auth0|1", 86400, 5), "token_type": kind });
        Act::json("200 OK", &tokens.to_string())
    };
    let kind = Arc::new(Mutex::new("bEaReR"));
    let told = Arc::clone(&kind);
    let cloud = Cloud::otherwise(&[86400], move |path, _| match path {
        "/tenant/token" => Some(given(*told.lock().unwrap())),
        "/api/users/me" => Some(Act::json("200 OK", r#"{"user_id": "u1"}"#)),
        _ => None,
    });
    let elsewhere = format!("{}tenant/token", cloud.issuer());
    signed_in_by_a_person(&carto, &cloud, -10, &[("token_endpoint", json!(elsewhere))]);
    carto.run("auth whoami").ok();
    assert_eq!(cloud.asked(), ["POST /tenant/token", "GET /api/users/me"]);
    let sign_in = file(&carto)["profiles"]["me"]["sign_in"].clone();
    assert_eq!((&sign_in["token_endpoint"], &sign_in["refresh_token"]), (&json!(elsewhere), &json!(FIRST_REFRESH)));
    *kind.lock().unwrap() = "mac";
    signed_in_by_a_person(&carto, &cloud, -10, &[("token_endpoint", json!(elsewhere))]);
    let output = carto.run("auth whoami").fails(1);
    assert!(output.stderr.contains("gave a token that isn't a bearer; if the authority gave"), "{output}");
    // Whoever can write the file can't have the refresh token sent in the clear.
    let asked = cloud.asked().len();
    signed_in_by_a_person(&carto, &cloud, -10, &[("token_endpoint", json!("http://evil.example.com/token"))]);
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("hint: sign in again with `carto auth login me`"), "{output}");
    assert_eq!(cloud.asked().len(), asked);
}

#[test]
fn a_machines_answer_has_to_be_a_bearer() {
    let carto = Carto::without_kinds();
    let cloud = Cloud::otherwise(&[86400], |path, _| {
        (path == "/oauth/token")
            .then(|| Act::json("200 OK", r#"{"access_token": "canary-x", "token_type": "N_A", "expires_in": 60}"#))
    });
    let output = cloud.login(&carto, "p").fails(1);
    assert!(
        output.stderr.contains("gave a token that isn't a bearer") && !output.stderr.contains("canary"),
        "{output}"
    );
    assert!(!carto.home().join(FILE).exists());
}

/// A renewal has had its own watch over signals, which is over when the verb runs.
#[test]
fn a_signal_after_a_renewal_is_the_verbs() {
    let carto = Carto::new();
    let cloud = Cloud::otherwise(&[86400], |path, _| path.starts_with("/api/v3/tokens").then_some(Act::Silence));
    signed_in_by_a_person(&carto, &cloud, -10, &[]);
    let running = Running::start(carto.run("credentials list tokens"));
    until(|| cloud.asked().len() == 2);
    running.signal(Signal::INT);
    let output = running.ended(&carto);
    expect![[r#"
        status 130
        --- stderr
        error: interrupted; the list isn't complete
    "#]]
    .assert_eq(&output.to_string());
    assert_eq!(file(&carto)["profiles"]["me"]["token"], cloud.bearers()[0]);
}

/// Between two pieces of work nobody but the process itself can hear a signal, and what begins then has to be told.
#[test]
fn a_signal_between_a_renewal_and_a_verb_is_heard() {
    let line = "credentials create token --connection c --source a.b --apis sql --name x";
    let mut ends = BTreeSet::new();
    for nth in 0..24 {
        let carto = Carto::new();
        let (answered, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (answering, asked) = (Arc::clone(&answered), Arc::clone(&told));
        let cloud = Cloud::otherwise(&[-10, 86400], move |path, _| match path {
            "/oauth/token" => {
                answering.store(true, Ordering::SeqCst);
                None
            }
            "/api/v3/tokens" => {
                asked.fetch_add(1, Ordering::SeqCst);
                Some(Act::Silence)
            }
            _ => None,
        });
        cloud.login(&carto, "me").ok();
        answered.store(false, Ordering::SeqCst);
        let run = carto.run(line).env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET);
        let running = Running::start(run);
        until(|| answered.load(Ordering::SeqCst));
        // A little later each time, from before the answer has come until the verb is at work.
        let moment = Instant::now() + Duration::from_micros(400 * nth);
        until(|| Instant::now() >= moment);
        running.signal(Signal::INT);
        let output = running.ended(&carto);
        let was_sent = told.load(Ordering::SeqCst) > 0;
        assert!(output.status == 130 && output.stderr.starts_with("error: interrupted"), "{nth}: {output}");
        // What had arrived isn't called nothing.
        assert!(!was_sent || output.stderr.contains("it isn't known whether the change was made"), "{nth}: {output}");
        ends.insert(was_sent);
    }
    assert!(ends.contains(&false), "{ends:?}");
}

/// A terminal that goes away is the commonest signal of all.
#[test]
fn a_refresh_survives_its_terminal() {
    let (carto, (cloud, release)) = (Carto::without_kinds(), holding("/oauth/token"));
    signed_in_by_a_person(&carto, &cloud, -10, &[]);
    let mut running = Running::start(carto.run("auth whoami"));
    until(|| cloud.asked() == ["POST /oauth/token"]);
    running.signal(Signal::HUP);
    running.hears("note:");
    release.send(()).unwrap();
    assert_eq!(running.ended(&carto).status, 130);
    assert_eq!(file(&carto)["profiles"]["me"]["sign_in"]["refresh_token"], "canary-refresh-1");
}

/// What came is dropped then, and isn't said to be kept.
#[test]
fn a_refresh_that_came_too_late_says_so_after_a_signal() {
    let carto = Carto::without_kinds();
    let mut report = String::new();
    for refresh in [FIRST_REFRESH, "canary-refresh-of-old"] {
        for others in [json!({ "me": { "token": "canary-other", "tenant_id": "acme" } }), json!({})] {
            let (cloud, release) = holding("/oauth/token");
            signed_in_by_a_person(&carto, &cloud, 60, &[("refresh_token", json!(refresh))]);
            let mut running = Running::start(carto.run("auth whoami"));
            until(|| cloud.asked() == ["POST /oauth/token"]);
            let now = json!({ "current_profile": "me", "profiles": others });
            std::fs::write(carto.home().join(FILE), now.to_string()).unwrap();
            running.signal(Signal::INT);
            running.hears("note:");
            release.send(()).unwrap();
            let output = running.ended(&carto);
            assert_eq!((output.status, file(&carto)), (130, now), "{output}");
            assert_eq!(cloud.bearers().len(), usize::from(refresh == FIRST_REFRESH));
            let said = output.stderr.split_once("error: ").unwrap().1;
            report.push_str(said);
        }
    }
    expect![[r#"
        interrupted; the profile `me` was given another bearer meanwhile, which stays
        hint: run it again
        interrupted; the profile `me` was removed meanwhile
        hint: `carto auth status` shows profiles
        interrupted; the profile `me` was given another bearer meanwhile, which stays
        hint: run it again
        interrupted; the profile `me` was removed meanwhile
        hint: `carto auth status` shows profiles
    "#]]
    .assert_eq(&report);
}

#[test]
fn a_login_waits_for_the_file_and_can_be_interrupted() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "");
    let lock = carto.home().join(".carto_credentials.json.lock");
    let held = File::options().write(true).open(&lock).unwrap();
    held.lock().unwrap();
    let page = login.asks(&authority.sends_back(&login.url));
    assert_eq!(page.status, 303, "{page:?}");
    let open = format!("/proc/{}/fd", login.id());
    until(|| {
        let links = std::fs::read_dir(&open).unwrap().flatten().map(|entry| std::fs::read_link(entry.path()));
        links.flatten().any(|link| link == lock)
    });
    kill_process(Pid::from_raw(login.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let output = login.ended();
    assert_eq!(output.status, 130, "{output}");
    assert!(output.stderr.contains("error: interrupted\nhint: nothing was kept\n"), "{output}");
    assert!(!carto.home().join(FILE).exists());
}

/// The browser never asks for its last page.
#[test]
fn a_login_that_is_kept_is_said_to_be_whatever_comes_then() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let login = Login::start(&carto, &authority, "");
    login.asks(&authority.sends_back(&login.url));
    until(|| carto.home().join(FILE).exists());
    kill_process(Pid::from_raw(login.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let output = login.ended();
    assert_eq!(output.status, 0, "{output}");
    assert!(output.stderr.contains("The profile `work` is the current one."), "{output}");
    assert_eq!(file(&carto)["current_profile"], "work");
}

#[test]
fn a_logout_that_is_interrupted_says_what_was_done() {
    let (carto, (cloud, _release)) = (Carto::without_kinds(), holding("/oauth/revoke"));
    for json in [false, true] {
        signed_in_by_a_person(&carto, &cloud, 3600, &[]);
        let asked = cloud.asked().len();
        let running = Running::start(carto.run(if json { "auth logout --json" } else { "auth logout" }));
        until(|| cloud.asked().len() == asked + 2);
        running.signal(Signal::INT);
        let output = running.ended(&carto);
        assert_eq!(output.status, 130, "{output}");
        if json {
            assert_eq!(output.json(), json!({ "removed": "me", "revoked": false }));
            assert_eq!(output.error()["code"], "interrupted");
        } else {
            expect![[r#"
                status 130
                --- stderr
                Signed out: the profile `me` was removed.
                error: interrupted before the bearer was ended where it came from
                hint: the profile is gone; if somebody may have the bearer, delete the client that it belongs to
            "#]]
            .assert_eq(&output.to_string());
        }
        assert_eq!(file(&carto)["profiles"], json!({}));
    }
}
