//! The credentials file as it is on a disk: whose it is, what is left of it when something goes wrong, and who changes it at once.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::cloud::{Cloud, SECRET};
use crate::support::steps::killed_at;
use crate::support::{Carto, Run};

fn place(carto: &Carto) -> PathBuf {
    carto.home().join(".carto_credentials.json")
}

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place(carto)).unwrap()).unwrap()
}

fn mode(path: PathBuf) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// What stands beside the file when nothing is at work: the lock, and nothing that somebody was killed over.
fn beside(carto: &Carto) -> Vec<String> {
    let names = std::fs::read_dir(carto.home()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(".carto")).collect();
    names.sort();
    names
}

fn started(mut run: Run) -> Child {
    run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// As CARTO's command line writes it, and with what a later one might.
const THEIRS: &str = r#"{
  "current_profile": "acme/Acme/x@example.com",
  "profiles": {
    "acme/Acme/x@example.com": {
      "token": "theirs",
      "tenant_id": "acme",
      "tenant_domain": "app.carto.com",
      "organization_id": "ac_1",
      "organization_name": "Acme",
      "user_email": "x@example.com",
      "future": 1.50
    }
  },
  "telemetry": {"id": 12345678901234567890123}
}
"#;

#[test]
fn carto_s_own_command_line_finds_what_it_left() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    carto.write(".carto_credentials.json", THEIRS);
    cloud.login(&carto, "ours").ok();
    let text = std::fs::read_to_string(place(&carto)).unwrap();
    let theirs = THEIRS.split("\"profiles\": {").nth(1).unwrap().split("\n  },").next().unwrap();
    assert!(text.contains(theirs) && text.contains(r#""telemetry": {"id": 12345678901234567890123}"#), "{text}");
    assert_eq!(file(&carto)["current_profile"], "ours");
    // A switch and the end of ours, and it is what it was.
    carto.run("auth use acme/Acme/x@example.com").ok();
    carto.run("auth logout ours").ok();
    assert_eq!(std::fs::read_to_string(place(&carto)).unwrap(), THEIRS);
}

/// It knows nothing of our part of a profile: it may drop it, or leave it beside a bearer of its own.
#[test]
fn what_the_other_command_line_changes_is_believed() {
    let (carto, cloud) = (Carto::new(), Cloud::lasting(&[60]));
    cloud.login(&carto, "p").ok();
    let mut changed = file(&carto);
    changed["profiles"]["p"]["token"] = "theirs".into();
    carto.write(".carto_credentials.json", &changed.to_string());
    let status = carto.run("auth status --json").ok().json();
    assert_eq!((&status["token_kind"], &status["sign_in"]), (&json!("opaque"), &Value::Null));
    assert_eq!(status["base_url"], "https://acme.api.carto.com");
    carto.run("auth logout p").ok();
    assert_eq!(cloud.asked().len(), 3);
}

#[test]
fn an_older_file_becomes_todays() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    carto.write(".carto_credentials.json", r#"{"token": "old", "tenant_id": "acme", "user_email": "x@example.com"}"#);
    let status = carto.run("auth status --json").ok().json();
    assert_eq!((&status["profile"], &status["user_email"]), (&json!("default"), &json!("x@example.com")));
    cloud.login(&carto, "new").ok();
    let kept = file(&carto);
    assert_eq!(
        kept["profiles"]["default"],
        json!({ "token": "old", "tenant_id": "acme", "user_email": "x@example.com" })
    );
    assert_eq!(kept["current_profile"], "new");
}

#[test]
fn the_file_is_for_nobody_else_and_stays_where_it_is() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    carto.write("dotfiles/credentials.json", THEIRS);
    symlink("dotfiles/credentials.json", place(&carto)).unwrap();
    let target = carto.home().join("dotfiles/credentials.json");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = cloud.login(&carto, "p").ok();
    assert!(output.stderr.contains("could be read or written by others (mode 644)"), "{output}");
    assert_eq!((mode(target.clone()), mode(carto.home().join(".carto_credentials.json.lock"))), (0o600, 0o600));
    assert!(std::fs::symlink_metadata(place(&carto)).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(carto.home().join("dotfiles")).unwrap().count(), 1);
    assert_eq!(file(&carto)["current_profile"], "p");
    let output = cloud.login(&carto, "p").ok();
    assert!(!output.stderr.contains("by others"), "{output}");
    // A link that leads nowhere is no file to make.
    std::fs::remove_file(&target).unwrap();
    let output = cloud.login(&carto, "p").fails(1);
    assert!(output.stderr.contains("it is a link that leads nowhere"), "{output}");
}

#[test]
fn a_broken_file_is_left_as_it_is() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    for text in
        [" ", "{", "[]", "{\"profiles\": {\n  \"p\": {\"token\": 12345}}}", "{\"profiles\": {\"p\": []}}", "{\"a\": x}"]
    {
        carto.write(".carto_credentials.json", text);
        for line in ["auth status", "auth use p", "auth logout p"] {
            carto.run(line).fails(1);
        }
        let output = cloud.login(&carto, "p").fails(1);
        assert!(!output.stderr.contains("12345"), "{output}");
        report.push_str(&output.to_string());
        assert_eq!(std::fs::read_to_string(place(&carto)).unwrap(), text);
    }
    expect![[r#"
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 1: the JSON ends here, and isn't complete
        hint: mend the file, or move it away and sign in again; it was left as it is
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 1: the JSON ends here, and isn't complete
        hint: mend the file, or move it away and sign in again; it was left as it is
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 1: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        hint: mend the file, or move it away and sign in again; it was left as it is
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 2, column 22: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        hint: mend the file, or move it away and sign in again; it was left as it is
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 21: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        hint: mend the file, or move it away and sign in again; it was left as it is
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 7: this isn't JSON
        hint: mend the file, or move it away and sign in again; it was left as it is
    "#]]
    .assert_eq(&report);
    // Neither is anything else waited for or followed.
    for make in [
        |path: &PathBuf| std::fs::create_dir(path).unwrap(),
        |path: &PathBuf| {
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        },
    ] {
        let path = place(&carto);
        let _ = std::fs::remove_file(&path);
        make(&path);
        let output = carto.run("auth status").fails(1);
        assert!(output.stderr.contains("it isn't a file"), "{output}");
        let _ = std::fs::remove_dir(&path);
    }
}

/// Eight at once, and each finds its profile in the file.
#[test]
fn nobody_s_profile_is_lost() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let children: Vec<Child> = (0..8).map(|nth| started(cloud.login(&carto, &format!("p{nth}")))).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let kept = file(&carto);
    let mut names: Vec<&String> = kept["profiles"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
    assert_eq!(beside(&carto), [".carto_credentials.json", ".carto_credentials.json.lock"]);
}

/// Killed at any system call from the first file beside it on until its end, a command leaves the file as it was or as it is to be, and
/// nothing that the next command doesn't sweep.
#[test]
fn a_kill_leaves_a_whole_file() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for name in ["a", "b"] {
        cloud.login(&carto, name).ok();
    }
    let text = || std::fs::read_to_string(place(&carto)).unwrap();
    let new = text();
    carto.run("auth use a").ok();
    let old = text();
    assert_ne!(old, new);
    let scrap = || beside(&carto).into_iter().find(|name| name.starts_with(".carto_credentials.new-"));
    let (mut before, mut after, mut with_a_scrap) = (0, 0, 0);
    while killed_at(carto.run("auth use b"), before + after, || scrap().is_some()) {
        let (now, nth) = (text(), before + after);
        assert!(now == old || now == new, "killed at stop {nth}: {now}");
        assert_eq!(mode(place(&carto)), 0o600, "killed at stop {nth}");
        // Whoever was before the step never comes after it.
        assert!(now == new || after == 0, "killed at stop {nth}, the file is the old one again");
        if let Some(scrap) = scrap() {
            assert_eq!(mode(carto.home().join(scrap)), 0o600, "killed at stop {nth}");
            with_a_scrap += 1;
        }
        *(if now == old { &mut before } else { &mut after }) += 1;
        // The next one isn't kept out, and sweeps.
        carto.run("auth use a").ok();
        assert_eq!(text(), old, "killed at stop {nth}");
        assert_eq!(beside(&carto), [".carto_credentials.json", ".carto_credentials.json.lock"], "killed at stop {nth}");
    }
    // It came to its end in the last round.
    assert_eq!(text(), new);
    println!("killed at {before} stops before the step and {after} after it; {with_a_scrap} left a file beside it");
    // Writing it, asking for it to be kept, and the step itself are calls, each with two stops.
    assert!(before >= 10 && after >= 4 && with_a_scrap >= 10, "{before} {after} {with_a_scrap}");
}

#[test]
fn what_a_killed_command_left_is_swept() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    carto.write(".carto_credentials.new-Ab3xYz", SECRET);
    cloud.login(&carto, "p").ok();
    assert_eq!(beside(&carto), [".carto_credentials.json", ".carto_credentials.json.lock"]);
}
