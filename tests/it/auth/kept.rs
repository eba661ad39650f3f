//! What a sign-in leaves: a bearer as it is, under a name; and what leaves nothing.

use expect_test::expect;
use regex_lite::Regex;
use serde_json::json;

use super::{FILE, file, settled};
use crate::support::cloud::{Cloud, SECRET, bearer};
use crate::support::wire::Act;
use crate::support::{Carto, Run};

#[test]
fn a_bearer_is_kept_as_it_is() {
    let (carto, cloud) = (Carto::new(), Cloud::start());
    let own = bearer("auth0|1", 3600, 7);
    let login = |line: &str, text: &str| cloud.run(&carto, &format!("auth login {line} --with-token")).stdin(text);
    login("p --base-url https://gcp-us-east1.api.carto.com", &format!("{own}\n")).ok();
    let kept = file(&carto);
    assert_eq!(
        (&kept["profiles"]["p"]["token"], &kept["profiles"]["p"]["tenant_id"]),
        (&json!(own), &json!("gcp-us-east1"))
    );
    assert_eq!(kept["profiles"]["p"]["sign_in"]["how"], "token");
    assert_eq!(cloud.asked(), [""; 0]);
    let api = carto.created("credentials create token --grant dw,a.b --apis sql", "token");
    let mut report = String::new();
    for text in ["", "two words", &bearer("x", -60, 1), &api, "line\nbreak"] {
        let output = login("--base-url https://a.example.com", text).output();
        assert!(!text.is_empty() && !output.stderr.contains(text) || text.is_empty(), "{output}");
        report.push_str(&settled(&output));
    }
    let report = Regex::new("`[0-9a-f]{8}`").unwrap().replace_all(&report, "`[jti]`").into_owned();
    expect![[r#"
        status 2
        --- stderr
        error: the bearer from standard input is empty or holds white space
        hint: give the token alone, without `Bearer` and without line breaks
        status 2
        --- stderr
        error: the bearer from standard input is empty or holds white space
        hint: give the token alone, without `Bearer` and without line breaks
        status 4
        --- stderr
        error: the bearer from standard input expired at [time]
        hint: get another, and give it in the same way: one lasts a day
        status 4
        --- stderr
        error: the bearer from standard input is an API Access Token (`[jti]`), which can't manage credentials
        hint: use an OAuth access token, as `carto --base-url https://a.example.com auth login` gets one; API Access Tokens are for the data APIs
        status 2
        --- stderr
        error: the bearer from standard input is empty or holds white space
        hint: give the token alone, without `Bearer` and without line breaks
    "#]].assert_eq(&report);
    assert_eq!(file(&carto), kept);
}

#[test]
fn a_profile_is_named_by_a_word_or_made_up() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    cloud.login(&carto, "one").ok();
    cloud.login(&carto, "--profile two").ok();
    cloud.login(&carto, "").env("CARTO_PROFILE", "three").ok();
    cloud.login(&carto, "three --profile three").ok();
    let current = file(&carto)["current_profile"].clone();
    assert_eq!(current, "three");
    let names: Vec<String> = file(&carto)["profiles"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["one", "two", "three"]);
    let output = cloud.login(&carto, "one --profile two").fails(2);
    assert!(output.stderr.contains("name different profiles"), "{output}");
    for bad in ["", " x", "a\nb", "\u{202e}x"] {
        cloud.env(carto.run_words(&["auth", "login", bad, "--m2m"])).fails(2);
    }
}

#[test]
fn what_isnt_taken_is_refused_with_a_reason() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    for line in
        ["--organization-id ac_1", "--env staging", "--m2m --token x", "--issuer http://auth.example.com/ --m2m"]
    {
        report.push_str(&cloud.run(&carto, &format!("auth login {line}")).fails(2).stderr);
    }
    report.push_str(&cloud.run(&carto, "auth login").env("CARTO_AUTH_ENV", "staging").fails(2).stderr);
    let accounts = cloud.login(&carto, "").env("CARTO_ACCOUNTS_URL", "http://accounts.example.com/accounts");
    report.push_str(&accounts.fails(2).stderr);
    for line in ["auth login --m2m", "auth logout", "auth use x"] {
        report.push_str(&carto.sandbox(line).fails(2).stderr);
    }
    report.push_str(&carto.run("auth status -o csv").fails(2).stderr);
    expect![[r#"
        error: `--organization-id` isn't taken: CARTO's authority is told an organisation's name
        hint: use `--organization-name NAME`
        error: `--env` isn't taken: which authorities CARTO's own command line means by it isn't public
        hint: name the authority by its address: `--issuer https://auth.example.com/`, or `CARTO_AUTH_ISSUER`; and unset `CARTO_AUTH_ENV` if it is set
        error: `--token` uses a bearer for one command, and signs nobody in
        hint: to keep a bearer: `carto auth login --with-token`, which reads it from standard input
        error: the issuer from `--issuer` isn't https: `http://auth.example.com/`
        hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:8080`
        error: `CARTO_AUTH_ENV` isn't taken: which authorities CARTO's own command line means by it isn't public
        hint: name the authority by its address: `--issuer https://auth.example.com/`, or `CARTO_AUTH_ISSUER`; and unset `CARTO_AUTH_ENV` if it is set
        error: the address of the accounts from `CARTO_ACCOUNTS_URL` isn't https: `http://accounts.example.com/accounts`
        hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:8080`
        error: `carto auth login` can't stand beside `CARTO_SANDBOX`: the sandbox signs itself in, and has no profiles
        hint: leave the sandbox out; `carto sandbox exec -- COMMAND` runs another program that is signed in to it
        error: `carto auth logout` can't stand beside `CARTO_SANDBOX`: the sandbox signs itself in, and has no profiles
        hint: leave the sandbox out; `carto sandbox exec -- COMMAND` runs another program that is signed in to it
        error: `carto auth use` can't stand beside `CARTO_SANDBOX`: the sandbox signs itself in, and has no profiles
        hint: leave the sandbox out; `carto sandbox exec -- COMMAND` runs another program that is signed in to it
        error: this answer is text or JSON
        hint: leave the format out, or use `--json`
    "#]].assert_eq(&report);
    report = carto.sandbox("auth status").ok().stdout;
    report.push_str(&carto.run("auth status --sandbox --json").ok().stdout);
    expect![[r#"
        The sandbox is used, as `CARTO_SANDBOX` says: it has its own account, and signs itself in.
        {
          "authenticated": true,
          "sandbox": true,
          "sources": {
            "sandbox": "--sandbox"
          }
        }
    "#]]
    .assert_eq(&report);
    assert_eq!(cloud.asked(), [""; 0]);
}

#[test]
fn a_dry_run_sends_and_keeps_nothing() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = cloud.login(&carto, "--dry-run").ok().to_string();
    report.push_str(&cloud.login(&carto, "--dry-run --json").ok().to_string());
    let text = bearer("x", 60, 1);
    report.push_str(&cloud.run(&carto, "auth login --with-token --dry-run").stdin(&text).ok().to_string());
    assert!(!carto.home().join(FILE).exists() && cloud.asked().is_empty());
    cloud.login(&carto, "p").ok();
    cloud.login(&carto, "q").ok();
    let kept = file(&carto);
    report.push_str(&carto.run("auth logout p --dry-run").ok().to_string());
    report.push_str(&carto.run("auth use p --dry-run").ok().to_string());
    assert_eq!(file(&carto), kept);
    assert!(!report.contains("canary"), "{report}");
    expect![[r#"
        status 0
        --- stdout
        POST /oauth/token
        content-type: application/x-www-form-urlencoded

        {
          "grant_type": "client_credentials",
          "client_id": "machine-client",
          "client_secret": "[hidden]",
          "audience": "carto-cloud-native-api"
        }
        --- stderr
        Not sent to `127.0.0.1:[port]`: this was a dry run, and nothing was changed.
        status 0
        --- stdout
        {
          "dry_run": {
            "method": "POST",
            "base_url": "http://127.0.0.1:[port]/",
            "path": "/oauth/token",
            "headers": {
              "content-type": "application/x-www-form-urlencoded"
            },
            "body": {
              "grant_type": "client_credentials",
              "client_id": "machine-client",
              "client_secret": "[hidden]",
              "audience": "carto-cloud-native-api"
            }
          }
        }
        status 0
        --- stderr
        The bearer would be kept in a profile that is named after its account: this was a dry run, and nothing was changed.
        status 0
        --- stderr
        The profile `p` would be removed and its bearer ended at `127.0.0.1:[port]`: this was a dry run, and nothing was changed.
        status 0
        --- stderr
        The profile `p` would be the current one: this was a dry run, and nothing was changed.
    "#]].assert_eq(&report);
}

#[test]
fn an_interrupted_login_keeps_nothing() {
    let carto = Carto::without_kinds();
    for at in ["/oauth/token", "/accounts", "/config.yaml"] {
        let (told, hears) = std::sync::mpsc::channel();
        let told = std::sync::Mutex::new(told);
        let cloud = Cloud::otherwise(&[86400], move |path, _| {
            (path == at).then(|| {
                told.lock().unwrap().send(()).unwrap();
                Act::Silence
            })
        });
        let mut run = cloud.login(&carto, "");
        let piped = || std::process::Stdio::piped();
        let child = run.command.stdout(piped()).stderr(piped()).spawn().unwrap();
        hears.recv().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let output = run.ended(child);
        assert_eq!((output.status, output.stdout.as_str()), (130, ""), "{output}");
        assert_eq!(output.stderr, "error: interrupted\nhint: nothing was kept\n");
        let output = cloud.login(&carto, "--timeout 50ms").output();
        assert_eq!(output.status, 6, "{output}");
        assert!(!carto.home().join(FILE).exists());
    }
}

/// Whatever goes wrong, nobody is shown what is secret.
#[test]
fn no_secret_shows() {
    let (carto, cloud) = (Carto::new(), Cloud::lasting(&[86400, 60, 86400]));
    let mut said = String::new();
    let mut run = |run: Run| said.push_str(&run.output().to_string());
    run(cloud.login(&carto, "p --debug"));
    run(cloud.login(&carto, "p --debug --json"));
    run(carto.run("credentials list tokens --debug").env("CARTO_M2M_CLIENT_SECRET", SECRET));
    run(carto.run("auth status --debug"));
    run(carto.run("auth status --json"));
    run(carto.run("auth whoami --debug --json"));
    run(cloud.login(&carto, "p --debug").env("CARTO_M2M_CLIENT_SECRET", "canary-another-s3cr3t"));
    run(carto.run("auth logout --debug").env("CARTO_M2M_CLIENT_SECRET", SECRET));
    assert_eq!(cloud.ended().len(), 1);
    assert!(!said.contains("canary") && said.contains("debug:"), "{said}");
    for bearer in cloud.bearers() {
        let payload = bearer.split('.').nth(1).unwrap();
        assert!(!said.contains(payload), "{said}");
    }
}
