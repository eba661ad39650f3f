//! A script: what a vendor says of the kind's service and of the options to call it with. Read and held against the manifest here; what is
//! wrong with it is an error with its line and column.

use std::collections::BTreeMap;
use std::path::Path;

use carto_plugin_api::manifest::{Arg, ArgType, Call, Manifest};
use carto_plugin_api::{ErrorCode, Verb};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use crate::environment;
use crate::error::{Error, Result};
use crate::input;
use crate::toml_text;

/// What it says, ready to be used.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub(super) args: BTreeMap<Verb, Map<String, Value>>,
    pub(super) ids: BTreeMap<Verb, String>,
    /// The user's settings for the kind.
    pub(super) options: Map<String, Value>,
    pub(super) service: Shape,
    pub(super) refusals: BTreeMap<u16, Value>,
    pub(super) answers: Vec<Answer>,
}

/// How the double spells what it can't guess.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub(super) id: Option<Ids>,
    pub(super) items: Option<String>,
    pub(super) next: Option<String>,
    pub(super) object: Option<String>,
    #[serde(default)]
    pub(super) values: Map<String, Value>,
}

/// What ids look like: a text with a number in it, or numbers from this one on.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Ids {
    From(u32),
    Text(String),
}

/// An answer of the vendor's own.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) call: Call,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) echo: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    list: Option<VerbFile>,
    create: Option<VerbFile>,
    get: Option<VerbFile>,
    update: Option<VerbFile>,
    delete: Option<VerbFile>,
    verify: Option<VerbFile>,
    #[serde(default)]
    options: Map<String, Value>,
    #[serde(default)]
    service: Shape,
    #[serde(default)]
    refusals: BTreeMap<Spanned<String>, Value>,
    #[serde(default)]
    answers: Vec<AnswerFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerbFile {
    id: Option<Spanned<String>>,
    args: Option<Spanned<BTreeMap<Spanned<String>, Spanned<Value>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    call: Spanned<Call>,
    status: Option<Spanned<u16>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    echo: bool,
}

/// A place in the file, and what is wrong there.
type Wrong = (usize, String);

/// Reads a script for a kind.
pub(super) fn read(file: &Path, manifest: &Manifest, now: Timestamp) -> Result<Script> {
    let bad = |why: String| Error::new(ErrorCode::Usage, format!("cannot use the script `{}`: {why}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|e| bad(e.to_string()).hint("name the script beside the kind's `Cargo.toml`, like `check.toml`"))?;
    let page = || environment::document("plugin-check.md");
    parse(&text, manifest, now).map_err(|why| bad(why).hint(format!("{} says what a script may hold", page())))
}

fn parse(text: &str, manifest: &Manifest, now: Timestamp) -> std::result::Result<Script, String> {
    let read: std::result::Result<File, _> = toml::from_str(text);
    let read = read.map_err(|e| (e.span().map_or(0, |span| span.start), e.message().replace('\n', " ")));
    read.and_then(|file| checked(file, manifest, now)).map_err(|(at, why)| toml_text::at(text, at, &why))
}

/// Whether the host keeps an answer of that status to itself.
fn is_the_hosts(status: u16) -> bool {
    !((200..300).contains(&status) || (400..500).contains(&status)) || matches!(status, 401 | 408 | 429)
}

/// The same where a credential is tried.
fn is_never_a_kinds(status: u16) -> bool {
    !(200..500).contains(&status) || matches!(status, 408 | 429)
}

fn checked(file: File, manifest: &Manifest, now: Timestamp) -> std::result::Result<Script, Wrong> {
    let mut script = Script { options: file.options, service: file.service, ..Script::default() };
    let verbs = [
        (Verb::List, file.list),
        (Verb::Create, file.create),
        (Verb::Get, file.get),
        (Verb::Update, file.update),
        (Verb::Delete, file.delete),
        (Verb::Verify, file.verify),
    ];
    for (verb, said) in verbs.into_iter().filter_map(|(verb, said)| Some((verb, said?))) {
        if let Some(id) = said.id {
            if !verb.takes_id() {
                return Err((id.span().start, format!("{verb} takes no id")));
            }
            script.ids.insert(verb, id.into_inner());
        }
        if let Some(args) = said.args {
            script.args.insert(verb, self::args(args, verb, manifest, now)?);
        }
    }
    for (status, body) in file.refusals {
        let number = status.as_ref().parse().ok();
        let number = number.filter(|status| (400..500).contains(status) && !is_the_hosts(*status));
        let wrong = || {
            let why = format!("`{}` isn't the status of a refusal that a kind sees, like 409", status.as_ref());
            (status.span().start, why)
        };
        script.refusals.insert(number.ok_or_else(wrong)?, plain(body));
    }
    for answer in file.answers {
        let call = answer.call.as_ref();
        if !manifest.verbs.values().flat_map(|spec| &spec.calls).any(|declared| is_part(call, declared)) {
            return Err((answer.call.span().start, format!("the manifest declares no call `{call}` for any verb")));
        }
        let status = answer.status.as_ref().map_or(200, |status| *status.as_ref());
        // Where a credential is tried, what is refused is the kind's to judge.
        let is_tried = call.tries(Verb::Verify) && !manifest.services.contains_key(&call.service);
        let is_the_hosts = if is_tried { is_never_a_kinds(status) } else { is_the_hosts(status) };
        if let Some(wrong) = answer.status.filter(|_| is_the_hosts) {
            let why = format!("a kind never sees an answer {status}: 3xx, 401, 408, 429 and 5xx are the host's");
            return Err((wrong.span().start, why));
        }
        script.answers.push(Answer {
            status,
            headers: answer.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
            body: answer.body.map(plain),
            echo: answer.echo,
            call: answer.call.into_inner(),
        });
    }
    Ok(script)
}

/// Whether every request that `call` means is one that `declared` permits.
fn is_part(call: &Call, declared: &Call) -> bool {
    call.service == declared.service
        && call.method == declared.method
        && call.path().len() == declared.path().len()
        && call.path().zip(declared.path()).all(|(own, theirs)| theirs.is_none() || own == theirs)
}

fn args(
    given: Spanned<BTreeMap<Spanned<String>, Spanned<Value>>>,
    verb: Verb,
    manifest: &Manifest,
    now: Timestamp,
) -> std::result::Result<Map<String, Value>, Wrong> {
    let start = given.span().start;
    let spec = manifest.verbs.get(&verb).ok_or_else(|| (start, format!("the kind has no verb `{verb}`")))?;
    let mut args = Map::new();
    let mut names = Vec::new();
    for (name, value) in given.into_inner() {
        let place = value.span().start;
        let arg = spec.args.iter().find(|arg| arg.name == *name.as_ref());
        let arg = arg.ok_or_else(|| (name.span().start, format!("{verb} has no option `{}`", name.as_ref())))?;
        let value = option(arg, plain(value.into_inner()), now).map_err(|why| (place, why))?;
        if let Some(value) = value {
            args.insert(arg.key(), value);
            names.push(arg);
        }
    }
    if let Some(missing) = spec.args.iter().find(|arg| arg.required && !args.contains_key(&arg.key())) {
        return Err((start, format!("{verb} needs the option `{}`", missing.name)));
    }
    for arg in &names {
        if let Some(other) = names.iter().find(|other| arg.conflicts.contains(&other.name)) {
            return Err((start, format!("`{}` and `{}` can't stand beside each other", arg.name, other.name)));
        }
    }
    Ok(args)
}

/// The value of an option as it reaches the kind; nothing for a switch that is off.
fn option(arg: &Arg, value: Value, now: Timestamp) -> std::result::Result<Option<Value>, String> {
    let one = |value: Value| match (arg.kind, value) {
        (ArgType::Int, Value::Number(number)) if number.is_i64() => Ok(Value::Number(number)),
        (ArgType::Enum, Value::String(text)) if !arg.values.contains(&text) => {
            Err(format!("`{}` is one of {}", arg.name, arg.values.join(", ")))
        }
        (_, Value::String(text)) => input::typed(arg, &text, now).map_err(|error| error.message),
        _ => Err(format!("`{}` has a value that isn't of its type", arg.name)),
    };
    match (arg.kind, value) {
        (ArgType::Bool, Value::Bool(on)) => Ok(on.then_some(Value::Bool(true))),
        (ArgType::Bool, _) => Err(format!("`{}` is a switch: true or false", arg.name)),
        (_, Value::Array(values)) if arg.many => {
            values.into_iter().map(one).collect::<std::result::Result<_, _>>().map(Some)
        }
        (_, value) if arg.many => one(value).map(|value| Some(vec![value].into())),
        (_, value) => one(value).map(Some),
    }
}

/// TOML's own dates, which JSON doesn't have, as texts.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$__toml_private_datetime") {
            Some(date) => date.clone(),
            None => Value::Object(fields.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        },
        Value::Array(items) => items.into_iter().map(plain).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(include_str!("../../../tests/fixtures/marker/kind.toml")).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn options_are_read_as_from_the_command_line() {
        let text = r#"
            [create]
            args = { number = 7, flag = true, when = ["7d", 2027-01-01], text = "@@x", api-key = "s" }
            [get]
            id = "m1"
            [refusals]
            404 = { code = "none" }
            [[answers]]
            call = "api GET /v3/tokens/tok_1"
            headers = { ETag = "1" }
            body = { id = "{id}", at = 2027-01-01T00:00:00Z }
        "#;
        let script = parse(text, &manifest(), now()).unwrap();
        let when = ["2026-11-30T10:00:00Z", "2027-01-01T00:00:00Z"];
        let expected = json!({ "api_key": "s", "flag": true, "number": 7, "text": "@@x", "when": when });
        assert_eq!(Value::Object(script.args[&Verb::Create].clone()), expected);
        assert_eq!(script.ids[&Verb::Get], "m1");
        assert_eq!(script.answers[0].headers, [("etag".to_owned(), "1".to_owned())]);
        assert_eq!(script.answers[0].body, Some(json!({ "id": "{id}", "at": "2027-01-01T00:00:00Z" })));
    }

    /// What vendors copy.
    #[test]
    fn the_page_for_vendors_has_a_script_that_can_be_read() {
        let page = include_str!("../../../docs/plugin-check.md");
        let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let robot = r#"
            schema = "1.0"
            abi = 1
            name = "robot"
            plural = "robots"
            title = "Robot"
            about = "Things that move by themselves"
            [services.api]
            [record]
            fields = ["id", "name", "key"]
            id = "id"
            columns = ["id"]
            [verbs.list]
            calls = ["api GET /v1/robots"]
            [verbs.get]
            calls = ["api GET /v1/robots/{}"]
            [verbs.create]
            calls = ["api POST /v1/robots"]
            args = [
                { name = "name", help = "Name" },
                { name = "tag", many = true, help = "Tag" },
                { name = "expiration-date", type = "date", help = "End" },
            ]
            [verbs.update]
            calls = ["api PATCH /v1/robots/{}"]
            args = [{ name = "name", help = "Name" }]
        "#;
        let script = parse(text, &Manifest::parse(robot).unwrap(), now()).unwrap();
        let args = json!({ "name": "R2", "tag": ["a", "b"], "expiration_date": "2026-11-30T10:00:00Z" });
        assert_eq!(Value::Object(script.args[&Verb::Create].clone()), args);
        assert_eq!((script.answers.len(), script.refusals.len(), script.options.len()), (3, 1, 1));
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let cases = [
            ("[create]\nargs = { nome = 1 }", "line 2, column 10: create has no option `nome`"),
            ("[create]\nargs = { number = \"x\" }", "line 2, column 19: `x` isn't a whole number"),
            ("[create]\nargs = { flag = 1 }", "line 2, column 17: `flag` is a switch"),
            ("[create]\nargs = { level = \"odd\" }", "line 2, column 18: `level` is one of low, high"),
            ("[create]\nargs = { level = \"low\", flag = true }", "line 2, column 8: `level` and `flag` can't"),
            ("[delete]\nargs = {}", "line 2, column 8: the kind has no verb `delete`"),
            ("[create]\nid = \"x\"", "line 2, column 6: create takes no id"),
            ("[made]", "line 1, column 2: unknown field `made`"),
            ("[[answers]]\ncall = \"api PUT /v3/tokens\"", "line 2, column 8: the manifest declares no call"),
            ("[[answers]]\ncall = \"GET /v3/tokens\"", "line 2, column 8: the call `GET /v3/tokens` isn't a service"),
            ("[[answers]]\ncall = \"api GET /v3/tokens\"\nstatus = 503", "line 3, column 10: a kind never sees"),
            ("[refusals]\n500 = {}", "line 2, column 1: `500` isn't the status of a refusal"),
            ("[create]\nargs = ", "line 2, column 8: "),
        ];
        for (text, says) in cases {
            let error = parse(text, &manifest(), now()).unwrap_err();
            assert!(error.starts_with(says), "{text}: {error}");
        }
    }
}
