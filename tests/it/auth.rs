//! `carto auth` without a browser: signing in, what is said of it, changing profiles and signing out, against a server that is CARTO for the
//! program.

use expect_test::expect;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::support::cloud::{CLIENT, Cloud, SECRET, bearer};
use crate::support::output::Output;
use crate::support::wire::Act;
use crate::support::{Carto, Run, terminal};

const FILE: &str = ".carto_credentials.json";

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(carto.home().join(FILE)).unwrap()).unwrap()
}

/// What was printed, with times as their name.
fn settled(output: &Output) -> String {
    times(&output.to_string())
}

fn times(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, name) in [
        (r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "[time]"),
        (r"in 23 h 5[0-9] min", "in [nearly a day]"),
        (r#""expires_in": 86[0-9]{3}"#, r#""expires_in": [nearly a day]"#),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

fn mode(carto: &Carto) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(carto.home().join(FILE)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_machine_signs_in_and_its_bearer_is_used() {
    let (carto, cloud) = (Carto::new(), Cloud::start());
    expect![[r#"
        status 0
        --- stderr
        debug: POST /oauth/token at `127.0.0.1:[port]` → 200 OK in [n] ms
        debug: GET /accounts at `127.0.0.1:[port]` → 200 OK in [n] ms
        debug: GET /config.yaml at `127.0.0.1:[port]` → 200 OK in [n] ms
        Signed in as `machine-client` at `http://127.0.0.1:[port]/api`, until [time]. The profile `acme/Acme, Inc./machine-client` is the current one.
    "#]].assert_eq(&settled(&cloud.login(&carto, "--debug").ok()));
    assert_eq!(mode(&carto), 0o600);
    let name = "acme/Acme, Inc./machine-client";
    let kept = file(&carto);
    assert_eq!(kept["current_profile"], name);
    let profile = &kept["profiles"][name];
    assert_eq!(profile["token"], cloud.bearers()[0]);
    assert_eq!(
        (&profile["tenant_id"], &profile["tenant_domain"], &profile["organization_id"], &profile["organization_name"]),
        (&json!("acme"), &json!(format!("127.0.0.1:{}", cloud.port())), &json!("ac_1"), &json!("Acme, Inc."))
    );
    assert_eq!(profile["sign_in"]["client_secret"], json!({ "variable": "CARTO_M2M_CLIENT_SECRET" }));
    carto.run("credentials list tokens").ok();
    assert_eq!(
        cloud.asked(),
        ["POST /oauth/token", "GET /accounts", "GET /config.yaml", "GET /api/v3/tokens?limit=100"]
    );
    // The tenant's `config.yaml` is anybody's to read: no bearer goes there.
    assert!(!cloud.requests()[2].contains("authorization"), "{:?}", cloud.requests()[2]);
}

#[test]
fn a_client_comes_from_wherever_it_is() {
    let carto = Carto::new();
    let cloud = Cloud::start();
    let made = format!(r#"{{"clientId": "{CLIENT}", "clientSecret": "{SECRET}", "title": "ci"}}"#);
    let both = |line: &str| cloud.run(&carto, &format!("auth login p --m2m {line}"));
    carto.write("client.json", &made);
    carto.write("client.env", &format!("CARTO_M2M_CLIENT_ID='{CLIENT}'\nCARTO_M2M_CLIENT_SECRET='{SECRET}'\n"));
    carto.write("secret", &format!("{SECRET}\n"));
    let python =
        json!({ "api_base_url": "https://elsewhere.example.com", "client_id": CLIENT, "client_secret": SECRET });
    carto.write("python.json", &python.to_string());
    let cli = |run: Run| run.env("CARTO_CLI_M2M_CLIENT_ID", CLIENT).env("CARTO_CLI_M2M_CLIENT_SECRET", SECRET);
    let at = |file: &str| carto.home().join(file).display().to_string();
    for (run, place) in [
        (both("--client-file client.json"), json!({ "client_file": at("client.json") })),
        (both("--client-file client.env"), json!({ "client_file": at("client.env") })),
        (both("--client-file python.json"), json!({ "client_file": at("python.json") })),
        (both("--client-file -").stdin(&made), json!({ "value": SECRET })),
        (
            both(&format!("--client-id {CLIENT} --client-secret -")).stdin(&format!("{SECRET}\n")),
            json!({ "value": SECRET }),
        ),
        (both(&format!("--client-id {CLIENT} --client-secret @secret")), json!({ "file": at("secret") })),
        (
            both(&format!("--client-id {CLIENT} --client-secret env:MINE")).env("MINE", SECRET),
            json!({ "variable": "MINE" }),
        ),
        (cli(both("")), json!({ "variable": "CARTO_CLI_M2M_CLIENT_SECRET" })),
    ] {
        run.ok();
        assert_eq!(file(&carto)["profiles"]["p"]["sign_in"]["client_secret"], place);
    }
    // carto-auth's file says where the account is.
    both("--client-file python.json").ok();
    assert_eq!(file(&carto)["profiles"]["p"]["sign_in"]["base_url"], "https://elsewhere.example.com");
    // The first pair goes before the second.
    cloud.login(&carto, "p").env("CARTO_CLI_M2M_CLIENT_ID", "x").env("CARTO_CLI_M2M_CLIENT_SECRET", "y").ok();
}

#[test]
fn what_is_created_can_sign_in_without_touching_a_disk() {
    let carto = Carto::new();
    let made = carto.sandbox("credentials create m2m --title ci --json").ok();
    let cloud = Cloud::start();
    // Another authority's client: that it is read is told by its id.
    let output = cloud.run(&carto, "auth login --m2m --client-file -").stdin(&made.stdout).fails(4);
    let id = made.json()["clientId"].as_str().unwrap().to_owned();
    assert!(output.stderr.contains(&format!("the client `{id}` is wrong")), "{output}");
    assert!(!output.stderr.contains(made.json()["clientSecret"].as_str().unwrap()), "{output}");
}

#[test]
fn a_client_that_isnt_whole_is_refused() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    carto.write("half.json", &format!(r#"{{"clientId": "{CLIENT}"}}"#));
    let id = ("CARTO_M2M_CLIENT_ID", CLIENT);
    let secret = ("CARTO_M2M_CLIENT_SECRET", SECRET);
    let other = ("CARTO_CLI_M2M_CLIENT_SECRET", SECRET);
    let mut report = String::new();
    for (line, variables) in [
        ("--m2m", vec![]),
        ("--m2m", vec![id]),
        ("--m2m", vec![secret]),
        ("--m2m", vec![id, other]),
        ("--m2m --client-id x", vec![id, secret]),
        ("--m2m --client-secret env:NOWHERE", vec![]),
        ("--m2m --client-id x --client-secret env:NOWHERE", vec![]),
        ("--m2m --client-id x --client-secret @nowhere", vec![]),
        ("--m2m --client-id x --client-secret canary-client-s3cr3t-0a1b2c3d", vec![]),
        ("--m2m --client-file nowhere.json", vec![]),
        ("--m2m --client-file half.json", vec![]),
        ("--m2m --client-file .", vec![]),
        ("--m2m", vec![id, ("CARTO_M2M_CLIENT_SECRET", "two words")]),
        ("--client-file half.json", vec![]),
        ("--m2m --with-token", vec![]),
    ] {
        let run = variables
            .iter()
            .fold(cloud.run(&carto, &format!("auth login {line}")), |run, (name, value)| run.env(name, value));
        report.push_str(&format!(
            "# {line} {:?}\n{}",
            variables.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            run.fails(2).stderr
        ));
    }
    let home = carto.home().display().to_string();
    let report = report.replace(&home, "[home]");
    assert!(!report.replace("--client-secret canary", "").contains("canary"), "{report}");
    expect![[r##"
        # --m2m []
        error: no M2M client is named
        hint: set `CARTO_M2M_CLIENT_ID` and `CARTO_M2M_CLIENT_SECRET`, or add `--client-file FILE`, or `--client-id ID` with `--client-secret -`, `@FILE` or `env:NAME`
        # --m2m ["CARTO_M2M_CLIENT_ID"]
        error: `CARTO_M2M_CLIENT_ID` is set, and `CARTO_M2M_CLIENT_SECRET` isn't
        hint: set `CARTO_M2M_CLIENT_SECRET` too, or unset `CARTO_M2M_CLIENT_ID`
        # --m2m ["CARTO_M2M_CLIENT_SECRET"]
        error: `CARTO_M2M_CLIENT_SECRET` is set, and `CARTO_M2M_CLIENT_ID` isn't
        hint: set `CARTO_M2M_CLIENT_ID` too, or unset `CARTO_M2M_CLIENT_SECRET`
        # --m2m ["CARTO_M2M_CLIENT_ID", "CARTO_CLI_M2M_CLIENT_SECRET"]
        error: `CARTO_M2M_CLIENT_ID` is set, and `CARTO_M2M_CLIENT_SECRET` isn't
        hint: set `CARTO_M2M_CLIENT_SECRET` too, or unset `CARTO_M2M_CLIENT_ID`
        # --m2m --client-id x ["CARTO_M2M_CLIENT_ID", "CARTO_M2M_CLIENT_SECRET"]
        error: `--client-id` needs `--client-secret`, and nobody can be asked here
        hint: set `CARTO_M2M_CLIENT_ID` and `CARTO_M2M_CLIENT_SECRET`, or add `--client-file FILE`, or `--client-id ID` with `--client-secret -`, `@FILE` or `env:NAME`
        # --m2m --client-secret env:NOWHERE []
        error: `--client-secret` needs `--client-id`
        hint: set `CARTO_M2M_CLIENT_ID` and `CARTO_M2M_CLIENT_SECRET`, or add `--client-file FILE`, or `--client-id ID` with `--client-secret -`, `@FILE` or `env:NAME`
        # --m2m --client-id x --client-secret env:NOWHERE []
        error: the variable `NOWHERE`, which holds the client's secret, isn't set
        hint: set and export it
        # --m2m --client-id x --client-secret @nowhere []
        error: cannot read the client's secret in `[home]/nowhere`: No such file or directory (os error 2)
        hint: name a text file that you can read
        # --m2m --client-id x --client-secret canary-client-s3cr3t-0a1b2c3d []
        error: `--client-secret` takes a place to read a secret from, not the secret: every program here can read the words of a command
        hint: use `--client-secret -` for standard input, `--client-secret @FILE`, or `--client-secret env:NAME`
        # --m2m --client-file nowhere.json []
        error: cannot read the client's secret in `[home]/nowhere.json`: No such file or directory (os error 2)
        hint: name a text file that you can read
        # --m2m --client-file half.json []
        warning: `half.json` holds a secret, and others can read it (mode 644)
        hint: `chmod 600 half.json`
        error: `--client-file half.json` names no client secret
        hint: it holds what `carto credentials create m2m --json` or `--env-file` writes, or an object with `client_id` and `client_secret`
        # --m2m --client-file . []
        error: cannot read the client's secret in `[home]`: it isn't a file
        hint: name a text file that you can read
        # --m2m ["CARTO_M2M_CLIENT_ID", "CARTO_M2M_CLIENT_SECRET"]
        error: the client's secret from `CARTO_M2M_CLIENT_ID` and `CARTO_M2M_CLIENT_SECRET` is empty or holds white space
        hint: give it alone, without quotes and without line breaks
        # --client-file half.json []
        error: missing: `--m2m`
        hint: `carto auth login --help` shows how it is used
        # --m2m --with-token []
        error: the argument `--m2m` cannot be used with `--with-token`
        hint: `carto auth login --help` shows how it is used
    "##]].assert_eq(&report);
    assert_eq!(cloud.asked(), [""; 0]);
    assert!(!carto.home().join(FILE).exists());
}

#[test]
fn a_person_is_asked_and_the_secret_isnt_shown() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let run = cloud.run(&carto, &format!("auth login p --m2m --client-id {CLIENT}"));
    let (screen, status) = terminal::asked(run, "Client secret: ", SECRET);
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("Client secret: ") && !screen.contains("canary"), "{screen}");
    assert_eq!(file(&carto)["profiles"]["p"]["sign_in"]["client_secret"], json!({ "value": SECRET }));
    assert!(screen.contains("the client's secret is kept in"), "{screen}");
    let (screen, status) = terminal::run(cloud.run(&carto, "auth login --m2m --no-input"));
    assert_eq!(status, 2, "{screen}");
}

#[test]
fn what_an_authority_refuses_is_told_well() {
    let carto = Carto::without_kinds();
    let mut report = String::new();
    let answers: [(&str, Act); 9] = [
        ("invalid_client", Act::json("401 Unauthorized", r#"{"error": "invalid_client"}"#)),
        (
            "access_denied",
            Act::json(
                "401 Unauthorized",
                &format!(r#"{{"error": "access_denied", "error_description": "it isn't {SECRET}"}}"#),
            ),
        ),
        (
            "unauthorized_client",
            Act::json(
                "403 Forbidden",
                r#"{"error": "unauthorized_client", "error_description": "Grant type not allowed"}"#,
            ),
        ),
        ("another error", Act::json("400 Bad Request", r#"{"error": "too_\u001b[31mred"}"#)),
        ("an API's error", Act::json("404 Not Found", r#"{"message": "no such route"}"#)),
        ("a page", Act::with("200 OK", &[("content-type", "text/html")], "<html>")),
        ("nothing", Act::json("500 Internal Server Error", "")),
        ("no token", Act::json("200 OK", r#"{"access_token": 12345, "token_type": "Bearer"}"#)),
        ("a redirect", Act::with("302 Found", &[("location", "http://127.0.0.1:9/")], "")),
    ];
    for (name, act) in answers {
        let cloud = Cloud::otherwise(&[1], move |path, _| (path == "/oauth/token").then(|| act.clone()));
        let output = cloud.login(&carto, "").output();
        assert_eq!(cloud.asked().len(), 1);
        report.push_str(&format!("# {name}: {output}"));
    }
    assert!(!report.contains("canary") && !report.contains("12345") && !report.contains('\u{1b}'), "{report}");
    expect![[r#"
        # invalid_client: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`invalid_client`); the id or the secret of the client `machine-client` is wrong, or the client was deleted
        hint: look at both; a client's secret was shown when it was created, and at no other time
        # access_denied: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`access_denied`: it isn't [hidden]); the id or the secret of the client `machine-client` is wrong, or the client was deleted
        hint: look at both; a client's secret was shown when it was created, and at no other time
        # unauthorized_client: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`unauthorized_client`: Grant type not allowed); the client `machine-client` may not sign in as a machine
        hint: use an M2M client: `carto credentials create m2m --title TITLE` makes one
        # another error: status 4
        --- stderr
        error: `127.0.0.1:[port]` refused to sign in (`too_\u{1b}[31mred`)
        hint: look at the client and the issuer, or ask who runs the authority
        # an API's error: status 1
        --- stderr
        error: `127.0.0.1:[port]` answered with something that isn't the answer of a token endpoint
        hint: look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings
        # a page: status 1
        --- stderr
        error: `127.0.0.1:[port]` answered with nothing, or something that isn't JSON
        hint: look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings
        # nothing: status 6
        --- stderr
        error: POST /oauth/token at `127.0.0.1:[port]` failed (500)
        hint: try again later
        # no token: status 1
        --- stderr
        error: `127.0.0.1:[port]` answered with something that isn't the answer of a token endpoint (at `access_token`)
        hint: look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings
        # a redirect: status 1
        --- stderr
        error: POST /oauth/token at `127.0.0.1:[port]` is redirected (302), which isn't followed
        hint: give the address of the service itself
    "#]].assert_eq(&report);
    assert!(!carto.home().join(FILE).exists());
}

#[test]
fn an_account_that_isnt_found_is_told_by_its_step() {
    let carto = Carto::without_kinds();
    let mut report = String::new();
    let yaml = |text: &str| Act::with("200 OK", &[("content-type", "text/yaml")], text);
    let answers: [(&str, &'static str, Act); 13] = [
        ("refused", "/accounts", Act::json("403 Forbidden", r#"{"error": "not yours"}"#)),
        ("gone", "/accounts", Act::json("503 Service Unavailable", "")),
        ("no domain", "/accounts", Act::json("200 OK", r#"{"tenant_domain": 7}"#)),
        ("a page", "/accounts", Act::with("200 OK", &[("content-type", "text/html")], "<html>")),
        ("a redirect", "/accounts", Act::with("302 Found", &[("location", "http://127.0.0.1:9/")], "")),
        (
            "a domain that leads elsewhere",
            "/accounts",
            Act::json("200 OK", r#"{"tenant_domain": "x@evil.example.com/"}"#),
        ),
        ("too much", "/accounts", Act::json("200 OK", &" ".repeat(2 << 20))),
        ("no config", "/config.yaml", Act::json("404 Not Found", "")),
        ("no address in it", "/config.yaml", yaml("apis:\n  other: x\n")),
        ("no YAML", "/config.yaml", yaml("apis: [")),
        ("http elsewhere", "/config.yaml", yaml("apis: {baseUrl: 'http://api.example.com'}")),
        ("a user in it", "/config.yaml", yaml("apis: {baseUrl: 'https://u:p@api.example.com'}")),
        ("something else", "/config.yaml", yaml("apis: {baseUrl: '/api'}")),
    ];
    for (name, at, act) in answers {
        let cloud = Cloud::otherwise(&[60], move |path, _| (path == at).then(|| act.clone()));
        let output = cloud.login(&carto, "").output();
        assert_eq!(output.stdout, "");
        report.push_str(&format!("# {name}: {output}"));
        // And it can be done without.
        cloud.login(&carto, "p --base-url https://api.example.com").ok();
        assert_eq!(file(&carto)["profiles"]["p"]["sign_in"]["base_url"], "https://api.example.com");
        std::fs::remove_file(carto.home().join(FILE)).unwrap();
    }
    expect![[r#"
        # refused: status 4
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered GET /accounts with 403: not yours
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # gone: status 6
        --- stderr
        error: looking for the account: GET /accounts at `127.0.0.1:[port]` failed (503)
        hint: try again later; or `--base-url https://TENANT.api.carto.com` says where the account is
        # no domain: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered with nothing in which there is a `tenant_domain`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # a page: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered with nothing in which there is a `tenant_domain`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # a redirect: status 1
        --- stderr
        error: looking for the account: GET /accounts at `127.0.0.1:[port]` is redirected (302), which isn't followed
        hint: give the address of the service itself; or `--base-url https://TENANT.api.carto.com` says where the account is
        # a domain that leads elsewhere: status 1
        --- stderr
        error: `127.0.0.1:[port]` names `x@evil.example.com/` as the tenant's domain, which isn't the name of a host that may be asked
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # too much: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered /accounts with more than 1 MiB
        hint: the address may lead somewhere else; or `--base-url https://TENANT.api.carto.com` says where the account is
        # no config: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with 404
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # no address in it: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with something in which there is no `apis.baseUrl`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # no YAML: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with something in which there is no `apis.baseUrl`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # http elsewhere: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with an `apis.baseUrl` that isn't https: `http://api.example.com`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # a user in it: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with an `apis.baseUrl` that holds a user name or a password
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        # something else: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with an `apis.baseUrl` that isn't an address: `/api`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
    "#]].assert_eq(&report);
}

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
        ends          [time], in [nearly a day]
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
        error: not signed in
        hint: sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account
        status 4
        --- stderr
        error: there are no profiles
        hint: sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account
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
        assert_eq!(output.stderr, "error: interrupted\nhint: nothing was changed\n");
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
