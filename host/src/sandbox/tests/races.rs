//! Many at once on one file.

use std::path::Path;
use std::sync::Barrier;
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use super::{Fixture, Reply, request, runtime, send, token_body};
use crate::sandbox::{Sandbox, Switches};

const THREADS: usize = 20;

/// What a process of its own would do: open, ask once, end.
fn once(database: &Path, method: &str, path: &str, body: serde_json::Value, tag: Option<&str>) -> Reply {
    let sandbox = Sandbox::open(database, Switches::default()).unwrap();
    runtime().block_on(send(&sandbox.router(), request(&sandbox, method, path, Some(body), tag)))
}

/// Runs `work` on twenty threads that start together.
fn together<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn nothing_is_lost_when_twenty_create_the_database() {
    for _ in 0..3 {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("a/b/sandbox.db");
        let mut created: Vec<_> =
            together(|_| once(&database, "POST", "/v3/tokens", token_body(), None).ok()["token"].to_string());
        let sandbox = Sandbox::open(&database, Switches::default()).unwrap();
        let listed =
            runtime().block_on(send(&sandbox.router(), request(&sandbox, "GET", "/v3/tokens", None, None))).ok();
        let mut listed: Vec<_> =
            listed["tokens"].as_array().unwrap().iter().map(|token| token["token"].to_string()).collect();
        created.sort();
        listed.sort();
        assert_eq!(created, listed);
        assert_eq!(created.len(), THREADS);
    }
}

#[test]
fn one_name_is_given_once() {
    let it = Fixture::new();
    let body = super::with(token_body(), "name", json!("demo"));
    let replies = together(|_| once(&it.database(), "POST", "/v3/tokens", body.clone(), None));
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    for reply in lost {
        reply.refused(400, "This token name already exists (demo)");
    }
}

#[test]
fn each_version_is_gained_by_one_change() {
    let it = Fixture::new();
    let path = format!("/v3/tokens/{}", it.token(token_body())["id"].as_str().unwrap());
    let won: usize = together(|number| {
        let mut won = 0;
        for round in 0..5 {
            let tag = once(&it.database(), "GET", &path, json!({}), None).etag();
            let body = json!({ "name": format!("{number}-{round}") });
            let reply = once(&it.database(), "PATCH", &path, body, Some(&tag));
            assert!([200, 412].contains(&reply.status.as_u16()), "{reply:?}");
            won += usize::from(reply.status == 200);
        }
        won
    })
    .into_iter()
    .sum();
    assert!(won > 0);
    assert_eq!(it.get(&path).etag(), format!("\"{}\"", won + 1));
}

#[test]
fn of_many_who_delete_one_has_done_it() {
    let it = Fixture::new();
    let path = format!("/v3/tokens/{}", it.token(token_body())["id"].as_str().unwrap());
    let replies = together(|_| once(&it.database(), "DELETE", &path, json!({}), None));
    assert_eq!(replies.iter().filter(|reply| reply.status == 204).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 404).count(), THREADS - 1);
}

#[test]
fn a_reset_meets_open_sandboxes() {
    let it = Fixture::new();
    together(|number| {
        if number % 5 == 0 {
            Sandbox::reset(&it.database()).unwrap();
        } else {
            once(&it.database(), "POST", "/v3/tokens", token_body(), None).ok();
        }
    });
    Sandbox::reset(&it.database()).unwrap();
    assert_eq!(it.get("/v3/tokens").ok()["tokens"], json!([]));
    let token = it.token(token_body())["token"].as_str().unwrap().to_owned();
    once(&it.database(), "GET", &format!("/v3/tokens/{token}"), json!({}), None).ok();
}
