//! `carto plugin list`: what is installed, read from files. Nothing of a library runs here.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::commands::Context;
use crate::error::{Error, usage};
use crate::kinds::{Kind, Refused};
use crate::output::table::Columns;
use crate::output::{Format, Record, json as json_text, stderr, stdout};
use crate::run::{self, Level};
use crate::settings;

/// Lists them.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if matches!(view.format, Format::Csv | Format::Env) || view.field.is_some() {
        return Err(usage("a list of plugins is a table or JSON").hint("leave the format out, or use `--json`").into());
    }
    let found = context.catalog.all()?;
    let settings = settings::read()?;
    let runtime = run::runtime(&settings.plugins, false);
    // Tried out, with a process that opens no library: only that shows what this machine can do.
    let refusal = runtime.check().err();
    let level = runtime.level().as_str();
    let state = if refusal.is_none() { "ok" } else { "can't run" };
    let rows: Vec<Record> =
        found.kinds.iter().map(|kind| usable(kind, level, state)).chain(found.refused.iter().map(refused)).collect();
    let text = match view.format {
        Format::Json => {
            json_text::pretty(&json!({ "plugins": rows, "runtime": in_force(runtime.level(), refusal.as_ref()) }))
        }
        Format::Jsonl => rows.iter().map(|row| json_text::line(&json!(row))).collect(),
        _ => {
            let fields = ["name", "level", "state", "version", "title", "path"].map(str::to_owned);
            let columns = Columns::settle(&fields, "name", &rows, stdout::width());
            let lines: String = rows.iter().map(|row| columns.row(row)).collect();
            if rows.is_empty() { String::new() } else { columns.header() + &lines }
        }
    };
    stdout::write(&text)?;
    if !view.format.is_json() {
        if let Some(error) = &refusal {
            stderr::warning(&error.message, error.hint.as_deref());
        } else {
            let level = runtime.level();
            let (word, why, meaning) = (level.as_str(), level.reason(), level.meaning());
            stderr::note(&format!("kinds run `{word}` ({why}): {meaning}"));
        }
        for refused in &found.refused {
            let error = refused.error();
            stderr::warning(&error.message, error.hint.as_deref());
        }
        if rows.is_empty() {
            let folders: Vec<String> =
                context.catalog.folders()?.iter().map(|folder| folder.display().to_string()).collect();
            stderr::done(&format!("There are no plugins in {}.", folders.join(", ")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The level, and why it is that one.
fn in_force(level: Level, refusal: Option<&Error>) -> Value {
    let why = match refusal {
        Some(error) => error.message.as_str(),
        None => level.reason(),
    };
    json!({
        "level": level.as_str(),
        "usable": refusal.is_none(),
        "meaning": format!("kinds run {}", level.meaning()),
        "why": why,
        "hint": refusal.and_then(|error| error.hint.as_ref()),
    })
}

fn usable(kind: &Kind, level: &str, state: &str) -> Record {
    let manifest = &kind.manifest;
    let verbs: Vec<&str> = manifest.verbs.keys().map(|verb| verb.as_str()).collect();
    row(json!({
        "name": manifest.name,
        "plural": manifest.plural,
        "title": manifest.title,
        "version": manifest.package.as_ref().map(|package| &package.version),
        "vendor": manifest.vendor,
        "abi": manifest.abi,
        "verbs": verbs,
        "level": level,
        "state": state,
        "path": kind.file.display().to_string(),
    }))
}

fn refused(refused: &Refused) -> Record {
    row(json!({
        "name": refused.name,
        "state": "refused",
        "path": refused.path.display().to_string(),
        "cause": refused.cause,
        "remedy": refused.remedy,
    }))
}

fn row(value: Value) -> Record {
    match value {
        Value::Object(row) => row,
        _ => Record::new(),
    }
}
