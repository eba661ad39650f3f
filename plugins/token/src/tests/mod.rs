//! The kind's rules, through the adapter that its library uses, against a host that answers from a script. Here are the means; the rules
//! are in the files.

mod create;
mod failures;
mod find;
mod grant_changes;
mod list;
mod options;
mod pairing;
mod referers;
mod sources;
mod update;
mod verify;
mod wider;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carto_plugin_api::testing::{FakeHost, Harness};
use carto_plugin_api::{Error, ErrorCode};
use serde_json::{Value, json};

use crate::Token;

const CREATE: &str = "POST /v3/tokens";
const LIST: &str = "GET /v3/tokens?limit=100";

/// The second page of a list whose first says `"next": "p2"`.
const SECOND: &str = "GET /v3/tokens?limit=100&cursor=p2";

fn tokens() -> Harness<Token> {
    Harness::new(include_str!("../../kind.toml"))
}

/// A request about one token: `GET /v3/tokens/tok_1`.
fn one(method: &str, handle: &str) -> String {
    format!("{method} /v3/tokens/{handle}")
}

/// A token's text in the documented form.
fn jwt(jti: &str) -> String {
    let payload = json!({ "a": "ac_7xhfwyml", "jti": jti }).to_string();
    format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
}

fn grant(connection: &str, source: &str) -> Value {
    json!({ "connection_name": connection, "source": source })
}

/// A token as the service shows it.
fn token(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "token": jwt("1a2b3c4d"),
        "name": name,
        "grants": [grant("dw", "a.b.c")],
        "allowed_apis": ["sql"],
        "referers": [],
        "expiration_date": null,
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
    })
}

/// The object with these fields in place of its own.
fn with(mut object: Value, fields: Value) -> Value {
    let fields = fields.as_object().expect("fields are an object").clone();
    object.as_object_mut().expect("it is an object").extend(fields);
    object
}

/// The object without this field.
fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().expect("it is an object").remove(field).expect("it has the field");
    object
}

/// The least that a create needs.
fn least() -> Value {
    json!({ "connection": ["dw"], "source": ["a.b.c"], "apis": "sql" })
}

/// A host that creates one token and answers with no more than is documented.
fn creating() -> FakeHost {
    FakeHost::new().answer(CREATE, 201, json!({ "token": jwt("1a2b3c4d") }))
}

/// The body that a create with these arguments sends.
#[track_caller]
fn posted(args: Value) -> Value {
    let host = creating();
    tokens().create(&host, args).unwrap();
    let seen = host.seen();
    let [(request, Some(body))] = &seen[..] else { panic!("not one request with a body: {seen:?}") };
    assert_eq!(request, CREATE);
    body.clone()
}

/// What was asked of the host, without the bodies.
fn requests(host: &FakeHost) -> Vec<String> {
    host.seen().into_iter().map(|(request, _)| request).collect()
}

/// The body of the last request.
#[track_caller]
fn last_body(host: &FakeHost) -> Value {
    host.seen().pop().and_then(|(_, body)| body).expect("the last request has a body")
}

/// Why a create with these arguments is refused, before anything is sent.
#[track_caller]
fn refused_create(args: Value) -> Error {
    let host = FakeHost::new();
    let error = tokens().create(&host, args).unwrap_err();
    assert_eq!((requests(&host), host.warnings()), (vec![], vec![]), "a rule is decided before any request");
    error
}

/// Why an update with these arguments is refused, before anything is sent.
#[track_caller]
fn refused_update(args: Value) -> Error {
    let host = FakeHost::new();
    let error = tokens().update(&host, "tok_1", args).unwrap_err();
    assert_eq!((requests(&host), host.warnings()), (vec![], vec![]), "a rule is decided before any request");
    error
}

/// Holds an error against the argument, the message and a part of the hint (empty: no hint).
#[track_caller]
fn assert_argument(error: &Error, argument: &str, message: &str, hint: &str) {
    assert_eq!((error.code, error.argument.as_deref()), (ErrorCode::InvalidArgument, Some(argument)), "{error:?}");
    assert_eq!(error.message, message);
    assert_hint(error, hint);
}

/// Holds an error against the code, the message and a part of the hint (empty: no hint).
#[track_caller]
fn assert_error(error: &Error, code: ErrorCode, message: &str, hint: &str) {
    assert_eq!((error.code, error.message.as_str()), (code, message));
    assert_hint(error, hint);
}

#[track_caller]
fn assert_hint(error: &Error, part: &str) {
    match &error.hint {
        Some(hint) => assert!(!part.is_empty() && hint.contains(part), "{part:?} isn't in {hint:?}"),
        None => assert_eq!(part, "", "there is no hint"),
    }
}
