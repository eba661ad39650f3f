//! The list: each plugin with its state, and which of two is found.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use super::{ROBOTS, of_every_state, own, told};
use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;
use crate::support::{Carto, Output, library, terminal};

#[test]
fn every_state_is_told() {
    let place = of_every_state();
    check(
        &place.run("plugin list").output(),
        expect![[r#"
        status 0
        --- stdout
        NAME    STATE     VERSION  VENDOR     FOLDER
        m2m     ok        0.1.0    carto      [home]/prefix/lib/carto/kinds
        robot   changed   0.1.0    the tests  [home]/.local/share/carto/kinds
        spa     refused   -        -          [home]/prefix/lib/carto/kinds
        token   ok        0.1.0    carto      [home]/prefix/lib/carto/kinds
        token   shadowed  0.1.0    carto      [home]/.local/share/carto/kinds
        walker  policy    0.1.0    the tests  [home]/.local/share/carto/kinds
        -       refused   -        -          [home]/.local/share/carto/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        note: what may be used is decided by `[home]/prefix/etc/carto/policy.toml`
        warning: the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
        hint: if you know why: `carto plugin lock robot` accepts it as it is now
        warning: the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        note: `[home]/.local/share/carto/kinds/libcarto_kind_token.so` isn't used: `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so` goes before it
        warning: `[home]/.local/share/carto/kinds/libcarto_kind_Bad.so` can't be used: it has a name that no kind can have
        hint: rename it: lower-case letters and digits, in words joined by `_`
        note: policy refuses some as a whole: `carto plugin why walker` says which rule does
    "#]],
    );
    let json = place.run("plugin list --json").ok().json();
    let rows = json["plugins"].as_array().unwrap();
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert!(rows.iter().all(|row| row.as_object().unwrap().keys().collect::<Vec<_>>() == keys));
    let told: String = rows
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
            let fields = ["name", "state", "cause", "remedy", "version", "licence", "verbs", "refused_verbs"].map(text);
            fields.join(" | ").replace(&place.free.home().display().to_string(), "[home]") + "\n"
        })
        .collect();
    let hash = regex_lite::Regex::new("[0-9a-f]{16}…").unwrap();
    expect![[r#"
        m2m | ok | null | null | 0.1.0 | MIT | ["list","create","get","update","delete","verify"] | []
        robot | changed | the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted | if you know why: `carto plugin lock robot` accepts it as it is now | 0.1.0 | MIT | ["list","create","get","delete"] | []
        spa | refused | isn't a whole shared library: Could not read file magic | install the plugin again, or remove the file | null | null | null | null
        token | ok | null | null | 0.1.0 | MIT | ["list","create","get","update","verify"] | ["delete"]
        token | shadowed | isn't used: `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so` goes before it | remove one of the two, if that isn't meant | 0.1.0 | MIT | ["list","create","get","update","verify"] | ["delete"]
        walker | policy | `walker` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `walker` | `carto plugin why walker` says more | 0.1.0 | MIT | [] | ["list","create","get","delete"]
        null | refused | has a name that no kind can have | rename it: lower-case letters and digits, in words joined by `_` | null | null | null | null
    "#]].assert_eq(&hash.replace_all(&told, "[hash]…"));
    let robot = rows.iter().find(|row| row["name"] == "robot").unwrap();
    expect![[r#"
        {
          "fleet": {
            "base_url": "https://robots.example.com/v2",
            "auth": "header:X-Robot-Key",
            "approved": null,
            "secret": "CARTO_KIND_ROBOT_SECRET"
          }
        }
        {
          "list": [
            "fleet GET /robots"
          ],
          "create": [
            "fleet POST /robots"
          ],
          "get": [
            "fleet GET /robots/{}"
          ],
          "delete": [
            "fleet DELETE /robots/{}"
          ]
        }
    "#]]
    .assert_eq(&format!("{:#}\n{:#}\n", robot["services"], robot["calls"]));
    let m2m = rows.iter().find(|row| row["name"] == "m2m").unwrap();
    let bytes = fs::read(place.library("m2m")).unwrap();
    assert_eq!((m2m["size"].as_u64(), m2m["abi"].as_u64()), (Some(bytes.len() as u64), Some(1)));
    assert_eq!(m2m["sha256"].as_str().unwrap().len(), 64);
    let files = &json["policies"];
    assert_eq!((files[0]["usable"].as_bool(), files.as_array().unwrap().len()), (Some(true), 1));
    assert_eq!(place.run("plugin list -o jsonl").ok().stdout.lines().count(), rows.len());
}

#[test]
fn a_list_fits_80_columns() {
    let place = of_every_state();
    let (screen, status) = terminal::run(place.run("plugin list"));
    assert_eq!(status, 0);
    let table = screen.lines().take_while(|line| !line.contains("note:"));
    let lines: Vec<&str> = table.collect();
    assert!(lines.len() == 8 && lines.iter().all(|line| line.chars().count() <= 80), "{screen}");
    for word in ["shadowed", "refused", "changed", "policy", "walker"] {
        assert!(lines.iter().any(|line| line.contains(word)), "{word}: {screen}");
    }
}

#[test]
fn a_policy_or_a_lock_that_cannot_be_read_is_named() {
    let place = Prefix::with_policy("version = 1\nmode = \"allow-all\"\n[[deny]\n");
    place.free.write(".config/carto/policy.toml", "version = 1\nmode = \"allow-all\"\n");
    check(
        &place.run("plugin list").output(),
        expect![[r#"
        status 0
        --- stdout
        NAME   STATE   VERSION  VENDOR  FOLDER
        m2m    policy  0.1.0    carto   [home]/prefix/lib/carto/kinds
        spa    policy  0.1.0    carto   [home]/prefix/lib/carto/kinds
        token  policy  0.1.0    carto   [home]/prefix/lib/carto/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        note: what may be used is decided by `[home]/prefix/etc/carto/policy.toml`, `[home]/.config/carto/policy.toml`
        warning: `[home]/prefix/etc/carto/policy.toml` can't be used: line 3, column 8: unclosed array table, expected `]`; so everything is refused
        hint: mend the file: docs/policy.md explains it
        note: policy refuses some as a whole: `carto plugin why m2m` says which rule does
    "#]],
    );
    let place = Prefix::new();
    place.free.write(".local/share/carto/lock.toml", "version = 1\n[kinds.token]\nsha256 = 5\n");
    let lines = ["plugin list", "plugin lock", "plugin lock --forget token", "credentials list token --sandbox"];
    let mut report = told(&place, &lines);
    let file = place.free.home().join("one.so");
    fs::write(&file, Robot::at(ROBOTS).library()).unwrap();
    report.push_str(&told(&place, &["plugin install one.so", "plugin remove robot --yes"]));
    expect![[r#"
        $ carto plugin list
        status 0
        --- stdout
        NAME   STATE       VERSION  VENDOR  FOLDER
        m2m    locked out  0.1.0    carto   [home]/prefix/lib/carto/kinds
        spa    locked out  0.1.0    carto   [home]/prefix/lib/carto/kinds
        token  locked out  0.1.0    carto   [home]/prefix/lib/carto/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        $ carto plugin lock
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        $ carto plugin lock --forget token
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        $ carto credentials list token --sandbox
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto --sandbox plugin lock`
        $ carto plugin install one.so
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        $ carto plugin remove robot --yes
        status 4
        --- stderr
        error: cannot use the lock in `[home]/.local/share/carto/lock.toml`: line 3, column 10: invalid type: integer `5`, expected a string
        hint: mend it; or remove it, and lock the plugins again with `carto plugin lock`
    "#]].assert_eq(&report);
    // As the hint says.
    fs::remove_file(place.free.data().join("lock.toml")).unwrap();
    place.run("plugin lock").ok();
    place.run("credentials list token --sandbox").ok();
}

#[test]
fn other_folders_that_are_named_are_what_counts() {
    let place = Prefix::new();
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    fs::write(place.free.home().join("one.so"), Robot::at("https://robots.example.com/v2").library()).unwrap();
    let run = |line: &str| -> Output { place.run(line).env("CARTO_KINDS_PATH", place.free.kinds()).output() };
    let installed = run("plugin install one.so");
    assert!(installed.stderr.contains("`CARTO_KINDS_PATH` names other folders"), "{installed}");
    let looked = run("plugin doctor");
    assert!(looked.status == 0 && looked.stdout.contains("so what is in `"), "{looked}");
    assert_eq!(run("plugin info robot").status, 2);
}

#[test]
fn a_name_is_found_before_a_plural() {
    let carto = Carto::new();
    let named = library::with_manifest(
        "strange",
        Robot::at(ROBOTS)
            .manifest()
            .replace("name = \"robot\"\nplural = \"robots\"", "name = \"spas\"\nplural = \"tokenss\"")
            .as_bytes(),
    );
    fs::write(carto.kinds().join(library::file_name("spas")), named).unwrap();
    let name = |word: &str| -> Value { carto.run(&format!("plugin info {word} --json")).ok().json()["name"].clone() };
    assert_eq!((name("spas"), name("tokens"), name("tokenss")), ("spas".into(), "token".into(), "spas".into()));
}
