//! `carto sandbox exec`: a command with a sandbox of its own, its streams, its end, and the signals that reach it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Stdio};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

use crate::support::{Carto, Run};

/// `carto sandbox exec -- sh -c SCRIPT`, with the usual folders of commands.
fn shell(carto: &Carto, script: &str) -> Run {
    carto.run_words(&["sandbox", "exec", "--", "sh", "-c", script]).env("PATH", "/usr/bin:/bin")
}

/// The answer to one request, its head and its body.
fn ask(url: &str, request: &str) -> (String, Value) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{request}\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

/// A command that is running: it has said its first line, and waits for one on its standard input.
struct Running {
    run: Run,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut run: Run) -> (Running, String) {
        run.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = run.command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (Running { run, child, stdout }, line.trim_end().to_owned())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The rest of what it prints, what is on standard error, and its status.
    fn end(mut self) -> (String, String, i32) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let output = self.run.ended(self.child);
        (rest, output.stderr, output.status)
    }
}

#[test]
fn a_command_has_the_variables_that_clients_read() {
    let carto = Carto::new();
    let script =
        r#"env | grep -E '^(CARTO|VITE)' | sort | sed -E 's/1:[0-9]+/1:PORT/; s/sandbox_[A-Za-z0-9_-]{43}$/BEARER/'"#;
    let run = shell(&carto, script)
        .env("CARTO_SANDBOX", "1")
        .env("CARTO_PROFILE", "mine")
        .env("CARTO_BASE_URL", "https://x")
        .env("CARTO_M2M_CLIENT_SECRET", "for-another-authority");
    let output = run.ok().to_string().replace(&carto.kinds().display().to_string(), "KINDS");
    expect![[r#"
        status 0
        --- stdout
        CARTO_ACCOUNTS_URL=http://127.0.0.1:PORT/accounts
        CARTO_API_BASE_URL=http://127.0.0.1:PORT
        CARTO_API_TOKEN=BEARER
        CARTO_AUTH_ISSUER=http://127.0.0.1:PORT/
        CARTO_BASE_URL=http://127.0.0.1:PORT
        CARTO_KINDS_PATH=[home]/kinds
        CARTO_SANDBOX_FAULT=clock=2026-11-23T10:00:00Z
        VITE_API_BASE_URL=http://127.0.0.1:PORT
    "#]]
    .assert_eq(&output);
}

#[test]
fn a_command_is_served_until_it_ends() {
    let carto = Carto::new();
    let (mut running, said) =
        Running::start(shell(&carto, "echo $CARTO_BASE_URL $CARTO_API_TOKEN; read line; echo $line"));
    let (url, bearer) = said.split_once(' ').unwrap();
    let listed = ask(url, &format!("GET /v3/tokens HTTP/1.1\r\nAuthorization: Bearer {bearer}"));
    assert_eq!(listed.1, json!({ "tokens": [], "next": null }), "{}", listed.0);

    // What is made beside it is seen at once, and so is its end.
    let token = carto.created("credentials create token --grant dw,a.b --apis sql,maps", "token");
    let query = format!("GET /v3/maps/dw/table?name=a.b HTTP/1.1\r\nAuthorization: Bearer {token}");
    let (head, body) = ask(url, &query);
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("carto-sandbox: no data"), "{head}");
    let expected = format!("{url}/v3/maps/dw/table?name=a.b&format=tilejson&cache=1");
    assert_eq!(body["tilejson"]["url"][0], expected);
    carto.sandbox(&format!("credentials delete token {token} --yes")).ok();
    let (head, body) = ask(url, &query);
    assert_eq!(body["error"], "Token not defined", "{head}");

    running.child.stdin.take().unwrap().write_all(b"enough\n").unwrap();
    assert_eq!(running.end(), ("enough\n".to_owned(), String::new(), 0));
    assert!(TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

/// This program is a client too, and needs nothing but the variables.
#[test]
fn carto_itself_is_served() {
    let carto = Carto::new();
    let exec = |line: &str| {
        let words = [
            vec!["sandbox".to_owned(), "exec".to_owned(), "--".to_owned(), env!("CARGO_BIN_EXE_carto").to_owned()],
            crate::support::words(line),
        ];
        carto.run_words(&words.concat())
    };
    exec("credentials create m2m --title Nightly").env("CARTO_SANDBOX", "1").ok();
    assert_eq!(exec("credentials list m2m --field title").ok().stdout, "Nightly\n");
    let output = exec("credentials get m2m nothing --json").fails(3);
    assert_eq!(output.error()["code"], "not_found", "{output}");
}

#[test]
fn its_end_is_the_end() {
    let carto = Carto::new();
    for (script, status) in
        [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
    {
        let output = shell(&carto, script).output();
        assert_eq!(
            (output.status, output.stdout.as_str(), output.stderr.as_str()),
            (status, "", ""),
            "{script}: {output}"
        );
    }
}

#[test]
fn the_three_streams_are_its_own() {
    let carto = Carto::new();
    let output = shell(&carto, "cat; echo two >&2; echo --json").stdin("one\n").ok();
    expect![[r#"
        status 0
        --- stdout
        one
        --json
        --- stderr
        two
    "#]]
    .assert_eq(&output.to_string());
}

#[test]
fn a_command_that_cannot_be_run_is_said_so() {
    let carto = Carto::new();
    carto.write("text", "no program");
    let mut report = String::new();
    for line in ["-- nothing-of-that-name --json", "-- ./text", "-- ''", "--", "", "true"] {
        let run = carto.run(&format!("sandbox exec {line}")).env("PATH", "/usr/bin:/bin");
        report.push_str(&format!("{line}: {}", run.output()));
    }
    report.push_str(&format!("JSON: {}", carto.run("--json sandbox exec -- nothing-of-that-name").output()));
    report.push_str(&format!("dry run: {}", carto.run("--dry-run sandbox exec -- rm -r 'a b'").output()));
    expect![[r#"
        -- nothing-of-that-name --json: status 2
        --- stderr
        error: there is no command `nothing-of-that-name`
        hint: a command is looked for in `PATH`, or is a path; for what only a shell knows: `-- sh -c '…'`
        -- ./text: status 1
        --- stderr
        error: cannot run `./text`: Permission denied (os error 13)
        -- '': status 2
        --- stderr
        error: there is no command ``
        hint: a command is looked for in `PATH`, or is a path; for what only a shell knows: `-- sh -c '…'`
        --: status 2
        --- stderr
        error: missing: `<COMMAND>...`
        hint: `carto sandbox exec --help` shows how it is used
        : status 2
        --- stderr
        error: missing: `<COMMAND>...`
        hint: `carto sandbox exec --help` shows how it is used
        true: status 2
        --- stderr
        error: unexpected argument `true` found
        hint: `carto sandbox exec --help` shows how it is used
        JSON: status 2
        --- stderr
        {"error":{"code":"usage","message":"there is no command `nothing-of-that-name`","hint":"a command is looked for in `PATH`, or is a path; for what only a shell knows: `-- sh -c '…'`"}}
        dry run: status 0
        --- stderr
        `rm -r 'a b'` would be run: this was a dry run.
    "#]]
    .assert_eq(&report);
}

/// Ctrl-C reaches both, as all that is in front of a terminal; the command decides what it means.
#[test]
fn the_keyboard_is_the_commands() {
    let carto = Carto::new();
    for (signal, name) in [(Signal::INT, "INT"), (Signal::QUIT, "QUIT")] {
        let script = format!(
            "trap 'echo heard' {name}; echo $CARTO_BASE_URL; until [ \"$line\" = last ]; do read line; done; echo $line; exit 3"
        );
        let (mut running, url) = Running::start(shell(&carto, &script));
        kill_process_group(running.pid(), signal).unwrap();
        // A shell hears a signal in the middle of a line, or at its end.
        let mut stdin = running.child.stdin.take().unwrap();
        stdin.write_all(b"\n").unwrap();
        let mut heard = String::new();
        running.stdout.read_line(&mut heard).unwrap();
        assert_eq!(heard, "heard\n");
        // It goes on, and so does the sandbox.
        let (head, _) = ask(&url, "GET /v3/tokens HTTP/1.1");
        assert!(head.starts_with("HTTP/1.1 401"), "{head}");
        stdin.write_all(b"last\n").unwrap();
        assert_eq!(running.end(), ("last\n".to_owned(), String::new(), 3));
    }
}

#[test]
fn who_ends_carto_ends_the_command() {
    let carto = Carto::new();
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let (running, _) = Running::start(shell(&carto, "echo ready; read line; echo never"));
        kill_process(running.pid(), signal).unwrap();
        assert_eq!(running.end(), (String::new(), String::new(), status));
    }
    // A command may have something to do first.
    let script = "trap 'kill $!; echo tidy; exit 9' TERM; sleep 60 <&- >/dev/null 2>&1 & echo ready; wait";
    let (running, _) = Running::start(shell(&carto, script));
    kill_process(running.pid(), Signal::TERM).unwrap();
    assert_eq!(running.end(), ("tidy\n".to_owned(), String::new(), 9));
}

/// What was ignored when it was started stays ignored, for the command too.
#[test]
fn a_command_behind_nohup_is_not_hung_up() {
    let carto = Carto::new();
    let exec = format!("{} sandbox exec -- sh -c 'echo ready; read line; echo $line'", env!("CARGO_BIN_EXE_carto"));
    let mut run = carto.run("");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("trap '' HUP; exec {exec}")]).env_clear();
    command.envs(run.command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", "/usr/bin:/bin");
    run.command = command;
    let (mut running, _) = Running::start(run);
    kill_process_group(running.pid(), Signal::HUP).unwrap();
    running.child.stdin.take().unwrap().write_all(b"still here\n").unwrap();
    assert_eq!(running.end(), ("still here\n".to_owned(), String::new(), 0));
}

/// What the command wouldn't get isn't taken.
#[test]
fn options_that_would_mean_nothing_are_refused() {
    let carto = Carto::new();
    for option in ["--timeout 1s", "--token x", "--profile x", "--base-url http://127.0.0.1:1", "-o csv", "--field id"]
    {
        let output = carto.run(&format!("sandbox exec {option} -- true")).fails(2);
        let name = option.split(' ').next().unwrap();
        assert!(output.stderr.starts_with(&format!("error: `{name}` means nothing to `sandbox exec`")), "{output}");
    }
}
