//! From a kind's options, as clap matched them, to the JSON that reaches the kind: every type of the manifest, checked.

pub(crate) mod date;
mod silent;
mod stdin;

use std::fs::File;
use std::io::Read;

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::{Arg, ArgType, VerbSpec};
use clap::ArgMatches;
use jiff::Timestamp;
use serde_json::{Map, Value};

pub(crate) use silent::Until;
pub(crate) use stdin::Stdin;

use crate::environment;
use crate::error::{Error, Result, shell_word};

/// The largest file that an option may bring in.
const FILE_LIMIT: u64 = 1024 * 1024;

/// The longest id; a token, which is an id too, has some hundred characters.
const LONGEST_ID: usize = 4096;

/// The clap id of a kind's option. Prefixed: clap copies a global's value into a subcommand's argument with the same id.
pub(crate) fn clap_id(arg: &Arg) -> String {
    format!("arg:{}", arg.name)
}

/// The arguments that were given, by their key in the input. `no_input`: whether nobody may be asked.
pub(crate) fn read(
    spec: &VerbSpec,
    matches: &ArgMatches,
    now: Timestamp,
    stdin: &mut Stdin,
    no_input: bool,
) -> Result<Map<String, Value>> {
    let mut args = Map::new();
    for arg in &spec.args {
        let id = clap_id(arg);
        if arg.kind == ArgType::Bool {
            if matches.get_flag(&id) {
                args.insert(arg.key(), Value::Bool(true));
            }
            continue;
        }
        let Some(values) = matches.get_many::<String>(&id) else { continue };
        let mut read = values.map(|text| value(arg, text, now, stdin, no_input)).collect::<Result<Vec<_>>>()?;
        match (arg.many, read.pop()) {
            (true, last) => {
                read.extend(last);
                args.insert(arg.key(), Value::Array(read));
            }
            (false, Some(only)) => {
                args.insert(arg.key(), only);
            }
            (false, None) => {}
        }
    }
    Ok(args)
}

fn value(arg: &Arg, text: &str, now: Timestamp, stdin: &mut Stdin, no_input: bool) -> Result<Value> {
    let text = match arg.kind {
        ArgType::File => file(arg, text)?,
        ArgType::Secret => secret(arg, text, stdin, no_input)?,
        ArgType::String if arg.at_file => match text.strip_prefix('@') {
            Some("-") => stdin.text(&format!("--{}", arg.name))?,
            Some(literal) if literal.starts_with('@') => literal.to_owned(),
            Some(path) => file(arg, path)?,
            None => text.to_owned(),
        },
        _ => return typed(arg, text, now),
    };
    Ok(Value::String(text))
}

/// The value of an option in a text that is the value itself.
pub(crate) fn typed(arg: &Arg, text: &str, now: Timestamp) -> Result<Value> {
    Ok(match arg.kind {
        ArgType::Int => {
            let number: i64 = text.parse().map_err(|_| {
                bad(arg, format!("`{text}` isn't a whole number")).hint(format!("write it like `--{} 10`", arg.name))
            })?;
            number.into()
        }
        ArgType::Date => {
            let of_it = |mut error: Error| {
                error.argument = Some(arg.name.clone());
                error
            };
            date::parse(text, now).map_err(of_it)?.into()
        }
        ArgType::Url => {
            if !url::Url::parse(text).is_ok_and(|url| url.has_host()) {
                return Err(bad(arg, format!("`{text}` isn't an absolute URL"))
                    .hint("write it in full, like `https://app.example.com/callback`"));
            }
            text.into()
        }
        _ => text.into(),
    })
}

fn bad(arg: &Arg, message: String) -> Error {
    Error::argument(&arg.name, message)
}

/// A secret comes from anywhere but the command line, which every process of the machine can read.
fn secret(arg: &Arg, text: &str, stdin: &mut Stdin, no_input: bool) -> Result<String> {
    if text == "-" {
        let secret = stdin.secret(&format!("--{}", arg.name), &prompt(arg), Until::Line, no_input)?;
        return Ok(secret.into_exposed());
    }
    if let Some(path) = text.strip_prefix('@') {
        return file(arg, path);
    }
    if let Some(name) = text.strip_prefix("env:") {
        return environment::text(name)?.ok_or_else(|| {
            bad(arg, format!("the variable `{name}` isn't set"))
                .hint(format!("set and export it, or use `--{0} -` for standard input, or `--{0} @FILE`", arg.name))
        });
    }
    // Not even the beginning of what was typed is echoed: it may be the secret.
    Err(bad(arg, format!("`--{}` takes a place to read a secret from, not the secret", arg.name))
        .hint(format!("use `--{0} -` for standard input, `--{0} @FILE`, or `--{0} env:NAME`", arg.name)))
}

/// What a person is asked for: `--client-secret` is `Client secret`.
fn prompt(arg: &Arg) -> String {
    let words = arg.name.replace('-', " ");
    let (first, rest) = words.split_at_checked(1).unwrap_or((&words, ""));
    first.to_uppercase() + rest
}

/// The text of a file, without the line break at its end.
fn file(arg: &Arg, path: &str) -> Result<String> {
    let failed = |why: String| {
        let error = bad(arg, format!("cannot read `{path}`: {why}"));
        if arg.at_file {
            error.hint(format!("`@` reads a file; for the text itself write {}", shell_word(&format!("@@{path}"))))
        } else if arg.kind == ArgType::Secret {
            error.hint(format!("name a text file that you can read, or use `--{} -` for standard input", arg.name))
        } else {
            error.hint("name a text file that you can read")
        }
    };
    let mut text = String::new();
    let file = File::open(path).map_err(|e| failed(e.to_string()))?;
    file.take(FILE_LIMIT + 1).read_to_string(&mut text).map_err(|e| failed(e.to_string()))?;
    if text.len() as u64 > FILE_LIMIT {
        return Err(failed("it is larger than 1 MiB".to_owned()));
    }
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// The id that was typed, or with `-` the first line of standard input. What can't be an id never leaves.
pub(crate) fn id(typed: &str, stdin: &mut Stdin) -> Result<String> {
    let id = if typed == "-" { stdin.line("<ID>")?.trim().to_owned() } else { typed.to_owned() };
    match id.trim() {
        "" => Err(Error::new(ErrorCode::InvalidArgument, "the id is empty").hint("`carto credentials list` shows ids")),
        "." | ".." => Err(Error::new(ErrorCode::InvalidArgument, format!("`{id}` can't be an id"))
            .hint("`carto credentials list` shows ids")),
        _ if id.len() > LONGEST_ID => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("an id of {} characters can't be one: {LONGEST_ID} is the limit", id.len()),
        )
        .hint("`carto credentials list` shows ids")),
        _ => Ok(id),
    }
}
