//! One record, in any format, or one field of it.

use std::collections::BTreeSet;

use carto_plugin_api::manifest;
use serde_json::{Value, json};

use super::csv_rows::rows;
use super::text::harmless_lines;
use super::variables::{self, Variable};
use super::{Format, Record, View, json as json_text, mask, stdout, table};
use crate::error::{Result, quoted, usage};
use crate::kinds::Kind;

/// A record as text for standard output. `fresh`: it was just created, and so its secrets are shown.
pub(crate) fn text(kind: &Kind, mut record: Record, view: &View, fresh: bool) -> String {
    let shape = &kind.manifest.record;
    let mut hidden = mask::mask(&mut record, shape, view.reveal, fresh);
    if view.to_file {
        hidden.extend(mask::written(&mut record, shape, view));
    }
    if let Some(field) = &view.field {
        return field_text(&record, field);
    }
    match view.format {
        Format::Table => table::fields(&record, &hidden),
        Format::Json => json_text::pretty(&Value::Object(record)),
        Format::Jsonl => json_text::line(&json!({ "kind": kind.name(), "record": record })),
        Format::Csv => rows(&[record], &shape.fields, true),
        Format::Env => variable_lines(&record, shape),
    }
}

/// One value, alone: text as it is, anything else as JSON.
pub(crate) fn field_text(record: &Record, field: &str) -> String {
    match record.get(field) {
        // A script gets the value to the letter; a terminal must not be disturbed by it.
        Some(Value::String(text)) if stdout::is_watched() => harmless_lines(text) + "\n",
        Some(Value::String(text)) => format!("{text}\n"),
        None | Some(Value::Null) => "\n".to_owned(),
        Some(other) => json_text::line(other),
    }
}

/// Refuses, before anything is asked, what can be told to be impossible: a field that no record of these kinds has, or one that will be
/// hidden or is gone. `fresh`: secrets will be shown.
pub(crate) fn check(view: &View, kinds: &[Kind], fresh: bool) -> Result<()> {
    if kinds.is_empty() {
        return Ok(());
    }
    let shapes = || kinds.iter().map(|kind| &kind.manifest.record);
    let hides = |shape: &manifest::Record, field: &String| shape.secrets.contains(field) && !view.reveal && !fresh;
    if let Some(field) = &view.field {
        if !shapes().any(|shape| shape.fields.contains(field)) {
            let fields: BTreeSet<&String> = shapes().flat_map(|shape| &shape.fields).collect();
            return Err(usage(format!("there is no field `{field}`")).hint(format!("fields: {}", quoted(fields))));
        }
        if !fresh && shapes().any(|shape| shape.once.contains(field)) {
            return Err(usage(format!("`{field}` was shown once, at creation, and can't be shown again"))
                .hint("if it is lost, create the credential again"));
        }
        if shapes().any(|shape| hides(shape, field)) {
            return Err(usage(format!("the field `{field}` is a secret")).hint("add `--reveal` to print it"));
        }
    }
    if view.format == Format::Env && view.to_file {
        return Err(usage("`-o env` and `--env-file` both write the variables").hint("leave one of the two out"));
    }
    if view.format == Format::Env || view.to_file {
        for kind in kinds {
            if kind.manifest.record.env.is_empty() {
                let error = usage(format!("the kind `{}` has no variables", kind.name()));
                return Err(error.hint("use `-o json` or `--field NAME`"));
            }
            let shape = &kind.manifest.record;
            // One that was shown once is left out, with a note; one that could be shown has to be asked for.
            let mut hidden = shape.env.iter().filter(|(field, _)| hides(shape, field) && !shape.once.contains(field));
            if let Some((_, variable)) = hidden.next() {
                return Err(usage(format!("`{variable}` is a secret")).hint("add `--reveal` to print it"));
            }
        }
    }
    Ok(())
}

/// The variables of a record. A secret that was shown once has no value any more: no variable is better than an empty one.
pub(crate) fn variables(record: &Record, shape: &manifest::Record) -> Vec<Variable> {
    let value = |field| match record.get(field)? {
        Value::String(value) => Some(value.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    shape.env.iter().filter_map(|(field, variable)| Some((variable.clone(), value(field)?))).collect()
}

fn variable_lines(record: &Record, shape: &manifest::Record) -> String {
    let text: String = variables(record, shape).iter().map(variables::line).collect();
    if stdout::is_watched() { harmless_lines(&text) } else { text }
}
