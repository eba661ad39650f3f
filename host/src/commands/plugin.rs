//! `carto plugin`: what is installed, read from files. Nothing of a library runs here.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Context;
use crate::error::usage;
use crate::kinds::{Kind, Refused};
use crate::output::table::Columns;
use crate::output::{Format, Record, json as json_text, stderr, stdout};
use crate::run;

/// `carto plugin list`.
pub(crate) fn list(context: &Context) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if matches!(view.format, Format::Csv | Format::Env) || view.field.is_some() {
        return Err(usage("a list of plugins is a table or JSON").hint("leave the format out, or use `--json`").into());
    }
    let found = context.catalog.all()?;
    let rows: Vec<Record> = found.kinds.iter().map(usable).chain(found.refused.iter().map(refused)).collect();
    let text = match view.format {
        Format::Json => json_text::pretty(&json!({ "plugins": rows })),
        Format::Jsonl => rows.iter().map(|row| json_text::line(&json!(row))).collect(),
        _ => {
            let fields = ["name", "title", "version", "level", "state", "path"].map(str::to_owned);
            let columns = Columns::settle(&fields, "path", &rows, stdout::width());
            let lines: String = rows.iter().map(|row| columns.row(row)).collect();
            if rows.is_empty() { String::new() } else { columns.header() + &lines }
        }
    };
    stdout::write(&text)?;
    if !view.format.is_json() {
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

fn usable(kind: &Kind) -> Record {
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
        "level": run::runtime().level(),
        "state": "ok",
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
