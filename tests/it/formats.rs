//! Formats, secrets and what a terminal shows.

use expect_test::expect;

use crate::support::output::check;
use crate::support::wire::Wire;
use crate::support::{Carto, terminal};

fn with_one_of_each() -> Carto {
    let carto = Carto::new();
    carto.sandbox("credentials create token --grant carto_dw,carto.shared.demo_table --apis sql,maps --name demo").ok();
    carto.sandbox("credentials create spa --title Store --callback https://a.example.com/cb").ok();
    carto.sandbox("credentials create m2m --title Nightly").ok();
    carto
}

#[test]
fn all_kinds_in_every_format() {
    let carto = with_one_of_each();
    check(
        &carto.sandbox("credentials list").output(),
        expect![[r#"
        status 0
        --- stdout
        M2M OAuth Client (m2m)
        CLIENT ID                         TITLE    CREATED AT
        [client-id]  Nightly  2026-11-23T10:00:00Z

        SPA OAuth Client (spa)
        CLIENT ID                         TITLE  CALLBACKS                 CREATED AT
        [client-id]  Store  https://a.example.com/cb  2026-11-23T10:00:00Z

        API Access Token (tokens)
        ID                        NAME  GRANTS                            ALLOWED APIS  EXPIRATION DATE
        [token-id]  demo  carto_dw:carto.shared.demo_table  sql, maps     -
    "#]],
    );
    check(
        &carto.sandbox("credentials list -o jsonl").output(),
        expect![[r#"
        status 0
        --- stdout
        {"kind":"m2m","record":{"clientId":"[client-id]","clientSecret":null,"title":"Nightly","createdAt":"2026-11-23T10:00:00Z","updatedAt":"2026-11-23T10:00:00Z"}}
        {"kind":"spa","record":{"clientId":"[client-id]","clientSecret":null,"title":"Store","loginUri":null,"callbacks":["https://a.example.com/cb"],"logoutUrls":[],"webOrigins":[],"allowedOrigins":[],"createdAt":"2026-11-23T10:00:00Z","updatedAt":"2026-11-23T10:00:00Z"}}
        {"kind":"token","record":{"id":"[token-id]","token":null,"name":"demo","grants":[{"connection_name":"carto_dw","source":"carto.shared.demo_table"}],"allowed_apis":["sql","maps"],"referers":[],"expiration_date":null,"created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:00:00Z"}}
    "#]],
    );
    let json = carto.sandbox("credentials list --json").ok().json();
    let sizes: Vec<(String, usize)> =
        json.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.as_array().unwrap().len())).collect();
    assert_eq!(sizes, [("m2m".to_owned(), 1), ("spa".to_owned(), 1), ("tokens".to_owned(), 1)]);
    check(
        &carto.sandbox("credentials list -o csv").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: `-o csv` needs a type: kinds have different columns
            hint: name one type after `list`, or use `-o jsonl`
        "#]],
    );
    check(
        &carto.sandbox("credentials list tokens -o csv").output(),
        expect![[r#"
        status 0
        --- stdout
        id,token,name,grants,allowed_apis,referers,expiration_date,created_at,updated_at
        [token-id],,demo,"[{""connection_name"":""carto_dw"",""source"":""carto.shared.demo_table""}]","[""sql"",""maps""]",[],,2026-11-23T10:00:00Z,2026-11-23T10:00:00Z
    "#]],
    );
    check(
        &carto.sandbox("credentials list tokens -o env").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: `-o env` is for one credential
            hint: name the one with `get`, or choose another format here
        "#]],
    );
}

#[test]
fn an_empty_sandbox_in_every_format() {
    let carto = Carto::new();
    check(
        &carto.sandbox("credentials list").output(),
        expect![[r#"
        status 0
        --- stdout
        M2M OAuth Client (m2m)
        none

        SPA OAuth Client (spa)
        none

        API Access Token (tokens)
        none
    "#]],
    );
    check(
        &carto.sandbox("credentials list tokens").output(),
        expect![[r#"
            status 0
            --- stderr
            There is no API Access Token here.
        "#]],
    );
    check(
        &carto.sandbox("credentials list --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "m2m": [],
          "spa": [],
          "tokens": []
        }
    "#]],
    );
    check(
        &carto.sandbox("credentials list tokens -o csv").output(),
        expect![[r#"
            status 0
            --- stdout
            id,token,name,grants,allowed_apis,referers,expiration_date,created_at,updated_at
        "#]],
    );
    assert_eq!(carto.sandbox("credentials list -o jsonl").ok().stdout, "");
}

#[test]
fn one_record_in_every_format() {
    let carto = with_one_of_each();
    check(
        &carto.sandbox("credentials get token demo -o csv").output(),
        expect![[r#"
        status 0
        --- stdout
        id,token,name,grants,allowed_apis,referers,expiration_date,created_at,updated_at
        [token-id],,demo,"[{""connection_name"":""carto_dw"",""source"":""carto.shared.demo_table""}]","[""sql"",""maps""]",[],,2026-11-23T10:00:00Z,2026-11-23T10:00:00Z
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo -o jsonl").output(),
        expect![[r#"
        status 0
        --- stdout
        {"kind":"token","record":{"id":"[token-id]","token":null,"name":"demo","grants":[{"connection_name":"carto_dw","source":"carto.shared.demo_table"}],"allowed_apis":["sql","maps"],"referers":[],"expiration_date":null,"created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:00:00Z"}}
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo -o env").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: `CARTO_API_ACCESS_TOKEN` is a secret
        hint: add `--reveal` to print it
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo -o env --reveal").output(),
        expect![[r#"
        status 0
        --- stdout
        CARTO_API_ACCESS_TOKEN='[jwt]'
    "#]],
    );
    check(
        &carto.sandbox("credentials create m2m --title Env -o env").output(),
        expect![[r#"
        status 0
        --- stdout
        CARTO_M2M_CLIENT_ID='[client-id]'
        CARTO_M2M_CLIENT_SECRET='[secret]'
        --- stderr
        note: `clientSecret` is shown now and never again: keep it in a safe place
    "#]],
    );
    assert_eq!(carto.sandbox("credentials get token demo --field allowed_apis").ok().stdout, "[\"sql\",\"maps\"]\n");
    check(
        &carto.sandbox("credentials get token demo --field token").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the field `token` is a secret
        hint: add `--reveal` to print it
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo --field nothing").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: there is no field `nothing`
            hint: fields: `allowed_apis`, `created_at`, `expiration_date`, `grants`, `id`, `name`, `referers`, `token`, `updated_at`
        "#]],
    );
    check(
        &carto.sandbox("credentials get token demo --field id --json").fails(2),
        expect![[r#"
        status 2
        --- stderr
        {"error":{"code":"usage","message":"`--field` writes a value alone, so no format can stand beside it","hint":"leave one of the two out"}}
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo -o csv --json").fails(2),
        expect![[r#"
        status 2
        --- stderr
        {"error":{"code":"usage","message":"`--json` and `-o` name different formats","hint":"leave one of the two out"}}
    "#]],
    );
}

#[test]
fn a_table_fits_80_columns_of_a_terminal() {
    let carto = with_one_of_each();
    let (screen, status) = terminal::run(carto.sandbox("credentials list").env("TERM", "xterm"));
    assert_eq!(status, 0, "{screen}");
    for line in screen.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(screen.contains('…'), "{screen}");
    // An id is copied from here: it is never what is cut.
    for kind in ["token", "spa", "m2m"] {
        let id = carto
            .sandbox(&format!("credentials list {kind} --field {}", if kind == "token" { "id" } else { "clientId" }))
            .ok();
        assert!(screen.contains(id.stdout.trim()), "{screen}");
    }
}

#[test]
fn colour_is_for_people_who_want_it() {
    let carto = Carto::new();
    let run = || carto.run("credentials list");
    let (screen, _) = terminal::run(run().env("TERM", "xterm"));
    assert!(screen.contains('\u{1b}'), "{screen:?}");
    for run in [run().env("TERM", "xterm").env("NO_COLOR", "1"), run().env("TERM", "dumb")] {
        let (screen, _) = terminal::run(run);
        assert!(!screen.contains('\u{1b}'), "{screen:?}");
    }
    assert!(!run().output().stderr.contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_is_quiet_for_a_list_and_loud_for_a_new_credential() {
    let carto = with_one_of_each();
    let closed = |line: &str| {
        let mut run = carto.sandbox(line);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = run.command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
        drop(run);
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(closed("credentials list"), (0, String::new()));
    assert_eq!(closed("credentials list --json"), (0, String::new()));
    let (status, stderr) = closed("credentials create m2m --title Lost --json");
    assert_eq!(status, 1);
    assert!(stderr.contains("output_failed") && stderr.contains("created M2M OAuth Client `Lost`"), "{stderr}");
    let (status, stderr) = closed("credentials create token --grant dw,a.b --apis sql --name lost");
    assert_eq!(status, 1);
    assert!(stderr.contains("--reveal` shows it"), "{stderr}");
}

/// A credential whose secret goes nowhere is named.
#[test]
fn an_output_that_leads_nowhere_is_said() {
    let carto = Carto::new();
    let null = || std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    for (line, way_out) in [
        ("credentials create token --grant dw,a.b --apis sql --name a", Some("--reveal` shows it")),
        ("credentials create m2m --title b --json", Some("its secret is lost")),
        ("credentials create m2m --title c --env-file .env", None),
        ("credentials list", None),
    ] {
        let mut run = carto.sandbox(line);
        let child = run.command.stdout(null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = run.ended(child);
        assert_eq!(output.status, 0, "{output}");
        assert_eq!(output.stderr.contains("standard output leads nowhere"), way_out.is_some(), "{output}");
        assert!(output.stderr.contains(way_out.unwrap_or_default()), "{output}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let carto = with_one_of_each();
    let mut run = carto.sandbox("credentials list");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        run.command.stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write to standard output"));
}

/// What can't be shown is refused before anything is made or changed.
#[test]
fn an_impossible_output_changes_nothing() {
    let carto = with_one_of_each();
    for line in [
        "credentials create m2m --title never --field nope",
        "credentials create m2m --title never --field ''",
        "credentials update token demo --name never --field nope",
        "credentials update token demo --name never --field token",
        "credentials update token demo --name never -o env",
        "credentials update m2m Nightly --title never --field clientSecret --reveal",
        "credentials list m2m --field clientSecret --reveal",
        "credentials delete token demo --yes --field nope",
    ] {
        // Any request would be answered with 503 and exit 6.
        carto.sandbox(line).fault("status=503").fails(2);
    }
    // A field that exists is one, whether or not there is a record.
    carto.sandbox("credentials delete token demo -y").ok();
    assert_eq!(carto.sandbox("credentials list --field id").ok().stdout, "");
    carto.sandbox("credentials list token --field nope").fails(2);
}

#[test]
fn a_secret_that_was_shown_once_is_gone() {
    let carto = with_one_of_each();
    check(
        &carto.sandbox("credentials get m2m Nightly --field clientSecret --reveal").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: `clientSecret` was shown once, at creation, and can't be shown again
            hint: if it is lost, create the credential again
        "#]],
    );
    check(
        &carto.sandbox("credentials get m2m Nightly -o env").output(),
        expect![[r#"
        status 0
        --- stdout
        CARTO_M2M_CLIENT_ID='[client-id]'
        --- stderr
        note: `clientSecret` was shown once, at creation, and can't be shown again
    "#]],
    );
    check(
        &carto.sandbox("credentials list m2m --reveal --field title").output(),
        expect![[r#"
        status 0
        --- stdout
        Nightly
        --- stderr
        note: `clientSecret` was shown once, at creation, and can't be shown again
    "#]],
    );
    check(
        &carto.sandbox("credentials create spa --title S -o env").output(),
        expect![[r#"
        status 0
        --- stdout
        CARTO_SPA_CLIENT_ID='[client-id]'
        --- stderr
        note: `clientSecret` was not asked for and can't be shown again
    "#]],
    );
    // Even if the service gives it again.
    let server = Wire::json(
        "200 OK",
        r#"{"client_id": "abcdefghijklmnopqrstuvwxyz012345", "client_secret": "s3cr3t", "title": "x"}"#,
    );
    let get = carto.run("credentials get m2m abcdefghijklmnopqrstuvwxyz012345 --reveal --json");
    let json = get.env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "x").ok().json();
    assert_eq!(json["clientSecret"], serde_json::Value::Null);
}

/// A command in a hint goes where the command went that it belongs to.
#[test]
fn hints_can_be_pasted() {
    let carto = Carto::new();
    let output = carto.run("--sandbox --kinds-path kinds credentials get token nope").fails(3);
    assert!(
        output.stderr.contains("hint: `carto --sandbox --kinds-path kinds credentials list tokens` shows"),
        "{output}"
    );
    let output = carto.run("credentials --base-url http://127.0.0.1:1 get token x --token abc --json").fails(6);
    assert!(!output.stderr.contains("abc"), "{output}");
}

#[test]
fn paths_that_arent_text_are_no_reason_to_panic() {
    use std::os::unix::ffi::OsStrExt;

    let carto = Carto::new();
    let odd = carto.home().join(std::ffi::OsStr::from_bytes(b"k\xff"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("libcarto_kind_x.so"), "").unwrap();
    carto.run("plugin list --json").env("CARTO_KINDS_PATH", &odd).ok();
    carto.run("plugin list").env("CARTO_KINDS_PATH", &odd).ok();
    carto.run("sandbox path --json").env("XDG_DATA_HOME", &odd).ok();
}
