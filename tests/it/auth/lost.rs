//! A machine's secret that came by a pipe or from a person, and a login that fails: what was lost is told, and what isn't isn't.

use expect_test::expect;
use serde_json::json;

use super::{FILE, file};
use crate::support::cloud::{CLIENT, Cloud, SECRET};
use crate::support::wire::Act;
use crate::support::{Carto, Run, terminal};

const LOST: &str = "was kept nowhere";

/// What `credentials create m2m --json` writes.
fn made() -> String {
    json!({ "clientId": CLIENT, "clientSecret": SECRET, "title": "ci" }).to_string()
}

/// A cloud that answers so at this path.
fn failing(at: &'static str, status: &'static str, body: &'static str) -> Cloud {
    Cloud::otherwise(&[86400], move |path, _| (path == at).then(|| Act::json(status, body)))
}

#[test]
fn a_secret_that_came_by_a_pipe_isnt_lost_without_a_word() {
    let mut report = String::new();
    for (name, line, (at, status, body), before) in [
        ("the authority fails", "", ("/oauth/token", "500 Internal Server Error", ""), None),
        ("it refuses", "", ("/oauth/token", "401 Unauthorized", r#"{"error": "invalid_client"}"#), None),
        ("no account", "", ("/accounts", "404 Not Found", ""), None),
        ("the bearer isn't accepted", "", ("/accounts", "401 Unauthorized", ""), None),
        ("the file is broken", "", ("", "", ""), Some("{")),
        ("a format that isn't taken", "--field profile", ("", "", ""), None),
        ("an issuer that can't be", "--issuer http://auth.example.com", ("", "", ""), None),
    ] {
        let (carto, cloud) = (Carto::without_kinds(), failing(at, status, body));
        if let Some(text) = before {
            carto.write(FILE, text);
        }
        let output = cloud.run(&carto, &format!("auth login ci --m2m --client-file - {line}")).stdin(&made()).output();
        assert!(output.stderr.contains(LOST) && !output.stderr.contains(SECRET), "{name}: {output}");
        report.push_str(&format!("# {name}: {output}").replace(&carto.home().display().to_string(), "[home]"));
    }
    expect![[r#"
        # the authority fails: status 6
        --- stderr
        error: POST /oauth/token at `127.0.0.1:[port]` failed (500)
        hint: try again later; the secret of the client `machine-client` was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # it refuses: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`invalid_client`); the id or the secret of the client `machine-client` is wrong, or the client was deleted
        hint: look at both; a client's secret was shown when it was created, and at no other time; the secret of the client `machine-client` was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # no account: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered GET /accounts with 404
        hint: `--base-url https://TENANT.api.carto.com` says where the account is; the secret of the client `machine-client`, which works, was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # the bearer isn't accepted: status 4
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` doesn't accept the bearer (401); nothing was kept
        hint: give another bearer; or look whether `CARTO_ACCOUNTS_URL` belongs to the authority that gave it; or `--base-url https://TENANT.api.carto.com` says where the account is; the secret of the client `machine-client`, which works, was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # the file is broken: status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: line 1, column 1: the JSON ends here, and isn't complete
        hint: mend the file, or move it away and sign in again; it was left as it is; the secret of the client `machine-client` was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # a format that isn't taken: status 2
        --- stderr
        error: `--field` isn't taken here: this answer is text or JSON
        hint: leave `--field` out, or use `--json`; the secret of the client `machine-client` was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
        # an issuer that can't be: status 2
        --- stderr
        error: the issuer from `--issuer` isn't https: `http://auth.example.com`
        hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`; the secret of the client `machine-client` was kept nowhere: if you don't have it, `carto credentials delete m2m machine-client`, and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`
    "#]].assert_eq(&report);
}

#[test]
fn a_secret_alone_and_one_that_is_typed_are_told_of_too() {
    let (carto, cloud) = (Carto::without_kinds(), failing("/accounts", "404 Not Found", ""));
    let line = format!("auth login ci --m2m --client-id {CLIENT}");
    let output = cloud.run(&carto, &format!("{line} --client-secret -")).stdin(SECRET).fails(1);
    assert!(output.stderr.contains(&format!("the client `{CLIENT}`, which works, {LOST}")), "{output}");
    let (screen, _) = terminal::asked(cloud.run(&carto, &line), "Client secret: ", SECRET);
    assert!(screen.contains(LOST) && !screen.contains(SECRET), "{screen}");
    assert!(!carto.home().join(FILE).exists());
}

#[test]
fn what_is_somewhere_else_isnt_lost() {
    let (carto, cloud) = (Carto::without_kinds(), failing("/accounts", "404 Not Found", ""));
    carto.write("client.json", &made());
    let said = |run: Run| run.fails(1).stderr;
    assert!(!said(cloud.run(&carto, "auth login ci --m2m --client-file client.json")).contains(LOST));
    assert!(!said(cloud.login(&carto, "ci")).contains(LOST));
    // The profile has it, and keeps it when the next login fails.
    let good = Cloud::start();
    good.run(&carto, "auth login ci --m2m --client-file -").stdin(&made()).ok();
    let kept = file(&carto);
    let other = cloud.run(&carto, "auth login other --m2m --client-file -").stdin(&made());
    assert!(said(other).contains(LOST));
    let again = carto.run("auth login ci --m2m").env("CARTO_ACCOUNTS_URL", "http://auth.example.com");
    assert!(!again.fails(2).stderr.contains(LOST));
    assert_eq!(file(&carto), kept);
}

/// A pipe whose left side has failed.
#[test]
fn nothing_on_standard_input_is_told_as_that() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for (line, option) in [("--client-file -", "--client-file"), ("--client-id x --client-secret -", "--client-secret")]
    {
        let output = cloud.run(&carto, &format!("auth login --m2m {line}")).stdin("").fails(2);
        assert!(output.stderr.contains(&format!("nothing came on standard input for `{option} -`")), "{output}");
        assert!(!output.stderr.contains(LOST), "{output}");
    }
    assert_eq!(cloud.asked(), [""; 0]);
}

/// The form that the help names: the file is there before the login.
#[test]
fn the_file_of_a_new_client_outlasts_a_login_that_fails() {
    let carto = Carto::new();
    let cloud = failing("/oauth/token", "500 Internal Server Error", "");
    carto.sandbox("credentials create m2m --title ci --env-file ci.env").ok();
    let before = std::fs::read_to_string(carto.home().join("ci.env")).unwrap();
    let output = cloud.run(&carto, "auth login --m2m --client-file ci.env").fails(6);
    assert!(!output.stderr.contains(LOST) && !output.stderr.contains("warning"), "{output}");
    assert!(before.contains("CARTO_M2M_CLIENT_SECRET='"), "the file holds the secret");
    assert_eq!(std::fs::read_to_string(carto.home().join("ci.env")).unwrap(), before);
}
