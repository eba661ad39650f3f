//! Which account: where bearer and address come from, and what is said before anything is sent.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;
use crate::support::server::Served;
use crate::support::wire::Wire;

const PROFILES: &str = r#"{"current_profile": "work", "future": 1, "profiles": {
    "work": {"token": "bearer-of-work", "tenant_id": "gcp-us-east1", "user_email": "x@example.com"},
    "empty": {"tenant_id": "gcp-us-east1"}}}"#;

#[test]
fn who_is_not_signed_in_is_shown_the_ways() {
    let carto = Carto::new();
    check(
        &carto.run("credentials list").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: not signed in
            hint: sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account
        "#]],
    );
    assert_eq!(carto.run("credentials list --json").fails(4).error()["code"], "not_signed_in");
    check(
        &carto.run("--token abc credentials list").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: there is a bearer from `--token`, but no address to send it to
        hint: add `--base-url https://TENANT.api.carto.com`, or set `CARTO_BASE_URL`, or name a `--profile`
    "#]],
    );
    check(
        &carto.run("--profile nobody credentials list").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: there is no profile `nobody`: `~/.carto_credentials.json` isn't there
            hint: `carto --profile nobody auth login` makes one
        "#]],
    );
    carto.write(".carto_credentials.json", PROFILES);
    check(
        &carto.run("--profile nobody credentials list").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: there is no profile `nobody` in `~/.carto_credentials.json`
        hint: profiles: `empty`, `work`
    "#]],
    );
    check(
        &carto.run("--profile empty credentials list").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: the profile `empty` has no bearer
            hint: sign in again with `carto auth login empty`, or with CARTO's own command line
        "#]],
    );
}

#[test]
fn the_wrong_kind_of_token_is_recognised_offline() {
    let carto = Carto::new();
    let token = carto.created("credentials create token --grant dw,a.b --apis sql", "token");
    let server = Wire::json("200 OK", "{}");
    let output =
        carto.run("credentials list").env("CARTO_API_TOKEN", &token).env("CARTO_BASE_URL", server.url()).fails(4);
    assert!(!output.stderr.contains(&token));
    assert_eq!(server.requests(), [] as [String; 0]);
    let text = regex_lite::Regex::new("`[0-9a-f]{8}`").unwrap().replace(&output.stderr, "`[jti]`").into_owned();
    expect![[r#"
        error: the bearer from `CARTO_API_TOKEN` is an API Access Token (`[jti]`), which can't manage credentials
        hint: use an OAuth access token, as `carto auth login` gets one; API Access Tokens are for the data APIs
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_bearer_that_cant_be_one_is_refused() {
    let carto = Carto::new();
    for bearer in ["two words", "line\nbreak", "ünï"] {
        let output =
            carto.run("--base-url https://a.example.com credentials list").env("CARTO_API_TOKEN", bearer).fails(2);
        assert!(!output.stderr.contains(bearer), "{output}");
    }
}

#[test]
fn the_address_is_https_or_this_machine() {
    let carto = Carto::new();
    let mut report = String::new();
    for url in [
        "http://api.carto.com",
        "http://127.0.0.1.evil.com",
        "api.carto.com",
        "https://u:p@a.example.com",
        "https://a.example.com?x=y",
        "file:///x",
    ] {
        report.push_str(&carto.run(&format!("--token abc --base-url {url} credentials list")).fails(2).stderr);
    }
    expect![[r#"
        error: the base URL from `--base-url` isn't https: `http://api.carto.com`
        hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:8080`
        error: the base URL from `--base-url` isn't https: `http://127.0.0.1.evil.com`
        hint: a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:8080`
        error: the base URL from `--base-url` isn't an address: `api.carto.com`
        hint: write it like `https://gcp-us-east1.api.carto.com`
        error: the base URL from `--base-url` holds a user name or a password
        hint: write it like `https://gcp-us-east1.api.carto.com`
        error: the base URL from `--base-url` has a query or a fragment
        hint: write it like `https://gcp-us-east1.api.carto.com`
        error: the base URL from `--base-url` isn't an address: `file:///x`
        hint: write it like `https://gcp-us-east1.api.carto.com`
    "#]]
    .assert_eq(&report);
}

#[test]
fn the_sandbox_stands_alone() {
    let carto = Carto::new();
    for (option, value) in [("--token", "x"), ("--profile", "x"), ("--base-url", "https://x.example.com")] {
        let output = carto.run(&format!("--sandbox {option} {value} credentials list")).fails(2);
        assert!(output.stderr.contains(&format!("`{option}` can't stand beside `--sandbox`")), "{output}");
        let output = carto.sandbox(&format!("{option} {value} credentials list")).fails(2);
        assert!(output.stderr.contains("`CARTO_SANDBOX`"), "{output}");
    }
    // Variables and files don't disturb it.
    carto.write(".carto_credentials.json", "broken");
    carto
        .run("--sandbox credentials list")
        .env("CARTO_API_TOKEN", "x")
        .env("CARTO_BASE_URL", "http://nowhere")
        .env("CARTO_PROFILE", "x")
        .ok();
    carto.run("credentials list").env("CARTO_SANDBOX", "0").fails(1);
}

#[test]
fn a_broken_credentials_file_is_named_and_its_content_is_not() {
    let carto = Carto::new();
    for text in ["{\"profiles\": {\"a\": {\"token\": 12345}}}", "{\"profiles\": \"s3cr3t\"}", "{", "[]"] {
        carto.write(".carto_credentials.json", text);
        let output = carto.run("credentials list").fails(1);
        assert!(!output.stderr.contains("12345") && !output.stderr.contains("s3cr3t"), "{output}");
        assert!(output.stderr.contains(".carto_credentials.json`: line 1, column"), "{output}");
    }
}

#[test]
fn options_go_before_variables_and_variables_before_the_file() {
    let carto = Carto::new();
    carto.write(".carto_credentials.json", PROFILES);
    let server = Wire::json("200 OK", r#"{"tokens": []}"#);
    let line = "credentials list tokens --json";
    carto.run(line).env("CARTO_BASE_URL", server.url()).ok();
    carto.run(line).env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", "from-variable").ok();
    carto
        .run(&format!("--token from-option {line}"))
        .env("CARTO_BASE_URL", server.url())
        .env("CARTO_API_TOKEN", "from-variable")
        .ok();
    carto.run(&format!("--token - {line} --base-url {}", server.url())).stdin("from-stdin\n").ok();
    let bearers: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap().to_owned())
        .collect();
    assert_eq!(bearers, ["bearer-of-work", "from-variable", "from-option", "from-stdin"]);
}

#[test]
fn what_goes_somewhere_unexpected_is_warned_of() {
    let carto = Carto::new();
    carto.write(".carto_credentials.json", PROFILES);
    let server = Wire::json("200 OK", r#"{"tokens": []}"#);
    check(
        &carto.run("credentials list tokens").env("CARTO_BASE_URL", server.url()).output(),
        expect![[r#"
            status 0
            --- stderr
            warning: the bearer of the profile `work` goes to `127.0.0.1`, as `CARTO_BASE_URL` says
            hint: leave it out, or unset the variable, to use the profile's own address
            There is no API Access Token here.
        "#]],
    );
    let output = carto
        .run("--profile work credentials list tokens")
        .env("CARTO_API_TOKEN", "x")
        .env("CARTO_BASE_URL", server.url());
    check(
        &output.output(),
        expect![[r#"
            status 0
            --- stderr
            warning: the bearer comes from `CARTO_API_TOKEN`, not from the profile `work`
            hint: unset `CARTO_API_TOKEN` to use the profile's own
            There is no API Access Token here.
        "#]],
    );
}

/// A proxy of the environment must never see the bearer of a service on this machine.
#[test]
fn loopback_never_goes_through_a_proxy() {
    let carto = Carto::new();
    let proxy = Wire::json("200 OK", r#"{"tokens": []}"#);
    let served = Served::start(&carto);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        served.run(&carto, "credentials list tokens").env(variable, proxy.url()).ok();
    }
    assert_eq!(proxy.requests(), [] as [String; 0]);
}

#[test]
fn the_settings_can_move_a_route() {
    let carto = Carto::new();
    carto.write(".config/carto/config.toml", "[services.api.paths]\n\"/v3/oauth-clients\" = \"/v4/real/clients\"\n");
    let server = Wire::json("200 OK", r#"{"client_id": "c1", "title": "x", "type": "m2m"}"#);
    let id = "abcdefghijklmnopqrstuvwxyz012345";
    carto.run(&format!("--token x --base-url {}/base/ credentials get m2m {id}", server.url())).ok();
    let requests = server.requests();
    assert!(requests[0].starts_with(&format!("GET /base/v4/real/clients/{id}?type=m2m HTTP/1.1")), "{requests:?}");
    // The sandbox has its own.
    carto.sandbox("credentials create m2m --title x").ok();
}

/// A tenant is one label of a host's name: anything else would send the bearer somewhere else.
#[test]
fn a_tenant_cant_lead_elsewhere() {
    let carto = Carto::new();
    for tenant in ["", "evil.example.com/", "127.0.0.1:1/x", "a.b", "u@evil.example.com", "x#", "x?", "x\\\\y"] {
        carto.write(
            ".carto_credentials.json",
            &format!(r#"{{"current_profile": "w", "profiles": {{"w": {{"token": "bearer-of-work", "tenant_id": "{tenant}"}}}}}}"#),
        );
        let output = carto.run("credentials list").fails(2);
        assert!(output.stderr.contains("isn't the name of a tenant"), "{output}");
    }
}
