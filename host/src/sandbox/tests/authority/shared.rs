//! One database, more than one sandbox over it; and what comes of the data when the file changes.

use std::fs;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::super::{CLOCK, Fixture, runtime, token_body};
use super::{Browser, authorize, m2m, m2m_token, part, redeem, send, signed_in, spa, token, used};
use crate::sandbox::{Sandbox, Switches};

/// Another sandbox over the same file, as another process would have it.
fn beside(it: &Fixture) -> Fixture {
    let sandbox = Sandbox::open(&it.database(), Switches::parse(CLOCK).unwrap()).unwrap();
    Fixture { folder: TempDir::new().unwrap(), router: sandbox.router(), sandbox, runtime: runtime() }
}

#[test]
fn two_processes_share_key_codes_and_sessions() {
    let one = Fixture::new();
    let other = beside(&one);
    let (machine, app) = (m2m(&one), spa(&one));
    let keys = |it: &Fixture| send(it, "GET", "/.well-known/jwks.json", &[], "").ok();
    assert_eq!(keys(&one), keys(&other));
    let bearer = m2m_token(&one, &machine);
    used(&other, &bearer).ok();

    let browser = Browser::new(&one);
    let code = browser.code(&authorize(&app, &[]));
    token(&other, &redeem(&app, &code, &[])).ok();
    let twin = Browser { it: &other, cookies: browser.cookies.clone() };
    let silent = twin.get(&authorize(&app, &[("prompt", "none")]));
    assert!(super::parameter(&silent, "code").is_some(), "{silent:?}");

    assert_eq!(other.delete(&format!("/v3/oauth-clients/{}", machine.id)).status, 204);
    used(&one, &bearer).refused(401, "The access token's OAuth client was deleted");
}

#[test]
fn the_key_is_made_once_however_many_need_it_first() {
    let it = Fixture::new();
    let sandboxes: Vec<Fixture> = (0..3).map(|_| beside(&it)).collect();
    let kids: Vec<_> = std::thread::scope(|scope| {
        let threads = sandboxes.into_iter().map(|it| {
            scope.spawn(move || send(&it, "GET", "/.well-known/jwks.json", &[], "").ok()["keys"][0]["kid"].clone())
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(kids.iter().all(|kid| kid.is_string() && *kid == kids[0]), "{kids:?}");
}

#[test]
fn of_those_who_redeem_a_code_at_once_one_succeeds() {
    let it = Fixture::new();
    let client = spa(&it);
    let code = Browser::new(&it).code(&authorize(&client, &[]));
    let redeemers: Vec<Fixture> = (0..4).map(|_| beside(&it)).collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let (client, code) = (&client, code.as_str());
        let redeem = |it: Fixture| scope.spawn(move || token(&it, &redeem(client, code, &[])).status.as_u16());
        let threads: Vec<_> = redeemers.into_iter().map(redeem).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
}

#[test]
fn a_reset_ends_all_that_was_given() {
    let it = Fixture::new();
    let app = spa(&it);
    let browser = Browser::new(&it);
    browser.code(&authorize(&app, &[]));
    let given = signed_in(&it, &app, "openid offline_access");
    let access = given["access_token"].as_str().unwrap();
    Sandbox::reset(&it.database()).unwrap();
    used(&it, access).refused(401, "The bearer is not an access token that this sandbox signed");
    let connection = Connection::open(it.database()).unwrap();
    for table in ["authority_key", "sessions", "consents", "authorizations", "refresh_tokens", "revoked"] {
        let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let again = m2m_token(&it, &m2m(&it));
    assert_ne!(part(&again, 0)["kid"], part(access, 0)["kid"]);
}

#[test]
fn a_file_of_schema_1_keeps_its_credentials() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sandbox.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../store/schema.sql")).unwrap();
    connection
        .execute_batch(
            "INSERT INTO account VALUES ('ac_12345678', x'000102030405060708090a0b0c0d0e0f'); \
             INSERT INTO tokens (version, account, id, jti, name, grants, allowed_apis, referers, created_at, \
             updated_at) VALUES (3, 'ac_12345678', 'tok_1', '0a1b2c3d', 'old', \
             '[{\"connection_name\":\"c\",\"source\":\"a.b\"}]', '[\"sql\"]', '[]', '2026-01-01T00:00:00Z', \
             '2026-01-01T00:00:00Z'); \
             INSERT INTO oauth_clients (version, account, client_id, secret_hash, type, title, created_at, updated_at) \
             VALUES (1, 'ac_12345678', 'job', \
             x'2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b', 'm2m', 'Job', \
             '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'); \
             PRAGMA user_version = 1",
        )
        .unwrap();
    drop(connection);

    let sandbox = Sandbox::open(&path, Switches::parse(CLOCK).unwrap()).unwrap();
    let it = Fixture { folder, router: sandbox.router(), sandbox, runtime: runtime() };
    let token = it.get("/v3/tokens/tok_1").ok();
    assert_eq!(
        (&token["name"], &token["grants"]),
        (&json!("old"), &json!([{ "connection_name": "c", "source": "a.b" }]))
    );
    // The account's key is the same one.
    assert_eq!(it.get(&format!("/v3/tokens/{}", token["token"].as_str().unwrap())).ok(), token);
    it.token(token_body());
    // The secret's hash above is that of `secret`.
    let old = super::Client { id: "job".to_owned(), secret: "secret".to_owned() };
    used(&it, &m2m_token(&it, &old)).ok();
    let version: i64 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}

#[test]
fn nothing_that_opens_something_is_on_the_disk() {
    let it = Fixture::new();
    let (machine, app) = (m2m(&it), spa(&it));
    let browser = Browser::new(&it);
    let code = browser.code(&authorize(&app, &[("scope", "openid offline_access")]));
    let unused = browser.code(&authorize(&app, &[("prompt", "login")]));
    let given = token(&it, &redeem(&app, &code, &[])).ok();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let mut canaries = vec![
        machine.secret.clone(),
        app.secret.clone(),
        m2m_token(&it, &machine),
        super::VERIFIER.to_owned(),
        code,
        unused,
        text("access_token"),
        text("id_token"),
        text("refresh_token"),
    ];
    canaries.extend(browser.cookies.borrow().values().cloned());
    assert_eq!(canaries.len(), 11);
    let mut found = false;
    for entry in fs::read_dir(it.folder.path().join("carto")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for canary in &canaries {
            assert!(!holds(canary), "{canary}");
            assert!(!holds(canary.rsplit('.').next().unwrap()), "{canary}");
        }
        found |= holds(super::CHALLENGE);
    }
    assert!(found, "the search itself finds nothing");
}
