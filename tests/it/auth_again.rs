//! Signing a profile in again with what its hint says, and a credentials file that can't be written, is held by another command, or is odd.

use std::fs::File;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::cloud::{CLIENT, Cloud, FIRST_REFRESH, SECRET, bearer};
use crate::support::login::{Login, free_port};
use crate::support::wire::Act;
use crate::support::{Carto, Run};

const FILE: &str = ".carto_credentials.json";

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(carto.home().join(FILE)).unwrap()).unwrap()
}

/// A file with one profile, with what this program keeps of a sign-in.
fn signed_in(carto: &Carto, token: &str, mut sign_in: Value) {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    sign_in["token_sha256"] = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    let profile = json!({ "token": token, "tenant_id": "acme", "sign_in": sign_in });
    carto.write(FILE, &json!({ "current_profile": "brow", "profiles": { "brow": profile } }).to_string());
}

/// As a browser left it, and over.
fn by_a_person(carto: &Carto, issuer: &str, client: &str, api: &str) {
    let sign_in = json!({
        "how": "browser", "client_id": client, "issuer": issuer, "audience": "carto-cloud-native-api",
        "refresh_token": FIRST_REFRESH, "base_url": api, "organization": "ACME, Inc.",
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": issuer, "sub": "auth0|1", "exp": 1_000_000_000 });
    let over = format!("{}.{}.Y2FuYXJ5", part(json!({ "alg": "RS256", "kid": "k" })), part(claims));
    signed_in(carto, &over, sign_in);
}

/// The same command where no file can be written, as on a full disk.
fn without_room(run: &Run, carto: &Carto) -> Run {
    let inner = run.command_again();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(carto.home()).stdin(std::process::Stdio::null());
    Run::of(command, carto.home())
}

#[test]
fn a_sign_in_outlasts_a_disk_that_is_full() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    by_a_person(&carto, &cloud.issuer(), "spa-client", &cloud.api());
    let output = without_room(&carto.run("auth whoami"), &carto).fails(1);
    assert!(output.stderr.contains("another wasn't to be had: cannot write"), "{output}");
    assert_eq!(cloud.asked(), [""; 0]);
    assert_eq!(file(&carto)["profiles"]["brow"]["sign_in"]["refresh_token"], FIRST_REFRESH);
    carto.run("auth whoami").ok();
    assert_eq!(cloud.asked(), ["POST /oauth/token", "GET /api/users/me"]);
}

#[test]
fn a_machines_bearer_is_used_even_if_it_cant_be_kept() {
    let carto = Carto::without_kinds();
    let cloud = Cloud::lasting(&[-10, 86400]);
    cloud.login(&carto, "p").ok();
    let before = file(&carto);
    let whoami = carto.run("auth whoami").env("CARTO_M2M_CLIENT_SECRET", SECRET);
    let output = without_room(&whoami, &carto).ok();
    assert!(output.stderr.contains("the next bearer can be used and not kept: cannot write"), "{output}");
    assert!(cloud.requests().last().unwrap().contains(&cloud.bearers()[1]));
    assert_eq!(file(&carto), before);
}

#[test]
fn a_login_that_couldnt_be_kept_asks_nobody() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for line in ["--m2m", "--with-token", "--client-id x", "--client-id x --no-launch-browser", "--callback -"] {
        let login = cloud.run(&carto, &format!("auth login {line}"));
        let login = login.env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET);
        let output = without_room(&login, &carto).fails(1);
        assert!(output.stderr.contains("error: cannot write"), "{line}: {output}");
    }
    assert_eq!(cloud.asked(), [""; 0]);
    assert!(!carto.data().join("logins").exists());
}

/// The hint of a dead refresh token, pasted, with nothing set that the first login had.
#[test]
fn a_person_signs_in_again_with_what_the_profile_has() {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    by_a_person(&carto, &authority.issuer(), "the-client", "http://127.0.0.1:9/api");
    let mut dead = file(&carto);
    dead["profiles"]["brow"]["sign_in"]["refresh_token"] = Value::Null;
    carto.write(FILE, &dead.to_string());
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("hint: sign in again with `carto auth login brow`\n"), "{output}");
    let port = free_port();
    let login = Login::of(&carto, port, carto.run("auth login brow").env("CARTO_AUTH_PORT", port.to_string())).unwrap();
    let asked = |key: &str| login.url.query_pairs().find(|(name, _)| name == key).unwrap().1.into_owned();
    assert!(login.url.as_str().starts_with(&authority.issuer()), "{}", login.url);
    assert_eq!((asked("client_id"), asked("organization")), ("the-client".to_owned(), "ACME, Inc.".to_owned()));
    login.browser(&authority.sends_back(&login.url));
    let output = login.ended();
    assert_eq!(output.status, 0, "{output}");
    let profile = file(&carto)["profiles"]["brow"].clone();
    assert_eq!((&profile["tenant_id"], &profile["sign_in"]["organization"]), (&json!("acme"), &json!("ACME, Inc.")));
    assert_eq!(profile["sign_in"]["base_url"], "http://127.0.0.1:9/api");
}

#[test]
fn a_machine_signs_in_again_with_what_the_profile_has() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::lasting(&[-10]));
    let made = json!({ "clientId": CLIENT, "clientSecret": SECRET }).to_string();
    let client = carto.write("client.json", &made);
    cloud.run(&carto, "auth login p --m2m --client-file client.json").ok();
    let kept = file(&carto)["profiles"]["p"].clone();
    carto.run("auth login p --m2m").ok();
    assert_eq!(cloud.asked()[3..], ["POST /oauth/token"]);
    let again = file(&carto)["profiles"]["p"].clone();
    for key in ["tenant_id", "tenant_domain", "organization_id", "organization_name"] {
        assert_eq!(again[key], kept[key]);
    }
    assert_eq!(
        (&again["sign_in"]["issuer"], &again["sign_in"]["base_url"]),
        (&json!(cloud.issuer()), &json!(cloud.api()))
    );
    // Its file is gone: which one, and what does it.
    std::fs::remove_file(&client).unwrap();
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("client.json`: No such file"), "{output}");
    assert!(output.stderr.contains("`carto auth login p --m2m --client-file FILE`"), "{output}");
    let output = carto.run("auth login p --m2m").fails(2);
    assert!(
        output.stderr.contains("client.json`: No such file") && !output.stderr.contains("sign in again"),
        "{output}"
    );
    carto.write("other.json", &made);
    carto.run("auth login p --m2m --client-file other.json").ok();
    // Another authority knows nothing of this account.
    let other = Cloud::start();
    other.login(&carto, "p").ok();
    assert_eq!(file(&carto)["profiles"]["p"]["sign_in"]["base_url"], other.api());
}

#[test]
fn a_profile_of_cartos_command_line_says_how_too() {
    let carto = Carto::without_kinds();
    let machine = json!({ "token": bearer("x@clients", -60, 1), "tenant_id": "acme" });
    carto.write(FILE, &json!({ "current_profile": "x y", "profiles": { "x y": machine } }).to_string());
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("`carto auth login 'x y' --m2m --client-file FILE`"), "{output}");
    let output = carto
        .run("auth whoami")
        .env("CARTO_CLI_M2M_CLIENT_ID", CLIENT)
        .env("CARTO_CLI_M2M_CLIENT_SECRET", SECRET)
        .fails(4);
    assert!(output.stderr.contains("`carto auth login 'x y' --m2m`"), "{output}");
}

/// The option is in the hint's commands, but for those that name a profile themselves.
#[test]
fn a_hint_names_a_profile_once() {
    let carto = Carto::without_kinds();
    carto.write(FILE, &json!({ "profiles": { "empty": { "tenant_id": "acme" } } }).to_string());
    for line in ["--profile empty auth whoami", "--profile empty auth status empty"] {
        let output = carto.run(line).output();
        assert!(output.stderr.contains("hint: sign in again with `carto auth login empty`, or with"), "{output}");
    }
    let output = carto.run("--profile empty auth login empty").fails(2);
    assert_eq!(output.stderr.matches("--profile empty").count(), 1, "{output}");
    let hint = output.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
    assert!(hint.contains("`carto --profile empty credentials create spa") && hint.len() <= 200, "{output}");
}

#[test]
fn a_refused_bearer_names_the_command() {
    let refusing = |words: &'static str| {
        Cloud::otherwise(&[86400], move |path, _| {
            path.ends_with("/users/me").then(|| Act::json("401 Unauthorized", words))
        })
    };
    let (carto, cloud) = (Carto::without_kinds(), refusing(r#"{"error": "not any more"}"#));
    cloud.login(&carto, "p").ok();
    let output = carto.run("auth whoami").env("CARTO_M2M_CLIENT_SECRET", SECRET).fails(4);
    assert!(output.stderr.contains("from the profile `p`: not any more"), "{output}");
    // Its secret is where the profile says, and its id is known.
    let both = carto.run("auth whoami").env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET);
    let output = both.fails(4);
    assert!(output.stderr.contains("sign in again with `carto auth login p --m2m`;"), "{output}");
    cloud.login(&carto, "p").ok();
    // Where the variable isn't set, the same command would fail.
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("sign in again with `carto auth login p --m2m --client-file FILE`;"), "{output}");
    carto.write("client.json", &json!({ "clientId": CLIENT, "clientSecret": SECRET }).to_string());
    carto.run("auth login p --m2m --client-file client.json").ok();
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("sign in again with `carto auth login p --m2m`;"), "{output}");
    carto.run("auth login p --m2m").ok();
    // The same client isn't there any more.
    let cloud = refusing(r#"{"error": "the OAuth client was deleted"}"#);
    cloud.run(&carto, "auth login q --m2m --client-file client.json").ok();
    let output = carto.run("auth whoami").fails(4);
    let hint = "sign in with another client: `carto auth login q --m2m --client-file FILE`;";
    assert!(output.stderr.contains("the OAuth client was deleted") && output.stderr.contains(hint), "{output}");
}

#[test]
fn a_bearer_that_nobody_accepts_isnt_kept() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let login = |line: &str| cloud.run(&carto, &format!("auth login {line} --with-token")).stdin("opaque");
    let output = login("p").fails(4);
    assert!(
        output.stderr.contains("doesn't accept the bearer (401)") && output.stderr.contains("nothing was kept"),
        "{output}"
    );
    // What it names, this login takes.
    assert!(output.stderr.contains("`CARTO_ACCOUNTS_URL`") && output.stderr.contains("`--base-url"), "{output}");
    assert!(!output.stderr.contains("--issuer") && !carto.home().join(FILE).exists(), "{output}");
    let output = login(&format!("p --base-url {}", cloud.api())).ok();
    assert!(output.stderr.contains("note: nobody was asked whether the bearer works"), "{output}");
    for option in ["--client-id x", "--issuer https://auth.example.com/"] {
        let output = login(option).fails(2);
        assert!(output.stderr.contains("can't stand beside `--with-token`"), "{output}");
    }
    let output = login("named --dry-run").ok();
    assert!(output.stderr.contains("kept in the profile `named`"), "{output}");
}

#[test]
fn without_a_current_profile_the_others_are_named() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for name in ["a", "b c", "d"] {
        cloud.login(&carto, &format!("'{name}'")).ok();
    }
    carto.run("auth logout").ok();
    for line in ["auth whoami", "auth logout"] {
        let output = carto.run(line).fails(4);
        assert!(output.stderr.contains("choose one with `carto auth use NAME`: `a`, `b c`"), "{output}");
    }
    assert!(carto.run("auth status").output().stderr.contains("`carto auth use NAME`: `a`, `b c`"));
    let mut edited = file(&carto);
    edited["current_profile"] = "gone".into();
    carto.write(FILE, &edited.to_string());
    let output = carto.run("auth whoami").fails(2);
    assert!(output.stderr.contains("no profile `gone`") && output.stderr.contains("`carto auth use NAME`"), "{output}");
    carto.run("auth logout a").ok();
    edited = file(&carto);
    edited["current_profile"] = Value::Null;
    carto.write(FILE, &edited.to_string());
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("`carto auth use 'b c'`"), "{output}");
}

#[test]
fn one_value_is_written_alone() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    cloud.login(&carto, "p").ok();
    let out = |line: &str| carto.run(line).ok().stdout;
    assert_eq!(out("auth status --field profile"), "p\n");
    assert_eq!(out("auth status p --field base_url"), format!("{}\n", cloud.api()));
    assert_eq!(out("auth whoami --field user_id"), "u1\n");
    assert_eq!(out("auth whoami -o jsonl").matches('\n').count(), 1);
    let output = carto.run("auth status --field colour").fails(2);
    assert!(output.stderr.contains("there is no field `colour`") && output.stderr.contains("`expires_at`"), "{output}");
    carto.run("auth whoami -o csv").fails(2);
    for line in ["auth use p --field current_profile", "auth logout --field x", "auth login ci --m2m --field profile"] {
        let output = carto.run(line).fails(2);
        assert!(
            output.stderr.contains("`--field` isn't taken") && output.stderr.contains("leave `--field` out"),
            "{output}"
        );
    }
    let authority = Authority::start();
    let begin = carto.run("auth login --client-id x --no-launch-browser --field url");
    let url = begin.env("CARTO_AUTH_ISSUER", authority.issuer()).ok().stdout;
    assert!(url.starts_with(&authority.issuer()) && url.ends_with('\n'), "{url}");
}

#[test]
fn a_login_says_where_its_parts_are_from() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let sources = cloud.login(&carto, "p --json").ok().json()["sources"].clone();
    let here = format!("127.0.0.1:{}", cloud.port());
    assert_eq!((&sources["token"], &sources["base_url"]), (&json!(here), &json!(here)));
    assert_eq!(sources["profile"], "the command line");
    let sources = cloud.login(&carto, "--json").ok().json()["sources"].clone();
    assert_eq!(sources["profile"], "the account");
    let sources = cloud.login(&carto, "p --json --base-url https://a.example.com").ok().json()["sources"].clone();
    assert_eq!(sources["base_url"], "--base-url");
}

#[test]
fn a_command_waits_for_the_file_no_longer_than_it_may() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    cloud.login(&carto, "p").ok();
    let lock = File::options().write(true).open(carto.home().join(".carto_credentials.json.lock")).unwrap();
    lock.lock().unwrap();
    let output = carto.run("auth use p --timeout 50ms").fails(5);
    assert!(output.stderr.contains("another command is changing"), "{output}");
    cloud.login(&carto, "p --timeout 50ms").fails(5);
    assert_eq!(cloud.asked().len(), 3);
}

#[test]
fn an_odd_file_is_told_or_used() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    std::fs::write(carto.home().join(FILE), b"{\n  \"a\": \"\xff\"}").unwrap();
    let output = carto.run("auth status").fails(1);
    assert!(output.stderr.contains("line 2, column 9: this isn't UTF-8"), "{output}");
    // Nothing in it is as good as no file.
    carto.write(FILE, "");
    let output = carto.run("auth whoami").fails(4);
    assert!(output.stderr.contains("not signed in"), "{output}");
    cloud.login(&carto, "p").ok();
    let text = std::fs::read_to_string(carto.home().join(FILE)).unwrap();
    carto.write(FILE, &format!("\u{feff}{text}"));
    assert_eq!(carto.run("auth status --field profile").ok().stdout, "p\n");
    carto.run("auth use p").ok();
    assert_eq!(std::fs::read_to_string(carto.home().join(FILE)).unwrap(), text);
}

#[test]
fn variables_alone_do_without_a_home() {
    let (carto, cloud) = (Carto::new(), Cloud::start());
    cloud.login(&carto, "p").ok();
    let homeless = |line: &str| {
        let mut run = carto.run(line);
        run.command.env_remove("HOME");
        run
    };
    let given =
        |line: &str| homeless(line).env("CARTO_API_TOKEN", &cloud.bearers()[0]).env("CARTO_BASE_URL", cloud.api());
    for line in ["auth whoami", "auth status", "credentials list tokens"] {
        given(line).ok();
    }
    let output = homeless("auth whoami").fails(1);
    assert!(output.stderr.contains("`CARTO_API_TOKEN` and `CARTO_BASE_URL`"), "{output}");
    let output = homeless("sandbox exec -- true").fails(1);
    assert!(output.stderr.contains("there is no home folder") && output.stderr.contains("`XDG_DATA_HOME`"), "{output}");
}
