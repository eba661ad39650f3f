//! Plugins that were built when ABI 1.0 was frozen, and never since: this program loads them, for ever. And what happens to plugins of
//! other versions: another release of the crate, a later schema, another ABI.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::output::check;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, library};

const FROZEN: [&str; 3] = ["badge", "door-key", "lamp"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/frozen/abi-1.0")
}

fn bytes(kind: &str) -> Vec<u8> {
    std::fs::read(folder().join(kind).join(library::file_name(kind))).unwrap()
}

/// A home with the frozen plugins; nothing where they can't run.
fn carto() -> Option<Carto> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        println!("skipped: the frozen plugins are built for Linux on x86-64");
        return None;
    }
    let carto = Carto::without_kinds();
    for kind in FROZEN {
        put(&carto, kind, &bytes(kind));
    }
    Some(carto)
}

/// A library among the kinds, whatever the modes in the checkout are.
fn put(carto: &Carto, kind: &str, bytes: &[u8]) {
    let file = carto.kinds().join(library::file_name(kind));
    std::fs::write(&file, bytes).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
}

/// The body of a request.
fn body(request: &str) -> Value {
    serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

fn first_line(request: &str) -> &str {
    request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
}

/// Whoever builds one again has to lie about it in its README.
#[test]
fn they_are_what_they_were() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for kind in FROZEN {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes(kind));
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let row = readme.lines().find(|line| line.contains(&library::file_name(kind))).unwrap();
        assert!(row.ends_with(&format!("`{hash}` |")), "{kind} was changed: {hash}");
    }
}

/// A key that comes with a later minor schema needs a plugin that has it.
#[test]
fn every_key_of_the_schema_is_in_one_of_them() {
    let manifests: String = FROZEN
        .map(|kind| {
            std::fs::read_to_string(folder().join(kind).join("kind.toml")).unwrap().replace([';', '{', '}'], "\n")
        })
        .concat();
    let source = std::fs::read_to_string(folder().join("../../../plugin-api/src/manifest/mod.rs")).unwrap();
    let fields = regex_lite::Regex::new(r"(?m)^    pub ([a-z_]+):").unwrap();
    let mut count = 0;
    for name in ["Manifest", "Service", "Record", "VerbSpec", "Arg"] {
        let body = source.split(&format!("pub struct {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
        for field in fields.captures_iter(body) {
            let key = match (name, &field[1]) {
                ("Arg", "kind") => "type",
                // Tables, and what the export macro adds.
                ("Manifest", "services" | "record" | "verbs" | "package") | ("VerbSpec", "args") => continue,
                (_, key) => key,
            };
            let has = manifests.lines().any(|line| line.split('=').next().unwrap().trim() == key && line.contains('='));
            assert!(has, "no frozen plugin has `{key}` of {name}");
            count += 1;
        }
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn they_are_listed() {
    let Some(carto) = carto() else { return };
    let listed = carto.run("plugin list --json").ok().json();
    let row = |row: &Value| {
        ["name", "plural", "version", "abi", "state", "verbs"]
            .map(|key| row[key].to_string().replace('"', ""))
            .join(" ")
    };
    let rows: Vec<String> = listed["plugins"].as_array().unwrap().iter().map(row).collect();
    expect![[r#"
        badge badges 1.0.0 1 ok [list,create,get,update,delete]
        door-key door-keys 1.0.0 1 ok [list,create,get,delete]
        lamp lamps 1.0.0 1 ok [list]"#]]
    .assert_eq(&rows.join("\n"));
}

#[test]
fn an_ordinary_kind_serves_its_five_verbs() {
    let Some(carto) = carto() else { return };
    let badge = r#"{"id": "b1", "secret": "s3cr3t-of-b1", "name": "front", "level": 2}"#;
    let server = Wire::start_with(move |_, request| {
        let page = |badges: &str, next| Act::json("200 OK", &format!(r#"{{"badges": [{badges}], "next": {next}}}"#));
        match first_line(request) {
            "GET /v3/badges" => page(badge, r#""2""#),
            "GET /v3/badges?cursor=2" => page(r#"{"id": "b2", "secret": null, "name": "back", "level": null}"#, "null"),
            "GET /v3/badges/gone" => Act::json("404 Not Found", r#"{"error": "nothing there"}"#),
            "POST /v3/badges" if body(request)["level"] == json!(9) => {
                Act::json("422 Unprocessable Content", r#"{"errors": [{"field": "level", "message": "too high"}]}"#)
            }
            line if line.starts_with("DELETE") => Act::with("204 No Content", &[], ""),
            _ => Act::json("200 OK", badge),
        }
    });
    let mut report = String::new();
    for line in [
        "list badges",
        "list badges --json",
        "create badge --name front --level 2",
        "create badge --name front --level 9",
        "create badge --name ''",
        "create badge --name front -o env",
        "get badge b1",
        "get badge b1 --reveal --field secret",
        "get badge gone",
        "update badge b1 --name front",
        "update badge b1",
        "delete badge b1 --yes",
        "delete badge panic --yes",
        "--dry-run create badge --name front",
    ] {
        let line =
            if line.starts_with("--") { line.replacen(' ', " credentials ", 1) } else { format!("credentials {line}") };
        report.push_str(&format!("$ carto {line}\n{}\n", server.run(&carto, &line).output()));
    }
    expect![[r#"
        $ carto credentials list badges
        status 0
        --- stdout
        ID  NAME   LEVEL
        b1  front  2
        b2  back   -

        $ carto credentials list badges --json
        status 0
        --- stdout
        {
          "badges": [
            {
              "id": "b1",
              "secret": null,
              "name": "front",
              "level": 2
            },
            {
              "id": "b2",
              "secret": null,
              "name": "back",
              "level": null
            }
          ]
        }

        $ carto credentials create badge --name front --level 2
        status 0
        --- stdout
        id      b1
        secret  s3cr3t-of-b1
        name    front
        level   2
        --- stderr
        Created Badge `front` (b1)

        $ carto credentials create badge --name front --level 9
        status 1
        --- stderr
        error: the service refused this: level: too high
        hint: change what it names; `--debug` shows the requests

        $ carto credentials create badge --name ''
        status 2
        --- stderr
        error: --name: the name is empty
        hint: give a name

        $ carto credentials create badge --name front -o env
        status 0
        --- stdout
        BADGE_SECRET='s3cr3t-of-b1'

        $ carto credentials get badge b1
        status 0
        --- stdout
        id      b1
        secret  (hidden)
        name    front
        level   2

        $ carto credentials get badge b1 --reveal --field secret
        status 0
        --- stdout
        s3cr3t-of-b1

        $ carto credentials get badge gone
        status 3
        --- stderr
        error: no badge `gone`
        hint: `carto credentials list badges` shows those there are

        $ carto credentials update badge b1 --name front
        status 0
        --- stdout
        id      b1
        secret  (hidden)
        name    front
        level   2
        --- stderr
        Updated Badge `front` (b1)

        $ carto credentials update badge b1
        status 0
        --- stdout
        id      b1
        secret  (hidden)
        name    front
        level   2
        --- stderr
        warning: badge: nothing is changed
        hint: name what should change
        Updated Badge `front` (b1)

        $ carto credentials delete badge b1 --yes
        status 0
        --- stderr
        Deleted Badge `b1`

        $ carto credentials delete badge panic --yes
        status 7
        --- stderr
        error: the kind `badge` broke the contract in `delete`: it panicked at src/lib.rs:70: assertion `left != right` failed: told to left: "panic" right: "panic"; nothing was changed
        hint: report it to the frozen plugins, or remove `[home]/kinds/libcarto_kind_badge.so`

        $ carto --dry-run credentials create badge --name front
        status 0
        --- stdout
        POST /v3/badges

        {
          "name": "front",
          "level": null
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.

    "#]].assert_eq(&report);
}

#[test]
fn a_kind_that_uses_every_key_of_the_schema_is_shown_as_it_says() {
    let Some(carto) = carto() else { return };
    let mut report = String::new();
    for line in ["create door-key --help", "cut --help", "delete door-key --help", "list door-keys --help"] {
        // Up to what is the host's own.
        let help = carto.run(&format!("credentials {line}")).ok().stdout;
        report.push_str(help.split("\nAccount:").next().unwrap());
    }
    expect![[r#"
        Create a credential; its secrets are shown now, and later only with `--reveal`, if at all

        Door key: Opens one door, with `every key` of schema 1.0

        Usage: carto credentials create door-key [OPTIONS] --label <NAME>

        Options:
              --label <NAME>     What to call it [example: front]
              --door <TEXT>      A door; may be repeated
              --doors <LIST>     The same as a list separated by commas
              --floor <N>        A floor; may be repeated
              --master           Opens every door
              --until <DATE>     When it stops
              --site <URL>       Where the door is
              --metal <WORD>     What it is made of [possible values: brass, steel]
              --drawing <FILE>   How it is cut
              --pin <SOURCE>     What is typed besides
              --env-file <PATH>  Write the credential's variables into this file, and its secrets nowhere
                                 else
          -h, --help             Print help
        The same as create, for door-key

        Usage: carto credentials cut [OPTIONS] <TYPE>

        Types:
          door-key  Door key: Opens one door, with `every key` of schema 1.0 [alias: door-keys]

        Options:
              --env-file <PATH>  Write the credential's variables into this file, and its secrets nowhere
                                 else
          -h, --help             Print help
        Delete a credential, after asking for the word `delete`; `--yes` doesn't ask

        Door key: Opens one door, with `every key` of schema 1.0

        Usage: carto credentials delete door-key [OPTIONS] <ID>

        Arguments:
          <ID>  Its id or label; `-` reads it from standard input

        Options:
          -h, --help  Print help
        List credentials of this type

        Door key: Opens one door, with `every key` of schema 1.0

        Usage: carto credentials list door-key [OPTIONS]

        Options:
              --floor <N>  Only those of that floor
              --limit <N>  Show at most N of each kind
          -h, --help       Print help
    "#]]
    .assert_eq(&report);
    assert!(!report.contains("old-door"));
}

#[test]
fn a_kind_that_uses_every_key_of_the_schema_is_served() {
    let Some(carto) = carto() else { return };
    carto.write("drawing.txt", "teeth");
    carto.write("doors.txt", "@cellar");
    carto.write("pin.txt", "canary-pin\n");
    let server = Wire::start_with(|_, request| {
        let key = |echo: &Value| json!({ "key_id": "k1", "label": "front", "key": "canary-key", "pin": "canary-pin", "echo": echo });
        match first_line(request).split(' ').next() {
            Some("POST") => Act::json("200 OK", &key(&body(request)["echo"]).to_string()),
            Some("DELETE") => Act::with("204 No Content", &[], ""),
            _ if first_line(request).contains("/k1?") || first_line(request).contains("/keys/") => {
                Act::json("200 OK", &key(&Value::Null).to_string())
            }
            _ => Act::json("200 OK", &json!({ "keys": [key(&Value::Null)], "next": null }).to_string()),
        }
    });
    let mut settings = "[kinds.door-key]\ncolour = \"red\"\n[approved.door-key]\n".to_owned();
    for service in ["bearer", "header", "query", "open"] {
        settings.push_str(&format!("{service} = \"{}/{service}\"\n", server.url()));
    }
    carto.write(".config/carto/config.toml", &settings);
    // Only the sandbox's clock can be set.
    let times = regex_lite::Regex::new("20[0-9-]+T[0-9:]+Z").unwrap();
    let mut report = String::new();
    for line in [
        "cut door-key --label front --door @doors.txt --door @@x --floor 1 --floor -1 --until 7d --site http://x.example \
         --metal steel --drawing drawing.txt --pin @pin.txt --json",
        "create door-key --label front --door a --master",
        "create door-key --label front --metal gold",
        "create door-key --label front --old-door a",
        "create door-key --label front -o env",
        "get door-key k1 --json",
        "get door-key k1 --json --reveal",
        "get door-key bearer --field id",
        "get door-key header --field id",
        "get door-key query --field id",
        "get door-key open --field id",
        "list door-keys --floor 3",
        "melt door-key front --yes --json",
        "lose door-key back --yes",
        "update door-key k1",
    ] {
        report.push_str(&format!(
            "$ carto credentials {line}\n{}\n",
            server
                .run(&carto, &format!("credentials {line}"))
                .env("CARTO_KIND_DOOR_KEY_SECRET", "canary-of-the-service")
                .output()
        ));
    }
    expect![[r#"
        $ carto credentials cut door-key --label front --door @doors.txt --door @@x --floor 1 --floor -1 --until 7d --site http://x.example --metal steel --drawing drawing.txt --pin @pin.txt --json
        status 0
        --- stdout
        {
          "id": "k1",
          "label": "front",
          "key": "canary-key",
          "pin": "canary-pin",
          "echo": {
            "label": "front",
            "door": [
              "@cellar",
              "@x"
            ],
            "floor": [
              1,
              -1
            ],
            "until": "[time]",
            "site": "http://x.example",
            "metal": "steel",
            "drawing": "teeth",
            "pin": "canary-pin"
          },
          "now": "[time]",
          "options": {
            "colour": "red"
          }
        }

        $ carto credentials create door-key --label front --door a --master
        status 2
        --- stderr
        error: the argument `--door <TEXT>` cannot be used with `--master`
        hint: `carto credentials create door-key --help` shows how it is used

        $ carto credentials create door-key --label front --metal gold
        status 2
        --- stderr
        error: invalid value `gold` for `--metal <WORD>` [possible values: brass, steel]
        hint: `carto credentials create door-key --help` shows how it is used

        $ carto credentials create door-key --label front --old-door a
        status 2
        --- stderr
        error: --old-door: doors have another option now
        hint: use `--door`

        $ carto credentials create door-key --label front -o env
        status 0
        --- stdout
        DOOR_KEY='canary-key'
        DOOR_PIN='canary-pin'
        --- stderr
        note: `pin` is shown now and never again: keep it in a safe place

        $ carto credentials get door-key k1 --json
        status 0
        --- stdout
        {
          "id": "k1",
          "label": "front",
          "key": null,
          "pin": null,
          "echo": null,
          "now": "[time]",
          "options": {
            "colour": "red"
          }
        }

        $ carto credentials get door-key k1 --json --reveal
        status 0
        --- stdout
        {
          "id": "k1",
          "label": "front",
          "key": "canary-key",
          "pin": null,
          "echo": null,
          "now": "[time]",
          "options": {
            "colour": "red"
          }
        }

        $ carto credentials get door-key bearer --field id
        status 0
        --- stdout
        k1

        $ carto credentials get door-key header --field id
        status 0
        --- stdout
        k1

        $ carto credentials get door-key query --field id
        status 0
        --- stdout
        k1

        $ carto credentials get door-key open --field id
        status 0
        --- stdout
        k1

        $ carto credentials list door-keys --floor 3
        status 0
        --- stdout
        ID  LABEL
        k1  front

        $ carto credentials melt door-key front --yes --json
        status 0
        --- stdout
        {
          "deleted": "k1"
        }

        $ carto credentials lose door-key back --yes
        status 3
        --- stderr
        error: no door key `back`
        hint: look at the list

        $ carto credentials update door-key k1
        status 2
        --- stderr
        error: the kind `door-key` has no verb `update`; verbs: list, create, cut, get, delete, melt, lose
        hint: `carto credentials --help` lists the verbs; `door-key` has those above

    "#]].assert_eq(&times.replace_all(&report, "[time]"));
    let asked: Vec<String> = server.requests().iter().map(|request| first_line(request).to_owned()).collect();
    expect![[r#"
        POST /v3/door-keys?type=door
        POST /v3/door-keys?type=door
        GET /v3/door-keys/k1?type=door
        GET /v3/door-keys/k1?type=door
        GET /bearer/keys/bearer
        GET /header/keys/header
        GET /query/keys/query?key=canary-of-the-service
        GET /open/keys/open
        GET /v3/door-keys?type=door&floor=3
        GET /v3/door-keys?type=door
        DELETE /v3/door-keys/k1?type=door
        GET /v3/door-keys?type=door"#]]
    .assert_eq(&asked.join("\n"));
}

/// Each way to authorise that schema 1.0 has, once the user has approved where.
#[test]
fn services_of_a_kinds_own_are_asked_where_they_are_approved() {
    let Some(carto) = carto() else { return };
    let server = Wire::json("200 OK", r#"{"key_id": "k1", "label": "front"}"#);
    let run = |service: &str| {
        server.run(&carto, &format!("credentials get door-key {service}")).env("CARTO_KIND_DOOR_KEY_SECRET", "s3cr3t")
    };
    assert!(run("bearer").fails(4).stderr.contains("isn't approved"));
    let services = ["bearer", "header", "query", "open"];
    let lines: String = services.iter().map(|name| format!("{name} = \"{}\"\n", server.url())).collect();
    carto.write(".config/carto/config.toml", &format!("[approved.door-key]\n{lines}"));
    for service in services {
        run(service).ok();
    }
    let secrets = |request: &String| {
        let headers = request.lines().filter(|line| line.contains("s3cr3t") && line.contains(": "));
        [first_line(request)].into_iter().chain(headers).collect::<Vec<_>>().join(", ")
    };
    let asked: Vec<String> = server.requests().iter().map(secrets).collect();
    expect![[r#"
        GET /keys/bearer, authorization: Bearer s3cr3t
        GET /keys/header, x-door-key: s3cr3t
        GET /keys/query?key=s3cr3t
        GET /keys/open"#]]
    .assert_eq(&asked.join("\n"));
}

#[test]
fn the_least_that_a_kind_can_be_is_a_kind() {
    let Some(carto) = carto() else { return };
    let server = Wire::json("200 OK", r#"{"items": [{"id": "l1"}, {"id": "l2"}], "next": null}"#);
    check(
        &server.run(&carto, "credentials list lamps").output(),
        expect![[r#"
        status 0
        --- stdout
        ID
        l1
        l2
    "#]],
    );
}

/// abi_stable writes the version of the crate that a type comes from into its layout, and by itself takes another minor version for
/// another layout: then every plugin would be lost at the next release.
#[test]
fn a_plugin_built_with_another_release_of_the_crate_loads() {
    let ours = format!("carto-plugin-api;{}", carto_plugin_api::VERSION);
    let other = format!("carto-plugin-api;{}", "9.9.9.9.9".split_at(carto_plugin_api::VERSION.len()).0);
    let carto = Carto::without_kinds();
    put(&carto, "m2m", &library::patched("m2m", ours.as_bytes(), other.as_bytes()));
    carto.sandbox("credentials list m2m").ok();
}

/// What is compared is everything else.
#[test]
fn a_plugin_with_another_layout_is_refused() {
    let carto = Carto::without_kinds();
    put(&carto, "m2m", &library::patched("m2m", b"context;call;", b"kontext;call;"));
    check(
        &carto.sandbox("credentials list m2m").fails(7),
        expect![[r#"
        status 7
        --- stderr
        error: the kind `m2m` can't be loaded: `[home]/kinds/libcarto_kind_m2m.so` has another binary layout than this carto
        hint: get a version of the plugin that is built with the plugin ABI of this carto
    "#]],
    );
}

/// A kind with this head and a key that this schema doesn't have.
fn with_head(schema: &str, abi: u32, head: &str) -> Vec<u8> {
    library::with_manifest("marker", head_changed(schema, abi, head).as_bytes())
}

fn head_changed(schema: &str, abi: u32, head: &str) -> String {
    // Its comments make room.
    let text: String = library::manifest("marker")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = text.replace("schema = \"1.0\"", &format!("schema = \"{schema}\"\n{head}"));
    let text =
        text.replace("abi = 1", &format!("abi = {abi}")).replace("flag\"\ntype", "flag\"\ncolour = \"red\"\ntype");
    assert!(text.contains("colour"));
    text
}

/// And wherever somebody looks after plugins.
#[test]
fn a_plugin_of_a_later_abi_is_refused_by_every_command_for_plugins() {
    let carto = Carto::without_kinds();
    put(&carto, "marker", &with_head("1.0", 2, ""));
    let file = carto.kinds().join(library::file_name("marker"));
    let file = file.display();
    for line in [
        "plugin info marker".to_owned(),
        "plugin why marker".to_owned(),
        "plugin doctor".to_owned(),
        "plugin lock marker".to_owned(),
        format!("plugin install {file}"),
        format!("plugin check {file}"),
    ] {
        let output = carto.run(&line).output();
        // However it is laid out.
        let text = output.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        for says in [
            "has plugin ABI 2, and this carto has ABI 1",
            "update carto, which is 0.1.0 here, or get an earlier version",
        ] {
            assert!(text.contains(says), "{line}: {output}");
        }
    }
}

/// Wherever a user meets a kind: a verb of it, a list of all, help, and the list of plugins.
#[test]
fn a_plugin_of_another_version_is_used_or_refused_wherever_it_is_met() {
    let cases = [
        ("a later minor schema", with_head("1.7", 1, "")),
        (
            "a later minor schema, with a key that it needs",
            with_head("1.7", 1, "requires = [\"verbs.create.args.colour\"]"),
        ),
        ("a later minor schema, with a type that this one doesn't have", {
            let text = head_changed("1.7", 1, "").replace("type = \"int\"", "type = \"size\"");
            library::with_manifest("marker", text.as_bytes())
        }),
        ("a later major schema", with_head("2.1", 1, "")),
        ("an earlier major schema", with_head("0.9", 1, "")),
        ("a later ABI", with_head("1.0", 2, "")),
        ("an earlier ABI", with_head("1.0", 0, "")),
    ];
    let mut report = String::new();
    for (what, bytes) in cases {
        let carto = Carto::without_kinds();
        carto.install("m2m");
        put(&carto, "marker", &bytes);
        report.push_str(&format!("== {what}\n"));
        for line in [
            "credentials list markers --limit 1",
            "credentials list --limit 1",
            "credentials create marker --help",
            "plugin list",
        ] {
            let output = carto.sandbox(line).output();
            let shown = if line.ends_with("--help") && output.status == 0 {
                "status 0\n".to_owned()
            } else {
                output.to_string()
            };
            report.push_str(&format!("$ carto {line}\n{shown}"));
        }
    }
    expect![[r#"
        == a later minor schema
        $ carto credentials list markers --limit 1
        status 0
        --- stdout
        ID  NAME  ARGS
        m0  mark  -
        $ carto credentials list --limit 1
        status 0
        --- stdout
        M2M OAuth Client (m2m)
        none

        Marker (markers)
        ID  NAME  ARGS
        m0  mark  -
        $ carto credentials create marker --help
        status 0
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE  VERSION  VENDOR     FOLDER
        m2m     ok     0.1.0    carto      [home]/kinds
        marker  ok     0.1.0    the tests  [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        == a later minor schema, with a key that it needs
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` needs `verbs.create.args.colour` of manifest schema 1.7, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` needs `verbs.create.args.colour` of manifest schema 1.7, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` needs `verbs.create.args.colour` of manifest schema 1.7, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` needs `verbs.create.args.colour` of manifest schema 1.7, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        == a later minor schema, with a type that this one doesn't have
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 1.7, and this carto reads schema 1.1: line 37: unknown variant `size`, expected one of `string`, `int`, `bool`, `date`, `url`, `enum`, `file`, `secret`
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 1.7, and this carto reads schema 1.1: line 37: unknown variant `size`, expected one of `string`, `int`, `bool`, `date`, `url`, `enum`, `file`, `secret`
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 1.7, and this carto reads schema 1.1: line 37: unknown variant `size`, expected one of `string`, `int`, `bool`, `date`, `url`, `enum`, `file`, `secret`
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 1.7, and this carto reads schema 1.1: line 37: unknown variant `size`, expected one of `string`, `int`, `bool`, `date`, `url`, `enum`, `file`, `secret`
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        == a later major schema
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 2.1, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 2.1, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 2.1, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 2.1, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        == an earlier major schema
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 0.9, and this carto reads schema 1.1
        hint: get a newer version of the plugin, or remove the file
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 0.9, and this carto reads schema 1.1
        hint: get a newer version of the plugin, or remove the file
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 0.9, and this carto reads schema 1.1
        hint: get a newer version of the plugin, or remove the file
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` is written in manifest schema 0.9, and this carto reads schema 1.1
        hint: get a newer version of the plugin, or remove the file
        == a later ABI
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 2, and this carto has ABI 1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 2, and this carto has ABI 1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 2, and this carto has ABI 1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 2, and this carto has ABI 1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        == an earlier ABI
        $ carto credentials list markers --limit 1
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 0, and this carto has ABI 1
        hint: get a newer version of the plugin, or remove the file
        $ carto credentials list --limit 1
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: marker: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 0, and this carto has ABI 1
        hint: get a newer version of the plugin, or remove the file
        $ carto credentials create marker --help
        status 7
        --- stderr
        error: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 0, and this carto has ABI 1
        hint: get a newer version of the plugin, or remove the file
        $ carto plugin list
        status 0
        --- stdout
        NAME    STATE    VERSION  VENDOR  FOLDER
        m2m     ok       0.1.0    carto   [home]/kinds
        marker  refused  -        -       [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `marker` can't be used: `[home]/kinds/libcarto_kind_marker.so` has plugin ABI 0, and this carto has ABI 1
        hint: get a newer version of the plugin, or remove the file
    "#]].assert_eq(&report);
    // As the page for vendors promises.
    let page = std::fs::read_to_string(folder().join("../../../docs/plugin-abi.md")).unwrap();
    let refused = report.split("== a later ABI\n").nth(1).unwrap();
    let line = |label: &str| refused.lines().find(|line| line.starts_with(label)).unwrap();
    let error = line("error: ").replace("marker", "api-key").replace("kind_api-key", "kind_api_key");
    assert!(page.contains(&error.replace("[home]/kinds", "/usr/lib/carto/kinds")), "{error}");
    assert!(page.contains(line("hint: ")), "{}", line("hint: "));
}
