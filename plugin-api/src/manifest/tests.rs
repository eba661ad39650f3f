use proptest::prelude::*;

use super::*;
use crate::wire::{Segment, WireRequest};

const GOOD: &str = r#"
schema = "1.0"
abi = 1
name = "api-key"
plural = "api-keys"
title = "API key"
about = "Opens one door"
[services.api]
[services.own]
base_url = "https://keys.example.com"
auth = "header:X-Key"
[record]
fields = ["id", "name", "key"]
id = "id"
label = "name"
secrets = ["key"]
columns = ["id", "name"]
env = { key = "API_KEY" }
[verbs.list]
calls = ["api GET /v3/keys?type=api"]
[verbs.create]
calls = ["api POST /v3/keys", "own GET /status"]
[[verbs.create.args]]
name = "level"
type = "enum"
values = ["low", "high"]
help = "How much it opens"
[[verbs.create.args]]
name = "source"
many = true
at_file = true
conflicts = ["level"]
help = "What it opens"
[verbs.delete]
calls = ["api DELETE /v3/keys/{}"]
aliases = ["revoke"]
"#;

#[test]
fn a_good_manifest_says_what_it_is() {
    let manifest = Manifest::parse(GOOD).unwrap();
    assert!(manifest.answers_to("api-key") && manifest.answers_to("api-keys") && !manifest.answers_to("key"));
    assert_eq!(manifest.verb("revoke"), Some(Verb::Delete));
    assert_eq!(manifest.verb("delete"), Some(Verb::Delete));
    assert_eq!(manifest.verb("get"), None);
    assert_eq!(manifest.verbs.keys().copied().collect::<Vec<_>>(), [Verb::List, Verb::Create, Verb::Delete]);
}

/// One change to the good manifest, and what the refusal must say.
#[test]
fn a_bad_manifest_is_refused_with_its_reason() {
    let cases = [
        (r#"name = "api-key""#, r#"name = "../x""#, "`name` must be lower-case letters"),
        (r#"name = "api-key""#, r#"name = "list""#, "`name` can't be `list`"),
        (r#"plural = "api-keys""#, r#"plural = "help""#, "`plural` can't be `help`"),
        (r#"title = "API key""#, r#"title = "API \u001b[31mkey""#, "control characters"),
        (r#"title = "API key""#, r#"title = """#, "`title` is empty"),
        (r#"about = "Opens"#, r#"about = "O\u202Epens"#, "control characters"),
        ("abi = 1", "abi = 2", "has plugin ABI 2, and this carto has ABI 1"),
        ("abi = 1", "abi = 0", "has plugin ABI 0, and this carto has ABI 1"),
        (r#"schema = "1.0""#, r#"schema = "2.0""#, "manifest schema 2.0"),
        (r#"schema = "1.0""#, r#"schema = "one""#, "`schema` must be like \"1.0\""),
        ("[services.own]", "colour = 3\n[services.own]", "`services.api.colour` is no key of schema 1.0"),
        ("many = true", "meny = true", "`verbs.create.args.meny` is no key"),
        ("[verbs.list]", "[verbs.explode]", "`verbs.explode` is no key"),
        (r#"calls = ["api GET /v3/keys?type=api"]"#, r#"calls = ["api POST /v3/keys"]"#, "list only reads"),
        ("api POST /v3/keys", "other POST /v3/keys", "without a table `[services.other]`"),
        ("api POST /v3/keys", "api POST v3/keys", "doesn't begin with `/`"),
        ("api POST /v3/keys", "api BREW /v3/keys", "unknown method"),
        ("api POST /v3/keys", "api POST /v3/../keys", "dotted segment"),
        ("api POST /v3/keys", "api POST /v3/a%2fb", "neither `{}` nor plain"),
        (r#"name = "level""#, r#"name = "json""#, "`--json` is an option of carto itself"),
        (r#"name = "level""#, r#"name = "source""#, "`source` is there twice"),
        (r#"name = "level""#, r#"name = "--level""#, "must be lower-case"),
        (r#"conflicts = ["level"]"#, r#"conflicts = ["nothing"]"#, "isn't another argument here"),
        ("at_file = true", r#"parts = ["nothing"]"#, "its part `nothing` isn't another argument of this kind"),
        ("at_file = true", r#"parts = ["source"]"#, "its part `source` isn't another argument"),
        ("at_file = true", "list = true\nparts = [\"level\", \"level\"]", "can't be joined of several `parts`"),
        (r#"values = ["low", "high"]"#, "values = [\"low\", \"high\"]\nlist = true", "`list` is for strings"),
        (r#"values = ["low", "high"]"#, "", "an enum has `values`"),
        (r#"values = ["low", "high"]"#, r#"values = ["low$(id)"]"#, "a word is letters, digits"),
        (r#"columns = ["id", "name"]"#, "columns = [\"id\"]\nfields = [\"id\", \"a b\"]", "duplicate key"),
        (r#"type = "enum""#, r#"type = "colour""#, "unknown variant"),
        (r#"aliases = ["revoke"]"#, r#"aliases = ["get"]"#, "`get` can't be an alias"),
        (r#"aliases = ["revoke"]"#, r#"aliases = ["a", "a"]"#, "`a` can't be an alias"),
        (r#"secrets = ["key"]"#, r#"secrets = ["id"]"#, "the id `id` can't be a secret"),
        (r#"secrets = ["key"]"#, "secrets = [\"key\"]\nonce = [\"name\"]", "isn't one of the `secrets`"),
        (r#"columns = ["id", "name"]"#, r#"columns = ["id", "nome"]"#, "`nome` isn't one of the `fields`"),
        (r#"columns = ["id", "name"]"#, "columns = []", "`columns` is empty"),
        (r#"key = "API_KEY""#, r#"key = "api key""#, "can't be a variable"),
        (r#"auth = "header:X-Key""#, r#"auth = "cookie:x""#, "line 11: `auth` is"),
        (r#"auth = "header:X-Key""#, r#"auth = "header:X Key""#, "`auth` is"),
        (r#"auth = "header:X-Key""#, r#"auth = "query:""#, "`auth` is"),
        (r#"auth = "header:X-Key""#, r#"auth = "Bearer""#, "`auth` is"),
        (
            r#"auth = "header:X-Key""#,
            r#"auth = "header:Authorization""#,
            "`Authorization`, which is the host's: use \"bearer\"",
        ),
        (r#"auth = "header:X-Key""#, r#"auth = "header:COOKIE""#, "is the host's"),
        (r#"auth = "header:X-Key""#, r#"auth = "header:transfer-encoding""#, "is the host's"),
        (r#"auth = "header:X-Key""#, r#"auth = "header:Proxy-Authorization""#, "is the host's"),
        (
            r#"auth = "header:X-Key""#,
            "auth = \"query:key\"\n[verbs.get]\ncalls = [\"own GET /x?KEY=1\"]",
            "which the host adds",
        ),
        (
            r#"base_url = "https://keys.example.com""#,
            r#"base_url = "keys.example.com""#,
            "`base_url` is an address like",
        ),
        (r#"auth = "header:X-Key""#, "", "needs `base_url` and `auth`"),
        ("[services.api]", "[services.api]\nauth = \"none\"", "takes no `base_url`"),
        ("[services.own]", "[services.host]", "isn't `host`"),
    ];
    for (from, to, says) in cases {
        assert!(GOOD.contains(from), "{from}");
        let error = Manifest::parse(&GOOD.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(says), "{to}: {error}");
        assert!(!error.contains(['\n', '\u{1b}']), "{error:?}");
    }
}

#[test]
fn a_syntax_error_names_its_line() {
    let error = Manifest::parse(&GOOD.replace("abi = 1", "abi = ")).unwrap_err().to_string();
    assert!(error.starts_with("line 3: "), "{error}");
}

#[test]
fn a_later_minor_loads_unless_it_requires_what_is_unknown() {
    let later = GOOD.replace("\"1.0\"", "\"1.7\"").replace("many = true", "many = true\npattern = \".*\"")
        + "[verbs.explode]\n";
    let manifest = Manifest::parse(&later).unwrap();
    assert_eq!(manifest.verbs.len(), 3);
    let needy = later.replace("abi = 1", "abi = 1\nrequires = [\"verbs.create.args.pattern\"]");
    let error = Manifest::parse(&needy).unwrap_err();
    assert!(
        error.to_string().contains("`verbs.create.args.pattern` of manifest schema 1.7") && error.carto_is_older,
        "{error}"
    );
    // What is new can also be a value, in a key that is known.
    for (from, to) in
        [("type = \"enum\"", "type = \"duration\""), ("header:X-Key", "cookie:x"), ("GET /status", "HEAD /status")]
    {
        let error = Manifest::parse(&later.replace(from, to)).expect_err(to);
        let says = "is written in manifest schema 1.7, and this carto reads schema 1.1: ";
        assert!(error.to_string().starts_with(says) && error.carto_is_older, "{error}");
    }
    let known = later.replace("abi = 1", "abi = 1\nrequires = [\"verbs.create.args.many\"]");
    assert!(Manifest::parse(&known).is_ok());
}

/// What came with 1.1, in a manifest of each minor.
#[test]
fn verify_is_a_verb_of_1_1() {
    let with = |schema: &str, more: &str| {
        Manifest::parse(&(GOOD.replace("\"1.0\"", &format!("\"{schema}\"")) + more)).map_err(|e| e.to_string())
    };
    const VERIFY: &str = r#"
[verbs.verify]
calls = ["api GET /v3/keys", "data GET /v3/maps/{}/query", "data POST /v3/sql/{}/query", "auth GET /authorize?prompt=none", "auth POST /oauth/token"]
"#;
    let manifest = with("1.1", VERIFY).unwrap();
    assert_eq!(manifest.verb("verify"), Some(Verb::Verify));
    assert_eq!(with("1.0", VERIFY).unwrap_err(), "`verbs.verify` is a key of schema 1.1: write `schema = \"1.1\"`");
    // Before, they were words like any other.
    let old = GOOD
        .replace("api-keys", "verify")
        .replace("revoke", "verify-it")
        .replace("services.own", "services.data")
        .replace("own GET", "data GET");
    Manifest::parse(&old).unwrap();
    Manifest::parse(&GOOD.replace("revoke", "verify")).unwrap();
    assert!(Manifest::parse(&old.replace("\"1.0\"", "\"1.1\"")).is_err());
    let refused = [
        (VERIFY.replace("api GET", "api POST"), "isn't a GET: verify only reads"),
        (VERIFY.replace("api GET", "own POST"), "isn't a GET: verify only reads"),
        (
            VERIFY.replace("verbs.verify", "verbs.get").replace("data POST", "data GET"),
            "without a table `[services.data]`",
        ),
        (VERIFY.to_owned() + "[services.auth]\n", "`auth` is carto's own"),
        (VERIFY.to_owned() + "[services.data]\nbase_url = \"https://x\"\nauth = \"none\"\n", "`data` is carto's own"),
        (VERIFY.to_owned() + "aliases = [\"verify\"]\n", "`verify` can't be an alias"),
    ];
    for (more, says) in refused {
        let error = with("1.1", &more).unwrap_err();
        assert!(error.contains(says), "{more}: {error}");
    }
}

/// A kind that could send a credential anywhere could make others with it.
#[test]
fn verify_tries_in_few_ways() {
    let with = |call: &str| {
        let verify = format!("[verbs.verify]\ncalls = [\"{call}\"]\n");
        Manifest::parse(&(GOOD.replace("\"1.0\"", "\"1.1\"") + &verify)).map_err(|e| e.to_string())
    };
    for call in
        super::call::TRIALS.into_iter().chain(["auth GET /authorize?prompt=none", "data GET /v3/tokens?limit=1"])
    {
        with(call).expect(call);
    }
    for call in [
        "data POST /v3/tokens",
        "data POST /v3/tokens?x=1",
        "data POST /{}/{}",
        "data POST /{}/sql/{}/query",
        "data POST /v3/{}/{}/query",
        "data POST /v3/sql/dw/query",
        "data GET /v3/sql/{}/query",
        "data POST /v3/maps/{}/query",
        "data GET /v3/tokens/{}",
        "data GET /{}/tokens",
        "data DELETE /v3/tokens/{}",
        "data PUT /v3/tokens",
        "data POST /oauth/token",
        "data GET /authorize",
        "auth POST /{}/{}",
        "auth POST /oauth/revoke",
        "auth GET /oauth/token",
        "auth POST /authorize",
        "auth GET /{}",
        "auth GET /v3/tokens",
    ] {
        let error = with(call).expect_err(call);
        let says = "tries no credential; these do: data POST /v3/sql/{}/query, ";
        assert!(error.starts_with(&format!("verbs.verify: `{call}` {says}")), "{error}");
    }
}

#[test]
fn too_many_arguments_are_refused() {
    let many: String = (0..65).map(|i| format!("[[verbs.delete.args]]\nname = \"a{i}\"\nhelp = \"x\"\n")).collect();
    assert!(Manifest::parse(&(GOOD.to_owned() + &many)).unwrap_err().to_string().contains("64 is the limit"));
}

#[test]
fn what_the_host_adds_is_no_kinds_to_set() {
    let with = |headers: &[(&str, &str)], query: &[(&str, &str)]| {
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        WireRequest { headers, ..request("GET", &["x"], query) }
    };
    for (auth, headers, query, sets) in [
        ("bearer", &[("AUTHORIZATION", "x")][..], &[][..], true),
        ("header:X-Key", &[("x-key", "x")], &[], true),
        ("header:X-Key", &[("prefer", "x")], &[("X-Key", "x")], false),
        ("query:key", &[], &[("a", "b"), ("Key", "x")], true),
        ("query:key", &[("key", "x")], &[("keys", "x")], false),
        ("none", &[("authorization", "x")], &[("key", "x")], false),
    ] {
        let read: Auth = auth.parse().unwrap();
        assert_eq!(read.to_string(), auth);
        assert_eq!(read.is_set_by(&with(headers, query)), sets, "{auth}");
    }
}

fn request(method: &str, path: &[&str], query: &[(&str, &str)]) -> WireRequest {
    WireRequest {
        method: method.to_owned(),
        path: path.iter().map(|segment| Segment::from(*segment)).collect(),
        query: query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        headers: Vec::new(),
        body: None,
        bearer: None,
    }
}

#[test]
fn a_call_permits_what_it_says_and_no_more() {
    let item: Call = "api DELETE /v3/keys/{}?type=spa".parse().unwrap();
    let spa = [("type", "spa")];
    assert!(item.permits("api", &request("DELETE", &["v3", "keys", "a/../b?c#d"], &spa)));
    assert!(item.permits("api", &request("DELETE", &["v3", "keys", "x"], &[("type", "spa"), ("force", "1")])));
    let refused = [
        ("api", request("GET", &["v3", "keys", "x"], &spa)),
        ("own", request("DELETE", &["v3", "keys", "x"], &spa)),
        ("api", request("DELETE", &["v3", "keys"], &spa)),
        ("api", request("DELETE", &["v3", "keys", ""], &spa)),
        ("api", request("DELETE", &["v3", "keys", ".."], &spa)),
        ("api", request("DELETE", &["v3", "keys", "x", "y"], &spa)),
        ("api", request("DELETE", &["v3", "other", "x"], &spa)),
        ("api", request("DELETE", &["v3", "keys", "x"], &[])),
        ("api", request("DELETE", &["v3", "keys", "x"], &[("type", "m2m")])),
        ("api", request("DELETE", &["v3", "keys", "x"], &[("type", "spa"), ("type", "m2m")])),
    ];
    for (service, request) in refused {
        assert!(!item.permits(service, &request), "{service} {request:?}");
    }
    assert_eq!(item.to_string(), "api DELETE /v3/keys/{}?type=spa");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_in_one_line(text in "\\PC{0,200}") {
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_damaged_manifest_is_read_or_refused_in_one_line(at in 0..GOOD.len(), byte in 0u8..128) {
        let mut damaged = GOOD.as_bytes().to_vec();
        damaged[at] = byte;
        if let Err(error) = Manifest::parse(std::str::from_utf8(&damaged).unwrap()) {
            prop_assert!(!error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn names_follow_the_grammar(word in "[a-z0-9-]{0,6}") {
        let expected = word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.ends_with('-') && !word.contains("--");
        prop_assert_eq!(is_kind_name(&word), expected);
    }
}
