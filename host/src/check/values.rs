//! Values that are made up: for the options of verbs, for the fields of a service's objects, and those that no kind is prepared for.

use carto_plugin_api::manifest::{Arg, ArgType, VerbSpec};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::canary;
use crate::input;

/// A time in a service's answers.
const TIME: &str = "2026-11-20T10:00:00Z";

/// One good value of an option: its example, or something of its type.
pub(super) fn good(arg: &Arg, now: Timestamp) -> Value {
    let example = arg.example.as_deref().filter(|_| !matches!(arg.kind, ArgType::File | ArgType::Secret));
    let example = example.filter(|example| !(arg.at_file && example.starts_with('@')));
    if let Some(value) = example.and_then(|example| input::typed(arg, example, now).ok()) {
        return value;
    }
    match arg.kind {
        ArgType::Bool => true.into(),
        ArgType::Int => 1.into(),
        ArgType::Date => "2027-01-01T00:00:00Z".into(),
        ArgType::Url => "https://app.example.com/callback".into(),
        ArgType::Enum => arg.values.first().map(String::as_str).unwrap_or_default().into(),
        ArgType::Secret => canary::of_option().into(),
        _ => "check".into(),
    }
}

/// The value as the option has it in the input.
pub(super) fn as_given(arg: &Arg, value: Value) -> Value {
    if arg.many { vec![value].into() } else { value }
}

/// Sets of options to try for a verb's first call, the likeliest first.
pub(super) fn sets(spec: &VerbSpec, now: Timestamp) -> Vec<Map<String, Value>> {
    let required = together(spec.args.iter().filter(|arg| arg.required), now);
    let mut sets = vec![
        required.clone(),
        together(spec.args.iter().filter(|arg| arg.required || (arg.example.is_some() && !arg.hidden)), now),
    ];
    for arg in spec.args.iter().filter(|arg| !arg.required) {
        sets.push(alone(spec, arg, &required, good(arg, now)));
    }
    sets.push(together(
        spec.args.iter().filter(|arg| arg.required).chain(spec.args.iter().filter(|arg| !arg.hidden)),
        now,
    ));
    let mut tried: Vec<Map<String, Value>> = Vec::new();
    for set in sets {
        if !tried.contains(&set) {
            tried.push(set);
        }
    }
    tried
}

/// All of these options that can stand beside each other.
pub(super) fn together<'a>(args: impl Iterator<Item = &'a Arg>, now: Timestamp) -> Map<String, Value> {
    let (mut taken, mut set): (Vec<&Arg>, _) = (Vec::new(), Map::new());
    for arg in args {
        if !taken.iter().any(|other| conflict(arg, other)) {
            taken.push(arg);
            set.insert(arg.key(), as_given(arg, good(arg, now)));
        }
    }
    set
}

/// One option beside others, without those that can't stand beside it.
pub(super) fn alone(spec: &VerbSpec, arg: &Arg, beside: &Map<String, Value>, value: Value) -> Map<String, Value> {
    let fits = |key: &String| !spec.args.iter().any(|other| other.key() == *key && conflict(arg, other));
    let mut set: Map<String, Value> =
        beside.iter().filter(|(key, _)| fits(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    set.insert(arg.key(), as_given(arg, value));
    set
}

fn conflict(one: &Arg, other: &Arg) -> bool {
    one.name != other.name && (one.conflicts.contains(&other.name) || other.conflicts.contains(&one.name))
}

/// What stands in a field of that name if an option has it too, and a type that says something.
pub(super) fn of_option<'a>(name: &str, specs: impl Iterator<Item = &'a VerbSpec>, now: Timestamp) -> Option<Value> {
    let names = spellings(name);
    let arg = specs.flat_map(|spec| &spec.args).find(|arg| names.contains(&arg.key()))?;
    let says = matches!(arg.kind, ArgType::Int | ArgType::Bool | ArgType::Date | ArgType::Url | ArgType::Enum);
    (says || arg.many).then(|| as_given(arg, good(arg, now)))
}

/// What stands in a field that nobody gave, by its name.
pub(super) fn field(name: &str) -> Value {
    let snake = spelled_snake(name);
    let words: Vec<&str> = snake.split('_').collect();
    match words.last().copied().unwrap_or_default() {
        "at" | "date" | "time" | "created" | "updated" => TIME.into(),
        "count" | "size" | "number" | "version" => 1.into(),
        _ if matches!(words.first(), Some(&("is" | "has"))) => true.into(),
        "url" | "uri" | "link" => "https://app.example.com/".into(),
        "status" | "address" | "class" | "alias" | "access" => "check".into(),
        plural if plural.ends_with('s') && !plural.ends_with("ss") => json!([]),
        _ => "check".into(),
    }
}

/// The ways in which a service may spell a field.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let snake = spelled_snake(name);
    let mut camel = String::new();
    for (i, word) in snake.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if i > 0 => camel.extend(first.to_uppercase().chain(letters)),
            _ => camel.push_str(word),
        }
    }
    let mut all = vec![name.to_owned()];
    for spelling in [snake, camel] {
        if !all.contains(&spelling) {
            all.push(spelling);
        }
    }
    all
}

fn spelled_snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c == '-' {
            snake.push('_');
        } else if c.is_ascii_uppercase() {
            if !snake.is_empty() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        } else {
            snake.push(c);
        }
    }
    snake
}

/// Texts that are legal and that nobody thinks of.
pub(super) fn odd_texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "\0",
        "\u{1b}[31mred\u{7}",
        "a\r\nb",
        "\u{202e}txt\u{2066}",
        "🗺️👩‍👩‍👧",
        "٣",
        "１２",
        "e\u{301}",
        "ß",
        "-",
        "--name",
        ",",
        ",,",
        ".",
        "..",
        "../../etc/passwd",
        "a/b",
        "%2e%2e%2f",
        "{}",
        "{id}",
        "'; drop table x; --",
        "null",
        "\u{feff}x",
        "\u{fffd}",
        "*",
        "a,b,c",
        "[]",
        "\"",
        "\\",
    ];
    let mut texts: Vec<String> = texts.map(str::to_owned).into();
    texts.push("x".repeat(100 * 1024));
    texts.push("é".repeat(2000));
    texts
}

/// Values of an option's type that nobody thinks of.
pub(super) fn odd(arg: &Arg) -> Vec<Value> {
    match arg.kind {
        ArgType::String | ArgType::File | ArgType::Secret => odd_texts().into_iter().map(Value::from).collect(),
        ArgType::Int => [i64::MIN, -1, 0, i64::from(u32::MAX) + 1, i64::MAX].map(Value::from).into(),
        // The first and the last that the host can read.
        ArgType::Date => {
            ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-30T21:59:59Z"].map(Value::from).into()
        }
        ArgType::Url => {
            let long = format!("https://app.example.com/{}", "x".repeat(100 * 1024));
            let urls = [
                "https://u:p@app.example.com/",
                "javascript://x/%0aalert(1)",
                "https://app.example.com/#\u{202e}",
                "https://[::1]:0/",
            ];
            urls.map(str::to_owned).into_iter().chain([long]).map(Value::from).collect()
        }
        // There is nothing but the words.
        ArgType::Enum => arg.values.iter().map(|word| word.as_str().into()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_a_value_by_its_name() {
        for (name, value) in [
            ("created_at", json!(TIME)),
            ("createdAt", json!(TIME)),
            ("expiration_date", json!(TIME)),
            ("logoutUrls", json!([])),
            ("allowed_apis", json!([])),
            ("status", json!("check")),
            ("isActive", json!(true)),
            ("title", json!("check")),
        ] {
            assert_eq!(field(name), value, "{name}");
        }
    }

    #[test]
    fn a_field_is_spelled_in_several_ways() {
        assert_eq!(spellings("clientSecret"), ["clientSecret", "client_secret"]);
        assert_eq!(spellings("client_id"), ["client_id", "clientId"]);
        assert_eq!(spellings("oauth-clients"), ["oauth-clients", "oauth_clients", "oauthClients"]);
        assert_eq!(spellings("id"), ["id"]);
    }
}
