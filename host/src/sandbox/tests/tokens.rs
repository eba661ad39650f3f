//! The rules of `/v3/tokens`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::{Fixture, grant, keys, token_body, with};

#[test]
fn a_new_token_comes_back_whole() {
    let it = Fixture::new();
    let reply = it.call(
        "POST",
        "/v3/tokens",
        json!({
            "name": "demo",
            "grants": [grant("carto.shared.CARTO_*"), { "connection_name": "bq", "source": "SELECT 1 AS one" }],
            "allowed_apis": ["maps", "sql"],
            "referers": ["https://app.example.com/*"],
            "expiration_date": "2027-01-31T12:00:00.9+02:00",
        }),
    );
    assert_eq!(reply.etag(), "\"1\"");
    let mut record = reply.ok();
    assert!(record["id"].as_str().unwrap().starts_with("tok_"));
    record["id"] = json!("tok_…");
    record["token"] = json!("…");
    let expected = json!({
        "id": "tok_…",
        "token": "…",
        "name": "demo",
        "grants": [
            { "connection_name": "carto_dw", "source": "carto.shared.CARTO_*" },
            { "connection_name": "bq", "source": "SELECT 1 AS one" },
        ],
        "allowed_apis": ["maps", "sql"],
        "referers": ["https://app.example.com/*"],
        "expiration_date": "2027-01-31T10:00:00Z",
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
    });
    assert_eq!(record.to_string(), expected.to_string());
}

#[test]
fn what_is_left_out_has_a_default() {
    let record = Fixture::new().token(token_body());
    let name = record["name"].as_str().unwrap();
    assert!(name.strip_prefix("tk_").is_some_and(|rest| rest.len() == 8), "{name}");
    assert_eq!(record["referers"], json!([]));
    assert_eq!(record["expiration_date"], Value::Null);
    let never = with(token_body(), "expiration_date", Value::Null);
    assert_eq!(Fixture::new().token(never)["expiration_date"], Value::Null);
}

#[test]
fn a_token_is_the_documented_jwt() {
    let it = Fixture::new();
    let record = it.token(token_body());
    let parts: Vec<&str> = record["token"].as_str().unwrap().split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not three parts") };
    assert_eq!(BASE64.decode(header).unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(BASE64.decode(signature).unwrap().len(), 32);

    let payload: Value = serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap();
    assert_eq!(keys(&payload), ["a", "jti"]);
    let (account, jti) = (payload["a"].as_str().unwrap(), payload["jti"].as_str().unwrap());
    assert!(account.starts_with("ac_") && account.len() == 11, "{account}");
    assert!(jti.len() == 8 && jti.bytes().all(|byte| byte.is_ascii_hexdigit()), "{jti}");
}

#[test]
fn a_token_is_found_by_its_text_and_its_id_only() {
    let it = Fixture::new();
    let record = it.token(with(token_body(), "name", json!("demo")));
    let (id, token) = (record["id"].as_str().unwrap(), record["token"].as_str().unwrap());
    assert_eq!(it.get(&format!("/v3/tokens/{id}")).ok(), record);
    assert_eq!(it.get(&format!("/v3/tokens/{token}")).ok(), record);

    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", BASE64.encode([0; 32]));
    let stranger = Fixture::new().token(token_body())["token"].as_str().unwrap().to_owned();
    let jti: Value = serde_json::from_slice(&BASE64.decode(signed.split_once('.').unwrap().1).unwrap()).unwrap();
    let jti = jti["jti"].as_str().unwrap();
    for other in [&forged, &stranger, &format!("{signed}."), jti, "demo", "tok_0", "%00", "'--"] {
        for method in ["GET", "DELETE"] {
            let path = format!("/v3/tokens/{other}");
            it.call(method, &path, json!({ "name": "x" })).refused(404, "Token not found");
        }
        it.call("PATCH", &format!("/v3/tokens/{other}"), json!({ "name": "x" })).refused(404, "Token not found");
    }
    assert_eq!(it.get("/v3/tokens").ok()["tokens"], json!([record]));
}

#[test]
fn a_body_with_a_mistake_is_refused() {
    let body = token_body;
    let grants = |grants: Value| with(body(), "grants", grants);
    let apis = |apis: Value| with(body(), "allowed_apis", apis);
    let expiry = |time: &str| with(body(), "expiration_date", json!(time));
    let without = |field: &str| {
        let mut body = body();
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let known_fields = "`name`, `grants`, `allowed_apis`, `referers`, `expiration_date`";
    let rfc3339 = "`expiration_date` must be an RFC 3339 time such as `2027-01-31T10:00:00Z`";
    let future = "`expiration_date` must be in the future";

    let cases: Vec<(Value, String)> = [
        (with(body(), "grant", json!([])), format!("Unknown field `grant`; the fields are {known_fields}").as_str()),
        (with(body(), "id", json!("x")), &format!("Unknown field `id`; the fields are {known_fields}")),
        (with(body(), "name", json!(7)), "`name` must be a string"),
        (with(body(), "name", Value::Null), "`name` must be a string"),
        (with(body(), "name", json!("")), "`name` must not be empty"),
        (with(body(), "name", json!(" \t")), "`name` must not be empty"),
        (without("grants"), "`grants` is required: at least one grant"),
        (grants(json!([])), "`grants` must hold at least one grant"),
        (grants(Value::Null), "`grants` must be a list of objects"),
        (grants(json!({})), "`grants` must be a list of objects"),
        (grants(json!(["a.b.c"])), "`grants` must be a list of objects"),
        (grants(json!([grant("a.b"), {}])), "`grants[1].connection_name` is required"),
        (grants(json!([{ "connection_name": "c" }])), "`grants[0].source` is required"),
        (grants(json!([{ "connection_name": 1, "source": "a" }])), "`grants[0].connection_name` must be a string"),
        (grants(json!([{ "connection_name": "c", "source": [] }])), "`grants[0].source` must be a string"),
        (grants(json!([{ "connection_name": " ", "source": "a" }])), "`grants[0].connection_name` must not be empty"),
        (
            grants(json!([{ "connection": "c", "source": "a" }])),
            "Unknown field `grants[0].connection`; the fields are `connection_name`, `source`",
        ),
        (grants(json!([grant("a.b"), grant("")])), "`grants[1].source` must not be empty"),
        (grants(json!([grant("a.b"), grant("a.b")])), "`grants[1].source` repeats a grant of the same connection"),
        (grants(json!([grant("*"), grant("*")])), "`grants[1].source` repeats a grant of the same connection"),
        (without("allowed_apis"), "`allowed_apis` is required: at least one API"),
        (apis(json!([])), "`allowed_apis` must hold at least one API"),
        (apis(json!("sql")), "`allowed_apis` must be a list of strings"),
        (apis(json!([1])), "`allowed_apis` must be a list of strings"),
        (apis(json!(["SQL"])), "`allowed_apis` knows no API `SQL`; there are sql, maps, imports and lds"),
        (apis(json!(["sql", "maps", "sql"])), "`allowed_apis` holds `sql` twice"),
        (apis(json!(["imports", "sql"])), "`allowed_apis` cannot combine `imports` with other APIs"),
        (apis(json!(["lds", "imports"])), "`allowed_apis` cannot combine `imports` with other APIs"),
        (with(body(), "referers", Value::Null), "`referers` must be a list of strings"),
        (with(body(), "referers", json!("https://a")), "`referers` must be a list of strings"),
        (with(body(), "referers", json!([null])), "`referers` must be a list of strings"),
        (with(body(), "referers", json!(["https://a", ""])), "`referers` must not hold an empty referer"),
        (with(body(), "expiration_date", json!(1)), "`expiration_date` must be a string or null"),
        (expiry(""), rfc3339),
        (expiry("7d"), rfc3339),
        (expiry("2027-01-31"), rfc3339),
        (expiry("2027-01-31T10:00:00"), rfc3339),
        (expiry("2027-01-31 10:00:00Z"), rfc3339),
        (expiry("2027-01-31T10:00Z"), rfc3339),
        (expiry("2027-02-30T10:00:00Z"), rfc3339),
        (expiry("2027-01-31T10:00:00+0100"), rfc3339),
        (expiry("2027-01-31T10:00:00Z[UTC]"), rfc3339),
        (expiry("2027-01-31T10:00:00.Z"), rfc3339),
        (expiry("２027-01-31T10:00:00Z"), rfc3339),
        (expiry("2020-01-31T10:00:00Z"), future),
        (expiry("2026-11-23T10:00:00Z"), future),
        (expiry("2026-11-23T10:00:00.999Z"), future),
        (expiry("2026-11-23T10:30:00+01:00"), future),
    ]
    .map(|(body, message)| (body, message.to_owned()))
    .into();

    let it = Fixture::new();
    for (body, message) in cases {
        it.call("POST", "/v3/tokens", body).refused(400, &message);
    }
    assert_eq!(it.get("/v3/tokens").ok(), json!({ "tokens": [], "next": null }));
}

#[test]
fn what_looks_wrong_but_is_not_is_accepted() {
    let it = Fixture::new();
    for api in ["sql", "maps", "imports", "lds"] {
        it.token(with(token_body(), "allowed_apis", json!([api])));
    }
    for time in ["2026-11-23T10:00:01Z", "2026-11-23t10:00:01z", "9999-12-30T00:00:00-01:00"] {
        it.token(with(token_body(), "expiration_date", json!(time)));
    }
    let other_connection = json!({ "connection_name": "bq", "source": "a.b" });
    it.token(with(token_body(), "grants", json!([grant("a.b"), grant("A.b"), grant("*"), other_connection])));
    it.token(with(token_body(), "name", json!("\u{1b}[31mred\u{202e}")));
}

#[test]
fn names_are_unique() {
    let it = Fixture::new();
    let demo = with(token_body(), "name", json!("demo"));
    let first = it.token(demo.clone());
    it.call("POST", "/v3/tokens", demo.clone()).refused(400, "This token name already exists (demo)");
    it.token(with(token_body(), "name", json!("Demo")));

    let other = it.token(token_body());
    let path = format!("/v3/tokens/{}", other["id"].as_str().unwrap());
    it.call("PATCH", &path, json!({ "name": "demo" })).refused(400, "This token name already exists (demo)");
    let first = format!("/v3/tokens/{}", first["id"].as_str().unwrap());
    it.call("PATCH", &first, json!({ "name": "demo" })).ok();
    assert_eq!(it.delete(&first).status, 204);
    it.token(demo);
}

#[test]
fn a_change_replaces_each_field_it_names() {
    let it = Fixture::with("");
    let before = it.token(with(token_body(), "referers", json!(["https://a/*"])));
    let path = format!("/v3/tokens/{}", before["id"].as_str().unwrap());
    let changes = [
        ("name", json!("other")),
        ("grants", json!([{ "connection_name": "bq", "source": "*" }])),
        ("allowed_apis", json!(["lds"])),
        ("referers", json!([])),
    ];
    let mut expected = before.clone();
    for (version, (field, value)) in (2..).zip(changes) {
        let reply = it.call("PATCH", &path, json!({ field: value }));
        assert_eq!(reply.etag(), format!("\"{version}\""));
        let after = reply.ok();
        expected[field] = value;
        expected["updated_at"] = after["updated_at"].clone();
        assert_eq!(after, expected);
        assert_eq!(it.get(&path).ok(), expected);
    }
    assert!(expected["updated_at"].as_str() >= before["updated_at"].as_str());
}

#[test]
fn a_change_with_a_mistake_changes_nothing() {
    let it = Fixture::new();
    let before = it.token(token_body());
    let path = format!("/v3/tokens/{}", before["id"].as_str().unwrap());
    let cases = [
        (json!({}), "There is nothing to change in an empty body"),
        (json!({ "expiration_date": "2030-01-01T00:00:00Z" }), "expiration_date cannot be changed"),
        (json!({ "name": "x", "expiration_date": null }), "expiration_date cannot be changed"),
        (json!({ "name": "x", "grants": [] }), "`grants` must hold at least one grant"),
        (json!({ "name": "x", "allowed_apis": [] }), "`allowed_apis` must hold at least one API"),
        (json!({ "name": "" }), "`name` must not be empty"),
        (json!({ "grants": [grant("a"), grant("a")] }), "`grants[1].source` repeats a grant of the same connection"),
        (
            json!({ "name": "x", "token": "y" }),
            "Unknown field `token`; the fields are `name`, `grants`, `allowed_apis`, `referers`, `expiration_date`",
        ),
    ];
    for (body, message) in cases {
        it.call("PATCH", &path, body).refused(400, message);
    }
    let after = it.get(&path);
    assert_eq!(after.etag(), "\"1\"");
    assert_eq!(after.ok(), before);
}

#[test]
fn a_change_can_depend_on_a_version() {
    let it = Fixture::new();
    let record = it.token(token_body());
    let path = format!("/v3/tokens/{}", record["id"].as_str().unwrap());
    let rename = |name: &str| Some(json!({ "name": name }));
    it.if_match("PATCH", &path, rename("b"), "\"1\"").ok();
    it.if_match("PATCH", &path, rename("c"), "\"9\", \"2\"").ok();
    it.if_match("PATCH", &path, rename("d"), "*").ok();
    for tag in ["\"1\"", "W/\"4\"", "4", "", "\"4"] {
        let message = format!("It was changed in between: its version is \"4\", not {tag}");
        it.if_match("PATCH", &path, rename("e"), tag).refused(412, &message);
        it.if_match("DELETE", &path, None, tag).refused(412, &message);
    }
    assert_eq!(it.get(&path).ok()["name"], json!("d"));
    it.if_match("PATCH", "/v3/tokens/tok_0", rename("e"), "\"1\"").refused(404, "Token not found");
    assert_eq!(it.if_match("DELETE", &path, None, "\"4\"").status, 204);
}

#[test]
fn a_deleted_token_is_gone() {
    let it = Fixture::new();
    let record = it.token(token_body());
    let path = format!("/v3/tokens/{}", record["token"].as_str().unwrap());
    let reply = it.delete(&path);
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    it.get(&path).refused(404, "Token not found");
    it.delete(&path).refused(404, "Token not found");
    it.delete(&format!("/v3/tokens/{}", record["id"].as_str().unwrap())).refused(404, "Token not found");
}
