//! Every type of argument that a manifest can declare, and what a kind may do and say, shown by a fixture that does it on command.

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::Carto;
use crate::support::output::check;

fn with_marker() -> Carto {
    // Where its constructor could leave a mark.
    let carto = Carto::new().at_level("in-process");
    carto.install("marker");
    carto
}

fn args(carto: &Carto, line: &str) -> Value {
    carto.sandbox(&format!("credentials create marker {line} --json")).ok().json()["args"].clone()
}

#[test]
fn every_type_reaches_the_kind() {
    let carto = with_marker();
    carto.write("text.txt", "two\nlines\n");
    carto.write("key", "s3cr3t\n");
    assert_eq!(args(&carto, ""), json!({}));
    assert_eq!(args(&carto, "--number -7 --flag"), json!({ "number": -7, "flag": true }));
    assert_eq!(args(&carto, "--level high"), json!({ "level": "high" }));
    assert_eq!(args(&carto, "--from-file text.txt"), json!({ "from_file": "two\nlines" }));
    assert_eq!(args(&carto, "--api-key @key"), json!({ "api_key": "s3cr3t" }));
    assert_eq!(args(&carto, "--api-key env:HOME")["api_key"], carto.home().display().to_string());
    assert_eq!(
        args(&carto, "--when 2027-01-01 --when 1m"),
        json!({ "when": ["2027-01-01T00:00:00Z", "2026-12-23T10:00:00Z"] })
    );
    assert_eq!(args(&carto, "--text @@home"), json!({ "text": "@home" }));
}

#[test]
fn what_a_kind_cant_take_is_told_before_it_runs() {
    let carto = with_marker();
    let mark = carto.home().join("mark");
    let mut report = String::new();
    for case in [
        "--number many",
        "--number 99999999999999999999",
        "--level middle",
        "--level low --flag",
        "--from-file missing.txt",
        "--from-file /",
        "--api-key hunter2",
        "--api-key env:NOT_SET",
        "--when someday",
        "--text @missing",
        "--text @- --api-key -",
    ] {
        let output = carto.sandbox(&format!("credentials create marker {case}")).env("CARTO_TEST_MARK", &mark).fails(2);
        assert!(!mark.exists(), "{case}");
        assert!(!output.stderr.contains("hunter2"));
        report.push_str(&format!("$ {case}\n{}", output.stderr));
    }
    expect![[r#"
        $ --number many
        error: --number: `many` isn't a whole number
        hint: write it like `--number 10`
        $ --number 99999999999999999999
        error: --number: `99999999999999999999` isn't a whole number
        hint: write it like `--number 10`
        $ --level middle
        error: invalid value `middle` for `--level <WORD>` [possible values: low, high]
        hint: `carto credentials create marker --help` shows how it is used
        $ --level low --flag
        error: the argument `--level <WORD>` cannot be used with `--flag`
        hint: `carto credentials create marker --help` shows how it is used
        $ --from-file missing.txt
        error: --from-file: cannot read `missing.txt`: No such file or directory (os error 2)
        hint: name a text file that you can read
        $ --from-file /
        error: --from-file: cannot read `/`: Is a directory (os error 21)
        hint: name a text file that you can read
        $ --api-key hunter2
        error: --api-key: `--api-key` takes a place to read a secret from, not the secret
        hint: use `--api-key -` for standard input, `--api-key @FILE`, or `--api-key env:NAME`
        $ --api-key env:NOT_SET
        error: --api-key: the variable `NOT_SET` isn't set
        hint: set and export it, or use `--api-key -` for standard input, or `--api-key @FILE`
        $ --when someday
        error: --when: `someday` isn't a date
        hint: write a date (2027-01-01), a time (2027-01-01T12:00:00Z), or a time from now (7d, 2w, 6m, 1y)
        $ --text @missing
        error: --text: cannot read `missing`: No such file or directory (os error 2)
        hint: `@` reads a file; for the text itself write @@missing
        $ --text @- --api-key -
        error: `--api-key` and `--text` both read standard input
        hint: give one of them another way
    "#]]
    .assert_eq(&report);
}

#[test]
fn a_global_never_reaches_a_kind() {
    let carto = with_marker();
    assert_eq!(args(&carto, "--yes --debug --timeout 5s"), json!({}));
    assert_eq!(carto.sandbox("credentials create marker --json --yes").ok().json()["now"], "2026-11-23T10:00:00Z");
}

#[test]
fn a_kind_gets_its_own_settings_and_no_others() {
    let carto = with_marker();
    carto.write(".config/carto/config.toml", "[kinds.marker]\ncolour = \"red\"\n[kinds.token]\nother = 1\n");
    assert_eq!(carto.sandbox("credentials create marker --json").ok().json()["options"], json!({ "colour": "red" }));
    carto.write(".config/carto/config.toml", "[kinds.marker]\ncolour = red\n");
    check(
        &carto.sandbox("credentials create marker").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 2, column 10: string values must be quoted, expected literal string
        hint: mend the file, or move it away
    "#]],
    );
    carto.write(".config/carto/config.toml", "[kind.marker]\n");
    check(
        &carto.sandbox("credentials create marker").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: cannot use the settings in `[home]/.config/carto/config.toml`: line 1, column 2: unknown field `kind`, expected one of `services`, `approved`, `network`, `plugins`, `auth`, `kinds`
            hint: mend the file, or move it away
        "#]],
    );
}

#[test]
fn a_kind_that_breaks_the_contract_is_named() {
    let carto = with_marker();
    let mut report = String::new();
    for id in ["panic", "undeclared", "header:authorization", "secret-id", "no-record", "nameless"] {
        let output = carto.sandbox(&format!("credentials get marker {id}")).fails(7);
        report.push_str(&format!("{id}:\n{output}"));
    }
    expect![[r#"
        panic:
        status 7
        --- stderr
        error: the kind `marker` broke the contract in `get`: it panicked at tests/fixtures/marker/src/lib.rs:39: on command
        hint: report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
        undeclared:
        status 7
        --- stderr
        error: the kind `marker` broke the contract in `get`: it asked for `api DELETE /v3/tokens/x`, which its manifest doesn't declare
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
        header:authorization:
        status 7
        --- stderr
        error: the kind `marker` broke the contract in `get`: it set the header `authorization`, which isn't a kind's to set
        hint: that request wasn't sent; report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
        secret-id:
        status 7
        --- stderr
        error: the kind `marker` answered with a secret as `id`
        hint: report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
        no-record:
        status 7
        --- stderr
        error: the kind `marker` answered with something that isn't a record with an `id`
        hint: report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
        nameless:
        status 7
        --- stderr
        error: the kind `marker` answered with something that isn't a record with an `id`
        hint: report it to the tests, or remove `[home]/kinds/libcarto_kind_marker.so`
    "#]].assert_eq(&report);
    check(
        &carto.sandbox("credentials get marker error").fails(5),
        expect![[r#"
        status 5
        --- stderr
        error: taken \u{1b}[31m
        hint: choose\u{a}another
    "#]],
    );
    check(
        &carto.sandbox("credentials delete marker x -y").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `marker` has no verb `delete`; verbs: list, create, get, update
        hint: `carto credentials --help` lists the verbs; `marker` has those above
    "#]],
    );
}

#[test]
fn text_from_a_kind_cant_disturb_a_terminal() {
    let carto = with_marker();
    for format in ["", " -o json", " -o jsonl", " -o csv"] {
        let output = carto.sandbox(&format!("credentials get marker escapes{format}")).ok();
        assert!(!output.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{output}");
    }
    let json = carto.sandbox("credentials get marker escapes --json").ok().json();
    assert_eq!(json["id"], "\u{1b}[31mred\u{202e}");
}

#[test]
fn values_are_quoted_for_a_shell() {
    let carto = with_marker();
    let output = carto.sandbox("credentials create marker -o env").ok();
    assert_eq!(output.stdout, "MARKER_KEY='k'\\''1'\n");
}

#[test]
fn pages_follow_each_other() {
    let carto = with_marker();
    let listed = carto.sandbox("credentials list markers --field id").ok();
    assert_eq!(listed.stdout, "m0\nm1\nm2\nm3\nm4\nm5\n");
    assert_eq!(carto.sandbox("credentials list markers --field id --limit 3").ok().stdout, "m0\nm1\nm2\n");
}

/// Whatever an id holds, it stays inside its segment of the path.
#[test]
fn ids_stay_inside_their_route() {
    let carto = with_marker();
    for id in ["a/b", "../x", "..%2fx", "%2e%2e", "x?y=1", "x#y", "x;y", "a\\b", "ünï", "x%00y", "//host/x", "@host"]
    {
        let output =
            carto.run_words(&["credentials", "get", "marker", id, "--field", "name"]).env("CARTO_SANDBOX", "1").ok();
        assert_eq!(output.stdout, "404\n", "{id}");
        let output =
            carto.run_words(&["credentials", "get", "marker", id, "--field", "problem"]).env("CARTO_SANDBOX", "1").ok();
        assert_eq!(output.stdout, "Token not found\n", "{id}");
    }
}

/// Behind a write that the service accepted, no failure reads as if nothing had happened.
#[test]
fn what_fails_after_a_write_says_that_there_was_one() {
    let carto = with_marker();
    let mut report = String::new();
    for (id, status) in [("panic", 7), ("no-record", 7), ("read", 8), ("gone", 8)] {
        let output =
            carto.sandbox(&format!("credentials update marker {id}")).fault("status=503,path=/v3/tokens").fails(status);
        report.push_str(&format!("{id}: {output}"));
    }
    expect![[r#"
        panic: status 7
        --- stderr
        error: the kind `marker` broke the contract in `update`: it panicked at tests/fixtures/marker/src/lib.rs:78: after a write; before that, the service had accepted POST /v3/oauth-clients (`[client-id]`)
        hint: look before you repeat it: `carto credentials get marker panic` shows it as it is now
        no-record: status 7
        --- stderr
        error: the kind `marker` answered with something that isn't a record with an `id`; before that, the service had accepted POST /v3/oauth-clients (`[client-id]`)
        hint: look before you repeat it: `carto credentials get marker no-record` shows it as it is now
        read: status 8
        --- stderr
        error: the sandbox failed (503): Service Unavailable; before that, the service had accepted POST /v3/oauth-clients (`[client-id]`)
        hint: look before you repeat it: `carto credentials get marker read` shows it as it is now
        gone: status 8
        --- stderr
        error: it is gone; before that, the service had accepted POST /v3/oauth-clients (`[client-id]`)
        hint: look before you repeat it: `carto credentials get marker gone` shows it as it is now
    "#]].assert_eq(&report);
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "made\n".repeat(4));
}

#[test]
fn only_harmless_headers_are_a_kinds_to_set() {
    let carto = with_marker();
    for header in [
        "authorization",
        "Authorization",
        "host",
        "cookie",
        "content-length",
        "transfer-encoding",
        "connection",
        "x-http-method-override",
        "proxy-authorization",
        "accept",
        "user-agent",
        "x-forwarded-for",
    ] {
        let output = carto.sandbox(&format!("credentials get marker header:{header}")).fails(7);
        assert!(output.stderr.contains("isn't a kind's to set"), "{output}");
    }
    carto.sandbox("credentials get marker header:If-None-Match").ok();
}
