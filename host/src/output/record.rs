//! One record, in any format, or one field of it.

use carto_plugin_api::manifest;
use serde_json::{Value, json};

use super::csv_rows::Rows;
use super::text::harmless_lines;
use super::{Format, Record, View, json as json_text, mask, stdout, table};
use crate::error::{Error, Result, quoted, usage};
use crate::kinds::Kind;

/// A record as text for standard output. `fresh`: it was just created, and so its secrets are shown.
pub(crate) fn text(kind: &Kind, mut record: Record, view: &View, fresh: bool) -> Result<String> {
    let shape = &kind.manifest.record;
    let hidden = mask::mask(&mut record, shape, view.reveal || fresh);
    if let Some(field) = &view.field {
        return field_text(&record, field, &hidden);
    }
    Ok(match view.format {
        Format::Table => table::fields(&record, &hidden),
        Format::Json => json_text::pretty(&Value::Object(record)),
        Format::Jsonl => json_text::line(&json!({ "kind": kind.name(), "record": record })),
        Format::Csv => Rows::default().rows(&[record], &shape.columns),
        Format::Env => variables(kind, &record, shape, &hidden)?,
    })
}

/// One value, alone: text as it is, anything else as JSON.
pub(crate) fn field_text(record: &Record, field: &str, hidden: &[String]) -> Result<String> {
    if hidden.iter().any(|name| name == field) {
        return Err(usage(format!("the field `{field}` is a secret")).hint("add `--reveal` to print it"));
    }
    match record.get(field) {
        // A script gets the value to the letter; a terminal must not be disturbed by it.
        Some(Value::String(text)) if stdout::is_watched() => Ok(harmless_lines(text) + "\n"),
        Some(Value::String(text)) => Ok(format!("{text}\n")),
        Some(Value::Null) => Ok("\n".to_owned()),
        Some(other) => Ok(json_text::line(other)),
        None => Err(no_field(field, record.keys().map(String::as_str))),
    }
}

/// The error for a field that a record doesn't have.
pub(crate) fn no_field<'a>(field: &str, fields: impl IntoIterator<Item = &'a str>) -> Error {
    usage(format!("there is no field `{field}`")).hint(format!("fields: {}", quoted(fields)))
}

/// `NAME='value'`, as a shell reads it back.
fn variables(kind: &Kind, record: &Record, shape: &manifest::Record, hidden: &[String]) -> Result<String> {
    if shape.env.is_empty() {
        return Err(
            usage(format!("the kind `{}` has no variables", kind.name())).hint("use `-o json` or `--field NAME`")
        );
    }
    let mut text = String::new();
    for (field, variable) in &shape.env {
        if hidden.contains(field) {
            return Err(usage(format!("`{variable}` is a secret")).hint("add `--reveal` to print it"));
        }
        let value = match record.get(field) {
            Some(Value::String(value)) => value.clone(),
            // A secret that was shown once has no value any more: no line is better than an empty one.
            None | Some(Value::Null) => continue,
            Some(other) => other.to_string(),
        };
        text.push_str(&format!("{variable}='{}'\n", value.replace('\'', r"'\''")));
    }
    Ok(if stdout::is_watched() { harmless_lines(&text) } else { text })
}
