//! Plugins are installed, taken back and removed: only what would be used, whole or not at all, whatever happens meanwhile.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use expect_test::expect;
use serde_json::Value;

use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;
use crate::support::{Output, Run, library, terminal};

/// A version of a kind with a service of its own. As long as any, so that only the digits differ.
fn robot(version: &str) -> Vec<u8> {
    of_version(Robot::at("https://robots.example.com/v1").library(), version)
}

fn of_version(mut bytes: Vec<u8>, version: &str) -> Vec<u8> {
    let text = format!("version = '{}'", env!("CARGO_PKG_VERSION"));
    let place = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    let new = format!("version = '{version}'");
    assert_eq!(new.len(), text.len());
    library::put(&mut bytes, place, new.as_bytes());
    bytes
}

/// A file that is to be installed, called as nobody's business is.
fn file(place: &Prefix, name: &str, bytes: &[u8]) -> PathBuf {
    let path = place.free.home().join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    path
}

/// The user's own folder.
fn own(place: &Prefix) -> PathBuf {
    place.free.data().join("kinds")
}

fn installed(place: &Prefix) -> PathBuf {
    own(place).join("libcarto_kind_robot.so")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What `plugin list` says of a kind.
fn state(place: &Prefix, kind: &str) -> Value {
    let listed = place.run("plugin list --json").ok().json();
    listed["plugins"].as_array().unwrap().iter().find(|row| row["name"] == kind).cloned().unwrap_or_default()
}

/// Several commands, as a person would see them.
fn told(outputs: impl IntoIterator<Item = (&'static str, Output)>) -> String {
    outputs.into_iter().map(|(line, output)| format!("$ carto {line}\n{output}")).collect()
}

#[test]
fn a_plugin_is_installed_replaced_and_taken_back() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    let lines = [
        "plugin install one.so --dry-run",
        "plugin install one.so",
        "plugin install one.so",
        "plugin install two.so",
        "plugin list",
        "plugin install --rollback robot --dry-run",
        "plugin install --rollback robot",
        "plugin install --rollback robot --json",
        "plugin install --rollback m2m",
        "plugin install --rollback ../x",
        "plugin install --rollback nobody",
        "plugin install --rollback robots --dry-run",
    ];
    expect![[r#"
        $ carto plugin install one.so --dry-run
        status 0
        --- stderr
        Would install robot 1.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
        Nothing was changed: this was a dry run.
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install one.so
        status 0
        --- stderr
        Installed robot 1.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install one.so
        status 0
        --- stderr
        robot 1.0.0 is already installed (sha256 [hash]…)
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install two.so
        status 0
        --- stderr
        Installed robot 2.0.0 (sha256 [hash]…), was 1.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
          The version before is kept: `carto plugin install --rollback robot` goes back
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin list
        status 0
        --- stdout
        NAME   STATE  VERSION  VENDOR     FOLDER
        m2m    ok     0.1.0    carto      [home]/prefix/lib/carto/kinds
        robot  ok     2.0.0    the tests  [home]/.local/share/carto/kinds
        spa    ok     0.1.0    carto      [home]/prefix/lib/carto/kinds
        token  ok     0.1.0    carto      [home]/prefix/lib/carto/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        $ carto plugin install --rollback robot --dry-run
        status 0
        --- stderr
        Would go back to robot 1.0.0 (sha256 [hash]…), was 2.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
          The version before is kept: `carto plugin install --rollback robot` goes back
        Nothing was changed: this was a dry run.
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install --rollback robot
        status 0
        --- stderr
        Went back to robot 1.0.0 (sha256 [hash]…), was 2.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
          The version before is kept: `carto plugin install --rollback robot` goes back
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install --rollback robot --json
        status 0
        --- stdout
        {
          "name": "robot",
          "version": "2.0.0",
          "sha256": "[secret]",
          "path": "[home]/.local/share/carto/kinds/libcarto_kind_robot.so",
          "was": {
            "version": "1.0.0",
            "sha256": "[secret]"
          },
          "kept": true,
          "changed": true,
          "verbs": [
            "list",
            "create",
            "get",
            "delete"
          ],
          "refused_verbs": [],
          "services": {
            "fleet": {
              "base_url": "https://robots.example.com/v1",
              "auth": "header:X-Robot-Key",
              "approved": null,
              "secret": "CARTO_KIND_ROBOT_SECRET"
            }
          },
          "new": [],
          "dry_run": false
        }
        --- stderr
        {"warning":{"message":"the kind `robot` asks a service of its own, `fleet`, which isn't approved","hint":"if you trust it, add the two lines `[approved.robot]` and `fleet = \"https://robots.example.com/v1\"` to `[home]/.config/carto/config.toml`"}}
        {"note":{"message":"`fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`"}}
        $ carto plugin install --rollback m2m
        status 2
        --- stderr
        error: the kind `m2m` isn't in your own folder: it is `[home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so`
        hint: a version before is kept of what `carto plugin install` put into your own folder only
        $ carto plugin install --rollback ../x
        status 2
        --- stderr
        error: there is no kind `../x` in your own folder
        hint: `carto plugin list` shows what is there
        $ carto plugin install --rollback nobody
        status 2
        --- stderr
        error: there is no kind `nobody` in your own folder
        hint: `carto plugin list` shows what is there
        $ carto plugin install --rollback robots --dry-run
        status 0
        --- stderr
        Would go back to robot 1.0.0 (sha256 [hash]…), was 2.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
          The version before is kept: `carto plugin install --rollback robot` goes back
        Nothing was changed: this was a dry run.
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
    "#]].assert_eq(&told(lines.map(|line| (line, place.run(line).output()))));
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("2.0.0"));
    assert_eq!(names(&own(&place)), ["libcarto_kind_robot.so"]);
    assert_eq!(names(&place.free.data().join("previous")).len(), 1);
    assert_eq!(state(&place, "robot")["state"], "ok");
}

/// What an upgrade may ask besides is said, and so is an approval that was there before the plugin or outlives it.
#[test]
fn what_is_new_and_what_is_left_is_said() {
    let place = Prefix::new();
    let manifest = Robot::at("https://robots.example.com/v1").manifest();
    let more = manifest
        .replace("[record]", "[services.yard]\nbase_url = \"https://yard.example.com\"\nauth = \"none\"\n[record]")
        .replace(
            "\"fleet POST /robots\"",
            "\"fleet POST /robots\", \"fleet POST /robots/{}/rotate\", \"yard GET /grounds\"",
        );
    file(&place, "one.so", &library::with_manifest("strange", manifest.as_bytes()));
    file(&place, "more.so", &library::with_manifest("strange", more.as_bytes()));
    let approved = "[approved.robot]\nfleet = \"https://elsewhere.example.com\"\nyard = \"https://yard.example.com\"\n";
    place.free.write(".config/carto/config.toml", approved);
    let lines = [
        "plugin install one.so",
        "plugin install more.so",
        "plugin install --rollback robot",
        "plugin remove robot --yes",
    ];
    let run = |line| (line, place.run(line).env("CARTO_KIND_ROBOT_SECRET", "x").output());
    expect![[r#"
        $ carto plugin install one.so
        status 0
        --- stderr
        Installed robot 0.1.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://elsewhere.example.com`
        warning: `[approved.robot]` in `[home]/.config/carto/config.toml` already approves `fleet` at `https://elsewhere.example.com/`, `yard` at `https://yard.example.com/`
        hint: if it was written for another plugin of that name, remove it
        $ carto plugin install more.so
        status 0
        --- stderr
        Installed robot 0.1.0 (sha256 [hash]…), was 0.1.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://elsewhere.example.com` and `yard` at `https://yard.example.com`
          New in what it may ask: `yard` at `https://yard.example.com`; create: fleet POST /robots/{}/rotate; create: yard GET /grounds
          The version before is kept: `carto plugin install --rollback robot` goes back
        $ carto plugin install --rollback robot
        status 0
        --- stderr
        Went back to robot 0.1.0 (sha256 [hash]…), was 0.1.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://elsewhere.example.com`
          The version before is kept: `carto plugin install --rollback robot` goes back
        $ carto plugin remove robot --yes
        status 0
        --- stderr
        Removed robot (`[home]/.local/share/carto/kinds/libcarto_kind_robot.so`)
        note: `[approved.robot]` stays in `[home]/.config/carto/config.toml`: remove it, or it holds for another plugin of that name
    "#]].assert_eq(&told(lines.map(run)));
    let new = place.run("plugin install one.so --json").ok().json()["new"].clone();
    assert_eq!(new, serde_json::json!([]));
    let new = place.run("plugin install more.so --dry-run --json").ok().json()["new"].clone();
    assert!(new.as_array().is_some_and(|new| new.contains(&"create: fleet POST /robots/{}/rotate".into())), "{new}");
}

#[test]
fn the_digest_decides_in_either_case() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    place.run("plugin install one.so").ok();
    let sha256 = state(&place, "robot")["sha256"].as_str().unwrap().to_owned();
    for digest in [sha256.clone(), sha256.to_uppercase()] {
        place.run(&format!("plugin install one.so --sha256 {digest}")).ok();
    }
    file(&place, "two.so", &robot("2.0.0"));
    let mut report = String::new();
    for digest in [sha256.as_str(), "abc", "", &"g".repeat(64)] {
        report.push_str(&place.run_words(&["plugin", "install", "two.so", "--sha256", digest]).output().to_string());
    }
    expect![[r#"
        status 7
        --- stderr
        error: `two.so` can't be installed: it has the sha256 [hash]…, and [hash]… was asked for
        hint: get the file again from where the digest is published
        status 2
        --- stderr
        error: `--sha256` isn't a SHA-256: 64 hexadecimal digits
        hint: copy it from where the plugin is published
        status 2
        --- stderr
        error: `--sha256` isn't a SHA-256: 64 hexadecimal digits
        hint: copy it from where the plugin is published
        status 2
        --- stderr
        error: `--sha256` isn't a SHA-256: 64 hexadecimal digits
        hint: copy it from where the plugin is published
    "#]]
    .assert_eq(&report);
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
}

#[test]
fn what_would_not_be_used_is_not_installed() {
    let place = Prefix::new();
    let home = place.free.home();
    file(&place, "m2m.so", &library::small("m2m"));
    let named = |name: &'static str, plural: &str| {
        let text = "name = \"robot\"\nplural = \"robots\"";
        let new = format!("name = \"{name}\"\nplural = \"{plural}\"");
        let manifest =
            Robot { name: "robot", ..Robot::at("https://robots.example.com") }.manifest().replace(text, &new);
        library::with_manifest("strange", manifest.as_bytes())
    };
    file(&place, "plural.so", &named("robot", "tokens"));
    file(&place, "name.so", &named("tokens", "robots"));
    file(&place, "text.so", b"not a library");
    file(&place, "empty.so", b"");
    file(&place, "bare.so", &library::patched("token", b".carto_kind\0", b".carto_kino\0"));
    let writable = file(&place, "writable.so", &robot("1.0.0"));
    fs::set_permissions(&writable, Permissions::from_mode(0o666)).unwrap();
    fs::create_dir(home.join("folder.so")).unwrap();
    let pipe = home.join("pipe.so");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let large = fs::File::create(home.join("large.so")).unwrap();
    large.set_len(300 * 1024 * 1024).unwrap();
    let lines = [
        "plugin install m2m.so",
        "plugin install plural.so",
        "plugin install name.so",
        "plugin install text.so",
        "plugin install empty.so",
        "plugin install bare.so",
        "plugin install writable.so",
        "plugin install folder.so",
        "plugin install pipe.so",
        "plugin install nowhere.so",
        "plugin install text.so/x",
        "plugin install large.so",
        "plugin install",
        "plugin install one.so -o csv",
    ];
    expect![[r#"
        $ carto plugin install m2m.so
        status 5
        --- stderr
        error: the kind `m2m` is there already: `[home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so` goes before your own folder
        hint: it wouldn't be used; whoever administers that folder can install it there
        $ carto plugin install plural.so
        status 5
        --- stderr
        error: the plural `tokens` belongs to the kind `token`, which is `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so`
        hint: it wouldn't be used; whoever administers that folder can change that
        $ carto plugin install name.so
        status 5
        --- stderr
        error: the name `tokens` belongs to the kind `token`, which is `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so`
        hint: it wouldn't be used; whoever administers that folder can change that
        $ carto plugin install text.so
        status 7
        --- stderr
        error: `text.so` can't be installed: it isn't a whole shared library: Could not read file magic
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install empty.so
        status 7
        --- stderr
        error: `empty.so` can't be installed: it isn't a whole shared library: Could not read file magic
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install bare.so
        status 7
        --- stderr
        error: `bare.so` can't be installed: it holds no manifest
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`; its author builds it with `carto_plugin_api::export_kind!`
        $ carto plugin install writable.so
        status 7
        --- stderr
        error: `writable.so` can't be installed: it can be written by anyone
        hint: `chmod o-w [home]/writable.so`
        $ carto plugin install folder.so
        status 7
        --- stderr
        error: `folder.so` can't be installed: it isn't a file
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install pipe.so
        status 7
        --- stderr
        error: `pipe.so` can't be installed: it isn't a file
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install nowhere.so
        status 2
        --- stderr
        error: there is no file `nowhere.so`
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install text.so/x
        status 2
        --- stderr
        error: there is no file `text.so/x`
        hint: name the library that its vendor ships, like `libcarto_kind_NAME.so`
        $ carto plugin install large.so
        status 7
        --- stderr
        error: `large.so` can't be installed: it has 268435457 bytes, and 268435456 is the limit
        hint: get a version of the plugin without what is for debuggers (`strip`)
        $ carto plugin install
        status 2
        --- stderr
        error: missing: `<FILE>`
        hint: `carto plugin install --help` shows how it is used
        $ carto plugin install one.so -o csv
        status 2
        --- stderr
        error: this answer is text or JSON
        hint: leave the format out, or use `--json`
    "#]].assert_eq(&told(lines.map(|line| (line, place.run(line).output()))));
    assert_eq!(names(&own(&place)), [""; 0]);
}

#[test]
fn a_policy_is_asked_with_the_place_and_the_digest() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    place.run("plugin install one.so").ok();
    let pin = state(&place, "robot")["sha256"].as_str().unwrap().to_owned();
    let contact = "version = 1\nmode = \"allow-list\"\ncontact = \"platform@example.com\"\n";
    place.policy(&format!("{contact}[[allow]]\nkind = \"robot\"\nsha256 = \"{pin}\"\nverbs = [\"list\"]\n"));
    let mut report = told([
        ("plugin install two.so", place.run("plugin install two.so").output()),
        ("plugin install one.so", place.run("plugin install one.so").output()),
    ]);
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
    place.policy(&format!("{contact}[[allow]]\nkind = \"robot\"\nfolder = \"KINDS\"\n"));
    report.push_str(&told([("plugin install two.so", place.run("plugin install two.so").output())]));
    // What was allowed once is asked about again.
    place.policy("version = 1\nmode = \"allow-all\"\n");
    place.run("plugin install two.so").ok();
    place.policy(&format!("{contact}[[allow]]\nkind = \"robot\"\n[[deny]]\nsha256 = \"{pin}\"\nreason = \"broken\"\n"));
    report
        .push_str(&told([("plugin install --rollback robot", place.run("plugin install --rollback robot").output())]));
    place.policy("version = 2\n");
    report.push_str(&told([("plugin install one.so", place.run("plugin install one.so").output())]));
    expect![[r#"
        $ carto plugin install two.so
        status 4
        --- stderr
        error: `robot` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 4, allows only `robot` for list with sha256 [hash]…
        hint: ask platform@example.com; it isn't installed, since no verb of it could be used
        $ carto plugin install one.so
        status 0
        --- stderr
        robot 1.0.0 is already installed (sha256 [hash]…)
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        $ carto plugin install two.so
        status 4
        --- stderr
        error: `robot` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 4, allows only `robot` from `[home]/prefix/lib/carto/kinds`
        hint: ask platform@example.com; it isn't installed, since no verb of it could be used
        $ carto plugin install --rollback robot
        status 4
        --- stderr
        error: `robot` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 6, denies every kind with sha256 [hash]…: broken
        hint: ask platform@example.com; it isn't installed, since no verb of it could be used
        $ carto plugin install one.so
        status 4
        --- stderr
        error: `robot` is refused by policy: `[home]/prefix/etc/carto/policy.toml` can't be used: line 1, column 11: invalid value: integer `2`, expected 1, which is the version that this carto knows; mend the file: docs/policy.md explains it
        hint: it isn't installed, since no verb of it could be used
    "#]].assert_eq(&report);
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("2.0.0"));
}

#[test]
fn a_version_before_that_was_changed_is_no_way_back() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    place.run("plugin install one.so").ok();
    place.run("plugin install two.so").ok();
    let previous = place.free.data().join("previous");
    let kept = previous.join(&names(&previous)[0]);
    fs::write(&kept, robot("0.9.0")).unwrap();
    let mut report = told([("plugin install --rollback robot", place.run("plugin install --rollback robot").output())]);
    fs::remove_file(&kept).unwrap();
    report
        .push_str(&told([("plugin install --rollback robot", place.run("plugin install --rollback robot").output())]));
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("2.0.0"));
    // A library that isn't what was accepted isn't kept as if it had been.
    fs::write(installed(&place), robot("6.6.6")).unwrap();
    report.push_str(&told([("plugin install one.so", place.run("plugin install one.so").output())]));
    expect![[r#"
        $ carto plugin install --rollback robot
        status 4
        --- stderr
        error: the version before of `robot` isn't the one that was kept: it has the sha256 [hash]…, and [hash]… was kept
        hint: somebody has changed it; install the file of the version that you want
        $ carto plugin install --rollback robot
        status 7
        --- stderr
        error: the version before of `robot` can't be used: its file can't be read: No such file or directory (os error 2)
        hint: install the file of the version that you want
        $ carto plugin install one.so
        status 0
        --- stderr
        Installed robot 1.0.0 (sha256 [hash]…), was 6.6.6 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
        note: what was there isn't kept: it isn't what you accepted
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
    "#]].assert_eq(&report);
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
}

#[test]
fn whatever_the_umask_files_and_folders_are_as_they_should_be() {
    for umask in ["077", "000", "022"] {
        let place = Prefix::new();
        file(&place, "one.so", &robot("1.0.0"));
        file(&place, "two.so", &robot("2.0.0"));
        for library in ["one.so", "two.so"] {
            let run = place.run(&format!("plugin install {library}"));
            in_a_shell(&place, &run, &format!("umask {umask}")).ok();
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let previous = place.free.data().join("previous");
        let kept = previous.join(&names(&previous)[0]);
        for (path, expected) in [(own(&place), 0o755), (installed(&place), 0o644), (previous, 0o755), (kept, 0o644)] {
            assert_eq!(mode(&path), expected, "{umask}: {}", path.display());
        }
        for path in [place.free.data(), place.free.data().join("lock.toml"), place.free.data().join("plugins.lock")] {
            assert_eq!(mode(&path) & 0o022, 0, "{umask}: {}", path.display());
        }
        assert_eq!(state(&place, "robot")["state"], "ok");
        place.run("plugin install --rollback robot").ok();
    }
}

/// The same command, with something said to the shell that starts it.
fn in_a_shell(place: &Prefix, run: &Run, before: &str) -> Run {
    let again = run.command_again();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{before}; exec \"$0\" \"$@\"")).arg(again.get_program()).args(again.get_args());
    shell.env_clear().envs(again.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(place.free.home()).stdin(Stdio::null());
    Run::of(shell, place.free.home())
}

#[test]
fn what_is_in_the_place_is_replaced_and_a_link_not_followed() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    let target = file(&place, "built.so", &robot("3.0.0"));
    fs::create_dir_all(own(&place)).unwrap();
    let mut report = String::new();
    let mut run = |what: &str| {
        let output = place.run("plugin install one.so").output();
        report.push_str(&format!("{what}: {output}"));
    };
    symlink(&target, installed(&place)).unwrap();
    run("a link");
    assert_eq!(fs::read(&target).unwrap(), robot("3.0.0"));
    assert!(!installed(&place).is_symlink() && fs::read(installed(&place)).unwrap() == robot("1.0.0"));
    fs::remove_file(installed(&place)).unwrap();
    symlink("/nowhere/at/all", installed(&place)).unwrap();
    run("a link that leads nowhere");
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
    fs::write(installed(&place), "text").unwrap();
    run("text");
    fs::remove_file(installed(&place)).unwrap();
    fs::create_dir(installed(&place)).unwrap();
    run("a folder");
    fs::remove_dir(installed(&place)).unwrap();
    fs::set_permissions(own(&place), Permissions::from_mode(0o777)).unwrap();
    run("in a folder that anyone can write");
    fs::remove_dir(own(&place)).unwrap();
    fs::write(own(&place), "").unwrap();
    run("in a file");
    fs::remove_file(own(&place)).unwrap();
    fs::remove_dir_all(place.free.data()).unwrap();
    fs::write(place.free.data(), "").unwrap();
    run("below a file");
    expect![[r#"
        a link: status 0
        --- stderr
        Installed robot 1.0.0 (sha256 [hash]…), was 3.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
          The version before is kept: `carto plugin install --rollback robot` goes back
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        a link that leads nowhere: status 0
        --- stderr
        Installed robot 1.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
        note: what was there isn't kept: it can't be read: No such file or directory (os error 2)
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        text: status 0
        --- stderr
        Installed robot 1.0.0 (sha256 [hash]…)
          in [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          It may list, create, get, delete, and ask your CARTO account and `fleet` at `https://robots.example.com/v1`
        note: what was there isn't kept: it isn't a whole shared library: Could not read file magic
        warning: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        note: `fleet` is asked with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
        a folder: status 2
        --- stderr
        error: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` is a folder, and no library
        hint: carto didn't make it: look what is in it, and remove it yourself
        in a folder that anyone can write: status 7
        --- stderr
        error: nothing can be installed: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` is in a folder that can't be trusted: `[home]/.local/share/carto/kinds` can be written by anyone
        hint: `chmod o-w [home]/.local/share/carto/kinds`
        in a file: status 1
        --- stderr
        error: cannot install `robot` in `[home]/.local/share/carto/kinds/libcarto_kind_robot.so`: Not a directory (os error 20)
        hint: nothing was changed; see that there is room, and that the folder can be written
        below a file: status 1
        --- stderr
        error: cannot change plugins: `[home]/.local/share/carto/plugins.lock`: File exists (os error 17)
        hint: nothing was changed; see that its folder can be written
    "#]].assert_eq(&report);
}

/// As on a disk that is full: the file can't grow beyond so many blocks.
#[test]
fn a_full_disk_leaves_what_was_there() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    place.run("plugin install one.so").ok();
    let full = place.run("plugin install two.so");
    let output = in_a_shell(&place, &full, "trap '' XFSZ; ulimit -f 64").output();
    check(
        &output,
        expect![[r#"
            status 1
            --- stderr
            error: cannot install `robot` in `[home]/.local/share/carto/kinds/libcarto_kind_robot.so`: File too large (os error 27)
            hint: nothing was changed; see that there is room, and that the folder can be written
        "#]],
    );
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
    assert_eq!(names(&own(&place)), ["libcarto_kind_robot.so"]);
    assert_eq!(state(&place, "robot")["state"], "ok");
    // What isn't told but ended by the system is left at a moment like any other.
    let killed = place.run("plugin install two.so");
    let mut killed = in_a_shell(&place, &killed, "ulimit -c 0; ulimit -f 64").command;
    assert!(!killed.stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(state(&place, "robot")["state"], "ok");
    place.run("plugin install two.so").ok();
    assert_eq!(names(&own(&place)), ["libcarto_kind_robot.so"]);
}

/// How often an installation is killed. Each takes some ten milliseconds.
const KILLS: u64 = 60;

/// A library of some megabytes, so that there is something to interrupt.
fn large(version: &str) -> Vec<u8> {
    let mut bytes = robot(version);
    bytes.resize(4 * 1024 * 1024, 0);
    bytes
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new() {
    let place = Prefix::new();
    let versions = ["1.0.0", "2.0.0"].map(large);
    let files = ["one.so", "two.so"];
    for (name, bytes) in files.iter().zip(&versions) {
        file(&place, name, bytes);
    }
    place.run("plugin install one.so").ok();
    // How long it takes to replace one by another.
    let began = Instant::now();
    place.run("plugin install two.so").ok();
    let mut whole = began.elapsed();
    place.run("plugin install one.so").ok();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut interrupted = 0;
    let (mut old, mut new) = (0, 0);
    for round in 0..KILLS {
        let (next, line) = match round % 3 {
            0 => (Some(1), "plugin install two.so"),
            1 => (Some(0), "plugin install one.so"),
            _ => (None, "plugin install --rollback robot"),
        };
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The first part of the time only reads.
        let moment = whole.mul_f64(0.3 + (random % 1000) as f64 / 1000.0);
        let before = fs::read(installed(&place)).unwrap();
        let mut child = place.run(line).command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while started.elapsed() < moment && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        let was_interrupted = !child.wait().unwrap().success();
        // The machine may have more or less to do than at the beginning.
        whole = whole.mul_f64(if was_interrupted { 1.03 } else { 0.95 });
        interrupted += u64::from(was_interrupted);
        let after = fs::read(installed(&place)).unwrap();
        assert!(versions.contains(&after), "round {round}: a piece of {} bytes", after.len());
        if let Some(next) = next.filter(|next| before != versions[*next]) {
            let is_new = after == versions[next];
            (old, new) = (old + u64::from(!is_new), new + u64::from(is_new));
        }
        let listed = place.run("plugin list --json").ok();
        let rows = listed.json()["plugins"].as_array().unwrap().len();
        assert_eq!((rows, &state(&place, "robot")["state"]), (4, &Value::from("ok")), "round {round}: {listed}");
    }
    println!(
        "{interrupted} of {KILLS} installations were killed; of those that changed something, {old} left the old and {new} the new"
    );
    assert!(interrupted > KILLS / 4, "hardly any was interrupted");
    // Nothing is left behind by the next that comes to its end.
    place.run("plugin install one.so").ok();
    place.run("plugin install two.so").ok();
    assert_eq!(names(&own(&place)), ["libcarto_kind_robot.so"]);
    assert_eq!(names(&place.free.data().join("previous")).len(), 1);
    place.run("plugin install --rollback robot").ok();
    assert_eq!(fs::read(installed(&place)).unwrap(), versions[0]);
}

/// A kill between two steps, each of which is whole: what the lock announces is settled by what is there.
#[test]
fn what_was_left_in_the_middle_is_settled() {
    for is_there in ["1.0.0", "2.0.0"] {
        let place = Prefix::new();
        for (name, version) in [("one.so", "1.0.0"), ("two.so", "2.0.0"), ("three.so", "3.0.0")] {
            file(&place, name, &robot(version));
        }
        place.run("plugin install two.so").ok();
        let digest = |place: &Prefix| state(place, "robot")["sha256"].as_str().unwrap().to_owned();
        let two = digest(&place);
        place.run("plugin remove robot --yes").ok();
        place.run("plugin install one.so").ok();
        let one = digest(&place);
        let lock = place.free.data().join("lock.toml");
        let text = fs::read_to_string(&lock).unwrap();
        let announced =
            format!("{text}\n[kinds.robot.next]\nsha256 = \"{two}\"\nfile = \"{}\"\n", installed(&place).display());
        fs::write(&lock, announced).unwrap();
        let previous = place.free.data().join("previous");
        fs::create_dir_all(&previous).unwrap();
        fs::write(previous.join(format!("robot-{one}.so")), robot("1.0.0")).unwrap();
        fs::write(own(&place).join(".carto-new-abcdef"), "a piece").unwrap();
        fs::write(installed(&place), robot(is_there)).unwrap();
        assert_eq!(state(&place, "robot")["state"], "ok", "{is_there}");
        assert!(place.run("plugin why robot").output().stdout.contains("as it was accepted"));
        if is_there == "2.0.0" {
            // It was done but for the last step.
            place.run("plugin install --rollback robot").ok();
            assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
        } else {
            place.run("plugin install --rollback robot").fails(2);
        }
        let there = fs::read(installed(&place)).unwrap();
        place.run("plugin install three.so").ok();
        assert_eq!((names(&own(&place)).len(), names(&previous).len()), (1, 1), "{is_there}");
        place.run("plugin install --rollback robot").ok();
        assert_eq!(fs::read(installed(&place)).unwrap(), there);
    }
}

#[test]
fn installations_at_once_come_one_after_the_other() {
    let place = Prefix::new();
    let versions = ["1.0.0", "2.0.0", "3.0.0"];
    for version in versions {
        file(&place, &format!("{version}.so"), &robot(version));
    }
    for _ in 0..3 {
        let children: Vec<_> = versions
            .iter()
            .cycle()
            .take(9)
            .map(|version| {
                let mut run = place.run(&format!("plugin install {version}.so"));
                let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
                (run, child)
            })
            .collect();
        for (run, child) in children {
            let output = run.ended(child);
            assert_eq!(output.status, 0, "{output}");
        }
        let there = fs::read(installed(&place)).unwrap();
        assert!(versions.iter().any(|version| there == robot(version)));
        assert_eq!(state(&place, "robot")["state"], "ok");
        let previous = place.free.data().join("previous");
        let kept = fs::read(previous.join(&names(&previous)[0])).unwrap();
        assert!(names(&previous).len() == 1 && kept != there, "{:?}", names(&previous));
        place.run("plugin install --rollback robot").ok();
        assert_eq!(fs::read(installed(&place)).unwrap(), kept);
    }
}

#[test]
fn whoever_holds_the_lock_is_waited_for_and_no_longer_than_that() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    fs::create_dir_all(place.free.data()).unwrap();
    let held = fs::File::create(place.free.data().join("plugins.lock")).unwrap();
    held.lock().unwrap();
    let began = Instant::now();
    check(
        &place.run("plugin install one.so").output(),
        expect![[r#"
        status 5
        --- stderr
        error: another command is changing plugins
        hint: nothing was changed; try again when it is done
    "#]],
    );
    assert!(began.elapsed() > Duration::from_secs(5));
    // A dry run changes nothing, and needn't wait.
    place.run("plugin install one.so --dry-run").ok();
    let mut waiting = place.run("plugin install one.so").command.stderr(Stdio::null()).spawn().unwrap();
    drop(held);
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn only_what_the_user_installed_is_removed() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    let other = place.free.kinds().display().to_string();
    let run = |line: &'static str| (line, place.run(line).output());
    let mut report = told([run("plugin remove robot"), run("plugin remove m2m"), run("plugin remove ../x")]);
    let elsewhere = place.run("plugin remove spa").env("CARTO_KINDS_PATH", &other).output();
    report.push_str(&told([("plugin remove spa", elsewhere)]));
    place.run("plugin install one.so").ok();
    place.run("plugin install two.so").ok();
    report.push_str(&told([
        run("plugin remove robot"),
        run("plugin remove robot --json"),
        run("plugin remove robots --dry-run"),
    ]));
    assert!(installed(&place).exists());
    let (screen, status) = terminal::asked(place.run("plugin remove robots"), "to go on: ", "yes");
    assert!(status == 1 && screen.contains("was not removed"), "{screen}");
    assert!(installed(&place).exists());
    let (screen, status) = terminal::asked(place.run("plugin remove robots"), "to go on: ", "delete");
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("Remove the plugin `robot`"), "{screen}");
    assert_eq!(names(&own(&place)), [""; 0]);
    assert_eq!(names(&place.free.data().join("previous")), [""; 0]);
    assert!(!fs::read_to_string(place.free.data().join("lock.toml")).unwrap().contains("robot"));
    // Whatever is in the file, its name is enough.
    for bytes in [&b"text"[..], &robot("1.0.0")] {
        fs::write(installed(&place), bytes).unwrap();
        fs::set_permissions(installed(&place), Permissions::from_mode(0o666)).unwrap();
        place.run("plugin remove robot --yes").ok();
        assert!(!installed(&place).exists());
    }
    symlink("/nowhere", installed(&place)).unwrap();
    place.run("plugin remove robot --yes").ok();
    fs::create_dir(installed(&place)).unwrap();
    report.push_str(&told([run("plugin remove robot --yes")]));
    fs::remove_dir(installed(&place)).unwrap();
    // What is left of one that was removed by hand.
    place.run("plugin install one.so").ok();
    fs::remove_file(installed(&place)).unwrap();
    report.push_str(&told([run("plugin remove robot --yes"), run("plugin remove robot --yes")]));
    expect![[r#"
        $ carto plugin remove robot
        status 2
        --- stderr
        error: there is no kind `robot` in your own folder
        hint: `carto plugin list` shows what is there
        $ carto plugin remove m2m
        status 2
        --- stderr
        error: the kind `m2m` isn't in your own folder: it is `[home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so`
        hint: whoever administers this machine removes it: with the package manager, if it comes from a package
        $ carto plugin remove ../x
        status 2
        --- stderr
        error: there is no kind `../x` in your own folder
        hint: `carto plugin list` shows what is there
        $ carto plugin remove spa
        status 2
        --- stderr
        error: the kind `spa` isn't in your own folder: it is `[home]/kinds/libcarto_kind_spa.so`
        hint: `CARTO_KINDS_PATH` names that folder: whoever filled it removes it, with `rm [home]/kinds/libcarto_kind_spa.so`
        $ carto plugin remove robot
        status 2
        --- stderr
        error: removing the plugin `robot` needs a confirmation, and nobody can be asked here
        hint: add `--yes` if you are sure
        $ carto plugin remove robot --json
        status 2
        --- stderr
        {"error":{"code":"usage","message":"removing the plugin `robot` needs a confirmation, and nobody can be asked here","hint":"add `--yes` if you are sure"}}
        $ carto plugin remove robots --dry-run
        status 0
        --- stderr
        Would remove robot (`[home]/.local/share/carto/kinds/libcarto_kind_robot.so`), the version before, and what the lock says of it.
        Nothing was changed: this was a dry run.
        $ carto plugin remove robot --yes
        status 2
        --- stderr
        error: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` is a folder, and no library
        hint: carto didn't make it: look what is in it, and remove it yourself
        $ carto plugin remove robot --yes
        status 0
        --- stderr
        Removed robot (what is left of it)
        $ carto plugin remove robot --yes
        status 2
        --- stderr
        error: there is no kind `robot` in your own folder
        hint: `carto plugin list` shows what is there
    "#]].assert_eq(&report);
}

#[test]
fn a_removal_says_what_can_be_used_instead() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    place.run("plugin install one.so").ok();
    // The administrator gets the same kind, which goes before; and somebody copies one whose plural is taken.
    fs::write(place.library("robot"), robot("2.0.0")).unwrap();
    let removed = place.run("plugin remove robot --yes").output();
    let mut report = removed.to_string();
    fs::remove_file(place.library("robot")).unwrap();
    place.run("plugin install one.so").ok();
    let manifest = Robot::at("https://robots.example.com").manifest().replace("name = \"robot\"", "name = \"walker\"");
    fs::write(own(&place).join("libcarto_kind_walker.so"), library::with_manifest("strange", manifest.as_bytes()))
        .unwrap();
    assert_eq!(state(&place, "walker")["state"], "refused");
    report.push_str(&place.run("plugin remove robot --yes").output().to_string());
    assert_eq!(state(&place, "walker")["state"], "ok");
    expect![[r#"
        status 0
        --- stderr
        Removed robot (`[home]/.local/share/carto/kinds/libcarto_kind_robot.so`)
        note: the kind `robot` is still there: `[home]/prefix/lib/carto/kinds/libcarto_kind_robot.so`
        status 0
        --- stderr
        Removed robot (`[home]/.local/share/carto/kinds/libcarto_kind_robot.so`)
        note: the kind `walker` can be used now: `[home]/.local/share/carto/kinds/libcarto_kind_walker.so`
    "#]]
    .assert_eq(&report);
}

fn records(place: &Prefix) -> Vec<Value> {
    let text = fs::read_to_string(place.free.home().join("audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn changes_of_plugins_are_recorded_and_without_a_record_not_made() {
    let place = Prefix::with_policy(
        "version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"walker\"\n[audit]\nfile = \"HOME/audit.jsonl\"\nrequired = true\n",
    );
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    let manifest = Robot::at("https://robots.example.com").manifest().replace("\"robot", "\"walker");
    file(&place, "walker.so", &library::with_manifest("strange", manifest.as_bytes()));
    for line in ["install one.so", "install two.so --dry-run", "install two.so", "install --rollback robot", "lock"] {
        place.run(&format!("plugin {line}")).ok();
    }
    place.run("plugin install walker.so").fails(4);
    for line in ["lock", "lock --forget m2m", "doctor --run", "remove robot --yes"] {
        place.run(&format!("plugin {line}")).output();
    }
    let lines: String = records(&place)
        .iter()
        .map(|record| {
            let keys = ["event", "kind", "release", "verb", "rule", "outcome"];
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let fields: Vec<String> =
                keys.iter().filter_map(|key| Some(format!("{key}={}", text(record.get(*key)?)))).collect();
            fields.join(" ").replace(&place.free.home().display().to_string(), "[home]") + "\n"
        })
        .collect();
    expect![[r#"
        event=installed kind=robot release=1.0.0 rule=[home]/prefix/etc/carto/policy.toml:2
        event=installed kind=robot release=2.0.0 rule=[home]/prefix/etc/carto/policy.toml:2
        event=installed kind=robot release=1.0.0 rule=[home]/prefix/etc/carto/policy.toml:2
        event=locked kind=m2m release=0.1.0
        event=locked kind=spa release=0.1.0
        event=locked kind=token release=0.1.0
        event=refused kind=walker release=0.1.0 rule=[home]/prefix/etc/carto/policy.toml:3 outcome=refused_by_policy
        event=unlocked kind=m2m release=0.1.0
        event=begun kind=m2m release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=m2m release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2 outcome=done
        event=begun kind=robot release=1.0.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=robot release=1.0.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2 outcome=done
        event=begun kind=spa release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=spa release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2 outcome=done
        event=begun kind=token release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2
        event=ended kind=token release=0.1.0 verb=null rule=[home]/prefix/etc/carto/policy.toml:2 outcome=done
        event=removed kind=robot release=1.0.0
    "#]]
    .assert_eq(&lines);
    let first = &records(&place)[0];
    assert!(first["sha256"].is_string() && first["file"].is_string() && first["user"]["uid"].is_u64(), "{first}");
    // Where nothing can be recorded, nothing is changed.
    place.run("plugin install one.so").ok();
    place.run("plugin lock --forget spa").ok();
    let log = place.free.home().join("audit.jsonl");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let lock = fs::read(place.free.data().join("lock.toml")).unwrap();
    let refused = ["install two.so", "remove robot --yes", "lock spa", "lock --forget token", "lock --forget"];
    for line in refused {
        let output = place.run(&format!("plugin {line}")).fails(4);
        assert!(output.stderr.contains("so it isn't done"), "{output}");
    }
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
    assert_eq!(fs::read(place.free.data().join("lock.toml")).unwrap(), lock);
    let tried = place.run("plugin doctor --run").output();
    assert!(tried.status == 4 && tried.stdout.contains("so it isn't done"), "{tried}");
}

/// One place has the record of a change and another that has to can't: the one says how it ended.
#[test]
fn what_one_place_cannot_record_of_a_change_has_its_end_in_the_other() {
    let place = Prefix::with_policy(
        "version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"HOME/audit.jsonl\"\nrequired = true\n",
    );
    file(&place, "one.so", &robot("1.0.0"));
    file(&place, "two.so", &robot("2.0.0"));
    place.run("plugin install one.so").ok();
    place.run("plugin lock spa").ok();
    let lock = fs::read(place.free.data().join("lock.toml")).unwrap();
    let policy = "version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"/nowhere/at/all\"\nrequired = true\n";
    let policy = place.free.write(".config/carto/policy.toml", policy);
    let told = |line: &str| {
        let known = records(&place).len();
        assert_eq!(place.run(line).output().status, 4, "{line}");
        let all = records(&place);
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let new = all.iter().skip(known);
        new.map(|record| format!("{} {} {}", text(&record["event"]), text(&record["kind"]), text(&record["outcome"])))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for (line, expected) in [
        ("plugin lock", "locked m2m -, locked m2m refused_by_policy"),
        ("plugin lock --forget", "unlocked robot -, unlocked robot refused_by_policy"),
        ("plugin install two.so", "installed robot -, installed robot refused_by_policy"),
        ("plugin remove robot --yes", "removed robot -, removed robot refused_by_policy"),
    ] {
        assert_eq!(told(line), expected, "{line}");
    }
    let tried = told("plugin doctor --run");
    assert!(tried.starts_with("begun m2m -, refused m2m refused_by_policy, begun robot -, refused"), "{tried}");
    assert_eq!(fs::read(place.free.data().join("lock.toml")).unwrap(), lock);
    assert_eq!(fs::read(installed(&place)).unwrap(), robot("1.0.0"));
    fs::remove_file(policy).unwrap();
    place.run("plugin install two.so").ok();
}

/// What the lock says of a library elsewhere isn't the user's folder's, and stays.
#[test]
fn what_is_locked_elsewhere_stays_locked() {
    let place = Prefix::new();
    file(&place, "one.so", &robot("1.0.0"));
    place.run("plugin install one.so").ok();
    place.run("plugin lock --forget robot").ok();
    fs::write(place.library("robot"), robot("2.0.0")).unwrap();
    place.run("plugin lock robot token").ok();
    let lock = || fs::read_to_string(place.free.data().join("lock.toml")).unwrap();
    let before = lock();
    place.run("plugin remove robot --yes").ok();
    assert!(!installed(&place).exists());
    assert_eq!(lock(), before);
    check(
        &place.run("plugin remove token --yes").output(),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `token` isn't in your own folder: it is `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so`
        hint: whoever administers this machine removes it: with the package manager, if it comes from a package
    "#]],
    );
    assert_eq!(lock(), before);
}

/// What an installation announced that was killed is accepted until somebody says which of the two it is, and no longer.
#[test]
fn what_was_announced_is_not_accepted_for_ever() {
    for line in ["plugin lock robot", "plugin install one.so"] {
        let place = Prefix::with_policy("version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"HOME/audit.jsonl\"\n");
        file(&place, "one.so", &robot("1.0.0"));
        place.run("plugin install one.so").ok();
        let lock = place.free.data().join("lock.toml");
        let whole = fs::read_to_string(&lock).unwrap();
        let sha256 = "5".repeat(64);
        fs::write(&lock, format!("{whole}\n[kinds.robot.next]\nsha256 = \"{sha256}\"\nfile = \"/x\"\n")).unwrap();
        let told = place.run(line).ok();
        assert!(told.stderr.contains("accepted"), "{told}");
        assert_eq!(fs::read_to_string(&lock).unwrap(), whole, "{line}");
        let last = records(&place).pop().unwrap();
        assert!(last["event"] == "locked" && last["was"].is_string() && last["was"] == last["sha256"], "{last}");
        let again = place.run(line).ok();
        assert!(again.stderr.contains("already"), "{again}");
    }
}

/// A pipe would keep whoever opens it waiting.
#[test]
fn only_a_file_of_a_fair_size_is_a_lock() {
    let place = Prefix::new();
    let lock = place.free.write(".local/share/carto/lock.toml", &format!("version = 1\n#{}\n", "x".repeat(1 << 20)));
    let mut report = told([("plugin lock", place.run("plugin lock").output())]);
    fs::remove_file(&lock).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &lock, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    report.push_str(&told([("plugin lock", place.run("plugin lock").output())]));
    expect![[r#"
        $ carto plugin lock
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: it is larger than 1 MiB
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        $ carto plugin lock
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: it isn't a file
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
    "#]]
    .assert_eq(&report);
}
