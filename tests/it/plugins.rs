//! What is said of plugins: the list, the sheet of permissions, the lock, and what the doctor finds.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use expect_test::expect;
use serde_json::Value;

use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;
use crate::support::{Carto, Output, library, terminal};

const ROBOTS: &str = "https://robots.example.com/v1";

fn own(place: &Prefix, kind: &str) -> PathBuf {
    let folder = place.free.data().join("kinds");
    fs::create_dir_all(&folder).unwrap();
    folder.join(library::file_name(kind))
}

/// Several commands, as a person would see them.
fn told(place: &Prefix, lines: &[&str]) -> String {
    lines.iter().map(|line| format!("$ carto {line}\n{}", place.run(line).output())).collect()
}

/// One of each state: `spa` is refused, `token` shadows one, policy refuses `walker`, `robot` has changed, and `m2m` is as it should be.
fn of_every_state() -> Prefix {
    let place = Prefix::new();
    fs::write(place.library("spa"), "text").unwrap();
    fs::write(own(&place, "token"), library::small("token")).unwrap();
    let walker = Robot::at(ROBOTS).manifest().replace("\"robot", "\"walker");
    fs::write(own(&place, "walker"), library::with_manifest("strange", walker.as_bytes())).unwrap();
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    place.run("plugin lock robot m2m").ok();
    fs::write(own(&place, "robot"), Robot::at("https://robots.example.com/v2").library()).unwrap();
    fs::write(place.free.data().join("kinds/libcarto_kind_Bad.so"), "").unwrap();
    place.policy("version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"walker\"\n[[deny]]\nkind = \"token\"\nverbs = [\"delete\"]\n");
    place
}

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
fn a_lock_holds_what_was_accepted() {
    let place = Prefix::new();
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    let mut report = told(
        &place,
        &[
            "plugin lock --dry-run robots",
            "plugin lock robots token robot",
            "plugin lock",
            "plugin lock nobody",
            "plugin lock --forget nobody",
        ],
    );
    let before = fs::read(place.free.data().join("lock.toml")).unwrap();
    fs::write(own(&place, "robot"), Robot::at("https://robots.example.com/v2").library()).unwrap();
    let dry = place.run("plugin lock robot --dry-run --json").ok().json();
    assert_eq!(dry["locked"][0]["changed"], false, "{dry}");
    report.push_str(&told(
        &place,
        &[
            "credentials list robot",
            "plugin why robot",
            "plugin lock --dry-run",
            "plugin lock robot --json",
            "plugin lock --forget token robot",
            "plugin lock --forget",
            "plugin lock --forget",
        ],
    ));
    assert_ne!(fs::read(place.free.data().join("lock.toml")).unwrap(), before);
    fs::write(place.library("spa"), "text").unwrap();
    place.policy("version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"m2m\"\n");
    report.push_str(&told(&place, &["plugin lock", "plugin lock spa token", "plugin lock m2m"]));
    expect![[r#"
        $ carto plugin lock --dry-run robots
        status 0
        --- stderr
        robot: would accept 0.1.0, sha256 [hash]…
        Nothing was changed: this was a dry run.
        $ carto plugin lock robots token robot
        status 0
        --- stderr
        robot: accepted 0.1.0, sha256 [hash]…
        token: accepted 0.1.0, sha256 [hash]…
        $ carto plugin lock
        status 0
        --- stderr
        m2m: accepted 0.1.0, sha256 [hash]…
        robot: accepted already (0.1.0, sha256 [hash]…)
        spa: accepted 0.1.0, sha256 [hash]…
        token: accepted already (0.1.0, sha256 [hash]…)
        $ carto plugin lock nobody
        status 2
        --- stderr
        error: no kind `nobody` here; kinds: m2m, robot, spa, token
        hint: choose one of these
        $ carto plugin lock --forget nobody
        status 2
        --- stderr
        error: the kind `nobody` isn't locked
        hint: locked are `m2m`, `robot`, `spa`, `token`
        $ carto credentials list robot
        status 4
        --- stderr
        error: the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
        hint: if you know why: `carto plugin lock robot` accepts it as it is now
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
        $ carto plugin lock --dry-run
        status 0
        --- stderr
        m2m: accepted already (0.1.0, sha256 [hash]…)
        robot: would accept 0.1.0, sha256 [hash]… (was 0.1.0, sha256 [hash]…)
        spa: accepted already (0.1.0, sha256 [hash]…)
        token: accepted already (0.1.0, sha256 [hash]…)
        Nothing was changed: this was a dry run.
        $ carto plugin lock robot --json
        status 0
        --- stdout
        {
          "locked": [
            {
              "name": "robot",
              "version": "0.1.0",
              "sha256": "[secret]",
              "path": "[home]/.local/share/carto/kinds/libcarto_kind_robot.so",
              "was": {
                "version": "0.1.0",
                "sha256": "[secret]"
              },
              "changed": true
            }
          ],
          "skipped": [],
          "dry_run": false
        }
        $ carto plugin lock --forget token robot
        status 0
        --- stderr
        token: any is accepted again (was sha256 [hash]…)
        robot: any is accepted again (was sha256 [hash]…)
        $ carto plugin lock --forget
        status 0
        --- stderr
        m2m: any is accepted again (was sha256 [hash]…)
        spa: any is accepted again (was sha256 [hash]…)
        $ carto plugin lock --forget
        status 0
        --- stderr
        Nothing is locked.
        $ carto plugin lock
        status 0
        --- stderr
        robot: accepted 0.1.0, sha256 [hash]…
        token: accepted 0.1.0, sha256 [hash]…
        warning: not locked: `m2m` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `m2m`
        hint: `carto plugin why m2m` says more
        warning: not locked: the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        $ carto plugin lock spa token
        status 7
        --- stderr
        error: the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        $ carto plugin lock m2m
        status 4
        --- stderr
        error: `m2m` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `m2m`
        hint: `carto plugin why m2m` says more
    "#]].assert_eq(&report);
}

/// What is accepted by several commands at once is all accepted.
#[test]
fn locks_at_once_lose_nothing() {
    let place = Prefix::new();
    for round in 0..5 {
        let lines = ["plugin lock m2m", "plugin lock spa", "plugin lock token"];
        let quiet = |line| place.run(line).command.stderr(Stdio::null()).spawn().unwrap();
        for mut child in lines.map(quiet) {
            assert!(child.wait().unwrap().success());
        }
        let forgotten = place.run("plugin lock --forget --json").ok().json();
        assert_eq!(forgotten["forgotten"].as_array().unwrap().len(), 3, "round {round}");
    }
}

#[test]
fn a_sheet_says_what_a_kind_may_do() {
    let place = Prefix::with_policy(
        "version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"token\"\nverbs = [\"delete\"]\nreason = \"ask us\"\n\
         [[limit]]\nkind = \"token\"\nargument = \"expiration-date\"\nat_most = \"90d\"\n",
    );
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    check(
        &place.run("plugin info tokens").output(),
        expect![[r#"
            status 0
            --- stdout
            token: API Access Token
            Server-side API access with specific connection and source grants

            state       ok
            vendor      it says it is by carto
            version     0.1.0 (MIT)
            built with  carto-plugin-api 0.1.0
            made for    plugin ABI 1, manifest schema 1.1
            file        [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
            size        [n] MiB
            sha256      [secret]
            lock        not locked: any file in its place is used (`carto plugin lock token` accepts this one only)
            level       confined (the default)

            What its verbs may ask, and nothing else
            list        may send GET to /v3/tokens of your CARTO account
            create      may send POST to /v3/tokens of your CARTO account
                        policy limits --expiration-date: has to be given, 90d from now at most ([home]/prefix/etc/carto/policy.toml:7)
            get         may send GET to /v3/tokens of your CARTO account
                        may send GET to /v3/tokens/{} of your CARTO account
            update      may send GET to /v3/tokens of your CARTO account
                        may send GET to /v3/tokens/{} of your CARTO account
                        may send PATCH to /v3/tokens/{} of your CARTO account
                        policy limits --expiration-date: has to be given, 90d from now at most ([home]/prefix/etc/carto/policy.toml:7)
            delete      REFUSED by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `token` for delete: ask us
            verify      may send GET to /v3/tokens of your CARTO account
                        may send GET to /v3/tokens/{} of your CARTO account
                        may send POST to /v3/sql/{}/query of your CARTO account, with a credential that it tries, which it passes itself
                        may send GET to /v3/maps/{}/table of your CARTO account, with a credential that it tries, which it passes itself
                        may send GET to /v3/maps/{}/query of your CARTO account, with a credential that it tries, which it passes itself

            What it gets to know
            create      --source: what you write, or with `@FILE` the text of that file
            verify      --source: what you write, or with `@FILE` the text of that file
                        the credential that it tries, and a bearer that comes of it
            each verb   the values of the other options, the answers to what it asks, `[kinds.token]` of your settings, the time

            What you get from it
            secrets     token: shown when the credential is created, later only with `--reveal`
            -o env      CARTO_API_ACCESS_TOKEN, from token

            What it can't do
            It can't read or write files, open connections, start programs, see your variables or your bearer, or write on your terminal: it can compute, and ask carto for what stands above.
        "#]],
    );
    place.run("plugin lock robot").ok();
    check(
        &place.run("plugin info robot").output(),
        expect![[r#"
            status 0
            --- stdout
            robot: Robot
            Moves by itself

            state       ok
            vendor      it says it is by the tests
            version     0.1.0 (MIT)
            built with  carto-plugin-api 0.1.0
            made for    plugin ABI 1, manifest schema 1.0
            file        [home]/.local/share/carto/kinds/libcarto_kind_robot.so
            size        [n] MiB
            sha256      [secret]
            lock        this one is accepted, and no other
            level       confined (the default)

            What its verbs may ask, and nothing else
            list        may send GET to /robots of `fleet`, https://robots.example.com/v1
            create      may send POST to /robots of `fleet`, https://robots.example.com/v1
            get         may send GET to /robots/{} of `fleet`, https://robots.example.com/v1
            delete      may send DELETE to /robots/{} of `fleet`, https://robots.example.com/v1

            Services of its own
            fleet       https://robots.example.com/v1, with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
                        NOT approved, so it isn't asked; if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`

            What it gets to know
            create      --program: the text of the file that you name
            each verb   the answers to what it asks, `[kinds.robot]` of your settings, the time

            What you get from it
            secrets     key: shown when the credential is created, later only with `--reveal`
            -o env      ROBOT_KEY, from key

            What it can't do
            It can't read or write files, open connections, start programs, see your variables or your bearer, or write on your terminal: it can compute, and ask carto for what stands above.
        "#]],
    );
    place.free.write(
        ".config/carto/config.toml",
        "[plugins]\nlevel = \"plain\"\n[approved.robot]\nfleet = \"https://robots.example.com/v2\"\n",
    );
    check(
        &place.run("plugin info robot").env("CARTO_KIND_ROBOT_SECRET", "not-to-be-shown").output(),
        expect![[r#"
            status 0
            --- stdout
            robot: Robot
            Moves by itself

            state       ok
            vendor      it says it is by the tests
            version     0.1.0 (MIT)
            built with  carto-plugin-api 0.1.0
            made for    plugin ABI 1, manifest schema 1.0
            file        [home]/.local/share/carto/kinds/libcarto_kind_robot.so
            size        [n] MiB
            sha256      [secret]
            lock        this one is accepted, and no other
            level       plain (`level` under `[plugins]` in your settings)

            What its verbs may ask, and nothing else
            list        may send GET to /robots of `fleet`, https://robots.example.com/v2
            create      may send POST to /robots of `fleet`, https://robots.example.com/v2
            get         may send GET to /robots/{} of `fleet`, https://robots.example.com/v2
            delete      may send DELETE to /robots/{} of `fleet`, https://robots.example.com/v2

            Services of its own
            fleet       https://robots.example.com/v2, with the secret in `CARTO_KIND_ROBOT_SECRET`, in the header `X-Robot-Key`
                        approved in your settings

            What it gets to know
            create      --program: the text of the file that you name
            each verb   the answers to what it asks, `[kinds.robot]` of your settings, the time

            What you get from it
            secrets     key: shown when the credential is created, later only with `--reveal`
            -o env      ROBOT_KEY, from key

            What it can't do
            At this level it can do what you can: read and write your files, open connections, start programs. It gets neither your variables nor your bearer from carto, but it can look for them. A fault of its costs only its own verb.
        "#]],
    );
    let json = place.run("plugin info robot --json").ok();
    check(
        &json,
        expect![[r#"
            status 0
            --- stdout
            {
              "name": "robot",
              "plural": "robots",
              "title": "Robot",
              "state": "ok",
              "cause": null,
              "remedy": null,
              "version": "0.1.0",
              "vendor": "the tests",
              "licence": "MIT",
              "abi": 1,
              "schema": "1.0",
              "plugin_api": "0.1.0",
              "sha256": "[secret]",
              "size": [n],
              "path": "[home]/.local/share/carto/kinds/libcarto_kind_robot.so",
              "level": "plain",
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
                  "approved": "https://robots.example.com/v2",
                  "secret": "CARTO_KIND_ROBOT_SECRET"
                }
              },
              "calls": {
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
              },
              "lock": {
                "state": "accepted",
                "accepted": {
                  "version": "0.1.0",
                  "sha256": "[secret]"
                }
              },
              "previous": null,
              "same_name": [],
              "level_meaning": "kinds run in a process of their own, with all your rights",
              "about": "Moves by itself",
              "permissions": {
                "list": {
                  "allowed": true,
                  "rules": [
                    "[home]/prefix/etc/carto/policy.toml:2 allows all"
                  ],
                  "limits": [],
                  "aliases": [],
                  "calls": [
                    "fleet GET /robots"
                  ],
                  "secret_options": [],
                  "file_options": [],
                  "at_file_options": []
                },
                "create": {
                  "allowed": true,
                  "rules": [
                    "[home]/prefix/etc/carto/policy.toml:2 allows all"
                  ],
                  "limits": [],
                  "aliases": [],
                  "calls": [
                    "fleet POST /robots"
                  ],
                  "secret_options": [],
                  "file_options": [
                    "program"
                  ],
                  "at_file_options": []
                },
                "get": {
                  "allowed": true,
                  "rules": [
                    "[home]/prefix/etc/carto/policy.toml:2 allows all"
                  ],
                  "limits": [],
                  "aliases": [],
                  "calls": [
                    "fleet GET /robots/{}"
                  ],
                  "secret_options": [],
                  "file_options": [],
                  "at_file_options": []
                },
                "delete": {
                  "allowed": true,
                  "rules": [
                    "[home]/prefix/etc/carto/policy.toml:2 allows all"
                  ],
                  "limits": [],
                  "aliases": [],
                  "calls": [
                    "fleet DELETE /robots/{}"
                  ],
                  "secret_options": [],
                  "file_options": [],
                  "at_file_options": []
                }
              },
              "record": {
                "fields": [
                  "id",
                  "name",
                  "key"
                ],
                "id": "id",
                "secrets": [
                  "key"
                ],
                "once": [],
                "env": {
                  "key": "ROBOT_KEY"
                }
              }
            }
        "#]],
    );
    check(
        &place.run("plugin info nobody").output(),
        expect![[r#"
        status 2
        --- stderr
        error: no kind `nobody` here; kinds: m2m, robot, spa, token
        hint: choose one of these
    "#]],
    );
}

#[test]
fn a_sheet_of_what_cannot_be_used_says_as_much_as_can_be_read() {
    let place = of_every_state();
    fs::set_permissions(place.library("m2m"), Permissions::from_mode(0o666)).unwrap();
    let head = |kind: &str| -> String {
        let output = place.run(&format!("plugin info {kind}")).ok().to_string();
        output.split("\n\nWhat its verbs").next().unwrap().to_owned() + "\n"
    };
    let report: String = ["m2m", "spa", "token", "walker", "robot"].map(head).concat();
    expect![[r#"
        status 0
        --- stdout
        m2m: M2M OAuth Client
        Sign-in for a program that acts without a user

        state       refused
                    the kind `m2m` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so` can be written by anyone
                    `chmod o-w [home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so`
        vendor      it says it is by carto
        version     0.1.0 (MIT)
        built with  carto-plugin-api 0.1.0
        made for    plugin ABI 1, manifest schema 1.1
        file        [home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so
        size        [n] MiB
        sha256      [secret]
        lock        this one is accepted, and no other
        level       confined (the default)
        status 0
        --- stdout
        spa

        state       refused
                    the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
                    install the plugin again, or remove the file
        file        [home]/prefix/lib/carto/kinds/libcarto_kind_spa.so
        size        4 bytes
        sha256      [secret]
        lock        not locked: any file in its place is used (`carto plugin lock spa` accepts this one only)
        level       confined (the default)

        status 0
        --- stdout
        token: API Access Token
        Server-side API access with specific connection and source grants

        state       ok
        vendor      it says it is by carto
        version     0.1.0 (MIT)
        built with  carto-plugin-api 0.1.0
        made for    plugin ABI 1, manifest schema 1.1
        file        [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
        size        [n] MiB
        sha256      [secret]
        not used    [home]/.local/share/carto/kinds/libcarto_kind_token.so
        lock        not locked: any file in its place is used (`carto plugin lock token` accepts this one only)
        level       confined (the default)
        status 0
        --- stdout
        walker: Robot
        Moves by itself

        state       policy
                    `walker` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, denies `walker`
                    `carto plugin why walker` says more
        vendor      it says it is by the tests
        version     0.1.0 (MIT)
        built with  carto-plugin-api 0.1.0
        made for    plugin ABI 1, manifest schema 1.0
        file        [home]/.local/share/carto/kinds/libcarto_kind_walker.so
        size        [n] MiB
        sha256      [secret]
        lock        not locked: any file in its place is used (`carto plugin lock walker` accepts this one only)
        level       confined (the default)
        status 0
        --- stdout
        robot: Robot
        Moves by itself

        state       changed
                    the kind `robot` has changed since it was locked: `[home]/.local/share/carto/kinds/libcarto_kind_robot.so` has the sha256 [hash]…, and [hash]… was accepted
                    if you know why: `carto plugin lock robot` accepts it as it is now
        vendor      it says it is by the tests
        version     0.1.0 (MIT)
        built with  carto-plugin-api 0.1.0
        made for    plugin ABI 1, manifest schema 1.0
        file        [home]/.local/share/carto/kinds/libcarto_kind_robot.so
        size        [n] MiB
        sha256      [secret]
        lock        sha256 [hash]… was accepted, and not this one
        level       confined (the default)
    "#]].assert_eq(&report);
}

#[test]
fn a_sheet_fits_80_columns() {
    let place = Prefix::new();
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    let (screen, status) = terminal::run(place.run("plugin info robot"));
    assert_eq!(status, 0);
    let home = place.free.home().display().to_string();
    for line in screen.lines().filter(|line| !line.contains(&home) && !line.contains("https://")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(screen.contains("It can't read or write files"), "{screen}");
}

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
