//! What ends a command before its end, and what it says then: signals, the deadline, a kind that loses what it made.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::wire::{Act, Wire, pages};
use crate::support::{Carto, Output, Run};

/// Waits until something is so, which it soon is.
fn until(mut what: impl FnMut() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed().as_secs() < 20, "it never came to that");
        std::thread::yield_now();
    }
}

/// Runs a command, and sends it a signal when the server has seen this many requests.
fn signalled(signal: Signal, mut run: Run, server: &Wire, requests: usize) -> Output {
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| server.requests().len() >= requests);
    kill_process(Pid::from_child(&child), signal).unwrap();
    run.ended(child)
}

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

#[test]
fn a_signal_ends_a_command_with_its_outcome() {
    let carto = Carto::new();
    carto.install("marker");
    let silent = || Wire::start(vec![Act::Silence]);
    let made = || Wire::start(vec![Act::json("200 OK", r#"{"client_id": "made_1", "title": "made"}"#), Act::Silence]);
    let mut report = String::new();
    for (what, line, server) in [
        ("a write under way", CREATE, silent()),
        ("a change under way", "credentials update token tok_1 --name x", silent()),
        ("a deletion under way", "credentials delete m2m abcdefghijklmnopqrstuvwxyz012345 --yes", silent()),
        ("a read before a write", "credentials update token demo --add-grant dw,c.d", silent()),
        ("a read", "credentials get token tok_1", silent()),
        ("a list", "credentials list", silent()),
        ("a list, JSON", "credentials list tokens --json", silent()),
        ("a kind that hangs after a write", "credentials create marker --after-write hang", made()),
    ] {
        // The kind has to have its answer, which the server can't see: the next best is that it has sent it.
        let hangs = what.contains("hangs");
        let output = match hangs {
            true => server.run(&carto, &format!("{line} --timeout 800ms")).output(),
            false => signalled(Signal::INT, server.run(&carto, line), &server, 1),
        };
        assert_eq!(output.status, if hangs { 7 } else { 130 }, "{what}: {output}");
        report.push_str(&format!("{what}: {output}"));
    }
    expect![[r#"
        a write under way: status 130
        --- stderr
        error: interrupted while POST /v3/tokens was under way; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials get token demo` finds it if it was made
        a change under way: status 130
        --- stderr
        error: interrupted while PATCH /v3/tokens/tok_1 was under way; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials list tokens` shows what there is
        a deletion under way: status 130
        --- stderr
        error: interrupted while DELETE /v3/oauth-clients/[client-id] was under way; it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials get m2m [client-id]` finds it if it is still there
        a read before a write: status 130
        --- stderr
        error: interrupted; nothing was changed
        a read: status 130
        --- stderr
        error: interrupted
        a list: status 130
        --- stderr
        error: interrupted; the list isn't complete
        a list, JSON: status 130
        --- stderr
        {"error":{"code":"interrupted","message":"interrupted; the list isn't complete"}}
        a kind that hangs after a write: status 7
        --- stderr
        error: the kind `marker` didn't end within 800ms after the service had accepted POST /v3/oauth-clients (`made_1`)
        hint: `carto credentials get marker made_1 --reveal` shows it
    "#]].assert_eq(&report);
    let server = silent();
    let output = signalled(Signal::TERM, server.run(&carto, &format!("{CREATE} --json")), &server, 1);
    assert_eq!((output.status, &output.error()["code"]), (130, &"interrupted".into()), "{output}");
}

/// A reader that stops reading doesn't keep a signal from being heard.
#[test]
fn a_list_that_nobody_reads_can_be_interrupted() {
    let carto = Carto::new();
    let server = pages(1000, usize::MAX);
    let mut run = server.run(&carto, "credentials list tokens --json");
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What is printed fills the pipe, one page waits, and no more is asked for.
    until(|| server.requests().len() >= 2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = run.ended(child);
    assert_eq!(output.status, 130, "{}", output.stderr);
    // By now somebody reads again: one page more may have been asked for before the signal was heard.
    assert!(server.requests().len() <= 3);
    assert!(output.stdout.contains("tok_1\"") && !output.stdout.contains("tok_100\""), "{}", output.stdout.len());
}

/// Whatever a kind does after a write, the host has seen it.
#[test]
fn what_a_kind_loses_is_reported_with_its_id() {
    let carto = Carto::new();
    carto.install("marker");
    let made = Act::json("200 OK", r#"{"client_id": "made_1", "title": "made"}"#);
    let unknown = Act::json("502 Bad Gateway", "");
    let mut report = String::new();
    for (what, act) in [
        ("panic", &made),
        ("no-record", &made),
        ("failure", &made),
        ("failure", &unknown),
        ("success", &unknown),
        ("twice", &made),
    ] {
        let server = Wire::start(vec![act.clone()]);
        let output = server.run(&carto, &format!("credentials create marker --after-write {what}")).output();
        report.push_str(&format!("{what}: {output}"));
    }
    expect![[r#"
        panic: status 7
        --- stderr
        error: the kind `marker` broke the contract in `create`: it panicked at tests/fixtures/marker/src/lib.rs:78: after a write; before that, the service had accepted POST /v3/oauth-clients (`made_1`)
        hint: `carto credentials get marker made_1 --reveal` shows it
        no-record: status 7
        --- stderr
        error: the kind `marker` answered with something that isn't a record with an `id`; before that, the service had accepted POST /v3/oauth-clients (`made_1`)
        hint: `carto credentials get marker made_1 --reveal` shows it
        failure: status 8
        --- stderr
        error: it says that it failed; before that, the service had accepted POST /v3/oauth-clients (`made_1`)
        hint: `carto credentials get marker made_1 --reveal` shows it
        failure: status 8
        --- stderr
        error: `127.0.0.1:[port]` failed (502); it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials list markers` shows what there is
        success: status 8
        --- stderr
        error: `127.0.0.1:[port]` failed (502); it isn't known whether the change was made
        hint: look before you repeat it: `carto credentials list markers` shows what there is
        twice: status 8
        --- stderr
        error: it gave up; before that, the service had accepted POST /v3/oauth-clients (`made_1`), POST /v3/oauth-clients (`made_1`)
        hint: `carto credentials get marker made_1 --reveal` shows it
    "#]].assert_eq(&report);
}

/// While it only waits, nothing is under way; and whoever has a signal ignored is left alone.
#[test]
fn a_wait_can_be_interrupted_and_a_signal_ignored() {
    let carto = Carto::new();
    let limited = || Wire::start(vec![Act::with("429 Too Many Requests", &[("retry-after", "30")], "")]);
    let server = limited();
    let mut run = server.run(&carto, &format!("--debug {CREATE}"));
    let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut debug = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("asks to wait") {
        line.clear();
        debug.read_line(&mut line).unwrap();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    debug.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains("error: interrupted; nothing was changed"), "{rest}");

    let server = Wire::start(vec![Act::Silence]);
    let mut run = server.run(&carto, "credentials get token tok_1 --timeout 1s");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(run.command.get_program()).args(run.command.get_args());
    shell.env_clear().envs(run.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run.command = shell;
    let output = signalled(Signal::INT, run, &server, 1);
    assert_eq!(output.status, 6, "{output}");
}

/// What came before stays said when a list is interrupted.
#[test]
fn an_interrupted_list_names_what_failed_before() {
    let carto = Carto::new();
    let server = Wire::start_with(|_, request| match request {
        "" => Act::Silence,
        request if request.contains("type=m2m") => Act::json("403 Forbidden", r#"{"error": "no"}"#),
        request if request.contains("type=spa") => Act::json("200 OK", r#"{"clients": []}"#),
        _ => Act::Silence,
    });
    let mut run = server.run(&carto, "credentials list --json");
    let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("spa") {
        let count = stdout.read(&mut buffer).unwrap();
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&listed["spa"], listed.get("tokens")), (&serde_json::json!([]), None), "{text}");
    assert_eq!(listed["errors"][0]["kind"], "m2m", "{text}");
}

/// What hands a new credential over can be stopped too, and says which one it was.
#[test]
fn a_hand_over_that_hangs_is_stopped() {
    let carto = Carto::new();
    std::fs::create_dir(carto.home().join("held")).unwrap();
    let held = std::fs::File::open(carto.home().join("held")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let server = Wire::json("200 OK", r#"{"client_id": "id_1", "client_secret": "s3cr3t", "title": "x"}"#);
    let output = server.run(&carto, "credentials create m2m --title x --env-file held/.env --timeout 600ms").fails(1);
    assert!(
        output.stderr.contains("error: the result was not written within 600ms after the service had accepted"),
        "{output}"
    );
    assert!(output.stderr.contains("(`id_1`)") && output.stderr.contains("its secret is lost"), "{output}");
    assert!(!output.stderr.contains("s3cr3t"), "{output}");
    assert_eq!(std::fs::read_dir(carto.home().join("held")).unwrap().count(), 0);
}

/// What is safe in a file isn't lost, though nobody reads the rest.
#[test]
fn what_is_in_its_file_is_not_called_lost() {
    let carto = Carto::new();
    let long = "x".repeat(1 << 17);
    let answer = format!(r#"{{"client_id": "id_1", "client_secret": "s3cr3t", "title": "{long}"}}"#);
    let server = Wire::json("200 OK", &answer);
    let mut run = server.run(&carto, "credentials create m2m --title x --env-file .env --timeout 800ms");
    let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Its output fills the pipe, and nobody reads.
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(stderr.contains("(`id_1`)") && stderr.contains("hint: its variables are in `.env`"), "{stderr}");
    assert!(std::fs::read_to_string(carto.home().join(".env")).unwrap().contains("'s3cr3t'"));
}

/// A standard error that nobody reads keeps nothing from being heard either.
#[test]
fn a_full_standard_error_stops_nothing() {
    let carto = Carto::new();
    let server = pages(1, usize::MAX);
    let mut run = server.run(&carto, "--debug credentials list tokens -o jsonl");
    let (_reader, writer) = std::io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let mut child = run.command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    drop(run);
    // It fills with lines like `debug: GET /v3/tokens → 200 OK in 0 ms`, and then nothing goes on.
    let mut seen = 0;
    until(|| {
        std::thread::sleep(Duration::from_millis(100));
        let now = server.requests().len();
        std::mem::replace(&mut seen, now) == now && now > 20
    });
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
