//! Records of what is done: what is in them, what isn't, and what happens where they can't be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use expect_test::expect;
use serde_json::Value;

use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::wire::{Act, Wire};

fn policy(audit: &str) -> String {
    format!("version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"m2m\"\nverbs = [\"create\"]\n[audit]\n{audit}\n")
}

fn to_file() -> Prefix {
    Prefix::with_policy(&policy("file = \"HOME/audit.jsonl\"\nrequired = true"))
}

fn records(place: &Prefix) -> Vec<Value> {
    let text = fs::read_to_string(place.free.home().join("audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records as lines: what of them is the same in every run.
fn told(records: &[Value]) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |record: &Value| {
        let keys = ["event", "kind", "verb", "credential", "level", "rule", "writes", "outcome", "status"];
        let fields = keys.iter().filter_map(|key| Some(format!("{key}={}", plain(record.get(*key)?))));
        fields.collect::<Vec<_>>().join(" ") + "\n"
    };
    records.iter().map(line).collect()
}

/// The lines, with the home as its name and what is made up by the sandbox as its.
fn settled(place: &Prefix, text: &str) -> String {
    let text = text.replace(&place.free.home().display().to_string(), "[home]");
    let made = regex_lite::Regex::new("tok_[A-Za-z0-9]{16,}").unwrap();
    made.replace_all(&text, "[token-id]").into_owned()
}

#[test]
fn every_verb_has_two_records() {
    let place = to_file();
    place.sandbox("credentials create token --name a --connection dw --source a.b.c --apis sql").ok();
    place.sandbox("credentials get token a").ok();
    place.sandbox("credentials get token nobody").fails(3);
    place.sandbox("credentials create m2m --title x").fails(4);
    place.sandbox("credentials list spa").ok();
    place.sandbox("credentials update token a --name b --dry-run").ok();
    place.sandbox("credentials delete token b --yes").fails(3);
    place.sandbox("credentials delete token a --yes").ok();
    let records = records(&place);
    expect![[r#"
        event=begun kind=token verb=create credential=null level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=create credential=[token-id] level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=["POST /v3/tokens"] outcome=done status=0
        event=begun kind=token verb=get credential=a level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=get credential=[token-id] level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=[] outcome=done status=0
        event=begun kind=token verb=get credential=nobody level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=get credential=nobody level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=[] outcome=not_found status=3
        event=refused kind=m2m verb=create rule=[home]/prefix/etc/carto/policy.toml:3 outcome=refused_by_policy status=4
        event=begun kind=spa verb=list credential=null level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=spa verb=list credential=null level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=[] outcome=done status=0
        event=begun kind=token verb=update credential=a level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=update credential=a level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=[] outcome=done status=0
        event=begun kind=token verb=delete credential=b level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=delete credential=b level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=[] outcome=not_found status=3
        event=begun kind=token verb=delete credential=a level=confined rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token verb=delete credential=[token-id] level=confined rule=[home]/prefix/etc/carto/policy.toml:2 writes=["DELETE /v3/tokens/[token-id]"] outcome=done status=0
    "#]].assert_eq(&settled(&place, &told(&records)));
    let first = &records[0];
    for key in ["time", "run", "host", "kind", "release", "file", "sha256"] {
        assert!(first[key].is_string(), "{key}: {first}");
    }
    assert_eq!(first["account"]["service"], "the sandbox");
    assert!(first["user"]["uid"].is_u64() && first["pid"].is_u64());
    assert_eq!(records[0]["run"], records[1]["run"]);
    assert_ne!(records[1]["run"], records[2]["run"]);
    assert_eq!(records[0]["sha256"], records[1]["sha256"]);
    let mode = fs::metadata(place.free.home().join("audit.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn no_credential_and_no_value_of_an_option_is_recorded() {
    let place = to_file();
    let create = "credentials create token --name name-of-it --connection dw --source secret.table.name --apis sql";
    let token = place.sandbox(&format!("{create} --field token")).ok().stdout.trim().to_owned();
    place.sandbox(&format!("credentials get token {token}")).ok();
    place.sandbox("credentials delete token - --yes").stdin(&token).ok();
    let secret = place.sandbox("credentials create spa --title site --field clientSecret").ok().stdout;
    let bearer = "opaque-bearer-0123456789-abcdefghij";
    let real =
        place.run("credentials list token").env("CARTO_API_TOKEN", bearer).env("CARTO_BASE_URL", "http://127.0.0.1:9");
    real.fails(6);
    place.sandbox(&create.replace("--apis sql", "--apis hunter2")).fails(2);
    place.policy(
        &(policy("file = \"HOME/audit.jsonl\"\nrequired = true")
            + "[[limit]]\nkind = \"token\"\nargument = \"name\"\npattern = \"x\"\n"),
    );
    place.sandbox(create).fails(4);
    let text = fs::read_to_string(place.free.home().join("audit.jsonl")).unwrap();
    assert!(!text.contains("hunter") && text.contains("\"argument\":\"name\""), "{text}");
    for hidden in [token.as_str(), secret.trim(), bearer, "secret.table.name", "name-of-it"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    assert!(text.contains("\"bearer\":\"CARTO_API_TOKEN\"") && text.contains("127.0.0.1:9"), "{text}");
}

#[test]
fn a_record_that_was_cut_off_takes_no_other_with_it() {
    let place = to_file();
    let file = place.free.write("audit.jsonl", "{\"time\":\"2026-11-24T1");
    place.sandbox("credentials list token").ok();
    let text = fs::read_to_string(file).unwrap();
    let whole = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!((text.lines().count(), whole), (3, 2), "{text}");
}

/// One place has it and another that has to can't: the one says how it ended.
#[test]
fn what_one_place_cannot_record_is_refused_in_the_other() {
    let place = to_file();
    place.free.write(
        ".config/carto/policy.toml",
        "version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"/nowhere/at/all\"\nrequired = true\n",
    );
    place.sandbox("credentials list token").fails(4);
    let events: Vec<Value> = records(&place).iter().map(|record| record["event"].clone()).collect();
    assert_eq!(events, ["begun", "refused"]);
}

#[test]
fn a_lock_that_cannot_be_read_refuses_and_is_recorded() {
    let place = to_file();
    let lock = place.free.write(".local/share/carto/lock.toml", "garbage");
    place.sandbox("credentials list token").fails(4);
    fs::remove_file(&lock).unwrap();
    symlink("/nowhere/at/all", &lock).unwrap();
    place.sandbox("credentials list token").fails(4);
    let events: Vec<Value> = records(&place).iter().map(|record| record["event"].clone()).collect();
    assert_eq!(events, ["refused", "refused"]);
}

/// Where the service has its routes elsewhere, the record says where.
#[test]
fn writes_are_recorded_by_the_path_at_which_they_are_sent() {
    let place = to_file();
    place
        .free
        .write(".config/carto/config.toml", "[services.api.paths]\n\"/v3/tokens/tok_a\" = \"/v3/tokens/tok_b\"\n");
    let server = Wire::json("200 OK", "{}");
    let run = place.run("credentials delete token tok_a --yes");
    run.env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "x").ok();
    assert_eq!(records(&place).last().unwrap()["writes"], serde_json::json!(["DELETE /v3/tokens/tok_b"]));
}

#[test]
fn a_list_that_nobody_reads_has_its_end() {
    let place = to_file();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut run = place.sandbox("credentials list");
    let status = run.command.stdout(writer).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let records = records(&place);
    let all = |event: &str| records.iter().filter(|record| record["event"] == event).collect::<Vec<_>>();
    assert_eq!(all("begun").len(), all("ended").len());
    assert!(all("ended").iter().all(|record| record["status"] == 0), "{records:?}");
}

/// Nobody knows what it asks for.
#[test]
fn nothing_is_changed_under_a_policy_that_cannot_be_read() {
    let place = Prefix::with_policy("version = 1\nmode = \"allow-all\"\n[audit]\nrequird = true\n");
    place.sandbox("plugin lock token").fails(4);
    // Nothing that could be locked is no failure, and there is nothing to forget.
    place.sandbox("plugin lock").ok();
    assert!(!place.free.data().join("lock.toml").exists());
    place.free.run("plugin lock token").ok();
    let lock = || fs::read_to_string(place.free.data().join("lock.toml")).unwrap();
    let before = lock();
    place.sandbox("plugin lock --forget").fails(4);
    assert_eq!(lock(), before);
}

/// The record of what a key of a policy refuses names the key.
#[test]
fn routes_that_are_moved_are_refused_with_the_key() {
    let place = Prefix::with_policy(
        "version = 1\nmode = \"allow-list\"\nservice_paths = false\n[[allow]]\nkind = \"token\"\n[audit]\nfile = \"HOME/audit.jsonl\"\n",
    );
    place.free.write(".config/carto/config.toml", "[services.api.paths]\n\"/v3/tokens\" = \"/v4/tokens\"\n");
    let run = place.run("credentials list token").env("CARTO_BASE_URL", "http://127.0.0.1:9");
    check(
        &run.env("CARTO_API_TOKEN", "x").fails(4),
        expect![[r#"
        status 4
        --- stderr
        error: `[services.api.paths]` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, doesn't allow other routes of the service
        hint: leave `[services.api.paths]` out, or unset it
    "#]],
    );
    assert!(records(&place)[0]["rule"].as_str().unwrap().ends_with("policy.toml:3"));
    assert_eq!(place.run("plugin why token list").output().status, 4);
    // The sandbox has its own.
    place.sandbox("credentials list token").ok();
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let place = to_file();
    let file = place.free.home().join("audit.jsonl");
    fs::create_dir(&file).unwrap();
    check(
        &place.sandbox("credentials create spa --title x").output(),
        expect![[r#"
        status 4
        --- stderr
        error: this can't be recorded in `[home]/audit.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: Is a directory (os error 21); so it isn't done
        hint: tell whoever administers this machine: the record has to be writable
    "#]],
    );
    fs::remove_dir(&file).unwrap();
    // A link could lead anywhere.
    let elsewhere = place.free.write("elsewhere", "");
    symlink(&elsewhere, &file).unwrap();
    place.sandbox("credentials list token").fails(4);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
    fs::remove_file(&file).unwrap();
    assert_eq!(place.free.sandbox("credentials list spa --json").ok().json()["spa"], serde_json::json!([]));
    // Without `required` it is done, and a warning says what is missing.
    place.policy(&policy("file = \"HOME/nowhere/audit.jsonl\""));
    check(
        &place.sandbox("credentials list spa").output(),
        expect![[r#"
        status 0
        --- stderr
        warning: this can't be recorded in `[home]/nowhere/audit.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: No such file or directory (os error 2)
        warning: what was done can't be recorded in `[home]/nowhere/audit.jsonl`: No such file or directory (os error 2)
        hint: tell whoever administers this machine
        There is no SPA OAuth Client here.
    "#]],
    );
    // In a list of all, each kind says it.
    place.policy(&policy("file = \"HOME/nowhere/audit.jsonl\"\nrequired = true"));
    assert_eq!(place.sandbox("credentials list").output().status, 4);
}

/// What there is to record in goes away between the two records: the result is there, and the status says that the record isn't.
#[test]
fn a_result_is_shown_though_its_end_cannot_be_recorded() {
    let place = to_file();
    let file = place.free.home().join("audit.jsonl");
    let server = Wire::start_with(move |_, _| {
        fs::rename(&file, file.with_extension("old")).unwrap();
        fs::create_dir(&file).unwrap();
        Act::json("201 Created", r#"{"client_id": "c_1", "client_secret": "shown-once", "title": "x", "type": "spa"}"#)
    });
    let run = place.run("credentials create spa --title x --json");
    let output = run.env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "x").output();
    check(
        &output,
        expect![[r#"
        status 8
        --- stderr
        {"warning":{"message":"what was done can't be recorded in `[home]/audit.jsonl`: Is a directory (os error 21)","hint":"tell whoever administers this machine"}}
        {"error":{"code":"outcome_unknown","message":"the connection to `127.0.0.1:[port]` failed: it ended before there was an answer; it isn't known whether the change was made","hint":"look before you repeat it: `carto credentials list spa` shows what there is"}}
    "#]],
    );
    let begun = fs::read_to_string(place.free.home().join("audit.old")).unwrap();
    assert!(begun.contains("\"begun\""), "{begun}");
}

#[test]
fn the_systems_log_gets_them() {
    let place = Prefix::new();
    let socket = place.free.home().join("log");
    let log = UnixDatagram::bind(&socket).unwrap();
    log.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    place.policy(&policy("syslog = true\nsocket = \"HOME/log\"\nrequired = true"));
    place.sandbox("credentials list token").ok();
    for event in ["begun", "ended"] {
        let mut bytes = [0; 8192];
        let length = log.recv(&mut bytes).unwrap();
        let message = std::str::from_utf8(&bytes[..length]).unwrap();
        let (head, json) = message.split_once(": ").unwrap();
        assert!(head.starts_with("<86>") && head.contains("carto["), "{head}");
        assert_eq!(serde_json::from_str::<Value>(json).unwrap()["event"], event);
    }
    drop(log);
    let refused = place.sandbox("credentials list token").fails(4);
    assert!(refused.stderr.contains("in the system's log"), "{refused}");
}

#[test]
fn the_users_own_records_come_besides() {
    let place = to_file();
    let own = place.free.write(
        ".config/carto/policy.toml",
        &format!("version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"{}/own.jsonl\"\n", place.free.home().display()),
    );
    fs::set_permissions(own, Permissions::from_mode(0o644)).unwrap();
    place.sandbox("credentials list token").ok();
    let own = fs::read_to_string(place.free.home().join("own.jsonl")).unwrap();
    assert_eq!((own.lines().count(), records(&place).len()), (2, 2));
}

/// Many at once: every line is whole.
#[test]
fn records_of_several_commands_do_not_mix() {
    let place = to_file();
    place.sandbox("credentials list token").ok();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    place.sandbox("credentials list").ok();
                }
            });
        }
    });
    assert_eq!(records(&place).len(), 2 + 20 * 6);
}
