//! Rules over kinds that are made up: what each condition matches, and that files only ever narrow.

use std::path::PathBuf;

use carto_plugin_api::manifest::Manifest;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn kind() -> Kind {
    let source = r#"
        schema = "1.0"
        abi = 1
        name = "robot"
        plural = "robots"
        title = "Robot"
        about = "Things that move"
        vendor = "acme"
        [services.api]
        [services.fleet]
        base_url = "https://fleet.example.com/v1"
        auth = "none"
        [record]
        fields = ["id"]
        id = "id"
        columns = ["id"]
        [verbs.list]
        calls = ["api GET /robots"]
        [verbs.create]
        calls = ["api POST /robots", "fleet POST /robots"]
        [[verbs.create.args]]
        name = "place"
        many = true
        help = "Where"
        [[verbs.create.args]]
        name = "ends"
        type = "date"
        help = "When"
        [[verbs.create.args]]
        name = "legs"
        type = "int"
        help = "How many"
        [[verbs.create.args]]
        name = "at"
        many = true
        parts = ["name", "place"]
        help = "Both"
        [[verbs.create.args]]
        name = "name"
        help = "What"
        [verbs.delete]
    "#;
    let manifest = Manifest::parse(source).unwrap();
    Kind { manifest, source: source.into(), file: PathBuf::from("/kinds/libcarto_kind_robot.so") }
}

fn policy(texts: &[&str]) -> Policy {
    let layer = |(i, text): (usize, &&str)| Layer {
        path: PathBuf::from(format!("/{i}.toml")),
        text: (*text).to_owned(),
        file: File::parse(text).map_err(|why| (why, String::new())),
    };
    Policy { layers: texts.iter().enumerate().map(layer).collect() }
}

fn allowed(policy: &Policy, verb: Verb) -> bool {
    let kind = kind();
    let sha256 = || Some("a".repeat(64));
    let settings = || Some(Arc::new(Settings::default()));
    policy.decide(&Asked { kind: &kind, verb, sha256: &sha256, settings: &settings }).allowed
}

fn limited(limit: &str, verb: Verb, args: serde_json::Value) -> Result<()> {
    let policy = policy(&[&format!("version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"robot\"\n{limit}")]);
    assert!(policy.broken().next().is_none(), "{:?}", policy.broken().next());
    let mut input = Input::default();
    input.args = args.as_object().unwrap().clone();
    policy.limit(&kind(), verb, &input, "2026-11-24T10:00:00Z".parse().unwrap()).map_err(|(error, _)| error)
}

#[test]
fn what_cannot_be_found_out_is_a_denial() {
    let kind = kind();
    let rule = format!("sha256 = \"{}\"\nlevels = [\"plain\"]", "a".repeat(64));
    let ask = |text: String| {
        let asked = Asked { kind: &kind, verb: Verb::List, sha256: &|| None, settings: &|| None };
        policy(&[&text]).decide(&asked).allowed
    };
    assert!(!ask(format!("version = 1\nmode = \"allow-all\"\n[[deny]]\n{rule}")));
    assert!(!ask(format!("version = 1\nmode = \"allow-list\"\n[[allow]]\n{rule}")));
}

#[test]
fn services_are_those_that_the_verb_asks() {
    let allow = |services: &str| {
        let policy = policy(&[&format!("version = 1\nmode = \"allow-list\"\n[[allow]]\nservices = {services}")]);
        (allowed(&policy, Verb::List), allowed(&policy, Verb::Create), allowed(&policy, Verb::Delete))
    };
    assert_eq!(allow(r#"["api"]"#), (true, false, true));
    assert_eq!(allow(r#"["https://fleet.example.com"]"#), (false, false, true));
    assert_eq!(allow(r#"["api", "https://fleet.example.com"]"#), (true, true, true));
    let deny = policy(&["version = 1\nmode = \"allow-all\"\n[[deny]]\nservices = [\"https://fleet.example.com\"]"]);
    assert!(allowed(&deny, Verb::List) && !allowed(&deny, Verb::Create));
}

/// Where the user says that a service is counts too: an origin that is allowed can't be moved to another.
#[test]
fn an_approval_elsewhere_is_another_service() {
    let settings: Settings =
        crate::settings::parse("[approved.robot]\nfleet = \"https://elsewhere.example.com/v1\"\n").unwrap();
    let settings = Arc::new(settings);
    let ask = |text: &str| {
        let kind = kind();
        let asked =
            Asked { kind: &kind, verb: Verb::Create, sha256: &|| None, settings: &|| Some(Arc::clone(&settings)) };
        policy(&[text]).decide(&asked).allowed
    };
    let allow = "version = 1\nmode = \"allow-list\"\n[[allow]]\nservices = ";
    assert!(!ask(&format!("{allow}[\"api\", \"https://fleet.example.com\"]")));
    assert!(ask(&format!("{allow}[\"api\", \"https://fleet.example.com\", \"https://elsewhere.example.com\"]")));
    for origin in ["https://fleet.example.com", "https://elsewhere.example.com"] {
        assert!(!ask(&format!("version = 1\nmode = \"allow-all\"\n[[deny]]\nservices = [\"{origin}\"]")));
    }
}

/// The plural means the kind, as it does everywhere but in a permission.
#[test]
fn a_limit_knows_the_plural() {
    let policy = policy(&[
        "version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"robots\"\nargument = \"name\"\nrequired = true",
    ]);
    let now = "2026-11-24T10:00:00Z".parse().unwrap();
    let (_, rule) = policy.limit(&kind(), Verb::Create, &Input::default(), now).unwrap_err();
    assert_eq!(rule, "/0.toml:3");
}

#[test]
fn limits_hold_for_a_value_wherever_it_stands() {
    const STAR: &str = "argument = \"place\"\nforbidden = [\"*\"]";
    for (args, fine) in [
        (json!({}), true),
        (json!({ "place": ["a", "b"] }), true),
        (json!({ "place": ["a", "*"] }), false),
        (json!({ "place": [" * "] }), false),
        (json!({ "at": ["R2,a"] }), true),
        (json!({ "at": ["R2,a", "R2, *"] }), false),
        // The last part takes the rest.
        (json!({ "at": ["R2,a,*"] }), true),
        (json!({ "name": "*" }), true),
    ] {
        assert_eq!(limited(STAR, Verb::Create, args.clone()).is_ok(), fine, "{args}");
    }
    for (limit, args, fine) in [
        ("argument = \"place\"\nrequired = true", json!({}), false),
        ("argument = \"place\"\nrequired = true", json!({ "place": ["x"] }), true),
        ("argument = \"place\"\nrequired = true", json!({ "place": [" "] }), false),
        ("argument = \"place\"\npattern = \"[a-z]+\"", json!({ "place": ["abc"] }), true),
        ("argument = \"place\"\npattern = \"[a-z]+\"", json!({ "place": ["abc\n"] }), false),
        ("argument = \"place\"\npattern = \"[a-z]+\"", json!({ "place": ["abc*"] }), false),
        ("argument = \"place\"\npattern = \"a|b\"", json!({ "place": ["ab"] }), false),
        ("argument = \"legs\"\npattern = \"[0-4]\"", json!({ "legs": 4 }), true),
        ("argument = \"legs\"\npattern = \"[0-4]\"", json!({ "legs": 40 }), false),
        ("argument = \"ends\"\nat_most = \"7d\"", json!({ "ends": "2026-12-01T10:00:00Z" }), true),
        ("argument = \"ends\"\nat_most = \"7d\"", json!({ "ends": "2026-12-01T10:00:01Z" }), false),
        ("argument = \"ends\"\nat_most = \"7d\"", json!({}), false),
        ("argument = \"legs\"\nat_most = \"7d\"", json!({ "legs": 7 }), false),
        // A kind may take the spaces away.
        ("argument = \"place\"\npattern = \"(?s).*[^*]\"", json!({ "place": ["a.*"] }), false),
        ("argument = \"place\"\npattern = \"(?s).*[^*]\"", json!({ "place": ["a.* "] }), false),
        // Another way to write others: the others would be free.
        ("argument = \"at\"\npattern = \"R2,.*\"", json!({}), false),
        // An option that the kind doesn't have: a misspelt limit isn't without effect.
        ("argument = \"plaice\"\nforbidden = [\"*\"]", json!({}), false),
    ] {
        assert_eq!(limited(limit, Verb::Create, args.clone()).is_ok(), fine, "{limit} {args}");
    }
}

#[test]
fn the_sample_is_a_policy_and_the_schema_knows_its_keys() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap();
    File::parse(&read("policy.sample.toml")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&read("policy.schema.json")).unwrap();
    // serde lists the keys that it knows when it meets another.
    let known = |text: &str| {
        let why = File::parse(text).unwrap_err();
        let names: Vec<String> = why.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(names.len() > 2, "{why}");
        names
    };
    let head = "version = 1\nmode = \"allow-all\"\n";
    for (place, text) in [
        ("", format!("{head}unknown = 1")),
        ("rule", format!("{head}[[deny]]\nunknown = 1")),
        ("limit", format!("{head}[[limit]]\nunknown = 1")),
        ("audit", format!("{head}[audit]\nunknown = 1")),
    ] {
        let properties = if place.is_empty() { &schema["properties"] } else { &schema["$defs"][place]["properties"] };
        let mut listed: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
        let mut known = known(&text);
        listed.sort();
        known.sort();
        assert_eq!(listed, known, "{place}");
    }
}

fn rule() -> impl Strategy<Value = String> {
    let condition = prop_oneof![
        Just("kind = \"robot\""),
        Just("kind = \"robots\""),
        Just("kind = \"other\""),
        Just("verbs = [\"list\", \"get\"]"),
        Just("verbs = [\"create\"]"),
        Just("folder = \"/kinds\""),
        Just("folder = \"/other\""),
        Just("services = [\"api\"]"),
        Just("levels = [\"confined\"]"),
        Just("levels = [\"plain\"]"),
    ];
    proptest::collection::btree_map("[a-z]", condition, 0..3).prop_map(|conditions| {
        let mut keys = std::collections::BTreeSet::new();
        let lines = conditions.into_values().filter(|line| keys.insert(line.split(' ').next().unwrap().to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn file() -> impl Strategy<Value = String> {
    let rules = |word: &'static str, least| {
        proptest::collection::vec(rule(), least..3)
            .prop_map(move |rules| rules.iter().map(|rule| format!("[[{word}]]\n{rule}\n")).collect::<String>())
    };
    let mode = prop_oneof![
        (Just("allow-all"), Just(String::new())),
        (Just("allow-list"), rules("allow", 1)),
        (Just("deny-all"), Just(String::new())),
    ];
    (mode, rules("deny", 0)).prop_map(|((mode, allow), deny)| format!("version = 1\nmode = \"{mode}\"\n{allow}{deny}"))
}

proptest! {
    /// What one file refuses, no other brings back; what all allow, all together do.
    #[test]
    fn files_only_narrow(texts in proptest::collection::vec(file(), 1..4)) {
        let together = policy(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        for verb in Verb::ALL.iter().copied() {
            let each = texts.iter().all(|text| allowed(&policy(&[text]), verb));
            prop_assert_eq!(allowed(&together, verb), each);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = File::parse(&text);
    }
}
