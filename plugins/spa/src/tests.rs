//! The kind through the adapter that its library uses, against a host that answers from a script; with it, what both kinds of OAuth
//! client share: routes, look-up by id or title, and answers that came back wider. The rules for URLs are in `urls`.

mod urls;
mod verify;

use carto_plugin_api::manifest::Manifest;
use carto_plugin_api::testing::{FakeHost, Harness};
use carto_plugin_api::{Error, ErrorCode, Result, Verb};
use serde_json::{Value, json};

use super::Spa;

const LIST: &str = "GET /v3/oauth-clients?type=spa&limit=100";
const SECOND: &str = "GET /v3/oauth-clients?type=spa&limit=100&cursor=p2";
const CREATE: &str = "POST /v3/oauth-clients?type=spa";
const ID: &str = "9ee3uEI31S6D0qtPBis9TbSJ6RUdPYze";

fn clients() -> Harness<Spa> {
    Harness::new(include_str!("../kind.toml"))
}

fn item(method: &str, id: &str) -> String {
    format!("{method} /v3/oauth-clients/{id}?type=spa")
}

fn client(id: &str, title: &str) -> Value {
    json!({ "client_id": id, "type": "spa", "title": title })
}

/// The body that a create with these arguments sends.
fn posted(args: Value) -> Value {
    let host = FakeHost::new().answer(CREATE, 200, client(ID, "x"));
    clients().create(&host, args).unwrap();
    host.seen().pop().unwrap().1.unwrap()
}

#[test]
fn create_sends_what_was_given_and_shows_the_secret() {
    let args = json!({
        "title": "Store", "login_uri": "https://a.example.com/login", "callback": ["https://a.example.com/cb/"],
        "logout_url": ["https://a.example.com"], "web_origin": ["https://a.example.com"], "allowed_origin": ["http://[::1]:1"],
    });
    let wire = json!({
        "title": "Store", "login_uri": "https://a.example.com/login", "callbacks": ["https://a.example.com/cb/"],
        "logout_urls": ["https://a.example.com"], "web_origins": ["https://a.example.com"], "allowed_origins": ["http://[::1]:1"],
    });
    assert_eq!(posted(args.clone()), wire);
    let bare = json!({
        "title": "Store", "login_uri": null, "callbacks": [], "logout_urls": [], "web_origins": [], "allowed_origins": [],
    });
    assert_eq!(posted(json!({ "title": "Store" })), bare);
    let mut made = wire;
    made["client_id"] = ID.into();
    made["client_secret"] = "s3cr3t".into();
    let record = clients().create(&FakeHost::new().answer(CREATE, 201, made), args).unwrap();
    assert_eq!(
        (&record["clientSecret"], &record["loginUri"]),
        (&"s3cr3t".into(), &"https://a.example.com/login".into())
    );
    let keys: Vec<_> = record.as_object().unwrap().keys().collect();
    let expected = [
        "clientId",
        "clientSecret",
        "title",
        "loginUri",
        "callbacks",
        "logoutUrls",
        "webOrigins",
        "allowedOrigins",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_title_is_demanded_at_creation_only() {
    let manifest = Manifest::parse(include_str!("../kind.toml")).unwrap();
    for (verb, demanded) in [(Verb::Create, true), (Verb::Update, false)] {
        assert_eq!(
            manifest.verbs[&verb].args.iter().any(|arg| arg.name == "title" && arg.required),
            demanded,
            "{verb}"
        );
    }
}

#[test]
fn a_title_is_text_and_judged_before_any_request() {
    for title in ["", " ", "a\u{7}"] {
        let host = FakeHost::new();
        let created = clients().create(&host, json!({ "title": title }));
        let updated = clients().update(&host, ID, json!({ "title": title }));
        for error in [created.unwrap_err(), updated.unwrap_err()] {
            assert_eq!((error.code, error.argument.as_deref()), (ErrorCode::InvalidArgument, Some("title")));
        }
        assert_eq!(host.seen(), []);
    }
}

#[test]
fn update_sends_only_what_is_named() {
    let url = "https://b.example.com";
    let cases = [
        (json!({ "title": "new" }), json!({ "title": "new" })),
        (json!({ "login_uri": url }), json!({ "login_uri": url })),
        (json!({ "callback": [url] }), json!({ "callbacks": [url] })),
        (json!({ "logout_url": [url] }), json!({ "logout_urls": [url] })),
        (json!({ "web_origin": [url] }), json!({ "web_origins": [url] })),
        (json!({ "allowed_origin": [url] }), json!({ "allowed_origins": [url] })),
    ];
    for (args, body) in cases {
        let host = FakeHost::new().answer(&item("PATCH", ID), 200, client(ID, "x"));
        let record = clients().update(&host, ID, args).unwrap();
        assert_eq!(host.seen(), [(item("PATCH", ID), Some(body))]);
        assert_eq!(record["clientSecret"], Value::Null);
    }
    let error = clients().update(&FakeHost::new(), ID, json!({})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Usage, "nothing to change"));
}

#[test]
fn what_came_back_wider_is_an_error() {
    let mut answer = client(ID, "x");
    answer["callbacks"] = json!(["https://a.example.com/cb", "https://evil.example.com"]);
    let host = FakeHost::new().answer(CREATE, 200, answer);
    let error = clients().create(&host, json!({ "title": "x", "callback": ["https://a.example.com/cb"] })).unwrap_err();
    assert_eq!(error.code, ErrorCode::WiderThanAsked);
    assert!(
        error.message.contains(ID) && error.message.contains("`https://evil.example.com` in callbacks"),
        "{}",
        error.message
    );
    assert_eq!(error.hint.unwrap(), format!("delete it: `carto credentials delete spa {ID}`"));
    // What wasn't asked for at all is wider too.
    for field in
        [json!({ "web_origins": ["https://evil.example.com"] }), json!({ "login_uri": "https://evil.example.com" })]
    {
        let mut answer = client(ID, "x");
        answer.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        let error =
            clients().create(&FakeHost::new().answer(CREATE, 200, answer), json!({ "title": "x" })).unwrap_err();
        assert_eq!(error.code, ErrorCode::WiderThanAsked);
    }
}

#[test]
fn a_record_that_cant_be_read_hides_no_other() {
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [{ "client_id": 7 }, client("b", "Store")] }));
    assert_eq!(clients().list(&host).unwrap().len(), 1);
    assert_eq!(host.warnings().len(), 1);
}

#[test]
fn an_update_is_held_against_what_it_named_and_no_more() {
    let update = |args: Value| {
        let mut answer = client(ID, "x");
        answer["web_origins"] = json!(["*"]);
        clients().update(&FakeHost::new().answer(&item("PATCH", ID), 200, answer), ID, args)
    };
    let error = update(json!({ "web_origin": ["https://a.example.com"] })).unwrap_err();
    assert_eq!(error.code, ErrorCode::WiderThanAsked);
    assert!(error.message.ends_with("more than was asked: `*` in web_origins"), "{}", error.message);
    update(json!({ "title": "x" })).unwrap();
}

#[test]
fn an_id_is_one_request_and_a_title_is_looked_up_over_pages() {
    let host = FakeHost::new().answer(&item("GET", ID), 200, client(ID, "Store"));
    assert_eq!(clients().get(&host, ID).unwrap()["title"], "Store");
    let pages = || {
        FakeHost::new().answer(LIST, 200, json!({ "clients": [client("a", "Other")], "next": "p2" })).answer(
            SECOND,
            200,
            json!({ "clients": [client("b", "Store")], "next": null }),
        )
    };
    let host = pages().answer(&item("GET", "b"), 200, client("b", "Store"));
    assert_eq!(clients().get(&host, "Store").unwrap()["clientId"], "b");
    // A title that looks like an id, and an id that doesn't.
    let host = FakeHost::new()
        .answer(&item("GET", ID), 404, Value::Null)
        .answer(LIST, 200, json!({ "clients": [client("a", ID)] }))
        .answer(&item("GET", "a"), 200, client("a", ID));
    assert_eq!(clients().get(&host, ID).unwrap()["clientId"], "a");
    let host = pages().answer(&item("DELETE", "b"), 204, Value::Null);
    assert_eq!(clients().delete(&host, "b").unwrap()["clientId"], "b");
    let error = clients().get(&pages(), "nothing").unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::NotFound, "no SPA client `nothing`"));
}

#[test]
fn a_title_of_several_is_ambiguous_and_an_id_beats_it() {
    let list = json!({ "clients": [client("a", "Twin"), client("b", "Twin"), client("c", "a")] });
    let host = FakeHost::new().answer(LIST, 200, list.clone());
    let error = clients().delete(&host, "Twin").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::Ambiguous, "2 SPA clients are called `Twin`: `a`, `b`")
    );
    assert_eq!(host.seen().len(), 1, "nothing is deleted");
    let host = FakeHost::new().answer(LIST, 200, list).answer(&item("GET", "a"), 200, client("a", "Twin"));
    assert_eq!(clients().get(&host, "a").unwrap()["clientId"], "a");
}

/// A service that ignores the filter must not lead to another kind's client.
#[test]
fn a_client_of_another_type_isnt_there() {
    let mut other = client("m", "Nightly");
    other["type"] = "m2m".into();
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [other.clone(), client("s", "Store")] }));
    let listed = clients().list(&host).unwrap();
    assert_eq!(listed.iter().map(|c| &c["clientId"]).collect::<Vec<_>>(), ["s"]);
    let host = FakeHost::new().answer(&item("GET", ID), 200, other.clone());
    assert_eq!(clients().get(&host, ID).unwrap_err().code, ErrorCode::NotFound);
    // Nor does its title count.
    let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [other, client("s", "Nightly")] })).answer(
        &item("DELETE", "s"),
        204,
        Value::Null,
    );
    assert_eq!(clients().delete(&host, "Nightly").unwrap()["clientId"], "s");
}

#[test]
fn a_client_that_goes_between_the_list_and_the_request_is_not_found() {
    let list = json!({ "clients": [client("a", "Store")] });
    let host = FakeHost::new().answer(LIST, 200, list).answer(&item("PATCH", "a"), 404, Value::Null);
    let error = clients().update(&host, "Store", json!({ "title": "new" })).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::NotFound, "no SPA client `Store`"));
}

#[test]
fn a_list_that_never_ends_is_told() {
    let again = || json!({ "clients": [], "next": "p2" });
    let host = FakeHost::new().answer(LIST, 200, again()).answer(SECOND, 200, again());
    let error = clients().get(&host, "Store").unwrap_err();
    assert_eq!(error.code, ErrorCode::UnexpectedAnswer);
    assert_eq!(error.message, "the service lists the same page for ever");
}

#[test]
fn the_hosts_errors_pass_through_unchanged() {
    let error = Error::new(ErrorCode::NotSignedIn, "not signed in").hint("`carto auth login`");
    let failing = |request: &str| FakeHost::new().fail(request, error.clone());
    let outcomes = [
        clients().list(&failing(LIST)).map(Value::Array),
        clients().create(&failing(CREATE), json!({ "title": "x" })),
        clients().get(&failing(&item("GET", ID)), ID),
        clients().get(&failing(LIST), "Store"),
        clients().update(&failing(&item("PATCH", ID)), ID, json!({ "title": "x" })),
        clients().delete(&failing(&item("DELETE", ID)), ID),
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err(), error);
    }
}

#[test]
fn a_client_secret_typed_as_an_id_never_stands_in_a_path() {
    let secret = "Mf4gpQddWEqEYrNChNIHPbV2IkJuSq8BXk8HxSNkcMeN2pASPGaAHUnqKjNuBss6";
    type Run = fn(&FakeHost, &str) -> Result<Value>;
    let verbs: [Run; 3] = [
        |host, id| clients().get(host, id),
        |host, id| clients().update(host, id, json!({ "title": "x" })),
        |host, id| clients().delete(host, id),
    ];
    for run in verbs {
        let host = FakeHost::new().answer(LIST, 200, json!({ "clients": [] }));
        assert_eq!(run(&host, secret).unwrap_err().code, ErrorCode::NotFound);
        assert_eq!(host.seen(), [(LIST.to_owned(), None)]);
    }
}

#[test]
fn a_broken_answer_never_quotes_a_value() {
    let broken = [
        Value::Null,
        json!("s3cr3t"),
        json!({ "client_id": 7, "client_secret": "s3cr3t" }),
        json!({ "client_id": ID, "title": ["s3cr3t"] }),
        json!({ "client_id": ID, "title": "x", "callbacks": "s3cr3t" }),
    ];
    for answer in broken {
        let host = FakeHost::new()
            .answer(&item("GET", ID), 200, answer.clone())
            .answer(CREATE, 201, answer.clone())
            .answer(LIST, 200, answer.clone());
        let outcomes = [
            clients().get(&host, ID),
            clients().create(&host, json!({ "title": "x" })),
            clients().list(&host).map(Value::Array),
        ];
        for error in outcomes.map(Result::unwrap_err) {
            assert_eq!(error.code, ErrorCode::UnexpectedAnswer, "{answer}: {error:?}");
            assert!(!format!("{error:?}").contains("s3cr3t"), "{answer}: {error:?}");
        }
    }
}
