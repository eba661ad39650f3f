//! Kinds with a service of their own: what has to be approved, what needs an account, and what is shown of those that lack something. Such a
//! kind needs no CARTO.

use expect_test::expect;

use crate::support::output::check;
use crate::support::robot::{BEARER, Robot, SECRET, VARIABLE, approve, asked, fine, is_clean, run, with};
use crate::support::tls::Authority;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Run};

/// Without a file of settings, a secret or anything of CARTO's.
#[test]
fn what_isnt_approved_is_refused_before_anything_else() {
    let service = Wire::start(vec![fine()]);
    let carto = Carto::without_kinds();
    Robot::at("https://robots.example.com/v1").install(&carto);
    std::fs::remove_file(carto.home().join(".config/carto/config.toml")).unwrap();
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
        "#]],
    );
    for line in [
        "credentials list robots",
        // No question, though nobody could answer it.
        "credentials delete robot r_1",
        // No file is read, and none is made.
        "credentials create robot --program nowhere",
        "credentials create robot --env-file .env",
        "--dry-run credentials create robot",
    ] {
        let output = run(&carto, line).fails(4);
        assert!(output.stderr.contains("which isn't approved"), "{output}");
        assert!(!carto.home().join(".env").exists());
    }
    assert_eq!(run(&carto, "credentials list robots --json").fails(4).error()["code"], "forbidden");
    // What the hint says is what it takes.
    let hint = run(&carto, "credentials get robot r_1").fails(4).stderr;
    let lines: Vec<&str> = hint.split('`').filter(|part| part.starts_with('[') || part.contains(" = ")).collect();
    carto.write(
        ".config/carto/config.toml",
        &format!("{}\n", lines.join("\n")).replace("https://robots.example.com", &service.url()),
    );
    run(&carto, "credentials get robot r_1").ok();
    assert!(service.requests()[0].starts_with("GET /v1/robots/r_1"));
    // Another service of the kind is approved, or another kind's.
    carto.write(".config/carto/config.toml", "[approved.robot]\nother = \"https://robots.example.com\"\n");
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
            status 4
            --- stderr
            error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the line `fleet = "https://robots.example.com/v1"` below `[approved.robot]` in `[home]/.config/carto/config.toml`
        "#]],
    );
    carto.write(".config/carto/config.toml", "[approved.robots]\nfleet = \"https://robots.example.com\"\n");
    run(&carto, "credentials get robot r_1").fails(4);
    // An address that could never be approved isn't offered.
    Robot::at("http://robots.example.com/\\\"\\\\x").install(&carto);
    check(
        &run(&carto, "credentials get robot r_1").fails(4),
        expect![[r#"
        status 4
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: its manifest says that it is at `http://robots.example.com/"\x`, which can't be approved: report it to the tests, or remove `[home]/kinds/libcarto_kind_robot.so`
    "#]],
    );
}

#[test]
fn requests_go_where_it_was_approved_whatever_the_manifest_says() {
    let (approved, declared) = (Wire::start(vec![fine()]), Wire::start(vec![fine()]));
    let carto = Carto::without_kinds();
    Robot::at(declared.url()).install(&carto);
    approve(&carto, &approved.url());
    let output = run(&carto, "--debug credentials get robot r_1").ok();
    assert_eq!((approved.requests().len(), declared.connections()), (1, 0));
    is_clean(&carto, &output);
    let says = format!(
        "debug: the service `fleet` of the kind `robot` is asked at `{}`, as approved, and not at `{}`, as its manifest says\n",
        approved.url(),
        declared.url()
    );
    assert!(output.stderr.contains(&says), "{output}");
    // The same address, written otherwise.
    approve(&carto, &format!("{}/", declared.url()));
    let output = run(&carto, "--debug credentials get robot r_1").ok();
    assert!(!output.stderr.contains("as approved"), "{output}");
}

#[test]
fn an_approved_address_is_https_or_this_machine() {
    let carto = Carto::without_kinds();
    Robot::at("https://robots.example.com").install(&carto);
    let mut report = String::new();
    for url in [
        "http://robots.example.com",
        "http://127.0.0.1.evil.com",
        "robots.example.com",
        "https://u:canary@robots.example.com",
        "https://robots.example.com?key=canary",
    ] {
        approve(&carto, url);
        let output = run(&carto, "credentials get robot r_1").fails(2);
        report.push_str(&output.to_string());
    }
    expect![[r#"
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't https: `http://robots.example.com`; a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't https: `http://127.0.0.1.evil.com`; a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:[port]`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service isn't an address: `robots.example.com`; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service holds a user name or a password; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
        status 2
        --- stderr
        error: cannot use the settings in `[home]/.config/carto/config.toml`: line 4, column 9: the address of a service has a query or a fragment; write it like `https://robots.example.com/v1`
        hint: mend the file, or move it away
    "#]].assert_eq(&report);
    // Whom nobody knows may be approved.
    let settings =
        "[approved.nobody]\nx = \"https://x.example.com\"\n[approved.robot]\ny = \"https://y.example.com\"\n";
    carto.write(".config/carto/config.toml", settings);
    run(&carto, "credentials get robot r_1").fails(4);
}

#[test]
fn each_of_two_services_gets_what_is_for_it() {
    let (service, account) = (Wire::start(vec![fine()]), Wire::json("200 OK", r#"{"tokens": []}"#));
    let both = Robot { get: r#""api GET /v3/tokens", "#, ..Robot::at(service.url()).mode("get:own-and-account") };
    let carto = with(&both);
    let line = "--debug credentials get robot r_1";
    let output = run(&carto, line).env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).ok();
    is_clean(&carto, &output);
    assert_eq!(asked(&service.requests()[0]), format!("GET /robots/r_1?with=parts HTTP/1.1\nx-robot-key: {SECRET}\n"));
    assert_eq!(asked(&account.requests()[0]), format!("GET /v3/tokens HTTP/1.1\nauthorization: Bearer {BEARER}\n"));
    // Without either of them nothing is sent to the other.
    let output = run(&carto, line).fails(4);
    assert!(output.stderr.contains("error: not signed in"), "{output}");
    let output = carto.run(line).env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).fails(4);
    assert!(output.stderr.contains(VARIABLE), "{output}");
    assert_eq!((service.requests().len(), account.requests().len()), (1, 1));
    // The other verbs of the kind need no account.
    run(&carto, "credentials list robots").ok();
}

#[test]
fn what_belongs_to_the_account_isnt_even_read() {
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()));
    carto.write(".carto_credentials.json", "broken");
    for line in [
        "credentials list robots",
        "credentials get robot r_1",
        "--token 'two words' credentials get robot r_1",
        "--profile nobody credentials list",
        // Standard input is left to whoever needs it.
        "--token - credentials get robot -",
    ] {
        run(&carto, line).env("CARTO_BASE_URL", "nonsense").env("CARTO_API_TOKEN", "two words").stdin("r_1\n").ok();
    }
    assert_eq!(service.requests().len(), 3);
    assert!(service.requests().iter().all(|request| !request.contains("two") && request.contains(SECRET)));
}

#[test]
fn a_list_of_all_kinds_shows_those_that_can_be_asked() {
    let service = Wire::start(vec![fine()]);
    let account = Wire::json("200 OK", r#"{"tokens": [{"id": "tok_1", "name": "demo"}]}"#);
    let carto = with(&Robot::at(service.url()).mode("list:own"));
    Robot { name: "drone", ..Robot::at("https://drones.example.com") }.install(&carto);
    Robot { name: "old-ship", ..Robot::at("https://ships.example.com") }.install(&carto);
    carto.install("token");
    let settings = std::fs::read_to_string(carto.home().join(".config/carto/config.toml")).unwrap();
    carto
        .write(".config/carto/config.toml", &format!("{settings}[approved.old-ship]\nfleet = \"{}\"\n", service.url()));
    let signed_in = |run: Run| run.env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER);
    check(
        &signed_in(run(&carto, "credentials list")).output(),
        expect![[r#"
            status 4
            --- stdout
            Robot (robots)
            ID  NAME
            s1  strange

            API Access Token (tokens)
            ID     NAME  GRANTS  ALLOWED APIS  EXPIRATION DATE
            tok_1  demo  -       -             -
            --- stderr
            error: drone: the kind `drone` asks a service of its own, `fleet`, which isn't approved
            hint: if you trust it, add the two lines `[approved.drone]` and `fleet = "https://drones.example.com"` to `[home]/.config/carto/config.toml`
            error: old-ship: the kind `old-ship` needs a secret for `127.0.0.1:[port]`, and `CARTO_KIND_OLD_SHIP_SECRET` isn't set
            hint: set `CARTO_KIND_OLD_SHIP_SECRET` to the secret that the service gave you
        "#]],
    );
    // Not signed in, with a secret: what needs no account is still there.
    let output = run(&carto, "credentials list --json").output();
    is_clean(&carto, &output);
    check(
        &output,
        expect![[r#"
            status 4
            --- stdout
            {
              "robots": [
                {
                  "id": "s1",
                  "name": "strange",
                  "key": null
                }
              ],
              "errors": [
                {
                  "kind": "drone",
                  "code": "forbidden",
                  "message": "the kind `drone` asks a service of its own, `fleet`, which isn't approved",
                  "hint": "if you trust it, add the two lines `[approved.drone]` and `fleet = \"https://drones.example.com\"` to `[home]/.config/carto/config.toml`"
                },
                {
                  "kind": "old-ship",
                  "code": "not_signed_in",
                  "message": "the kind `old-ship` needs a secret for `127.0.0.1:[port]`, and `CARTO_KIND_OLD_SHIP_SECRET` isn't set",
                  "hint": "set `CARTO_KIND_OLD_SHIP_SECRET` to the secret that the service gave you"
                },
                {
                  "kind": "token",
                  "code": "not_signed_in",
                  "message": "not signed in",
                  "hint": "sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account"
                }
              ]
            }
        "#]],
    );
    // Neither.
    let output = carto.run("credentials list --json").output();
    let json = output.json();
    let codes: Vec<_> =
        json["errors"].as_array().unwrap().iter().map(|error| format!("{} {}", error["kind"], error["code"])).collect();
    expect![[r#"
        "drone" "forbidden"
        "old-ship" "not_signed_in"
        "robot" "not_signed_in"
        "token" "not_signed_in""#]]
    .assert_eq(&codes.join("\n"));
    assert_eq!(output.status, 4);
    // A list of one of them is its failure.
    run(&carto, "credentials list drones").fails(4);
    run(&carto, "credentials list robots").ok();
    assert!(account.requests().iter().all(|request| !request.contains("canary/")));
    assert!(service.requests().iter().all(|request| !request.contains(BEARER)));
}

#[test]
fn the_sandbox_has_no_double_of_it() {
    let service = Wire::start(vec![fine()]);
    let carto = with(&Robot::at(service.url()).mode("list:own"));
    check(
        &run(&carto, "--sandbox credentials list robots").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, of which the sandbox has no double
        hint: leave `--sandbox` out, or unset `CARTO_SANDBOX`, to ask the service itself
    "#]],
    );
    for line in ["credentials get robot r_1", "credentials delete robot r_1", "--dry-run credentials create robot"] {
        let output = run(&carto, line).env("CARTO_SANDBOX", "1").fails(2);
        assert!(output.stderr.contains("the sandbox has no double"), "{output}");
    }
    carto.install("token");
    check(
        &run(&carto, "credentials list --json").env("CARTO_SANDBOX", "1").output(),
        expect![[r#"
            status 0
            --- stdout
            {
              "tokens": []
            }
            --- stderr
            {"note":{"message":"`robot` isn't listed: the sandbox has no double of its service `fleet`"}}
        "#]],
    );
    // What contradicts itself does so for every kind.
    let output = run(&carto, "--sandbox --profile x credentials list robots").fails(2);
    assert!(output.stderr.contains("`--profile` can't stand beside `--sandbox`"), "{output}");
    assert_eq!(service.connections(), 0);
}

#[test]
fn the_rules_of_the_network_are_the_same() {
    // Reads are tried again, writes are not.
    let service = Wire::start(vec![Act::json("503 Service Unavailable", "{}"), fine()]);
    run(&with(&Robot::at(service.url())), "credentials get robot r_1").ok();
    assert_eq!(service.requests().len(), 2);
    let service = Wire::start(vec![Act::json("503 Service Unavailable", "{}"), fine()]);
    let output = run(&with(&Robot::at(service.url()).mode("create:own")), "credentials create robot").fails(8);
    assert_eq!(service.requests().len(), 1);
    assert!(output.stderr.contains("hint: look before you repeat it: `carto credentials list robots`"), "{output}");
    // A certificate is believed because the settings say so, and not otherwise.
    let authority = Authority::new();
    let service = authority.serve("localhost", 2098, vec![fine()]);
    let carto = with(&Robot::at(format!("https://localhost:{}", service.port)));
    let output = run(&carto, "credentials get robot r_1").fails(6);
    assert!(output.stderr.contains("signed by nobody that this system trusts"), "{output}");
    let ca_file = carto.write("ca.pem", &authority.pem);
    let settings = std::fs::read_to_string(carto.home().join(".config/carto/config.toml")).unwrap();
    let settings = settings.replace("[network]", &format!("[network]\nca_file = \"{}\"", ca_file.display()));
    carto.write(".config/carto/config.toml", &settings);
    run(&carto, "credentials get robot r_1").ok();
    assert_eq!(service.requests().len(), 1);
    // A proxy is asked for a way, and told nothing else.
    let proxy = Wire::start(vec![Act::with("407 Proxy Authentication Required", &[], "")]);
    let carto = with(&Robot::at("https://robots.example.invalid").auth("query:key"));
    let output = run(&carto, "credentials get robot r_1").env("HTTPS_PROXY", proxy.url()).fails(6);
    is_clean(&carto, &output);
    let told = proxy.requests().concat();
    assert!(told.starts_with("CONNECT robots.example.invalid:443 ") && !told.contains("canary"), "{told}");
    // The command has one deadline, whatever it asks.
    let (service, account) = (Wire::start(vec![Act::Silence]), Wire::json("200 OK", r#"{"tokens": []}"#));
    let both = Robot { get: r#""api GET /v3/tokens", "#, ..Robot::at(service.url()).mode("get:own-and-account") };
    let carto = with(&both);
    let late = run(&carto, "--timeout 3s credentials get robot r_1");
    let output = late.env("CARTO_BASE_URL", account.url()).env("CARTO_API_TOKEN", BEARER).fails(6);
    assert!(output.stderr.contains("no whole answer within 3s"), "{output}");
}
