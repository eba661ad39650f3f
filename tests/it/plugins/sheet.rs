//! The sheet: what a kind may do, as its file says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use expect_test::expect;

use super::{ROBOTS, of_every_state, own};
use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;
use crate::support::terminal;

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
