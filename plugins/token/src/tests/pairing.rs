//! `--connection`, `--source` and `--grant`: what is sent is what was written, pair by pair.

use carto_plugin_api::testing::FakeHost;
use carto_plugin_api::{ErrorCode, Result};
use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CREATE, assert_argument, creating, grant, posted, refused_create, requests, tokens};

fn arguments(connections: &[&str], sources: &[&str], grants: &[&str]) -> Value {
    json!({ "connection": connections, "source": sources, "grant": grants, "apis": "sql" })
}

#[test]
fn connections_and_sources_pair_by_position() {
    let pairs = |args: Value| posted(args)["grants"].take();
    assert_eq!(pairs(arguments(&["dw"], &["a.b"], &[])), json!([grant("dw", "a.b")]));
    assert_eq!(
        pairs(arguments(&["dw", "bq"], &["a.b", "c.d"], &[])),
        json!([grant("dw", "a.b"), grant("bq", "c.d")]),
        "one each"
    );
    assert_eq!(
        pairs(arguments(&["dw"], &["a.b", "c.d", "*"], &[])),
        json!([grant("dw", "a.b"), grant("dw", "c.d"), grant("dw", "*")]),
        "one connection for all sources"
    );
    assert_eq!(
        pairs(arguments(&["dw"], &["a.b"], &["bq,c.d", "dw,e.f"])),
        json!([grant("dw", "a.b"), grant("bq", "c.d"), grant("dw", "e.f")]),
        "pairs first, then whole grants"
    );
    assert_eq!(pairs(arguments(&[], &[], &["bq,c.d"])), json!([grant("bq", "c.d")]), "whole grants alone");
}

#[test]
fn numbers_that_do_not_pair_are_told() {
    let both = "give one `--connection` for all sources, or one for each `--source`, in the same order";
    let everything = "`--source '*'` grants all that the connection reaches";
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, &'a str, &'a str);
    let cases: [Case<'_>; 7] = [
        (&[], &[], "connection", "a token needs at least one grant", everything),
        (&[], &["a.b"], "connection", "1 source but no connection", "one for each `--source`"),
        (&[], &["a.b", "c.d"], "connection", "2 sources but no connection", "one for each `--source`"),
        (&["dw"], &[], "source", "1 connection but no source", everything),
        (&["dw", "bq"], &[], "source", "2 connections but no source", everything),
        (&["dw", "bq"], &["a.b", "c.d", "e.f"], "source", "2 connections and 3 sources don't pair", both),
        (&["dw", "bq"], &["a.b"], "source", "2 connections and 1 source don't pair", both),
    ];
    for (connections, sources, argument, message, hint) in cases {
        let error = refused_create(arguments(connections, sources, &[]));
        assert_argument(&error, argument, message, hint);
    }
}

#[test]
fn a_whole_grant_mends_no_mismatch() {
    let error = refused_create(arguments(&["dw", "bq"], &["a.b"], &["bq,c.d"]));
    assert_argument(&error, "source", "2 connections and 1 source don't pair", "in the same order");
    let error = refused_create(arguments(&["dw"], &[], &["bq,c.d"]));
    assert_argument(&error, "source", "1 connection but no source", "add `--source TABLE`");
}

#[test]
fn a_grant_is_split_at_its_first_comma() {
    let body = posted(arguments(&[], &[], &["dw,select a, b from c", " bq , d.e "]));
    assert_eq!(body["grants"], json!([grant("dw", "select a, b from c"), grant("bq", "d.e")]));
}

#[test]
fn half_a_grant_is_refused() {
    let cases = [
        ("dw", "`dw` isn't a connection and a source", "`--grant carto_dw,carto.shared.demo_table`"),
        ("", "`` isn't a connection and a source", "`--grant CONNECTION,SOURCE`"),
        (",a.b", "the connection's name is empty", "a connection of the account"),
        (" ,a.b", "the connection's name is empty", "a connection of the account"),
        ("dw,", "the source is empty", "name a table"),
    ];
    for (grant, message, hint) in cases {
        assert_argument(&refused_create(arguments(&[], &[], &[grant])), "grant", message, hint);
    }
    let error = refused_create(arguments(&["dw", " "], &["a.b", "c.d"], &[]));
    assert_argument(&error, "connection", "the connection's name is empty", "a connection of the account");
}

/// The grants that a create sends for these pairs of words, or why it sends nothing.
fn sent(host: &FakeHost, connections: &[String], sources: &[String], grants: &[String]) -> Result<Value> {
    let args = json!({ "connection": connections, "source": sources, "grant": grants, "apis": "sql" });
    tokens().create(host, args)?;
    Ok(super::last_body(host)["grants"].take())
}

fn sources() -> impl Strategy<Value = Vec<String>> {
    let source = prop_oneof![
        Just("*".to_owned()),
        "[a-z]{1,6}\\.[a-z_]{1,6}",
        "[a-z]{1,6}\\.[a-z]{1,3}\\*",
        // One space: folding makes no two of these the same.
        "select [a-z]{1,4}, [a-z]{1,4}",
    ];
    hash_set(source, 0..5).prop_map(|set| set.into_iter().collect())
}

proptest! {
    #[test]
    fn nothing_is_granted_that_was_not_written(
        connections in vec("[a-z][a-z0-9_-]{0,8}", 0..5),
        sources in sources(),
        // Capitals: never the same as a pair.
        grants in hash_set(("[A-Z]{1,8}", "[A-Z]{1,4}\\.[A-Z]{1,4}"), 0..3),
    ) {
        let words: Vec<String> = grants.iter().map(|(connection, source)| format!("{connection},{source}")).collect();
        let whole = grants.iter().map(|(connection, source)| grant(connection, source));
        let host = creating();
        let sent = sent(&host, &connections, &sources, &words);
        let (many, few) = (sources.len(), connections.len());
        if many + words.len() > 0 && (many == few || (few == 1 && many > 0)) {
            let pairs = sources.iter().zip(connections.iter().cycle()).map(|(source, connection)| grant(connection, source));
            prop_assert_eq!(sent.unwrap(), Value::Array(pairs.chain(whole).collect()));
            prop_assert_eq!(requests(&host), [CREATE]);
        } else {
            prop_assert_eq!(sent.unwrap_err().code, ErrorCode::InvalidArgument);
            prop_assert!(requests(&host).is_empty());
        }
    }
}
