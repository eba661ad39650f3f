//! `update --add-grant --remove-grant`: read, change, and write the whole list, bound to what was read.

use carto_plugin_api::testing::FakeHost;
use carto_plugin_api::{Error, ErrorCode};
use serde_json::{Value, json};

use super::{LIST, assert_argument, assert_error, grant, last_body, one, requests, token, tokens, with};

/// A token with these grants of the connection `dw`.
fn having(sources: &[&str]) -> Value {
    let grants: Vec<Value> = sources.iter().map(|source| grant("dw", source)).collect();
    with(token("tok_1", "demo"), json!({ "grants": grants }))
}

/// A host where the token has these grants.
fn host(sources: &[&str]) -> FakeHost {
    FakeHost::new().answer(&one("GET", "tok_1"), 200, having(sources))
}

/// Why the change is refused. Nothing is written.
#[track_caller]
fn refused(sources: &[&str], args: Value) -> Error {
    let host = host(sources);
    let error = tokens().update(&host, "tok_1", args).unwrap_err();
    assert_eq!(requests(&host), [one("GET", "tok_1")]);
    error
}

#[test]
fn the_whole_list_is_written() {
    let cases: [(&[&str], Value, &[&str]); 6] = [
        (&["a.b"], json!({ "add_grant": ["dw,c.d"] }), &["a.b", "c.d"]),
        (&["a.b", "c.d"], json!({ "remove_grant": ["dw,a.b"] }), &["c.d"]),
        (&["a.b", "c.d"], json!({ "remove_grant": ["dw,a.b"], "add_grant": ["dw,e.f", "dw,*"] }), &["c.d", "e.f", "*"]),
        (&["a.b"], json!({ "remove_grant": ["dw,a.b"], "add_grant": ["dw,c.d"] }), &["c.d"]),
        (&["a.b", "select 1"], json!({ "remove_grant": ["dw,SELECT  1;"] }), &["a.b"]),
        (&[], json!({ "add_grant": ["dw,a.b"] }), &["a.b"]),
    ];
    for (before, args, after) in cases {
        let host = host(before).answer(&one("PATCH", "tok_1"), 200, having(after));
        assert_eq!(tokens().update(&host, "tok_1", args.clone()).unwrap(), having(after));
        assert_eq!(requests(&host), [one("GET", "tok_1"), one("PATCH", "tok_1")]);
        assert_eq!(last_body(&host), json!({ "grants": having(after)["grants"] }), "{args}");
    }
}

#[test]
fn other_changes_go_in_the_same_write() {
    let after = with(having(&["a.b", "c.d"]), json!({ "name": "new", "allowed_apis": ["maps"] }));
    let host = host(&["a.b"]).answer(&one("PATCH", "tok_1"), 200, after);
    let args = json!({ "name": "new", "apis": "maps", "referers": "", "add_grant": ["dw,c.d"] });
    tokens().update(&host, "tok_1", args).unwrap();
    let grants = [grant("dw", "a.b"), grant("dw", "c.d")];
    let body = json!({ "name": "new", "grants": grants, "allowed_apis": ["maps"], "referers": [] });
    assert_eq!(last_body(&host), body);
}

#[test]
fn what_is_written_is_the_token_that_was_read() {
    // By the time of the write the name, and even a name like the id, may belong to another token: the list isn't asked again.
    let gone = with(having(&["a.b"]), json!({ "token": null }));
    let host = FakeHost::new()
        .answer(LIST, 200, json!({ "tokens": [gone] }))
        .answer(&one("GET", "tok_1"), 200, gone)
        .answer(&one("PATCH", "tok_1"), 404, Value::Null);
    let error = tokens().update(&host, "demo", json!({ "add_grant": ["dw,c.d"] })).unwrap_err();
    assert_error(&error, ErrorCode::NotFound, "no token `demo`", "`carto credentials list tokens`");
    assert_eq!(requests(&host), [LIST.to_owned(), one("GET", "tok_1"), one("PATCH", "tok_1")]);
}

#[test]
fn a_grant_that_is_not_there_cannot_be_removed() {
    let error = refused(&["a.b", "c.d"], json!({ "remove_grant": ["dw,x.y"] }));
    assert_argument(&error, "remove-grant", "the token has no grant `dw,x.y`", "it has `dw,a.b`, `dw,c.d`");
    let error = refused(&["a.b"], json!({ "remove_grant": ["other,a.b"] }));
    assert_argument(&error, "remove-grant", "the token has no grant `other,a.b`", "it has `dw,a.b`");
    let error = refused(&["a.b", "c.d"], json!({ "remove_grant": ["dw,a.b", "dw,a.b"] }));
    assert_argument(&error, "remove-grant", "the token has no grant `dw,a.b`", "it has `dw,c.d`");
    let error = refused(&[], json!({ "remove_grant": ["dw,a.b"] }));
    assert_argument(&error, "remove-grant", "the token has no grant `dw,a.b`", "it has none");
}

#[test]
fn the_last_grant_stays() {
    let message = "a token keeps at least one grant, and this would take the last";
    let error = refused(&["a.b"], json!({ "remove_grant": ["dw,a.b"] }));
    assert_argument(&error, "remove-grant", message, "delete the token instead, or add a grant in the same command");
    let error = refused(&["a.b", "c.d"], json!({ "remove_grant": ["dw,a.b", "dw,c.d"] }));
    assert_argument(&error, "remove-grant", message, "delete the token instead");
}

#[test]
fn a_grant_that_is_there_cannot_be_added() {
    let cases = [
        (json!(["dw,a.b"]), "dw,a.b"),
        (json!(["dw,SELECT 1;"]), "dw,SELECT 1;"),
        (json!(["dw,c.d", "dw,c.d"]), "dw,c.d"),
    ];
    for (added, twice) in cases {
        let error = refused(&["a.b", "select 1"], json!({ "add_grant": added }));
        let message = format!("the token already has the grant `{twice}`");
        assert_error(&error, ErrorCode::Conflict, &message, "nothing was changed");
    }
}

#[test]
fn half_a_grant_is_refused_before_any_request() {
    for (key, argument) in [("add_grant", "add-grant"), ("remove_grant", "remove-grant")] {
        let error = super::refused_update(json!({ key: ["dw"] }));
        let hint = format!("write `--{argument} CONNECTION,SOURCE`");
        assert_argument(&error, argument, "`dw` isn't a connection and a source", &hint);
    }
}

#[test]
fn grants_that_the_service_does_not_show_cannot_be_changed() {
    let host = FakeHost::new().answer(&one("GET", "tok_1"), 200, json!({ "id": "tok_1" }));
    let error = tokens().update(&host, "tok_1", json!({ "add_grant": ["dw,a.b"] })).unwrap_err();
    let message = "the service doesn't say which grants the token has, so none can be changed";
    assert_error(&error, ErrorCode::UnexpectedAnswer, message, "");
    assert_eq!(requests(&host), [one("GET", "tok_1")]);
}

#[test]
fn a_token_that_was_read_but_that_nothing_names_is_not_written() {
    let nameless = json!({ "grants": [grant("dw", "a.b")] });
    let host = FakeHost::new().answer(&one("GET", "tok_1"), 200, nameless);
    let error = tokens().update(&host, "tok_1", json!({ "add_grant": ["dw,c.d"] })).unwrap_err();
    let message = "the service shows that token with neither an id nor the token itself";
    assert_error(&error, ErrorCode::UnexpectedAnswer, message, "");
    assert_eq!(requests(&host), [one("GET", "tok_1")]);
}

#[test]
fn an_answer_with_more_grants_is_wider_than_asked() {
    let host = host(&["a.b"]).answer(&one("PATCH", "tok_1"), 200, having(&["a.b", "c.d", "*"]));
    let error = tokens().update(&host, "tok_1", json!({ "add_grant": ["dw,c.d"] })).unwrap_err();
    let message = "the token `tok_1` exists, but the service gave it more than was asked: the grant `dw,*`";
    assert_error(&error, ErrorCode::WiderThanAsked, message, "`carto credentials delete token tok_1`");
}

#[test]
fn a_change_that_another_came_before_is_made_again_on_what_is_there_now() {
    let host = host(&["a.b"])
        .answer(&one("PATCH", "tok_1"), 412, Value::Null)
        .answer(&one("GET", "tok_1"), 200, having(&["a.b", "x.y"]))
        .answer(&one("PATCH", "tok_1"), 200, having(&["a.b", "x.y", "c.d"]));
    tokens().update(&host, "tok_1", json!({ "add_grant": ["dw,c.d"] })).unwrap();
    assert_eq!(last_body(&host)["grants"], having(&["a.b", "x.y", "c.d"])["grants"]);
    assert_eq!(requests(&host).len(), 4);
}

#[test]
fn a_change_that_others_always_come_before_is_given_up() {
    const PATIENCE: usize = 100;
    let host = (0..PATIENCE).fold(FakeHost::new(), |host, _| {
        host.answer(&one("GET", "tok_1"), 200, having(&["a.b"])).answer(&one("PATCH", "tok_1"), 412, Value::Null)
    });
    let error = tokens().update(&host, "tok_1", json!({ "add_grant": ["dw,c.d"] })).unwrap_err();
    assert_error(
        &error,
        ErrorCode::Conflict,
        "the token `tok_1` keeps being changed by others",
        "nothing was changed; try again when they are done",
    );
    let writes = requests(&host).len() / 2;
    assert!((10..PATIENCE).contains(&writes), "{writes} attempts");
}
