//! What ends a command before its end, and what it says then: signals, the deadline, a kind that loses what it made.

use std::process::Stdio;
use std::time::Instant;

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::wire::{Act, Wire, pages};
use crate::support::{Carto, Output, Run};

/// Waits until something is so, which it soon is.
fn until(what: impl Fn() -> bool) {
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
            true => server.run(&carto, &format!("{line} --timeout 300ms")).output(),
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
        hint: look before you repeat it: `carto credentials get token tok_1` shows it as it is now
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
        error: the kind `marker` didn't end within 300ms after the service had accepted POST /v3/oauth-clients (`made_1`)
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
    assert_eq!(server.requests().len(), 2);
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
    for (what, act) in
        [("panic", &made), ("no-record", &made), ("failure", &made), ("failure", &unknown), ("success", &unknown)]
    {
        let server = Wire::start(vec![act.clone()]);
        let output = server.run(&carto, &format!("credentials create marker --after-write {what}")).output();
        report.push_str(&format!("{what}: {output}"));
    }
    expect![[r#"
        panic: status 7
        --- stderr
        error: the kind `marker` broke the contract in `create`: it panicked at tests/fixtures/marker/src/lib.rs:73: after a write; before that, the service had accepted POST /v3/oauth-clients (`made_1`)
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
    "#]].assert_eq(&report);
}
