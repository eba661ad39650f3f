//! What would be used and why, and how profiles are chosen, changed and left.

use expect_test::expect;
use serde_json::json;

use super::{FILE, file, settled};
use crate::support::cloud::{CLIENT, Cloud, SECRET, bearer};
use crate::support::{Carto, Run, terminal};

#[test]
fn status_says_what_would_be_used_and_why() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    let mut say = |run: Run| report.push_str(&settled(&run.output()));
    say(carto.run("auth status"));
    say(carto.run("auth status --json"));
    cloud.login(&carto, "work").ok();
    carto.write("old", &bearer("auth0|1", 3600, 7));
    let text = std::fs::read_to_string(carto.home().join("old")).unwrap();
    cloud.run(&carto, "auth login home --with-token --base-url https://gcp-us-east1.api.carto.com").stdin(&text).ok();
    cloud.run(&carto, "auth use work").ok();
    let asked = cloud.asked().len();
    say(carto.run("auth status"));
    say(carto.run("auth status --json"));
    say(carto.run("auth status nobody"));
    say(carto.run("auth status").env("CARTO_PROFILE", "nobody"));
    say(carto.run("auth status").env("CARTO_API_TOKEN", "opaque-bearer"));
    say(carto.run("auth status --base-url https://a.example.com").env("CARTO_API_TOKEN", bearer("auth0|2", -3600, 1)));
    say(carto.run("auth status --base-url https://a.example.com").env("CARTO_API_TOKEN", "opaque-bearer"));
    let home = carto.run("auth status home").ok();
    assert!(home.stdout.contains("OAuth access token of a user, from the profile `home`"), "{home}");
    assert!(home.stdout.contains("in 59 min") && !home.stdout.contains("profiles"), "{home}");
    // With a variable's bearer it is what a command with that profile would use, whichever way it is named.
    let with = |line: &str| carto.run(line).env("CARTO_API_TOKEN", "opaque-bearer").ok();
    let (word, option) = (with("auth status home --json"), with("--profile home auth status --json"));
    assert!(word.stderr.contains("the bearer comes from `CARTO_API_TOKEN`, not from the profile `home`"), "{word}");
    assert_eq!(word.stderr, option.stderr);
    for field in ["token_kind", "base_url", "profile", "authenticated"] {
        assert_eq!(word.json()[field], option.json()[field]);
    }
    assert_eq!(
        (&word.json()["token_kind"], &word.json()["base_url"]),
        (&json!("opaque"), &json!("https://gcp-us-east1.api.carto.com"))
    );
    assert_eq!(word.json()["sources"]["token"], "CARTO_API_TOKEN");
    assert_eq!(cloud.asked().len(), asked);
    assert!(!report.contains("eyJ") && !report.contains("canary"), "{report}");
    expect![[r#"
        status 4
        --- stderr
        error: not signed in
        hint: sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account
        status 4
        --- stdout
        {
          "authenticated": false,
          "profile": null,
          "current_profile": null,
          "token_kind": null,
          "sign_in": null,
          "expires_at": null,
          "expires_in": null,
          "renewable": false,
          "not_renewed": null,
          "base_url": null,
          "tenant_id": null,
          "tenant_domain": null,
          "organization_id": null,
          "organization_name": null,
          "user_email": null,
          "tenant": {
            "id": null,
            "domain": null
          },
          "organization": {
            "id": null,
            "name": null
          },
          "user": {
            "email": null
          },
          "sources": {
            "profile": null,
            "token": null,
            "base_url": null
          },
          "profiles": []
        }
        --- stderr
        {"error":{"code":"not_signed_in","message":"not signed in","hint":"sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account"}}
        status 0
        --- stdout
        profile       work (the current one)
        organization  Acme, Inc. (ac_1)
        tenant        acme (127.0.0.1:[port])
        base url      http://127.0.0.1:[port]/api, from the profile `work`
        bearer        OAuth access token of a machine, from the profile `work`
        ends          [time], in [nearly a day]; not renewed: `CARTO_M2M_CLIENT_SECRET` isn't set
        profiles        home  until [time]
                      * work  until [time]
        status 0
        --- stdout
        {
          "authenticated": true,
          "profile": "work",
          "current_profile": "work",
          "token_kind": "oauth_m2m",
          "sign_in": "m2m",
          "expires_at": "[time]",
          "expires_in": [nearly a day],
          "renewable": false,
          "not_renewed": "CARTO_M2M_CLIENT_SECRET isn't set",
          "base_url": "http://127.0.0.1:[port]/api",
          "tenant_id": "acme",
          "tenant_domain": "127.0.0.1:[port]",
          "organization_id": "ac_1",
          "organization_name": "Acme, Inc.",
          "user_email": null,
          "tenant": {
            "id": "acme",
            "domain": "127.0.0.1:[port]"
          },
          "organization": {
            "id": "ac_1",
            "name": "Acme, Inc."
          },
          "user": {
            "email": null
          },
          "sources": {
            "profile": "current_profile in ~/.carto_credentials.json",
            "token": "the profile work",
            "base_url": "the profile work"
          },
          "profiles": [
            {
              "name": "home",
              "current": false,
              "tenant_id": "gcp-us-east1",
              "organization_name": null,
              "user_email": null,
              "expires_at": "[time]",
              "renewable": false
            },
            {
              "name": "work",
              "current": true,
              "tenant_id": "acme",
              "organization_name": "Acme, Inc.",
              "user_email": null,
              "expires_at": "[time]",
              "renewable": false
            }
          ]
        }
        status 2
        --- stderr
        error: there is no profile `nobody` in `~/.carto_credentials.json`
        hint: profiles: `home`, `work`
        status 2
        --- stderr
        error: there is no profile `nobody` in `~/.carto_credentials.json`
        hint: profiles: `home`, `work`
        status 4
        --- stdout
        bearer    an opaque one (its form tells nothing), from `CARTO_API_TOKEN`
        profiles    home  until [time]
                  * work  until [time]
        --- stderr
        error: there is a bearer from `CARTO_API_TOKEN`, but no address to send it to
        hint: add `--base-url https://TENANT.api.carto.com`, or set `CARTO_BASE_URL`, or name a `--profile`
        status 4
        --- stdout
        base url  https://a.example.com, from `--base-url`
        bearer    OAuth access token of a user, from `CARTO_API_TOKEN`
        ends      [time], 1 h 0 min ago
        profiles    home  until [time]
                  * work  until [time]
        --- stderr
        error: the bearer from `CARTO_API_TOKEN` expired at [time]
        hint: leave `CARTO_API_TOKEN` out and sign in with `carto --base-url https://a.example.com auth login`, or give another bearer: one lasts a day
        status 0
        --- stdout
        base url  https://a.example.com, from `--base-url`
        bearer    an opaque one (its form tells nothing), from `CARTO_API_TOKEN`
        profiles    home  until [time]
                  * work  until [time]
    "#]].assert_eq(&report);
}

#[test]
fn profiles_are_changed_and_left() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    let mut say = |run: Run| report.push_str(&settled(&run.output()));
    say(carto.run("auth logout"));
    say(carto.run("auth use"));
    cloud.login(&carto, "work").ok();
    cloud.login(&carto, "home").ok();
    say(carto.run("auth use work"));
    say(carto.run("--profile home auth use --json"));
    say(carto.run("auth use nobody"));
    say(carto.run("auth use"));
    say(carto.run("auth use work").env("CARTO_PROFILE", "home"));
    say(cloud.run(&carto, "auth whoami"));
    say(cloud.run(&carto, "auth whoami --json"));
    let (first, second) = (cloud.bearers()[0].clone(), cloud.bearers()[1].clone());
    say(cloud.run(&carto, "auth logout").env("CARTO_M2M_CLIENT_SECRET", SECRET));
    assert_eq!(cloud.ended().into_iter().collect::<Vec<_>>(), [first]);
    say(carto.run("auth logout home --json"));
    assert!(!cloud.ended().contains(&second));
    say(carto.run("auth logout home"));
    assert_eq!(file(&carto), json!({ "profiles": {} }));
    assert!(!report.contains("canary"), "{report}");
    expect![[r#"
        status 4
        --- stderr
        error: there are no profiles
        hint: `carto auth login` makes one
        status 4
        --- stderr
        error: there are no profiles
        hint: `carto auth login` makes one
        status 0
        --- stderr
        The profile `work` is the current one.
        status 0
        --- stdout
        {
          "current_profile": "home"
        }
        status 2
        --- stderr
        error: there is no profile `nobody` in `~/.carto_credentials.json`
        hint: profiles: `home`, `work`
        status 2
        --- stderr
        error: no profile is named, and nobody can be asked here
        hint: profiles: `home`, `work`
        status 0
        --- stderr
        The profile `work` is the current one.
        warning: `CARTO_PROFILE` names another profile, which goes before the current one
        hint: unset `CARTO_PROFILE` to use the current one
        status 0
        --- stdout
        user id  u1
        email    ada@example.com
        echo     [hidden]
        status 0
        --- stdout
        {
          "user_id": "u1",
          "email": "ada@example.com",
          "echo": "[hidden]"
        }
        status 0
        --- stderr
        Signed out: the profile `work` was removed.
        What signed it in was ended at `127.0.0.1:[port]`.
        No profile is the current one now.
          carto auth use
        status 0
        --- stdout
        {
          "removed": "home",
          "revoked": false
        }
        --- stderr
        {"warning":{"message":"the bearer could not be ended and is valid where somebody has it, until [time]: the variable `CARTO_M2M_CLIENT_SECRET`, which holds the client's secret, isn't set","hint":"if somebody may have it, delete the client that it belongs to, or ask the account's administrator"}}
        status 2
        --- stderr
        error: there is no profile `home` in `~/.carto_credentials.json`
        hint: it has no profiles; `carto auth login` makes one
    "#]].assert_eq(&report);
}

#[test]
fn a_profile_is_chosen_at_a_terminal() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for name in ["a", "b", "c"] {
        cloud.login(&carto, name).ok();
    }
    let (screen, status) = terminal::asked(carto.run("auth use"), "of the profile: ", "2");
    assert_eq!((status, file(&carto)["current_profile"].as_str()), (0, Some("b")), "{screen}");
    expect![[r#"
          1  a
          2  b
        * 3  c
        Number or name of the profile: 2
        The profile `b` is the current one.
    "#]]
    .assert_eq(&screen);
    let (screen, status) = terminal::asked(carto.run("auth use"), "of the profile: ", "0");
    assert_eq!((status, file(&carto)["current_profile"].as_str()), (2, Some("b")), "{screen}");
    assert!(screen.contains("type one of the numbers or names"), "{screen}");
    // The variable doesn't choose, or nothing would be asked.
    let run = carto.run("auth use").env("CARTO_PROFILE", "c");
    let (screen, status) = terminal::asked(run, "of the profile: ", "a");
    assert_eq!((status, file(&carto)["current_profile"].as_str()), (0, Some("a")), "{screen}");
}

#[test]
fn options_go_before_variables_and_variables_before_settings() {
    let (carto, settings, variables, option) = (Carto::without_kinds(), Cloud::start(), Cloud::start(), Cloud::start());
    let of = |cloud: &Cloud| format!("issuer = \"{0}\"\naccounts_url = \"{0}accounts\"\n", cloud.issuer());
    carto.write(".config/carto/config.toml", &format!("[auth]\n{}", of(&settings)));
    let secret = |run: Run| run.env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET);
    secret(carto.run("auth login --m2m")).ok();
    variables.login(&carto, "").ok();
    // Each authority knows its own bearers only, so that the account is given here.
    let line = format!("--issuer {} --base-url https://a.example.com", option.issuer().trim_end_matches('/'));
    variables.login(&carto, &line).ok();
    assert_eq!([settings.asked().len(), variables.asked().len(), option.asked().len()], [3, 3, 1]);
    carto.write(".config/carto/config.toml", &format!("[auth]\n{}audience = \"another\"\n", of(&settings)));
    let output = secret(carto.run("auth login --m2m")).fails(4);
    assert!(settings.requests()[3].contains("audience=another"), "{output}");
    for text in ["[auth]\nissuer = \"http://auth.example.com\"", "[auth]\nsecret = \"x\""] {
        carto.write(".config/carto/config.toml", text);
        secret(carto.run("auth login --m2m")).fails(2);
    }
}

#[test]
fn a_profile_that_isnt_there_is_told_without_a_file_too() {
    let carto = Carto::without_kinds();
    for line in ["auth use x", "auth status x", "auth logout x", "auth status --profile x", "auth whoami --profile x"] {
        let output = carto.run(line).fails(2);
        assert!(output.stderr.contains("there is no profile `x`: `~/.carto_credentials.json` isn't there"), "{output}");
        assert!(output.stderr.contains("auth login` makes one") && !output.stderr.contains("--sandbox"), "{output}");
    }
    for line in ["auth use", "auth logout"] {
        let output = carto.run(line).fails(4);
        assert!(!output.stderr.contains("--sandbox") && !output.stderr.contains("CARTO_API_TOKEN"), "{output}");
    }
}

/// A command would take the name for an option.
#[test]
fn a_new_name_doesnt_begin_like_an_option() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for line in ["-- -x", "--profile=-x"] {
        let output = cloud.run(&carto, &format!("auth login --m2m {line}")).fails(2);
        assert!(output.stderr.contains("can't begin with `-`: `-x`"), "{output}");
    }
    // One that is there is used, and left.
    cloud.login(&carto, "x").ok();
    let text = std::fs::read_to_string(carto.home().join(FILE)).unwrap();
    carto.write(FILE, &text.replace("\"x\"", "\"-x\""));
    cloud.login(&carto, "--profile=-x").ok();
    carto.run("auth status --profile=-x").ok();
    carto.run("auth logout --profile=-x").ok();
    assert_eq!(file(&carto), json!({ "profiles": {} }));
}

#[test]
fn status_says_why_a_machines_bearer_isnt_renewed() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    cloud.login(&carto, "p").ok();
    let output = carto.run("auth status").ok();
    assert!(output.stdout.contains("; not renewed: `CARTO_M2M_CLIENT_SECRET` isn't set\n"), "{output}");
    let json = carto.run("auth status --json").ok().json();
    assert_eq!(
        (&json["renewable"], &json["not_renewed"]),
        (&json!(false), &json!("CARTO_M2M_CLIENT_SECRET isn't set"))
    );
    let with = |line: &str| carto.run(line).env("CARTO_M2M_CLIENT_SECRET", SECRET).ok();
    assert!(with("auth status").stdout.contains("; renewed by itself\n"));
    let json = with("auth status --json").json();
    assert_eq!((&json["renewable"], &json["not_renewed"]), (&json!(true), &json!(null)));
    // An empty one is as good as none, and a file that is gone is named.
    let output = carto.run("auth status").env("CARTO_M2M_CLIENT_SECRET", "").ok();
    assert!(output.stdout.contains("`CARTO_M2M_CLIENT_SECRET` isn't set"), "{output}");
    let client = carto.write("client.json", &json!({ "clientId": CLIENT, "clientSecret": SECRET }).to_string());
    cloud.run(&carto, "auth login p --m2m --client-file client.json").ok();
    std::fs::remove_file(client).unwrap();
    let output = carto.run("auth status").ok();
    assert!(output.stdout.contains("; not renewed: cannot read the client's secret in"), "{output}");
}
