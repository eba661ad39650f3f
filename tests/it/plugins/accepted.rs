//! The lock: what was accepted, and what became of it.

use std::fs;
use std::process::Stdio;

use expect_test::expect;

use super::{ROBOTS, own, told};
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;

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
