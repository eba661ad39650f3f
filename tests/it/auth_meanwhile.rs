//! What others do to the credentials file while a command waits: for the file's lock, or for the next bearer. CARTO's own command line takes no lock.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::expect;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::support::Carto;
use crate::support::cloud::{CLIENT, Cloud, FIRST_REFRESH, SECRET, bearer};
use crate::support::session::Process;
use crate::support::wire::Act;

const FILE: &str = ".carto_credentials.json";
const LOCK: &str = ".carto_credentials.json.lock";

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// As a program that takes no lock: the file is written over.
fn write(path: &Path, file: &Value) {
    fs::write(path, file.to_string()).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A profile with what this program keeps of a sign-in.
fn profile(token: &str, mut sign_in: Value) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    sign_in["token_sha256"] = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    json!({ "token": token, "tenant_id": "acme", "sign_in": sign_in })
}

/// One that a person signed in to, who has a refresh token.
fn persons(cloud: &Cloud, seconds: i64) -> Value {
    let sign_in = json!({
        "how": "browser", "client_id": "spa-client", "issuer": cloud.issuer(), "audience": "carto-cloud-native-api",
        "refresh_token": FIRST_REFRESH, "base_url": cloud.api(),
    });
    profile(&bearer("auth0|1", seconds, 77), sign_in)
}

/// One that a machine signed in to.
fn machines(cloud: &Cloud, seconds: i64) -> Value {
    let sign_in = json!({
        "how": "m2m", "client_id": CLIENT, "client_secret": { "variable": "CARTO_M2M_CLIENT_SECRET" },
        "issuer": cloud.issuer(), "audience": "carto-cloud-native-api", "base_url": cloud.api(),
    });
    profile(&bearer("machine-client@clients", seconds, 78), sign_in)
}

fn only(profile: Value) -> Value {
    json!({ "current_profile": "me", "profiles": { "me": profile } })
}

fn settled(text: &str) -> String {
    Regex::new(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z").unwrap().replace_all(text, "[time]").into_owned()
}

/// The lock on the file, as another command has it.
fn held(carto: &Carto) -> File {
    let lock = File::create(carto.home().join(LOCK)).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn a_bearer_goes_to_the_address_of_its_own_account() {
    let carto = Carto::new();
    let (ours, theirs) = (Cloud::start(), Cloud::start());
    let path = carto.home().join(FILE);
    write(&path, &only(persons(&ours, -10)));
    let lock = held(&carto);
    let mut run = carto.run("credentials list tokens");
    run.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = run.command.spawn().unwrap();
    let process = Process::read(child.id().cast_signed()).unwrap();
    while !process.has_open(LOCK) && !process.is_over() {
        std::thread::yield_now();
    }
    // It has read the profile. Now there is another account in it, whose bearer lasts.
    let other = bearer("auth0|2", 3600, 9);
    write(&path, &only(profile(&other, json!({ "how": "token", "base_url": theirs.api() }))));
    drop(lock);
    let output = run.ended(child);
    // Nobody there knows that bearer; what counts is whom it was shown to, and how one gets another.
    assert_eq!(output.status, 4, "{output}");
    assert_eq!((ours.asked(), theirs.asked()), (vec![], vec!["GET /api/v3/tokens?limit=100".to_owned()]));
    assert!(theirs.requests()[0].contains(&other));
    assert!(output.stderr.contains("`carto auth login me --with-token`"), "{output}");
}

#[test]
fn a_bearer_that_cant_work_isnt_sent_whoever_put_it_there() {
    let carto = Carto::new();
    let cloud = Cloud::start();
    let path = carto.home().join(FILE);
    let api = carto.created("credentials create token --grant dw,a.b --apis sql", "token");
    write(&path, &only(persons(&cloud, -10)));
    let lock = held(&carto);
    let mut run = carto.run("credentials list tokens");
    run.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = run.command.spawn().unwrap();
    let process = Process::read(child.id().cast_signed()).unwrap();
    while !process.has_open(LOCK) && !process.is_over() {
        std::thread::yield_now();
    }
    write(&path, &only(profile(&api, json!({ "how": "token", "base_url": cloud.api() }))));
    drop(lock);
    let output = run.ended(child);
    assert!(output.stderr.contains("is an API Access Token") && !output.stderr.contains(&api), "{output}");
    assert_eq!(cloud.asked(), [""; 0]);
}

/// A cloud during whose first answer to a renewal the file is changed.
fn changing(path: PathBuf, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Cloud {
    Cloud::otherwise(&[86400], move |asked, _| {
        if asked == "/oauth/token" {
            let mut file = read(&path);
            change(&mut file);
            write(&path, &file);
        }
        None
    })
}

#[test]
fn a_renewal_leaves_what_was_written_meanwhile() {
    let carto = Carto::new();
    let path = carto.home().join(FILE);
    for is_person in [true, false] {
        let cloud = changing(path.clone(), |file| {
            file["current_profile"] = "other".into();
            file["profiles"]["other"] = json!({ "token": "new-of-other" });
            file["profiles"]["me"]["tenant_domain"] = "acme.example.com".into();
            file["profiles"]["me"]["future"] = json!([1]);
            file["future"] = json!({ "deep": [] });
        });
        write(&path, &only(if is_person { persons(&cloud, -10) } else { machines(&cloud, -10) }));
        carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", SECRET).ok();
        let now = read(&path);
        assert_eq!((&now["current_profile"], &now["future"]), (&json!("other"), &json!({ "deep": [] })));
        assert_eq!(now["profiles"]["other"]["token"], "new-of-other");
        let me = &now["profiles"]["me"];
        assert_eq!((&me["tenant_domain"], &me["future"]), (&json!("acme.example.com"), &json!([1])));
        assert_eq!(me["token"], cloud.bearers()[0]);
    }
}

#[test]
fn a_renewal_doesnt_replace_another_bearer() {
    let carto = Carto::new();
    let path = carto.home().join(FILE);
    let mut report = String::new();
    // Whether the one before is over or still lasts a while.
    for (is_person, before) in [(true, -10), (true, 60), (false, -10), (false, 60)] {
        for (what, seconds) in [("one that lasts", Some(3600)), ("one that is over", Some(-3600)), ("none", None)] {
            let other = seconds.map(|seconds| bearer("auth0|2", seconds, 9));
            let theirs = Cloud::start();
            let new = other.clone().map(|token| profile(&token, json!({ "how": "token", "base_url": theirs.api() })));
            let cloud = changing(path.clone(), move |file| match &new {
                Some(new) => file["profiles"]["me"] = new.clone(),
                None => file["profiles"] = json!({}),
            });
            write(&path, &only(if is_person { persons(&cloud, before) } else { machines(&cloud, before) }));
            let output = carto.run("credentials list tokens").env("CARTO_M2M_CLIENT_SECRET", SECRET).output();
            assert_eq!(cloud.asked(), ["POST /oauth/token"]);
            match &other {
                Some(other) => assert_eq!(read(&path)["profiles"]["me"]["token"], *other),
                None => assert_eq!(read(&path)["profiles"], json!({})),
            }
            match seconds {
                // Nobody there knows it.
                Some(3600) => assert!(theirs.requests()[0].contains(other.as_ref().unwrap()), "{output}"),
                _ => assert_eq!(theirs.asked(), [""; 0]),
            }
            if seconds != Some(3600) {
                let error = output.stderr.lines().next().unwrap_or_default();
                report.push_str(&format!("{what}: status {}, {}\n", output.status, settled(error)));
            }
        }
    }
    expect![[r#"
        one that is over: status 4, error: the profile `me` was given another bearer meanwhile, which expired at [time]
        none: status 4, error: the profile `me` was removed meanwhile
        one that is over: status 4, error: the profile `me` was given another bearer meanwhile, which expired at [time]
        none: status 4, error: the profile `me` was removed meanwhile
        one that is over: status 4, error: the profile `me` was given another bearer meanwhile, which expired at [time]
        none: status 4, error: the profile `me` was removed meanwhile
        one that is over: status 4, error: the profile `me` was given another bearer meanwhile, which expired at [time]
        none: status 4, error: the profile `me` was removed meanwhile
    "#]]
    .assert_eq(&report);
}

/// Whoever has put another account into a profile doesn't have the one before asked, even if its bearer lasts and the other's doesn't.
#[test]
fn a_bearer_isnt_used_after_another_was_put_in_its_place() {
    let carto = Carto::new();
    let (ours, theirs) = (Cloud::start(), Cloud::start());
    let path = carto.home().join(FILE);
    let mut other = persons(&theirs, -10);
    other["sign_in"]["issuer"] = "http://127.0.0.1:9/".into();
    for (meanwhile, status, why) in [
        (json!({ "me": other }), 6, "another wasn't to be had: cannot reach `127.0.0.1"),
        (json!({ "me": profile(&bearer("auth0|2", -3600, 9), json!({ "how": "token" })) }), 4, "` expired at 20"),
        (json!({}), 4, "error: the profile `me` was removed meanwhile\n"),
    ] {
        write(&path, &only(persons(&ours, 60)));
        let lock = held(&carto);
        let mut run = carto.run("credentials list tokens");
        run.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = run.command.spawn().unwrap();
        let process = Process::read(child.id().cast_signed()).unwrap();
        while !process.has_open(LOCK) && !process.is_over() {
            std::thread::yield_now();
        }
        write(&path, &json!({ "current_profile": "me", "profiles": meanwhile }));
        drop(lock);
        let output = run.ended(child);
        assert_eq!(output.status, status, "{output}");
        assert!(output.stderr.starts_with("error: ") && output.stderr.contains(why), "{output}");
        assert_eq!((ours.asked(), theirs.asked()), (vec![], vec![]), "{output}");
    }
}

/// A command that has spent its time on another bearer has none left to ask anything with the one that still lasts.
#[test]
fn the_time_of_a_command_is_for_all_of_it() {
    let carto = Carto::without_kinds();
    let silent = Cloud::otherwise(&[86400], |path, _| (path == "/oauth/token").then_some(Act::Silence));
    let path = carto.home().join(FILE);
    write(&path, &only(persons(&silent, 60)));
    let spent = |why: &str| {
        let output = carto.run("auth whoami --timeout 200ms").output();
        assert_eq!(output.status, 6, "{output}");
        assert!(output.stderr.contains(why), "{output}");
        assert!(!silent.asked().iter().any(|line| line.contains("users/me")), "{:?}", silent.asked());
    };
    let lock = held(&carto);
    spent("another command is changing");
    drop(lock);
    spent("200ms");
}

#[test]
fn another_machine_isnt_believed_to_have_the_same_account() {
    let carto = Carto::without_kinds();
    let nth = AtomicUsize::new(0);
    let cloud = Cloud::otherwise(&[86400], move |path, host| match path {
        "/oauth/token" => {
            let token = format!("opaque-{}", nth.fetch_add(1, Ordering::Relaxed));
            Some(Act::json("200 OK", &json!({ "access_token": token, "token_type": "Bearer" }).to_string()))
        }
        "/accounts" => {
            let found = json!({ "tenant_domain": host, "tenant_id": "acme", "organization_id": "ac_1", "organization_name": "Acme" });
            Some(Act::json("200 OK", &found.to_string()))
        }
        _ => None,
    });
    let lookups = || cloud.asked().iter().filter(|line| *line == "GET /accounts").count();
    for (client, expected) in [(CLIENT, 1), (CLIENT, 1), ("another-client", 2), ("another-client", 2), (CLIENT, 3)] {
        cloud.login(&carto, "p").env("CARTO_M2M_CLIENT_ID", client).ok();
        assert_eq!(lookups(), expected, "{client}");
    }
}

#[test]
fn each_token_is_ended_whatever_became_of_the_other() {
    let carto = Carto::without_kinds();
    let path = carto.home().join(FILE);
    let mut report = String::new();
    for (refused, status) in [(vec![1], "first"), (vec![2], "second"), (vec![1, 2], "both"), (vec![], "none")] {
        let nth = Mutex::new(0);
        let cloud = Cloud::otherwise(&[86400], move |path, _| {
            if path != "/oauth/revoke" {
                return None;
            }
            let mut nth = nth.lock().unwrap();
            *nth += 1;
            let error = json!({ "error": "unsupported_token_type" }).to_string();
            refused.contains(&*nth).then(|| Act::json("400 Bad Request", &error))
        });
        let file = only(persons(&cloud, 3600));
        write(&path, &file);
        let output = carto.run("auth logout").output();
        let text = settled(&output.to_string());
        report.push_str(&format!("# {status}: {text}"));
        let asked = cloud.requests();
        let ended: Vec<bool> = [FIRST_REFRESH, file["profiles"]["me"]["token"].as_str().unwrap()]
            .iter()
            .map(|token| asked.iter().any(|request| request.contains(&format!("token={token}"))))
            .collect();
        assert_eq!(ended, [true, true], "{status}");
    }
    assert!(!report.contains("canary"), "{report}");
    expect![[r#"
        # first: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: `127.0.0.1:[port]` refused with 400: unsupported_token_type
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        The bearer was ended at `127.0.0.1:[port]`.
        # second: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        The refresh token was ended at `127.0.0.1:[port]`.
        warning: the bearer could not be ended and is valid where somebody has it, until [time]: `127.0.0.1:[port]` refused with 400: unsupported_token_type
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # both: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: `127.0.0.1:[port]` refused with 400: unsupported_token_type
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        warning: the bearer could not be ended and is valid where somebody has it, until [time]: `127.0.0.1:[port]` refused with 400: unsupported_token_type
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # none: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        What signed it in was ended at `127.0.0.1:[port]`.
    "#]].assert_eq(&report);
}

/// The bearer may be over while the refresh token isn't; and what was ended isn't said to last.
#[test]
fn each_token_that_lasts_is_told_whyever_it_does() {
    let carto = Carto::without_kinds();
    let path = carto.home().join(FILE);
    let mut report = String::new();
    let mut logout = |what: &str, cloud: &Cloud, seconds: i64, issuer: Option<&str>| {
        let mut me = persons(cloud, seconds);
        if let Some(issuer) = issuer {
            me["sign_in"]["issuer"] = issuer.into();
        }
        write(&path, &only(me));
        let output = carto.run("auth logout --timeout 2s").ok();
        assert_eq!(read(&path)["profiles"], json!({}));
        // Either of the two that watch the time.
        let late = Regex::new("(the connection to [^ ]+ failed: no whole answer|not done) within 2s").unwrap();
        let text = settled(&output.to_string());
        report.push_str(&format!("# {what}: {}", late.replace_all(&text, "[late]")));
    };
    let cloud = Cloud::start();
    logout("nobody there", &cloud, -10, Some("http://127.0.0.1:9/"));
    logout("nobody there, and both last", &cloud, 3600, Some("http://127.0.0.1:9/"));
    let ends_none = Cloud::otherwise(&[86400], |path, host| {
        let says = json!({ "issuer": format!("http://{host}/") }).to_string();
        path.starts_with("/.well-known").then(|| Act::json("200 OK", &says))
    });
    logout("it ends none", &ends_none, -10, None);
    let silent = Cloud::otherwise(&[86400], |_, _| Some(Act::Silence));
    logout("out of time", &silent, -10, None);
    let nth = AtomicUsize::new(0);
    let half = Cloud::otherwise(&[86400], move |path, _| {
        (path == "/oauth/revoke" && nth.fetch_add(1, Ordering::Relaxed) > 0).then_some(Act::Silence)
    });
    logout("out of time after the first", &half, 3600, None);
    expect![[r#"
        # nobody there: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: cannot reach `127.0.0.1:[port]`: connection refused
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # nobody there, and both last: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: cannot reach `127.0.0.1:[port]`: connection refused
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        warning: the bearer could not be ended and is valid where somebody has it, until [time]: cannot reach `127.0.0.1:[port]`: connection refused
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # it ends none: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: `127.0.0.1:[port]` doesn't end bearers
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # out of time: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        warning: the refresh token could not be ended and is valid where somebody has it: [late]
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
        # out of time after the first: status 0
        --- stderr
        Signed out: the profile `me` was removed.
        The refresh token was ended at `127.0.0.1:[port]`.
        warning: the bearer could not be ended and is valid where somebody has it, until [time]: [late]
        hint: if somebody may have it, delete the client that it belongs to, or ask the account's administrator
    "#]].assert_eq(&report);
}
