//! The file: how it is made, what it keeps, and what happens when it cannot be read or written.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CLOCK, Fixture, request, runtime, send, token_body};
use crate::sandbox::{Sandbox, SandboxError, Switches};

fn open(path: &Path) -> Result<Sandbox, SandboxError> {
    Sandbox::open(path, Switches::default())
}

/// The error's message, with the test's folder left out.
fn failure(path: &Path) -> String {
    let Err(error) = open(path) else { panic!("it opened") };
    error.to_string().replace(path.parent().unwrap().to_str().unwrap(), "…")
}

fn damage(path: &Path) {
    fs::write(path, "this is not a database".repeat(100)).unwrap();
}

#[cfg(unix)]
#[test]
fn the_file_and_its_folder_are_for_the_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let it = Fixture::new();
    it.token(token_body());
    let folder = it.folder.path().join("carto");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[test]
fn what_was_created_is_there_for_the_next_process() {
    let it = Fixture::new();
    let token = it.token(token_body());
    let next = it.reopened();
    assert_eq!(next.get(&format!("/v3/tokens/{}", token["token"].as_str().unwrap())).ok(), token);
    assert_eq!(next.token(token_body())["token"].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn no_secret_is_on_the_disk() {
    let it = Fixture::new();
    let token = it.token(token_body());
    let client = it.spa(json!({ "title": "App" }));
    it.get("/v3/tokens").ok();
    it.call("PATCH", &format!("/v3/tokens/{}", token["token"].as_str().unwrap()), json!({ "name": "b" })).ok();
    let jwt = token["token"].as_str().unwrap();
    let signature = jwt.rsplit('.').next().unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let kept = client["client_id"].as_str().unwrap();

    let mut found = false;
    for entry in fs::read_dir(it.folder.path().join("carto")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for canary in [jwt, signature, secret, it.sandbox.bearer()] {
            assert!(!holds(canary));
        }
        found |= holds(kept);
    }
    assert!(found, "the search itself finds nothing");
}

#[test]
fn a_file_that_is_no_database_says_how_to_start_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sandbox.db");
    damage(&path);
    assert_eq!(
        failure(&path),
        "the sandbox database `…/sandbox.db` is damaged (file is not a database); `carto sandbox reset` starts a new one"
    );
    Sandbox::reset(&path).unwrap();
    assert!(!path.exists());
    open(&path).unwrap();
}

#[test]
fn a_page_that_is_damaged_fails_the_request_and_a_reset_mends_it() {
    let it = Fixture::new();
    it.token(token_body());
    // Out of the log and into the file that is damaged next.
    let connection = Connection::open(it.database()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    drop(connection);
    let mut bytes = fs::read(it.database()).unwrap();
    bytes[4096..].fill(0xff);
    fs::write(it.database(), bytes).unwrap();

    let it = it.reopened();
    it.get("/v3/tokens").refused(
        500,
        "The sandbox database is damaged (database disk image is malformed); `carto sandbox reset` starts a new one",
    );
    Sandbox::reset(&it.database()).unwrap();
    assert!(!it.database().exists());
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let it = Fixture::new();
    let connection = Connection::open(it.database()).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    assert_eq!(
        failure(&it.database()),
        "the sandbox database `…/sandbox.db` has schema 3, which a newer `carto` wrote; this one knows 2: use the newer \
         one, or `carto sandbox reset` to start a new database"
    );
    Sandbox::reset(&it.database()).unwrap();
    open(&it.database()).unwrap();
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sandbox.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    let message = "`…/sandbox.db` is a database, but not the sandbox's; move it away and try again";
    let before = fs::read(&path).unwrap();
    assert_eq!(failure(&path), message);
    assert!(matches!(Sandbox::reset(&path), Err(SandboxError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sandbox.db");
    fs::write(&path, "").unwrap();
    open(&path).unwrap();
}

#[test]
fn places_where_no_file_can_be_are_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(failure(folder.path()).starts_with("cannot open the sandbox database `…/"));
    let below = folder.path().join("file/sandbox.db");
    assert!(failure(&below).starts_with("cannot create the sandbox database `…/sandbox.db`: "));
}

#[test]
fn a_reset_empties_what_is_there() {
    let it = Fixture::new();
    let token = it.token(token_body());
    it.spa(json!({ "title": "App" }));
    Sandbox::reset(&it.database()).unwrap();
    assert_eq!(it.get("/v3/tokens").ok()["tokens"], json!([]));
    assert_eq!(it.get("/v3/oauth-clients").ok()["clients"], json!([]));
    // Another account from now on, for the sandbox that was open all the time too.
    let account = |token: &Value| token["token"].as_str().unwrap().split('.').nth(1).map(str::to_owned);
    assert_ne!(account(&it.token(token_body())), account(&token));

    let nowhere = it.folder.path().join("nowhere/sandbox.db");
    Sandbox::reset(&nowhere).unwrap();
    assert!(!nowhere.parent().unwrap().exists());
}

/// Runs `change` on the sandbox's own connection.
fn pragma(it: &Fixture, change: &str) {
    it.runtime.block_on(async {
        it.sandbox.inner.store.connection().await.execute_batch(change).unwrap();
    });
}

#[test]
fn a_full_disk_is_an_answer() {
    let it = Fixture::new();
    it.token(token_body());
    pragma(&it, "PRAGMA max_page_count = 1");
    let long = super::with(token_body(), "name", json!("x".repeat(100_000)));
    it.call("POST", "/v3/tokens", long).refused(500, "The sandbox database failed: database or disk is full");
    assert_eq!(it.get("/v3/tokens").ok()["tokens"].as_array().unwrap().len(), 1);
    pragma(&it, "PRAGMA max_page_count = 1000000");
    it.token(token_body());
}

#[test]
fn a_database_that_cannot_be_written_is_an_answer() {
    let it = Fixture::new();
    it.token(token_body());
    pragma(&it, "PRAGMA query_only = ON");
    it.call("POST", "/v3/tokens", token_body())
        .refused(500, "The sandbox database failed: attempt to write a readonly database");
    it.get("/v3/tokens").ok();
}

#[test]
fn a_database_that_others_hold_is_an_answer() {
    let it = Fixture::new();
    pragma(&it, "PRAGMA busy_timeout = 20");
    let mut other = Connection::open(it.database()).unwrap();
    let writing = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    it.call("POST", "/v3/tokens", token_body()).refused(503, "The sandbox database is busy");
    it.get("/v3/tokens").ok();
    drop(writing);
    it.token(token_body());
}

/// A command writes once and ends, and the next one begins with the log as it is.
#[test]
fn the_log_stays_short_when_each_process_writes_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sandbox.db");
    let runtime = runtime();
    let mut body = token_body();
    body.as_object_mut().unwrap().remove("name");
    for _ in 0..200 {
        let sandbox = Sandbox::open(&path, Switches::parse(CLOCK).unwrap()).unwrap();
        let reply = runtime
            .block_on(send(&sandbox.router(), request(&sandbox, "POST", "/v3/tokens", Some(body.clone()), None)));
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let log = fs::metadata(folder.path().join("sandbox.db-wal")).unwrap().len();
    assert!(log < 600 * 1024, "{log}");
}
