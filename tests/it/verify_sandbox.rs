//! `credentials verify` of the three kinds against the sandbox, which shares no rule with them: what is tried is what is there, and what is explained
//! is what happens.

use expect_test::expect;

use crate::hints::{commands, paste};
use crate::support::server::Served;
use crate::support::wire::Wire;
use crate::support::{Carto, Output, Run, terminal};

/// A sandbox over HTTP, since a data API is asked as by anybody.
fn sandbox() -> (Carto, Served) {
    let carto = Carto::new();
    let served = Served::start(&carto);
    (carto, served)
}

fn served(carto: &Carto, served: &Served, line: &str) -> Run {
    served.run(carto, line).env("CARTO_AUTH_ISSUER", format!("{}/", served.url))
}

/// The checks as lines, without what differs from run to run.
fn checks(output: &Output) -> String {
    let verification = output.json();
    let line = |check: &serde_json::Value| {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {} ({}) → {}\n", text("outcome"), text("asked"), text("expected"), text("found"))
    };
    verification["checks"].as_array().unwrap().iter().map(line).collect()
}

/// In this process and over HTTP.
#[test]
fn a_token_opens_what_it_should_in_the_sandbox() {
    let (carto, server) = sandbox();
    let create = "credentials create token --name t --grant dw,a.b.c --grant big,* --apis sql,maps \
                  --referer https://*.example.com/* --expiration-date 7d";
    served(&carto, &server, create).ok();
    let inside = carto.sandbox("credentials verify token t --json").ok();
    let outside = served(&carto, &server, "credentials verify token t --json").ok();
    assert_eq!(checks(&inside), checks(&outside));
    // An id is letters by chance.
    let shows = |output: &Output| output.to_string().replace(output.json()["id"].as_str().unwrap(), "").contains("eyJ");
    assert!(!shows(&inside) && !shows(&outside));
    expect![[r#"
        passed: maps of `dw`: `a.b.c` (allowed) → allowed (200)
        passed: sql of `big`: `SELECT 1` (allowed) → allowed (200)
        skipped: maps with `big,*` (allowed) → not asked: a pattern names no table; `--api maps --source NAME` explains one
        passed: sql of `dw`: `SELECT 1 AS not_granted` (a source that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
        passed: sql of `carto-verify-not-granted`: `SELECT 1 AS not_granted` (a connection that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
        passed: maps of `dw`: `carto_verify.not_granted.table` (a source that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
        passed: maps of `carto-verify-not-granted`: `a.b.c` (a connection that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
        passed: page `https://x.example.com/x` (allowed) → allowed (200)
        passed: page `https://carto-verify.invalid/` (a referer that isn't allowed) (refused) → refused (403): Unauthorized referer
    "#]].assert_eq(&checks(&outside));
    // What the service does is found out, whatever the record says.
    served(&carto, &server, "credentials update token t --referer http://localhost:5173").ok();
    let output = served(&carto, &server, "credentials verify token t").output();
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains("page `http://localhost:5173/`: expected allowed, found refused (403)"), "{output}");
    let over = carto
        .sandbox("credentials verify token t --json")
        .env("CARTO_SANDBOX_FAULT", "clock=2099-01-01T00:00:00Z")
        .ok();
    expect![[r#"
        passed: maps of `dw`: `a.b.c`, after its end (refused) → refused (401): The token has expired
    "#]]
    .assert_eq(&checks(&over));
}

/// The rules of the kind and those of the sandbox are written twice, and share no type. A request is answered as it is explained.
#[test]
fn an_explanation_is_what_the_service_does() {
    let (carto, server) = sandbox();
    let make = "credentials create token --name t --grant dw,a.b.c --grant dw,a.B_*.x*y --grant 'dw,SELECT a FROM \"T\";' --grant big,* \
                --apis sql,maps --referer 'https://*.example.com/?*' --referer http://localhost:5173 --json";
    let token = served(&carto, &server, make).ok().json()["token"].as_str().unwrap().to_owned();
    served(&carto, &server, "credentials create token --name imports --grant dw,* --apis imports").ok();
    let sources = [
        "a.b.c",
        "a.b.C",
        "a.b",
        "a.b.c.d",
        "a.B_.xy",
        "a.B_1.x.y",
        "a.B_1.xzy",
        "a.b_1.xzy",
        "a..xy",
        "SELECT a FROM \"T\"",
        "select  a from 'T' ;",
        "select b from t",
        "carto.x",
    ];
    let pages = [
        "https://shop.example.com/x",
        "https://shop.example.com/",
        "https://.example.com/x",
        "http://localhost:5173",
        "http://localhost:5173/",
    ];
    let (mut agreed, mut allowed) = (0, 0);
    for (nth, source) in sources.iter().enumerate() {
        for (api, connection) in [("sql", "dw"), ("maps", "dw"), ("sql", "big"), ("maps", "none")] {
            let page = if agreed % 3 == 0 { Some(pages[nth % pages.len()]) } else { None };
            let mut words = vec![
                "credentials",
                "verify",
                "token",
                "t",
                "--api",
                api,
                "--connection",
                connection,
                "--source",
                source,
            ];
            words.extend(page.iter().flat_map(|page| ["--referer", page]));
            let run = carto.run_words(&words).env("CARTO_BASE_URL", &server.url).env("CARTO_API_TOKEN", &server.bearer);
            let explained = run.env("CARTO_AUTH_ISSUER", format!("{}/", server.url)).output();
            let asked = ask(&server.url, &token, (api, connection, source), page);
            let said = match explained.status {
                0 => 200,
                1 => 403,
                _ => panic!("{explained}"),
            };
            assert_eq!(said, asked, "{words:?}: {explained}");
            agreed += 1;
            allowed += usize::from(asked == 200);
        }
    }
    assert!(agreed == 52 && allowed > 10, "{allowed} of {agreed}");
}

/// The status of a request by a token, from a page or from none.
fn ask(url: &str, token: &str, (api, connection, source): (&str, &str, &str), page: Option<&str>) -> u16 {
    use std::io::{Read as _, Write as _};
    let statement = api == "sql" || source.contains(' ');
    let (name, route) = match (api, statement) {
        ("sql", _) => ("q", "query"),
        (_, true) => ("q", "query"),
        _ => ("name", "table"),
    };
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, source).finish();
    let host = url.strip_prefix("http://").unwrap();
    let from = page.map(|page| format!("origin: null\r\nreferer: {page}\r\n")).unwrap_or_default();
    let request = format!(
        "GET /v3/{api}/{connection}/{route}?{query} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{from}connection: close\r\n\r\n"
    );
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_m2m_client_signs_in_in_the_sandbox() {
    let carto = Carto::new();
    // By the clock of this machine, by which the program goes where it asks over HTTP.
    let server = Served::start_with(carto.run("sandbox serve --port 0 --json").env("CARTO_SANDBOX_FAULT", ""));
    let made = served(&carto, &server, "credentials create m2m --title ci --json").ok().json();
    let (id, secret) =
        (made["clientId"].as_str().unwrap().to_owned(), made["clientSecret"].as_str().unwrap().to_owned());
    let mut report = Vec::new();
    let line = "--debug credentials verify m2m ci --secret env:CI_SECRET --json";
    for output in [
        served(&carto, &server, line).env("CI_SECRET", &secret).ok(),
        carto.sandbox(line).env("CI_SECRET", &secret).ok(),
    ] {
        // An id is letters by chance.
        let text = format!("{}{}", output.stdout, output.stderr).replace(&id, "");
        assert!(!text.contains(&secret) && !text.contains("eyJ"), "{output}");
        let facts = output.json()["facts"].clone();
        assert_eq!(
            (facts["sub"].as_str(), facts["azp"].as_str()),
            (Some(format!("{id}@clients").as_str()), Some(id.as_str()))
        );
        assert!(facts["exp"].is_i64() && facts["iss"].is_string(), "{facts}");
        let kept: String = checks(&output)
            .lines()
            .filter(|line| !line.contains("end of"))
            .map(|line| line.to_owned() + "\n")
            .collect();
        report.push(kept.replace(&id, "ID"));
    }
    assert_eq!(report[0], report[1]);
    expect![[r#"
        passed: signing in with this secret (a bearer) → a bearer (200)
        passed: audience of the bearer (carto-cloud-native-api) → carto-cloud-native-api
        passed: subject of the bearer (ID@clients) → ID@clients
        passed: party of the bearer (ID) → ID
        passed: signing in with another secret (refused) → refused (401): invalid_client: The client's secret is another one
        passed: the API with this bearer (allowed) → allowed (200)
    "#]].assert_eq(&report[0]);
    let output = served(&carto, &server, "credentials verify m2m ci --secret -").stdin("another-secret").output();
    assert_eq!((output.status, output.stdout.contains("another-secret")), (1, false), "{output}");
    assert!(output.stderr.contains("error: 1 of 1 check of M2M OAuth Client"), "{output}");
    // A person is asked for it, and nobody sees it.
    let (screen, status) =
        terminal::asked(served(&carto, &server, "credentials verify m2m ci --secret -"), "Secret: ", &secret);
    assert_eq!((status, screen.contains(&secret)), (0, false), "{screen}");
    let (screen, status) = terminal::run(served(&carto, &server, "credentials verify m2m ci --secret - --no-input"));
    assert!(status == 2 && screen.contains("`--no-input` forbids to ask"), "{screen}");
    // The settings say what for; the sandbox gives bearers for CARTO's own audience alone.
    carto.write(".config/carto/config.toml", "[auth]\naudience = \"https://api.example.com\"\n");
    let output = served(&carto, &server, line).env("CI_SECRET", &secret).output();
    assert!(output.status == 1 && output.stdout.contains("invalid_target"), "{output}");
    carto.sandbox(line).env("CI_SECRET", &secret).ok();
    // It can't be asked for on a command line.
    served(&carto, &server, "credentials verify m2m ci").fails(2);
    served(&carto, &server, &format!("credentials verify m2m ci --secret {secret}")).fails(2);
}

#[test]
fn a_spa_client_is_known_by_its_urls_in_the_sandbox() {
    let (carto, server) = sandbox();
    let create = "credentials create spa --title shop --callback http://localhost:5173/callback --callback https://app.example.com/cb?x=1 \
                  --logout-url http://localhost:5173/ --web-origin http://localhost:5173 --allowed-origin https://app.example.com --login-uri https://app.example.com/in";
    served(&carto, &server, create).ok();
    let (inside, outside) = (
        carto.sandbox("credentials verify spa shop --json").ok(),
        served(&carto, &server, "credentials verify spa shop --json").ok(),
    );
    assert_eq!(checks(&inside), checks(&outside));
    expect![[r#"
        passed: callback `http://localhost:5173/callback` (accepted) → accepted (302, login_required)
        passed: callback `https://app.example.com/cb?x=1` (accepted) → accepted (302, login_required)
        passed: callback `https://carto-verify.invalid/callback` (not registered) (refused) → refused (400)
        passed: logout URL `http://localhost:5173/` (accepted) → accepted (302)
        passed: logout URL `https://carto-verify.invalid/` (not registered) (refused) → refused (400)
        passed: web origin `http://localhost:5173`, silently (accepted) → accepted (200)
        passed: `https://app.example.com`, silently (no web origin) (refused) → refused (403)
        passed: token request from `http://localhost:5173` (accepted) → may read the answer (400)
        passed: token request from `https://app.example.com` (accepted) → may read the answer (400)
        passed: token request from `https://carto-verify.invalid` (not registered) (refused) → may not read the answer (403)
        passed: login URI `https://app.example.com/in` (well-formed) → well-formed; not asked, since it isn't CARTO's
    "#]].assert_eq(&checks(&outside));
}

#[test]
fn what_is_suggested_is_enough_and_no_more() {
    let carto = Carto::new();
    let create = "credentials create token --name t --grant dw,a.b.c --apis sql --referer https://kept.example.com/*";
    carto.sandbox(create).ok();
    carto.write("q.sql", "SELECT a,\n\t'x  y'\nFROM t");
    carto.write("odd.sql", "SELECT a -- all\nFROM t");
    let explained = |words: &[&str]| {
        let words = [&["--sandbox", "credentials", "verify", "token", "t"], words].concat();
        carto.run_words(&words).env("CARTO_SANDBOX_FAULT", "clock=2026-11-23T10:00:00Z")
    };
    for words in [
        &["--api", "maps"][..],
        &["--api", "sql", "--source", "@q.sql"],
        &["--api", "sql", "--connection", "it's", "--source", "@odd.sql"],
        &["--connection", "big", "--source", "b.C_1.c"],
        &["--referer", "https://evil.com/"],
        &["--referer", "http://localhost:5173"],
        &["--referer", "http://localhost:8080/a?b=1"],
        // Nothing is lost of what was there.
        &["--api", "maps", "--connection", "dw", "--source", "a.b.c", "--referer", "https://kept.example.com/x"],
    ] {
        let run = explained(words);
        let command = run.command_again();
        let output = run.output();
        if output.status == 0 {
            assert_eq!(words.len(), 8, "{words:?}: {output}");
            continue;
        }
        let [suggested] = &commands(&output)[..] else { panic!("{output}") };
        let (screen, status) = paste(&carto, &command, &suggested.replace("FILE", "odd.sql"));
        assert_eq!(status, 0, "{suggested}: {screen}");
        explained(words).ok();
    }
    explained(&["--referer", "http://localhost:5173/"]).ok();
    for page in
        ["https://evil.com.attacker.net/", "http://localhost:51730/", "https://evil.com/x", "http://localhost:8080/"]
    {
        assert_eq!(explained(&["--referer", page]).output().status, 1, "{page}");
    }
    let referers = carto.sandbox("credentials get token t --json").ok().json()["referers"].as_array().unwrap().len();
    assert_eq!(referers, 5);
}

#[test]
fn what_cant_be_a_request_is_refused_before_anything() {
    let (carto, api) = (Carto::new(), Wire::json("200 OK", "{}"));
    carto.write("empty.sql", "\n");
    let mut report = String::new();
    for words in [
        ["--source", ""],
        ["--source", "@empty.sql"],
        ["--source", "*"],
        ["--source", "a.b.*"],
        ["--referer", ""],
        ["--referer", " "],
        ["--connection", ""],
        ["--connection", "a,b"],
        ["--referer", "https://*.example.com/"],
        ["--referer", "https://me:canary@shop.example.com/"],
    ] {
        let words = [&["credentials", "verify", "token", "t"], &words[..]].concat();
        let run = carto.run_words(&words).env("CARTO_BASE_URL", api.url()).env("CARTO_API_TOKEN", "opaque-bearer");
        report.push_str(&run.fails(2).stderr);
    }
    assert!(api.requests().is_empty() && !report.contains("canary"), "{report}");
    expect![[r#"
        error: --source: the source is empty
        hint: name a table like `carto.shared.demo_table`, or a statement; `@FILE` reads it from a file
        error: --source: the source is empty
        hint: name a table like `carto.shared.demo_table`, or a statement; `@FILE` reads it from a file
        error: --source: `*` is a pattern, and a request reads one source
        hint: ask about one that it is meant for, like `carto.shared.demo_table`
        error: --source: `a.b.*` is a pattern, and a request reads one source
        hint: ask about one that it is meant for, like `carto.shared.demo_table`
        error: --referer: the page is empty
        hint: write its address, like `https://app.example.com/`
        error: --referer: the page is empty
        hint: write its address, like `https://app.example.com/`
        error: --connection: the connection's name is empty
        hint: name a connection of the account, like `carto_dw`
        error: --connection: `a,b` is several names in one
        hint: ask about one connection at a time
        error: --referer: `https://*.example.com/` is a pattern, and a request comes from one page
        hint: ask about one page that it is meant for, like `https://app.example.com/`
        error: --referer: no browser sends that page's address in this form
        hint: ask about `https://shop.example.com/`, as browsers send it
    "#]]
    .assert_eq(&report);
}

#[test]
fn rows_can_be_told_apart_on_a_terminal() {
    let carto = Carto::new();
    carto.sandbox("credentials create token --name t --grant dw,a.b.c --grant dw,a.b.d --apis maps").ok();
    let (screen, status) = terminal::run(carto.sandbox("credentials verify token t").env("TERM", "xterm"));
    assert_eq!(status, 0, "{screen}");
    let plain =
        regex_lite::Regex::new("\u{1b}\\[[0-9;?]*[a-zA-Z]|\r|tok_[0-9A-Za-z]+").unwrap().replace_all(&screen, "");
    expect![[r#"
        passed   maps of `dw`: `a.b.c`
                   allowed (200)
        passed   maps of `dw`: `a.b.d`
                   allowed (200)
        passed   sql of `dw`: `SELECT 1 AS not_granted` (an API that isn't allowed)
                   refused (403): The token does not allow this API
        passed   maps of `dw`: `carto_verify.not_granted.table` (a source that isn't
                 granted)
                   refused (403): You don't have permissions to read this resource
        passed   maps of `carto-verify-not-granted`: `a.b.c` (a connection that isn't
                 granted)
                   refused (403): You don't have permissions to read this resource

        name          t
        allowed_apis  maps
        grants        dw,a.b.c
                      dw,a.b.d
        referers      -
        Verified API Access Token ``: 5 checks passed
    "#]]
    .assert_eq(&plain);
}
