//! What a script relies on: dry runs, files of variables, signals, deadlines, the number of requests.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::output::check;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run, terminal};

fn on(server: &Wire, carto: &Carto, line: &str) -> Run {
    carto.run(line).env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "x")
}

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
fn a_dry_run_shows_the_first_write() {
    let carto = Carto::new();
    check(
        &carto.sandbox(&format!("--dry-run {CREATE}")).ok(),
        expect![[r#"
        status 0
        --- stdout
        POST /v3/tokens

        {
          "name": "demo",
          "grants": [
            {
              "connection_name": "dw",
              "source": "a.b"
            }
          ],
          "allowed_apis": [
            "sql"
          ],
          "referers": []
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
    "#]],
    );
    let id = carto.created(CREATE, "id");
    carto.created("credentials create m2m --title Nightly", "clientId");
    let token = carto.sandbox(&format!("credentials get token {id} --reveal --field token")).ok().stdout;
    let mut report = String::new();
    for line in [
        "update token demo --add-grant dw,c.d",
        &format!("delete token {}", token.trim()),
        "revoke m2m Nightly --json",
        "create spa --title x --callback https://app.example.com/cb -o jsonl",
        // What only reads, reads.
        "get token demo --field name",
        // What is wrong is wrong without asking anybody.
        "create token --grant dw,*.* --apis sql",
        "delete token nobody",
    ] {
        let output = carto.sandbox(&format!("--dry-run credentials {line}")).output();
        assert!(!output.to_string().contains(token.trim()), "{output}");
        report.push_str(&format!("{}: {output}", line.replace(token.trim(), "[jwt]")));
    }
    expect![[r#"
        update token demo --add-grant dw,c.d: status 0
        --- stdout
        PATCH /v3/tokens/[token-id]
        If-Match: "1"

        {
          "grants": [
            {
              "connection_name": "dw",
              "source": "a.b"
            },
            {
              "connection_name": "dw",
              "source": "c.d"
            }
          ]
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
        delete token [jwt]: status 0
        --- stdout
        DELETE /v3/tokens/…
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
        revoke m2m Nightly --json: status 0
        --- stdout
        {
          "dry_run": {
            "method": "DELETE",
            "path": "/v3/oauth-clients/[client-id]?type=m2m",
            "headers": {},
            "body": null
          }
        }
        create spa --title x --callback https://app.example.com/cb -o jsonl: status 0
        --- stdout
        {"dry_run":{"method":"POST","path":"/v3/oauth-clients?type=spa","headers":{},"body":{"title":"x","login_uri":null,"callbacks":["https://app.example.com/cb"],"logout_urls":[],"web_origins":[],"allowed_origins":[]}}}
        get token demo --field name: status 0
        --- stdout
        demo
        create token --grant dw,*.* --apis sql: status 2
        --- stderr
        error: --grant: `*.*` is nothing but wildcards
        hint: `*` alone grants all that the connection reaches; otherwise fix at least a part, like `carto.shared.CARTO_*`
        delete token nobody: status 3
        --- stderr
        error: no token `nobody`
        hint: `carto credentials list tokens` shows those there are
    "#]].assert_eq(&report);
    // Nothing was made, changed or deleted.
    let after = carto.sandbox("credentials list --json").ok().json();
    assert_eq!(after["tokens"][0]["grants"].as_array().unwrap().len(), 1);
    assert_eq!((after["m2m"].as_array().unwrap().len(), after["spa"].as_array().unwrap().len()), (1, 0));
}

#[test]
fn a_dry_run_sends_no_write_and_hides_secrets() {
    let carto = Carto::new();
    carto.install("marker");
    let server = Wire::start(vec![Act::json("200 OK", "{}")]);
    let line = "--dry-run credentials create marker --after-write success --text 'say hunter2' --api-key env:KEY";
    check(
        &on(&server, &carto, line).env("KEY", "hunter2").ok(),
        expect![[r#"
        status 0
        --- stdout
        POST /v3/oauth-clients?type=m2m

        {
          "title": "made",
          "note": "say [hidden]",
          "api_key": "[hidden]"
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
    "#]],
    );
    assert_eq!(server.requests().len(), 0);
    carto.sandbox("credentials create m2m --title x").ok();
    check(
        &carto.sandbox("sandbox reset --dry-run").ok(),
        expect![[r#"
        status 0
        --- stderr
        The sandbox in `[home]/.local/share/carto/sandbox.db` would be emptied: this was a dry run.
    "#]],
    );
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "x\n");
}

#[test]
fn variables_go_to_a_file() {
    let carto = Carto::new();
    let file = carto.write(".env", "# mine\nPATH_TO=x\nCARTO_API_ACCESS_TOKEN=old\nexport LAST='1'");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let created = carto.sandbox(&format!("{CREATE} --env-file .env")).ok();
    check(
        &created,
        expect![[r#"
        status 0
        --- stdout
        id               [token-id]
        token            (hidden)
        name             demo
        grants           dw:a.b
        allowed_apis     sql
        referers         -
        expiration_date  -
        created_at       2026-11-23T10:00:00Z
        updated_at       2026-11-23T10:00:00Z
        --- stderr
        Created API Access Token `demo` ([token-id])
        note: wrote `CARTO_API_ACCESS_TOKEN` to `.env`
    "#]],
    );
    carto.sandbox("credentials create m2m --title Nightly --env-file .env --json").ok();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let revealed = carto.sandbox("credentials get token demo --reveal --field token").ok().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["# mine", "PATH_TO=x"]);
    assert_eq!(lines[2], format!("CARTO_API_ACCESS_TOKEN='{}'", revealed.trim()));
    assert_eq!(lines[3], "export LAST='1'");
    assert!(lines[4].starts_with("CARTO_M2M_CLIENT_ID='") && lines[5].starts_with("CARTO_M2M_CLIENT_SECRET='"));
    // A shell reads it back.
    let script = ". ./.env && printf '%s\\n' \"$CARTO_API_ACCESS_TOKEN\"";
    let shell = Command::new("sh").args(["-c", script]).current_dir(carto.home()).output().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), revealed);
    // Nothing is left beside it.
    let left = std::fs::read_dir(carto.home()).unwrap().filter_map(Result::ok);
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".carto-env")));
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_anything_is_made() {
    let carto = Carto::new();
    let server = Wire::start(vec![Act::json("200 OK", "{}")]);
    std::fs::create_dir(carto.home().join("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", carto.home().join("dangling")).unwrap();
    carto.write("broken", "A='1\nB=2\n");
    std::fs::write(carto.home().join("binary"), [0xff, 0xfe]).unwrap();
    carto.write("large", &"#".repeat(2 << 20));
    let mut report = String::new();
    for path in ["folder", "nowhere/.env", "dangling", "/dev/null", "broken", "binary", "large", "/proc/.env", ".."] {
        let output = on(&server, &carto, &format!("{CREATE} --env-file {path}")).fails(1);
        report.push_str(&format!("{path}: {output}"));
    }
    for line in
        [&format!("{CREATE} --env-file .env -o env"), "credentials create marker --env-file .env --field nothing"]
    {
        carto.install("marker");
        report.push_str(&on(&server, &carto, line).fails(2).to_string());
        carto.uninstall("marker");
    }
    expect![[r#"
        folder: status 1
        --- stderr
        error: cannot write to `folder`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        nowhere/.env: status 1
        --- stderr
        error: cannot write to `nowhere/.env`: its folder can't be used: No such file or directory (os error 2)
        hint: nothing was created; name another file, or use `-o env` to see the variables
        dangling: status 1
        --- stderr
        error: cannot write to `dangling`: it is a link that leads nowhere
        hint: nothing was created; name another file, or use `-o env` to see the variables
        /dev/null: status 1
        --- stderr
        error: cannot write to `/dev/null`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        broken: status 1
        --- stderr
        error: cannot write to `broken`: what begins in line 1 has no end: a quote isn't closed, or a backslash ends the file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        binary: status 1
        --- stderr
        error: cannot write to `binary`: it isn't text in UTF-8
        hint: nothing was created; name another file, or use `-o env` to see the variables
        large: status 1
        --- stderr
        error: cannot write to `large`: it is larger than 1 MiB
        hint: nothing was created; name another file, or use `-o env` to see the variables
        /proc/.env: status 1
        --- stderr
        error: cannot write to `/proc/.env`: nothing can be written beside it: entity not found
        hint: nothing was created; name another file, or use `-o env` to see the variables
        ..: status 1
        --- stderr
        error: cannot write to `..`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        status 2
        --- stderr
        error: `-o env` and `--env-file` both write the variables
        hint: leave one of the two out
        status 2
        --- stderr
        error: there is no field `nothing`
        hint: fields: `args`, `id`, `key`, `name`, `now`, `options`, `problem`
    "#]]
    .assert_eq(&report);
    assert_eq!(server.requests().len(), 0);
    // A failure of the service leaves the file as it was.
    let failing = Wire::start(vec![Act::json("403 Forbidden", r#"{"error": "no"}"#)]);
    carto.write(".env", "A=1\n");
    on(&failing, &carto, &format!("{CREATE} --env-file .env")).fails(4);
    assert_eq!(std::fs::read_to_string(carto.home().join(".env")).unwrap(), "A=1\n");
}

/// What can't be foreseen is said with the credential that exists.
#[test]
fn a_file_that_is_taken_away_meanwhile_loses_no_credential() {
    let carto = Carto::new();
    for (line, answer, way_out) in [
        (CREATE, r#"{"id": "tok_1", "token": "s3cr3t"}"#, "`carto credentials get token tok_1 --reveal` shows it"),
        (
            "credentials create m2m --title x",
            r#"{"client_id": "id_1", "client_secret": "s3cr3t", "title": "x"}"#,
            "its secret is lost: `carto credentials delete m2m id_1`, then create it again",
        ),
    ] {
        let folder = carto.home().join("folder");
        std::fs::create_dir(&folder).unwrap();
        let server = Wire::start_with(move |_, request| {
            if !request.is_empty() {
                std::fs::remove_dir_all(&folder).unwrap();
            }
            Act::json("200 OK", answer)
        });
        let output = on(&server, &carto, &format!("{line} --env-file folder/.env")).fails(1);
        assert!(output.stderr.contains("but its values were not written to `folder/.env`"), "{output}");
        assert!(output.stderr.contains(way_out) && !output.stderr.contains("s3cr3t"), "{output}");
    }
}

/// Twenty commands that write to one file at once: no variable is lost.
#[test]
fn many_commands_share_a_file() {
    let carto = Carto::new();
    carto.write(".env", "A=1\n");
    std::thread::scope(|scope| {
        for nth in 0..10 {
            let carto = &carto;
            scope.spawn(move || {
                carto.sandbox(&format!("credentials create m2m --title n{nth} --env-file .env")).ok();
                carto.sandbox(&format!("credentials create spa --title n{nth} --env-file .env")).ok();
            });
        }
    });
    let text = std::fs::read_to_string(carto.home().join(".env")).unwrap();
    let names: Vec<&str> = text.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(names.len(), 4, "{text}");
    assert_eq!(names[0], "A");
}

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
            true => on(&server, &carto, &format!("{line} --timeout 300ms")).output(),
            false => signalled(Signal::INT, on(&server, &carto, line), &server, 1),
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
    let output = signalled(Signal::TERM, on(&server, &carto, &format!("{CREATE} --json")), &server, 1);
    assert_eq!((output.status, &output.error()["code"]), (130, &"interrupted".into()), "{output}");
}

/// A reader that stops reading doesn't keep a signal from being heard.
#[test]
fn a_list_that_nobody_reads_can_be_interrupted() {
    let carto = Carto::new();
    let server = pages(1000, usize::MAX);
    let mut run = on(&server, &carto, "credentials list tokens --json");
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What is printed fills the pipe, one page waits, and no more is asked for.
    until(|| server.requests().len() >= 2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = run.ended(child);
    assert_eq!(output.status, 130, "{}", output.stderr);
    assert_eq!(server.requests().len(), 2);
    assert!(output.stdout.contains("tok_1\"") && !output.stdout.contains("tok_100\""), "{}", output.stdout.len());
}

/// A server that lists so many tokens in pages of 100, or pages without an end.
fn pages(size_of_a_name: usize, tokens: usize) -> Wire {
    Wire::start_with(move |_, request| {
        let query = request.split(' ').nth(1).unwrap_or_default();
        let start: usize = query.split("cursor=").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
        let end = tokens.min(start + 100);
        let items: Vec<String> = (start..end)
            .map(|nth| format!(r#"{{"id": "tok_{nth}", "name": "{}"}}"#, "n".repeat(size_of_a_name)))
            .collect();
        let next = if end < tokens { format!(r#", "next": "{end}""#) } else { String::new() };
        Act::json("200 OK", &format!(r#"{{"tokens": [{}]{next}}}"#, items.join(",")))
    })
}

#[test]
fn no_request_is_made_in_vain() {
    let carto = Carto::new();
    let token = r#"{"id": "tok_1", "token": "x", "name": "demo"}"#;
    for line in [
        CREATE,
        "credentials get token tok_1",
        "credentials delete token tok_1 --yes",
        "credentials update token tok_1 --name x",
    ] {
        let server = Wire::start(vec![Act::json("200 OK", token)]);
        on(&server, &carto, line).ok();
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{line}");
    }
    let client = r#"{"client_id": "abcdefghijklmnopqrstuvwxyz012345", "client_secret": "s", "title": "x"}"#;
    for line in [
        "create m2m --title x",
        "get m2m abcdefghijklmnopqrstuvwxyz012345",
        "delete spa abcdefghijklmnopqrstuvwxyz012345 -y",
    ] {
        let server = Wire::start(vec![Act::json("200 OK", client)]);
        on(&server, &carto, &format!("credentials {line}")).ok();
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{line}");
    }
    let server = pages(3, 500);
    assert_eq!(on(&server, &carto, "credentials list tokens --field id").ok().stdout.lines().count(), 500);
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
    // A limit asks for no page that isn't shown.
    let server = pages(3, 500);
    assert_eq!(on(&server, &carto, "credentials list tokens --field id --limit 150").ok().stdout.lines().count(), 150);
    assert_eq!(server.requests().len(), 2);
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
        let output = on(&server, &carto, &format!("credentials create marker --after-write {what}")).output();
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

#[test]
fn a_spinner_is_for_a_person_who_waits() {
    let carto = Carto::new();
    let list = || carto.sandbox("credentials list m2m").fault("latency=700ms").env("TERM", "xterm");
    let (screen, _) = terminal::run(list(), None);
    assert!(screen.contains("Listing"), "{screen:?}");
    assert!(screen.contains("There is no M2M OAuth Client here."), "{screen:?}");
    let quiet = |run: Run| {
        let (screen, _) = terminal::run(run, None);
        assert!(!screen.contains("Listing") && !screen.contains('\u{1b}'), "{screen:?}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| quiet(list().env("CI", "true").env("NO_COLOR", "1")));
        scope.spawn(|| quiet(list().env("TERM", "dumb")));
        scope.spawn(|| quiet(carto.sandbox("credentials list m2m --json").fault("latency=700ms").env("TERM", "xterm")));
        scope.spawn(|| quiet(carto.sandbox("credentials list m2m").env("TERM", "xterm").env("NO_COLOR", "1")));
        scope.spawn(|| {
            let output = list().ok();
            assert!(!output.stderr.contains("Listing"), "{output}");
        });
    });
}
