//! `--referer` and `--referers`.

use serde_json::{Value, json};

use super::{assert_argument, creating, least, posted, refused_create, refused_update, tokens, with};

#[test]
fn both_options_make_one_list() {
    let cases = [
        (json!({}), json!([])),
        (json!({ "referer": ["https://a/*"] }), json!(["https://a/*"])),
        (json!({ "referer": ["https://a/*", "https://b/*"] }), json!(["https://a/*", "https://b/*"])),
        (json!({ "referers": "https://a/*, https://b/*" }), json!(["https://a/*", "https://b/*"])),
        (
            json!({ "referer": ["https://c/*"], "referers": "https://a/*,https://b/*" }),
            json!(["https://c/*", "https://a/*", "https://b/*"]),
        ),
        (json!({ "referer": ["https://a/*", " https://a/* "], "referers": "https://a/*" }), json!(["https://a/*"])),
        (json!({ "referers": "" }), json!([])),
        (json!({ "referer": ["https://a/*"], "referers": " " }), json!(["https://a/*"])),
    ];
    for (args, referers) in cases {
        assert_eq!(posted(with(least(), args.clone()))["referers"], referers, "{args}");
    }
}

#[test]
fn bad_referers_are_refused() {
    let cases = [
        (json!({ "referer": [""] }), "referer", "a referer is empty", "leave it out to allow any referer"),
        (json!({ "referer": ["https://a/*", "  "] }), "referer", "a referer is empty", "leave it out"),
        (json!({ "referers": "https://a/*," }), "referers", "a referer is empty", "leave it out"),
        (json!({ "referers": "," }), "referers", "a referer is empty", "leave it out"),
        (
            json!({ "referer": ["https://a/* https://b/*"] }),
            "referer",
            "the referer `https://a/* https://b/*` has white space in it",
            "repeat `--referer` for each pattern",
        ),
        (json!({ "referers": "a/*,b\tc" }), "referers", "the referer `b\tc` has white space in it", "by commas"),
    ];
    for (args, argument, message, hint) in cases {
        assert_argument(&refused_create(with(least(), args.clone())), argument, message, hint);
        assert_argument(&refused_update(args), argument, message, hint);
    }
}

fn warnings(args: Value) -> Vec<String> {
    let host = creating();
    tokens().create(&host, with(least(), args)).unwrap();
    host.warnings()
}

#[test]
fn a_bare_origin_is_sent_with_a_warning() {
    for origin in ["http://localhost:5173", "https://app.example.com"] {
        let message = format!("no browser will match the referer `{origin}`: browsers send `{origin}/`");
        assert_eq!(warnings(json!({ "referer": [origin] })), [message]);
    }
    assert_eq!(warnings(json!({ "referers": "http://a,http://a/*,http://b" })).len(), 2, "one for each");
}

#[test]
fn a_pattern_that_goes_on_after_a_name_is_sent_with_a_warning() {
    for (pattern, origin) in
        [("https://app.example.com*", "https://app.example.com"), ("https://*.example.com*", "https://*.example.com")]
    {
        let message =
            format!("the referer `{pattern}` matches other hosts too, whose names begin so: `{origin}.other.example/`");
        assert_eq!(warnings(json!({ "referer": [pattern] })), [message]);
    }
}

#[test]
fn good_patterns_pass_without_a_warning() {
    let patterns = [
        "http://localhost:5173*",
        "http://localhost:5173/",
        "http://localhost:5173/*",
        "https://app.example.com/map?x=1",
        "https://*.example.com/*",
        "https://app.example.com?",
        "*",
        "https://*",
        "http://[::1]:5173*",
        "*.example.com/*",
    ];
    for pattern in patterns {
        assert_eq!(warnings(json!({ "referer": [pattern] })), [""; 0], "{pattern}");
    }
}
