//! A machine signs in: where its client comes from, and what becomes of a client, an authority or an account that isn't as it should be.

use expect_test::expect;
use serde_json::json;

use super::{FILE, file, mode, settled};
use crate::support::cloud::{CLIENT, Cloud, SECRET};
use crate::support::wire::Act;
use crate::support::{Carto, Run, terminal};

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
        error: the client's secret from `CARTO_M2M_CLIENT_SECRET` is empty or holds white space
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
