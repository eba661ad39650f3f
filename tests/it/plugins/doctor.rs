//! What the doctor finds, and that verbs run into the same.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use expect_test::expect;

use super::{ROBOTS, of_every_state, own};
use crate::support::library;
use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;

#[test]
fn a_doctor_finds_nothing_where_nothing_is_wrong() {
    let place = Prefix::new();
    place.sandbox("credentials list").ok();
    place.run("plugin lock").ok();
    check(
        &place.run("plugin doctor --run").output(),
        expect![[r#"
        status 0
        --- stdout
        ok     settings   `[home]/.config/carto/config.toml`
        ok     policy     none: everything is allowed
        ok     level      confined (the default)
        ok     folder     `[home]/prefix/lib/carto/kinds`
        ok     folder     `[home]/prefix/bin`
        ok     folder     `/usr/lib/carto/kinds`: isn't there
        ok     folder     `[home]/.local/share/carto/kinds`: isn't there
        ok     lock       accepted: m2m, spa, token
        ok     plugins    3 can be used: m2m, spa, token
        ok     sandbox    `[home]/.local/share/carto/sandbox.db`
        ok     m2m        opened in [n] ms, with [n] MiB at most
        ok     spa        opened in [n] ms, with [n] MiB at most
        ok     token      opened in [n] ms, with [n] MiB at most
        --- stderr
        Nothing is wrong.
    "#]],
    );
    let json = place.run("plugin doctor --run --json").ok().json();
    let tried = json["rows"].as_array().unwrap().iter().find(|row| row["memory"].is_u64()).unwrap().clone();
    assert!(
        json["wrong"] == 0 && tried["milliseconds"].is_u64() && tried["memory"].as_u64() > Some(1024 * 1024),
        "{json:#}"
    );
}

#[test]
fn a_doctor_names_one_cause_and_one_remedy_a_row() {
    let place = of_every_state();
    let file = place.free.home().join("one.so");
    fs::write(&file, Robot::at(ROBOTS).library()).unwrap();
    place.free.write(
        ".config/carto/config.toml",
        "[kinds.tokn]\ncolour = \"red\"\n[approved.robots]\nfleet = \"https://robots.example.com\"\n",
    );
    place.policy(
        "version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"walker\"\n[[limit]]\nkind = \"tokem\"\nargument = \"name\"\nrequired = true\n",
    );
    // Accepted once, and gone.
    fs::write(
        own(&place, "gone"),
        library::with_manifest("strange", Robot::at(ROBOTS).manifest().replace("\"robot", "\"gone").as_bytes()),
    )
    .unwrap();
    place.run("plugin lock gone").ok();
    fs::remove_file(own(&place, "gone")).unwrap();
    place.free.write(".local/share/carto/sandbox.db", &"no database".repeat(100));
    check(
        &place.run("plugin doctor").output(),
        expect![[r#"
            status 4
            --- stdout
            ok     settings   `[home]/.config/carto/config.toml`
            note   settings   `[kinds.tokn]` is about a kind that isn't here
                              remedy: correct the name, or remove the table when the plugin is gone for good
            note   settings   `[approved.robots]` has no effect: `robots` is the plural of the kind `robot`
                              remedy: write `[approved.robot]`
            ok     policy     `[home]/prefix/etc/carto/policy.toml`
            note   policy     `[home]/prefix/etc/carto/policy.toml`, line 5, is about `tokem`, and no such kind is here
                              remedy: correct the name, if it is misspelt; until then it has no effect
            ok     level      confined (the default)
            ok     folder     `[home]/prefix/lib/carto/kinds`
            ok     folder     `[home]/prefix/bin`
            ok     folder     `/usr/lib/carto/kinds`: isn't there
            ok     folder     `[home]/.local/share/carto/kinds`
            ok     lock       accepted: gone, m2m, robot
            note   lock       the kind `gone` is accepted and isn't here
                              remedy: if it is gone for good: `carto plugin lock --forget gone`
            ok     plugins    2 can be used: m2m, token
            wrong  robot      the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
                              remedy: if you know why: `carto plugin lock robot` accepts it as it is now
            wrong  spa        the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
                              remedy: install the plugin again, or remove the file
            note   token      `[home]/.local/share/carto/kinds/libcarto_kind_token.so` isn't used: `[home]/prefix/lib/carto/kinds/libcarto_kind_token.so` goes before it
                              remedy: remove one of the two, if that isn't meant
            note   walker     `walker` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `walker`
                              remedy: `carto plugin why walker` says more
            wrong  file       `[home]/.local/share/carto/kinds/libcarto_kind_Bad.so` can't be used: it has a name that no kind can have
                              remedy: rename it: lower-case letters and digits, in words joined by `_`
            wrong  sandbox    the sandbox database `[home]/.local/share/carto/sandbox.db` is damaged (file is not a database); `carto sandbox reset` starts a new one
                              remedy: `carto sandbox reset` empties it, or move the file away
            --- stderr
            4 things are wrong.
        "#]],
    );
    let json = place.run("plugin doctor --json").output();
    let rows = json.json()["rows"].as_array().unwrap().clone();
    assert_eq!(json.status, 4, "{json}");
    assert!(rows.iter().all(|row| row["state"] != "ok" || row["remedy"].is_null()), "{json}");
    assert!(rows.iter().all(|row| row["state"] == "ok" || row["remedy"].is_string()), "{json}");
}

/// The status is that of what a verb would run into first.
#[test]
fn each_fault_has_its_row_and_its_status() {
    let mut report = String::new();
    let mut case = |what: &str, place: &Prefix, line: &str| {
        let output = place.run(line).output();
        let wrong: Vec<&str> = output.stdout.lines().skip_while(|line| !line.starts_with("wrong")).collect();
        let text = format!("{what}: {}\n{}\n", output.status, wrong.join("\n"));
        let text = text.replace(&place.free.home().display().to_string(), "[home]");
        report.push_str(
            &text.lines().filter(|line| !line.starts_with("ok")).map(|line| format!("{line}\n")).collect::<String>(),
        );
    };
    let place = Prefix::new();
    place.free.write(".config/carto/config.toml", "[plugins]\nlevel = \"high\"\n");
    case("settings", &place, "plugin doctor");
    let place = Prefix::with_policy("version = 1\n");
    case("policy", &place, "plugin doctor");
    let place = Prefix::with_policy("version = 1\nmode = \"deny-all\"\n");
    case("folders that policy refuses", &place, "--kinds-path kinds plugin doctor");
    let place = Prefix::new();
    case("folders that aren't there", &place, "--kinds-path nowhere plugin doctor");
    place.free.write(".local/share/carto/lock.toml", "version = 7\n");
    case("lock", &place, "plugin doctor");
    let place = Prefix::new();
    fs::set_permissions(place.path("lib/carto/kinds"), Permissions::from_mode(0o777)).unwrap();
    case("a folder", &place, "plugin doctor");
    let place = Prefix::new();
    fs::create_dir_all(place.free.data()).unwrap();
    fs::write(place.free.data().join("kinds"), "").unwrap();
    case("a folder that is a file", &place, "plugin doctor");
    let place = Prefix::new();
    symlink("/nowhere", place.library("robot")).unwrap();
    case("a link", &place, "plugin doctor");
    let place = Prefix::new();
    let robot = Robot { mode: "open:abort", ..Robot::at(ROBOTS) };
    let without = robot.manifest().replace("header:X-Robot-Key", "none");
    let mut bytes = library::with_manifest("strange", without.as_bytes());
    library::set_mode(&mut bytes, "open:abort");
    fs::write(own(&place, "robot"), bytes).unwrap();
    place.free.write(".config/carto/config.toml", &format!("[approved.robot]\nfleet = \"{ROBOTS}\"\n"));
    case("a library that breaks when it is opened, not opened", &place, "plugin doctor");
    case("a library that breaks when it is opened", &place, "plugin doctor --run");
    expect![[r#"
        settings: 2
        wrong  settings   cannot use the settings in `[home]/.config/carto/config.toml`: line 2, column 9: unknown variant `high`, expected one of `confined`, `filtered`, `plain`, `in-process`
                          remedy: mend the file, or move it away
        policy: 4
        wrong  policy     `[home]/prefix/etc/carto/policy.toml` can't be used: line 1, column 1: missing field `mode`; so everything is refused
                          remedy: mend the file: docs/policy.md explains it
        folders that policy refuses: 4
        wrong  folders    `--kinds-path` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, doesn't allow other folders of kinds
                          remedy: leave `--kinds-path` out, or unset it
        note   m2m        `m2m` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, denies all
                          remedy: `carto --kinds-path kinds plugin why m2m` says more
        note   spa        `spa` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, denies all
                          remedy: `carto --kinds-path kinds plugin why spa` says more
        note   token      `token` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, denies all
                          remedy: `carto --kinds-path kinds plugin why token` says more
        folders that aren't there: 2
        wrong  folders    `nowhere` in `--kinds-path` is no folder
                          remedy: name a folder of kinds, or leave `--kinds-path` out for the usual ones
        lock: 4
        wrong  lock       cannot use the lock in `[home]/.local/share/carto/lock.toml`: its `version` is 7, and this carto knows 1
                          remedy: mend it; or remove it, and lock the plugins again with `carto plugin lock`
        a folder: 7
        wrong  folder     the kinds in `[home]/prefix/lib/carto/kinds` can't be used: it can be written by anyone
                          remedy: `chmod o-w [home]/prefix/lib/carto/kinds`
        a folder that is a file: 7
        wrong  folder     `[home]/.local/share/carto/kinds` isn't a folder
                          remedy: remove it, or move it away
        a link: 7
        wrong  robot      the kind `robot` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_robot.so` can't be read: No such file or directory (os error 2)
                          remedy: install the plugin again, or remove the file
        a library that breaks when it is opened, not opened: 0

        a library that breaks when it is opened: 7
        wrong  robot      the kind `robot` failed while it was opened: it aborted (SIGABRT)
                          remedy: report it to the tests, or remove `[home]/.local/share/carto/kinds/libcarto_kind_robot.so`
    "#]].assert_eq(&report);
}

/// What doctor calls wrong, verbs refuse; and `why` says the same.
#[test]
fn a_doctor_and_why_know_what_verbs_run_into() {
    let place = Prefix::new();
    let head = "version = 1\nmode = \"allow-all\"\n";
    let mut report = String::new();
    let mut lines = |place: &Prefix, lines: &[&str]| {
        for line in lines {
            let output = place.run(line).output();
            let shown = |line: &str| line.starts_with("ok ") || line.trim_start().starts_with("ok   ");
            let text: String =
                output.to_string().lines().filter(|line| !shown(line)).map(|line| format!("{line}\n")).collect();
            report.push_str(&format!("$ carto {line}\n{text}"));
        }
    };
    // Records.
    fs::create_dir(place.free.home().join("folder.jsonl")).unwrap();
    place.policy(&format!("{head}[audit]\nfile = \"HOME/folder.jsonl\"\nrequired = true\n"));
    lines(&place, &["plugin doctor", "plugin why token list", "plugin why spa"]);
    place.sandbox("credentials list token").fails(4);
    place
        .policy(&format!("{head}[audit]\nfile = \"HOME/nowhere/audit.jsonl\"\nsyslog = true\nsocket = \"HOME/log\"\n"));
    lines(&place, &["plugin doctor"]);
    place.policy(&format!("{head}[audit]\nfile = \"HOME/audit.jsonl\"\nrequired = true\n"));
    let looked = place.run("plugin doctor").ok();
    assert!(looked.stdout.contains("ok     audit      what is done is recorded in `"), "{looked}");
    place.run("plugin why token list").ok();
    assert!(!place.free.home().join("audit.jsonl").exists());
    // Limits.
    let limits = [("name", "at_most = \"90d\""), ("nam", "required = true"), ("grant", "forbidden = [\"*\"]")];
    let limits = limits.map(|(name, what)| format!("[[limit]]\nkind = \"token\"\nargument = \"{name}\"\n{what}\n"));
    place.policy(&format!("{head}{}", limits.concat()));
    lines(&place, &["plugin doctor", "plugin why token create", "plugin why token"]);
    let create = "credentials create token --name 2027-01-01T00:00:00Z --connection dw --source a.b.c --apis sql";
    place.sandbox(create).fails(4);
    // A verb that is refused anyway isn't limited.
    let denied = "[[deny]]\nkind = \"token\"\nverbs = [\"create\", \"update\"]\n";
    place.policy(&format!("{head}{denied}{}", limits.concat()));
    place.run("plugin doctor").ok();
    // Approvals and secrets.
    place.policy(head);
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    place.free.write(
        ".config/carto/config.toml",
        "[plugins]\nlevel = \"plain\"\n[approved.robot]\nfleat = \"https://x.example.com\"\n[approved.tokens]\n",
    );
    lines(&place, &["plugin doctor", "plugin why robot get", "plugin why robot"]);
    place.free.write(".config/carto/config.toml", &format!("[approved.robot]\nfleet = \"{ROBOTS}\"\n"));
    lines(&place, &["plugin why robot get"]);
    // The lock.
    place.run("plugin lock robot").ok();
    fs::write(own(&place, "robot"), Robot::at("https://other.example.com").library()).unwrap();
    lines(&place, &["plugin why robot", "plugin why robot get", "credentials get robot r_1"]);
    place.free.write(".config/carto/config.toml", "");
    let listed =
        place.run("credentials list").env("CARTO_API_TOKEN", "x").env("CARTO_BASE_URL", "http://127.0.0.1:9").output();
    assert!(listed.stderr.contains("the kind `robot` has changed"), "{listed}");
    expect![[r#"
        $ carto plugin doctor
        status 4
        --- stdout
        wrong  audit      what is done can't be recorded in `[home]/folder.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: Is a directory (os error 21); so every verb is refused
                          remedy: tell whoever administers this machine: the record has to be writable
        --- stderr
        One thing is wrong.
        $ carto plugin why token list
        status 4
        --- stdout
        token list: refused
          why      this can't be recorded in `[home]/folder.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: Is a directory (os error 21); so it isn't done
          kind     token
          title    API Access Token
          release  0.1.0
          file     [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:2 allows all
          lock     not locked
        --- stderr
        hint: tell whoever administers this machine: the record has to be writable
        $ carto plugin why spa
        status 4
        --- stdout
        spa: refused
          why      this can't be recorded in `[home]/folder.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: Is a directory (os error 21); so it isn't done
          kind     spa
          title    SPA OAuth Client
          release  0.1.0
          file     [home]/prefix/lib/carto/kinds/libcarto_kind_spa.so
          sha256   [secret]
          list     refused (it can't be recorded)
          create   refused (it can't be recorded)
          get      refused (it can't be recorded)
          update   refused (it can't be recorded)
          delete   refused (it can't be recorded)
          verify   refused (it can't be recorded)
          lock     not locked
        --- stderr
        hint: tell whoever administers this machine: the record has to be writable
        $ carto plugin doctor
        status 0
        --- stdout
        note   audit      what is done can't be recorded in `[home]/nowhere/audit.jsonl`, as `[home]/prefix/etc/carto/policy.toml` asks: No such file or directory (os error 2)
                          remedy: tell whoever administers this machine: the record has to be writable
        note   audit      what is done can't be recorded in the system's log, as `[home]/prefix/etc/carto/policy.toml` asks: No such file or directory (os error 2)
                          remedy: tell whoever administers this machine: the record has to be writable
        --- stderr
        Nothing is wrong.
        $ carto plugin doctor
        status 4
        --- stdout
        wrong  policy     `[home]/prefix/etc/carto/policy.toml`, line 3, limits `--name` to 90d from now, and that isn't a date
                          remedy: mend the limit: until then whatever it is about is refused for `token`
        wrong  policy     `[home]/prefix/etc/carto/policy.toml`, line 7, limits `--nam`, which `token` doesn't have
                          remedy: mend the limit: until then whatever it is about is refused for `token`
        wrong  policy     `[home]/prefix/etc/carto/policy.toml`, line 11, limits `--grant`, which is another way to write `--connection`, `--source`: limit those
                          remedy: mend the limit: until then whatever it is about is refused for `token`
        --- stderr
        3 things are wrong.
        $ carto plugin why token create
        status 4
        --- stdout
        token create: refused
          why      `token create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, limits `--name` to 90d from now, and that isn't a date
          kind     token
          title    API Access Token
          release  0.1.0
          file     [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:2 allows all
          limits   --name [home]/prefix/etc/carto/policy.toml:3 has to be given, 90d from now at most
                   --nam [home]/prefix/etc/carto/policy.toml:7 has to be given
                   --grant [home]/prefix/etc/carto/policy.toml:11 isn't `*`
          lock     not locked
        $ carto plugin why token
        status 0
        --- stdout
        token: allowed
          kind     token
          title    API Access Token
          release  0.1.0
          file     [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
          sha256   [secret]
          list     allowed ([home]/prefix/etc/carto/policy.toml:2 allows all)
          create   refused ([home]/prefix/etc/carto/policy.toml:3 limits `--name` to 90d from now, and that isn't a date)
          get      allowed ([home]/prefix/etc/carto/policy.toml:2 allows all)
          update   refused ([home]/prefix/etc/carto/policy.toml:3 limits `--name` to 90d from now, and that isn't a date)
          delete   allowed ([home]/prefix/etc/carto/policy.toml:2 allows all)
          verify   allowed ([home]/prefix/etc/carto/policy.toml:2 allows all)
          lock     not locked
        $ carto plugin doctor
        status 4
        --- stdout
        note   settings   `[approved.tokens]` has no effect: `tokens` is the plural of the kind `token`
                          remedy: write `[approved.token]`
        note   settings   `[approved.robot]`: the kind `robot` has no service `fleat`; services: `fleet`
                          remedy: correct the name, or remove the line
        note   level      plain (`level` under `[plugins]` in your settings): kinds aren't kept from all that they could do
                          remedy: leave `level` out of `[plugins]` in the settings, where this machine can confine them
        wrong  robot      the kind `robot` asks a service of its own, `fleet`, which isn't approved
                          remedy: if you trust it, add the line `fleet = "https://robots.example.com/v1"` below `[approved.robot]` in `[home]/.config/carto/config.toml`
        --- stderr
        One thing is wrong.
        $ carto plugin why robot get
        status 4
        --- stdout
        robot get: not approved
          why      the kind `robot` asks a service of its own, `fleet`, which isn't approved
          kind     robot
          title    Robot
          release  0.1.0
          file     [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:2 allows all
          lock     not locked
        --- stderr
        hint: if you trust it, add the line `fleet = "https://robots.example.com/v1"` below `[approved.robot]` in `[home]/.config/carto/config.toml`
        $ carto plugin why robot
        status 4
        --- stdout
        robot: not approved
          why      the kind `robot` asks a service of its own, `fleet`, which isn't approved
          kind     robot
          title    Robot
          release  0.1.0
          file     [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          sha256   [secret]
          list     not approved (its service `fleet`)
          create   not approved (its service `fleet`)
          get      not approved (its service `fleet`)
          delete   not approved (its service `fleet`)
          lock     not locked
        --- stderr
        hint: if you trust it, add the line `fleet = "https://robots.example.com/v1"` below `[approved.robot]` in `[home]/.config/carto/config.toml`
        $ carto plugin why robot get
        status 0
        --- stdout
        robot get: allowed
          kind     robot
          title    Robot
          release  0.1.0
          file     [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:2 allows all
          secret   CARTO_KIND_ROBOT_SECRET isn't set
          lock     not locked
        $ carto plugin why robot
        status 4
        --- stdout
        robot: refused
          why      the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
          kind     robot
          title    Robot
          release  0.1.0
          file     [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          sha256   [secret]
          list     refused (by the lock)
          create   refused (by the lock)
          get      refused (by the lock)
          delete   refused (by the lock)
          lock     changed: [hash]… was accepted
        --- stderr
        hint: if you know why: `carto plugin lock robot` accepts it as it is now
        $ carto plugin why robot get
        status 4
        --- stdout
        robot get: refused
          why      the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
          kind     robot
          title    Robot
          release  0.1.0
          file     [home]/.local/share/carto/kinds/libcarto_kind_robot.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:2 allows all
          secret   CARTO_KIND_ROBOT_SECRET isn't set
          lock     changed: [hash]… was accepted
        --- stderr
        hint: if you know why: `carto plugin lock robot` accepts it as it is now
        $ carto credentials get robot r_1
        status 4
        --- stderr
        error: the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
        hint: if you know why: `carto plugin lock robot` accepts it as it is now
    "#]].assert_eq(&report);
}
