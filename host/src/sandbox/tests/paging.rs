//! Pages and cursors.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{Fixture, token_body};

fn ids(page: &Value) -> Vec<String> {
    page["tokens"].as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
}

fn path(limit: usize, cursor: &Value) -> String {
    match cursor.as_str() {
        Some(cursor) => format!("/v3/tokens?limit={limit}&cursor={cursor}"),
        None => format!("/v3/tokens?limit={limit}"),
    }
}

fn create(it: &Fixture) -> String {
    it.token(token_body())["id"].as_str().unwrap().to_owned()
}

#[test]
fn pages_hold_what_was_asked_for() {
    let it = Fixture::new();
    let all: Vec<String> = (0..101).map(|_| create(&it)).collect();
    let first = it.get("/v3/tokens").ok();
    assert_eq!(ids(&first), all[..100]);
    let second = it.get(&format!("/v3/tokens?cursor={}", first["next"].as_str().unwrap())).ok();
    assert_eq!((ids(&second), &second["next"]), (all[100..].to_vec(), &Value::Null));
    for (limit, next) in [(101, false), (500, false), (100, true), (1, true)] {
        let page = it.get(&path(limit, &Value::Null)).ok();
        assert_eq!(page["next"].is_string(), next, "{limit}");
        assert_eq!(ids(&page).len(), limit.min(101));
    }
}

#[test]
fn bad_limits_and_cursors_are_refused() {
    let it = Fixture::new();
    create(&it);
    create(&it);
    for limit in ["0", "501", "-1", "1.5", "ten", "", "99999999999999999999"] {
        it.get(&format!("/v3/tokens?limit={limit}")).refused(400, "`limit` must be a whole number from 1 to 500");
    }
    let next = it.get("/v3/tokens?limit=1").ok()["next"].as_str().unwrap().to_owned();
    let wrong = "`cursor` must be the `next` of an earlier page";
    for cursor in ["", "1", "x", "null", &next[1..], &format!("{next}=")] {
        it.get(&format!("/v3/tokens?cursor={cursor}")).refused(400, wrong);
    }
    it.get(&format!("/v3/oauth-clients?cursor={next}")).refused(400, wrong);
}

#[test]
fn a_cursor_outlives_the_row_it_names() {
    let it = Fixture::new();
    let all: Vec<String> = (0..4).map(|_| create(&it)).collect();
    let next = it.get(&path(2, &Value::Null)).ok()["next"].clone();
    for id in [&all[1], &all[3]] {
        assert_eq!(it.delete(&format!("/v3/tokens/{id}")).status, 204);
    }
    assert_eq!(ids(&it.get(&path(2, &next)).ok()), [all[2].clone()]);
}

#[test]
fn clients_of_one_type_are_paged_alike() {
    let it = Fixture::new();
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(it.spa(json!({ "title": format!("spa {number}") }))["client_id"].clone());
        it.call("POST", "/v3/oauth-clients?type=m2m", json!({ "title": "m2m" })).ok();
    }
    let mut found = Vec::new();
    let mut query = String::new();
    loop {
        let page = it.get(&format!("/v3/oauth-clients?type=spa&limit=2{query}")).ok();
        found.extend(page["clients"].as_array().unwrap().iter().map(|client| client["client_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("&cursor={next}");
    }
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is created and deleted between two pages, a row that was there all along is shown exactly once, and
    /// no row twice.
    #[test]
    fn no_row_is_skipped_or_repeated(
        limit in 1..7_usize,
        between in prop::collection::vec((0..3_usize, prop::collection::vec(any::<Index>(), 0..3)), 0..12),
    ) {
        let it = Fixture::new();
        let start: Vec<String> = (0..12).map(|_| create(&it)).collect();
        let (mut alive, mut gone) = (start.clone(), Vec::new());
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        let mut between = between.into_iter();
        loop {
            let page = it.get(&path(limit, &cursor)).ok();
            prop_assert!(ids(&page).len() <= limit);
            seen.extend(ids(&page));
            cursor = page["next"].clone();
            if cursor.is_null() {
                break;
            }
            let (created, deleted) = between.next().unwrap_or_default();
            for index in deleted {
                if alive.is_empty() {
                    break;
                }
                let id = alive.remove(index.index(alive.len()));
                prop_assert_eq!(it.delete(&format!("/v3/tokens/{id}")).status.as_u16(), 204);
                gone.push(id);
            }
            alive.extend((0..created).map(|_| create(&it)));
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), seen.len(), "a row was repeated");
        for id in start.iter().filter(|id| !gone.contains(id)) {
            prop_assert!(seen.contains(id), "a row was skipped");
        }
    }
}
