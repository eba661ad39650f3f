//! Verify: what is tried and what its answers mean, and what is explained without asking.

use carto_plugin_api::{Check, Outcome, Verification};
use expect_test::{Expect, expect};

use super::*;

/// A host with this token, and with answers to what is tried, in turn for each request.
fn host(record: Value, answers: &[(&str, u16, Value)]) -> FakeHost {
    let host = FakeHost::new().answer(&one("GET", "tok_1"), 200, with(token("tok_1", "x"), record));
    answers.iter().fold(host, |host, (request, status, body)| host.answer(request, *status, body.clone()))
}

fn verify(host: &FakeHost, args: Value) -> Verification {
    tokens().verify(host, "tok_1", args).unwrap()
}

/// The checks as lines: `passed asked → found`.
fn lines(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let outcome = match check.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            _ => "skipped",
        };
        let rule = check.rule.as_deref().unwrap_or_default();
        let hint = check.hint.as_ref().map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{outcome} {rule}: {} ({}) → {}{hint}\n", check.asked, check.expected, check.found)
    };
    checks.iter().map(line).collect()
}

/// What an explanation of a request with these options comes to.
fn explained(record: &Value, args: Value) -> String {
    let host = host(record.clone(), &[]);
    let verification = verify(&host, args);
    assert_eq!(requests(&host), [one("GET", "tok_1")], "nobody else is asked");
    // Its time is a rule like the others, and said once.
    lines(&verification.checks[usize::from(verification.checks.len() > 1)..])
}

const SQL: &str = "POST /v3/sql/dw/query";
const ELSEWHERE: &str = "POST /v3/sql/carto-verify-not-granted/query";
const TABLE: &str = "GET /v3/maps/dw/table?name=a.b.c";

fn yes() -> (u16, Value) {
    (200, json!({ "rows": [] }))
}

fn no() -> (u16, Value) {
    (403, json!({ "error": "You don't have permissions to read this resource" }))
}

/// What is tried of a token with this record, and what it comes to with these answers, in turn for each request.
fn tried(record: Value, answers: &[(&str, (u16, Value))], expected: Expect) {
    let answers: Vec<_> = answers.iter().map(|(request, (status, body))| (*request, *status, body.clone())).collect();
    let host = host(record, &answers);
    let verification = verify(&host, json!({}));
    let tried = host.requests().into_iter().skip(1);
    for request in tried {
        assert_eq!(request.bearer.as_ref().map(|bearer| bearer.expose().clone()), Some(jwt("1a2b3c4d")));
    }
    assert_eq!(host.seen().len(), answers.len() + 1);
    expected.assert_eq(&lines(&verification.checks));
}

#[test]
fn each_grant_is_tried_and_what_isnt_granted_is_too() {
    tried(
        json!({ "grants": [grant("dw", "*"), grant("other", "a.b.c"), grant("other", "SELECT 1 FROM t")], "allowed_apis": ["sql"] }),
        &[
            (SQL, yes()),
            ("POST /v3/sql/other/query", yes()),
            ("GET /v3/maps/other/table?name=a.b.c", (403, json!({ "error": "The token does not allow this API" }))),
            ("POST /v3/sql/other/query", no()),
            (ELSEWHERE, yes()),
        ],
        expect![[r#"
            passed grant: sql of `dw`: `SELECT 1` (allowed) → allowed (200)
            passed grant: sql of `other`: `SELECT 1 FROM t` (allowed) → allowed (200)
            skipped grant: sql with `other,a.b.c` (allowed) → not asked: this API compares whole statements, and no statement is a table's name (observed)
            passed api: maps of `other`: `a.b.c` (an API that isn't allowed) (refused) → refused (403): The token does not allow this API
            passed grant: sql of `other`: `SELECT 1 AS not_granted` (a source that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
            FAILED grant: sql of `carto-verify-not-granted`: `SELECT 1 AS not_granted` (a connection that isn't granted) (refused) → allowed (200)
                it opens more than its record says: `carto credentials delete token tok_1` ends it; tell CARTO
        "#]],
    );
    tried(
        json!({ "grants": [grant("dw", "a.b.c"), grant("dw", "a.b.C_*"), grant("dw", "DELETE FROM t")], "allowed_apis": ["maps", "lds"] }),
        &[
            (TABLE, no()),
            ("POST /v3/sql/dw/query", (404, json!({ "error": "no such connection" }))),
            ("GET /v3/maps/dw/table?name=carto_verify.not_granted.table", no()),
            ("GET /v3/maps/carto-verify-not-granted/table?name=a.b.c", no()),
        ],
        expect![[r#"
            FAILED grant: maps of `dw`: `a.b.c` (allowed) → refused (403): You don't have permissions to read this resource
                `carto credentials verify token tok_1 --api maps --connection dw --source a.b.c` says what the record allows
            skipped grant: maps with `dw,a.b.C_*` (allowed) → not asked: a pattern names no table; `--api maps --source NAME` explains one
            skipped grant: maps with `dw,DELETE FROM t` (allowed) → not asked: it isn't one plain SELECT, and asking runs it
            skipped api: lds (allowed) → not asked: no request of it is known here that reads nothing
            skipped api: sql of `dw`: `SELECT 1 AS not_granted` (an API that isn't allowed) (refused) → the answer tells nothing of the token (404): no such connection
            passed grant: maps of `dw`: `carto_verify.not_granted.table` (a source that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
            passed grant: maps of `carto-verify-not-granted`: `a.b.c` (a connection that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
        "#]],
    );
    tried(
        json!({ "grants": [grant("dw", "*")], "allowed_apis": ["imports"] }),
        &[(SQL, no()), ("GET /v3/maps/dw/table?name=carto_verify.not_granted.table", no())],
        expect![[r#"
            skipped api: imports (allowed) → not asked: it would import something
            passed api: sql of `dw`: `SELECT 1` (an API that isn't allowed) (refused) → refused (403): You don't have permissions to read this resource
            passed api: maps of `dw`: `carto_verify.not_granted.table` (an API that isn't allowed) (refused) → refused (403): You don't have permissions to read this resource
            skipped grant: a source that isn't granted (refused) → there is none: each grant is of a whole connection
        "#]],
    );
}

#[test]
fn pages_are_tried_as_a_browser_says_them() {
    let referers = ["https://*.example.com/*", "http://localhost:5173"];
    let record = json!({ "grants": [grant("dw", "*")], "allowed_apis": ["sql"], "referers": referers });
    let foreign = (403, json!({ "error": "Unauthorized referer" }));
    let answers = [
        (SQL, yes()),
        ("GET /v3/maps/dw/table?name=carto_verify.not_granted.table", no()),
        (ELSEWHERE, no()),
        (SQL, yes()),
        (SQL, foreign.clone()),
        (SQL, foreign),
    ];
    tried(
        record.clone(),
        &answers,
        expect![[r#"
            passed grant: sql of `dw`: `SELECT 1` (allowed) → allowed (200)
            passed api: maps of `dw`: `carto_verify.not_granted.table` (an API that isn't allowed) (refused) → refused (403): You don't have permissions to read this resource
            passed grant: sql of `carto-verify-not-granted`: `SELECT 1 AS not_granted` (a connection that isn't granted) (refused) → refused (403): You don't have permissions to read this resource
            skipped grant: a source that isn't granted (refused) → there is none: each grant is of a whole connection
            passed referer: page `https://x.example.com/x` (allowed) → allowed (200)
            FAILED referer: page `http://localhost:5173/` (allowed) → refused (403): Unauthorized referer
                `carto credentials verify token tok_1 --api sql --connection dw --source 'SELECT 1' --referer http://localhost:5173/` says what the record allows
            passed referer: page `https://carto-verify.invalid/` (a referer that isn't allowed) (refused) → refused (403): Unauthorized referer
        "#]],
    );
    let answers: Vec<_> = answers.iter().map(|(request, (status, body))| (*request, *status, body.clone())).collect();
    let host = host(record, &answers);
    verify(&host, json!({}));
    let headers: Vec<_> = host.requests().into_iter().skip(4).map(|request| request.headers).collect();
    let said = |referer: &str, origin: &str| {
        vec![("referer".to_owned(), referer.to_owned()), ("origin".to_owned(), origin.to_owned())]
    };
    assert_eq!(
        headers,
        [
            said("https://x.example.com/x", "https://x.example.com"),
            said("http://localhost:5173/", "http://localhost:5173"),
            said("https://carto-verify.invalid/", "https://carto-verify.invalid"),
        ]
    );
}

#[test]
fn what_is_over_opens_nothing() {
    let record = json!({ "grants": [grant("dw", "a.b.c")], "allowed_apis": ["maps"], "expiration_date": "2026-11-01T00:00:00Z" });
    tried(
        record.clone(),
        &[(TABLE, (401, json!({ "error": "The token has expired" })))],
        expect![[r#"
            passed expiry: maps of `dw`: `a.b.c`, after its end (refused) → refused (401): The token has expired
        "#]],
    );
    tried(
        record,
        &[(TABLE, yes())],
        expect![[r#"
            FAILED expiry: maps of `dw`: `a.b.c`, after its end (refused) → allowed (200)
                it opens more than its record says: `carto credentials delete token tok_1` ends it; tell CARTO
        "#]],
    );
}

#[test]
fn no_more_is_tried_than_somebody_would_read() {
    let grants: Vec<Value> = (0..200).map(|nth| grant("dw", &format!("a.b.t{nth}"))).collect();
    let referers: Vec<String> = (0..200).map(|nth| format!("https://{nth}.example.com/*")).collect();
    let mut host = FakeHost::new().answer(
        &one("GET", "tok_1"),
        200,
        with(token("tok_1", "x"), json!({ "grants": grants, "allowed_apis": ["maps"], "referers": referers })),
    );
    for request in (0..10).map(|nth| format!("GET /v3/maps/dw/table?name=a.b.t{nth}")) {
        host = host.answer(&request, 200, Value::Null);
    }
    for _ in 0..11 {
        host = host.answer("GET /v3/maps/dw/table?name=a.b.t0", 403, Value::Null);
    }
    host = host
        .answer("POST /v3/sql/dw/query", 403, Value::Null)
        .answer("GET /v3/maps/dw/table?name=carto_verify.not_granted.table", 403, Value::Null)
        .answer("GET /v3/maps/carto-verify-not-granted/table?name=a.b.t0", 403, Value::Null);
    verify(&host, json!({}));
    assert_eq!(host.seen().len(), 1 + 10 + 3 + 11);
}

#[test]
fn a_token_that_isnt_shown_is_tried_if_it_is_typed() {
    let shown = |handle: &str| {
        FakeHost::new().answer(
            &one("GET", handle),
            200,
            with(token("tok_1", "x"), json!({ "token": null, "allowed_apis": ["lds"] })),
        )
    };
    let error = tokens().verify(&shown("tok_1"), "tok_1", json!({})).unwrap_err();
    assert_error(
        &error,
        ErrorCode::UnexpectedAnswer,
        "the service doesn't show that token, so it can't be tried",
        "standard input",
    );
    let typed = jwt("1a2b3c4d");
    let host = shown(&typed).answer("POST /v3/sql/dw/query", 403, Value::Null).answer(TABLE, 403, Value::Null);
    let verification = tokens().verify(&host, &typed, json!({})).unwrap();
    assert_eq!((verification.id.as_str(), verification.checks.len()), ("tok_1", 3));
}

#[test]
fn the_hosts_errors_are_about_no_token() {
    for code in [ErrorCode::Unreachable, ErrorCode::RateLimited, ErrorCode::Unavailable] {
        let host = host(json!({ "grants": [grant("dw", "*")] }), &[]).fail(SQL, Error::new(code, "it is the host's"));
        assert_eq!(tokens().verify(&host, "tok_1", json!({})).unwrap_err().code, code);
    }
    // More rows than anybody wants say nothing of the token.
    let large = Error::new(ErrorCode::UnexpectedAnswer, "more than 16 MiB");
    let host = host(json!({ "grants": [grant("dw", "SELECT a FROM b")] }), &[])
        .fail(SQL, large)
        .answer("GET /v3/maps/dw/query?q=SELECT a FROM b", 403, Value::Null)
        .answer(SQL, 403, Value::Null)
        .answer(ELSEWHERE, 403, Value::Null);
    assert_eq!(verify(&host, json!({})).checks[0].outcome, Outcome::Skipped);
}

#[test]
fn a_request_is_explained_by_the_rule_that_decides() {
    let record = json!({
        "grants": [grant("dw", "a.b.c"), grant("dw", "x.C_*"), grant("dw", "SELECT 1"), grant("big", "*")],
        "allowed_apis": ["sql", "maps"],
        "referers": ["https://*.example.com/*", "http://localhost:5173"],
    });
    let mut report = String::new();
    for args in [
        json!({ "api": "sql" }),
        json!({ "api": "lds" }),
        json!({ "api": "imports" }),
        json!({ "connection": "dw" }),
        json!({ "connection": "no'where" }),
        json!({ "connection": "dw", "source": "a.b.c" }),
        json!({ "connection": "dw", "source": "x.C_1" }),
        json!({ "connection": "dw", "source": "x.C_1.z" }),
        json!({ "connection": "dw", "source": "select  1;" }),
        json!({ "connection": "dw", "source": "SELECT * FROM a.b.c" }),
        json!({ "connection": "dw", "source": "SELECT it's" }),
        json!({ "api": "sql", "connection": "dw", "source": "a.b.c" }),
        json!({ "connection": "big", "source": "q.r.s" }),
        json!({ "connection": "none", "source": "q.r.s" }),
        json!({ "source": "a.b.c" }),
        json!({ "source": "x.D_1" }),
        json!({ "referer": "https://shop.example.com/a" }),
        json!({ "referer": "http://localhost:5173/" }),
        json!({ "referer": "http://localhost:5173" }),
        json!({ "referer": "https://other.example.org/x" }),
    ] {
        report.push_str(&format!("{args}\n{}", explained(&record, args.clone())));
    }
    expect![[r#"
        {"api":"sql"}
        passed api: API sql (allowed) → allowed: one of sql, maps
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"api":"lds"}
        FAILED api: API lds (allowed) → refused: it is for sql, maps
            `carto credentials update token tok_1 --apis sql,maps,lds` would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"api":"imports"}
        FAILED api: API imports (allowed) → refused: it is for sql, maps
            imports stands beside no other API: make a token of its own, with `carto credentials create token --apis imports …`
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw"}
        passed grant: connection `dw` (allowed) → allowed: 3 grants of it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"no'where"}
        FAILED grant: connection `no'where` (allowed) → refused: no grant is of it
            name a `--source` of `no'where` too, to be told what would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"a.b.c"}
        passed grant: source `a.b.c` of connection `dw` (allowed) → allowed: grant 1, `dw,a.b.c`: that name
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"x.C_1"}
        passed grant: source `x.C_1` of connection `dw` (allowed) → allowed: grant 2, `dw,x.C_*`: a pattern that it fits, segment by segment
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"x.C_1.z"}
        FAILED grant: source `x.C_1.z` of connection `dw` (allowed) → refused: `dw,x.C_*` has 2 segments, and `x.C_1.z` has 3: a wildcard stays in its own
            `carto credentials update token tok_1 --add-grant dw,x.C_1.z` would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"select  1;"}
        passed grant: statement `select  1;` of connection `dw` (allowed) → allowed: grant 3, `dw,SELECT 1`: that statement, as the service compares it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"SELECT * FROM a.b.c"}
        FAILED grant: statement `SELECT * FROM a.b.c` of connection `dw` (allowed) → refused: `dw,a.b.c` grants a table to maps, and statements are compared as a whole
            `carto credentials update token tok_1 --add-grant 'dw,SELECT * FROM a.b.c'` would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"dw","source":"SELECT it's"}
        FAILED grant: statement `SELECT it's` of connection `dw` (allowed) → refused: none of 3 grants reaches it
            `carto credentials update token tok_1 --add-grant 'dw,SELECT it'\''s'` would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"api":"sql","connection":"dw","source":"a.b.c"}
        passed api: API sql (allowed) → allowed: one of sql, maps
        FAILED grant: statement `a.b.c` of connection `dw` (allowed) → refused: `dw,a.b.c` grants a table to maps, and statements are compared as a whole
            the SQL API takes a statement: name one, like `--source 'SELECT * FROM a.b.c'`, or ask maps for the table
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"big","source":"q.r.s"}
        passed grant: source `q.r.s` of connection `big` (allowed) → allowed: grant 4, `big,*`: everything that the connection reaches
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"connection":"none","source":"q.r.s"}
        FAILED grant: source `q.r.s` of connection `none` (allowed) → refused: no grant is of that connection
            `carto credentials update token tok_1 --add-grant none,q.r.s` would allow it
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"source":"a.b.c"}
        passed grant: source `a.b.c` (allowed) → allowed: grant 1, `dw,a.b.c`: that name
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"source":"x.D_1"}
        passed grant: source `x.D_1` (allowed) → allowed: grant 4, `big,*`: everything that the connection reaches
        skipped referer: any page (allowed) → not asked: pages are limited to `https://*.example.com/*`, `http://localhost:5173`; `--referer` explains one
        {"referer":"https://shop.example.com/a"}
        passed referer: page `https://shop.example.com/a` (allowed) → allowed: it fits the referer `https://*.example.com/*`
        {"referer":"http://localhost:5173/"}
        FAILED referer: page `http://localhost:5173/` (allowed) → refused: browsers send `http://localhost:5173/`, and the referer `http://localhost:5173` fits only a text without the slash
            `carto credentials update token tok_1 --referer 'https://*.example.com/*' --referer http://localhost:5173 --referer http://localhost:5173/` would allow it; `--referer 'http://localhost:5173/*'` beside it allows pages there that send their whole address
        {"referer":"http://localhost:5173"}
        passed referer: page `http://localhost:5173` (allowed) → allowed: it fits the referer `http://localhost:5173`; but a browser sends `http://localhost:5173/`, which is refused
            `carto credentials update token tok_1 --referer 'https://*.example.com/*' --referer http://localhost:5173 --referer http://localhost:5173/` would allow it; `--referer 'http://localhost:5173/*'` beside it allows pages there that send their whole address
        {"referer":"https://other.example.org/x"}
        FAILED referer: page `https://other.example.org/x` (allowed) → refused: it fits none of `https://*.example.com/*`, `http://localhost:5173`
            `carto credentials update token tok_1 --referer 'https://*.example.com/*' --referer http://localhost:5173 --referer https://other.example.org/x` would allow it
    "#]].assert_eq(&report);
    let any = json!({ "referers": [], "expiration_date": "2026-11-01T00:00:00Z", "allowed_apis": ["imports"] });
    let host = host(any, &[]);
    expect![[r#"
        FAILED expiry: time (allowed) → refused: it ended 2026-11-01T00:00:00Z
            an expiry is never changed: `carto credentials create token --help` shows how to make another
        FAILED api: API sql (allowed) → refused: it is for imports
            imports stands beside no other API: make a token of its own, with `carto credentials create token --apis sql …`
        passed referer: page `https://a.example/` (allowed) → allowed: it names no referers, so any page may use it
    "#]].assert_eq(&lines(&verify(&host, json!({ "api": "sql", "referer": "https://a.example/" })).checks));
}
