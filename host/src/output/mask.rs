//! Hides the fields that a manifest calls secret, and those that went to a file instead.

use carto_plugin_api::manifest;
use serde_json::Value;

use super::{Record, View};

/// Sets secret fields to `null`: all of them, unless they are to be shown; and those that are shown once, unless this is that time. Answers
/// with those that were hidden and could be shown.
pub(crate) fn mask(record: &mut Record, shape: &manifest::Record, reveal: bool, fresh: bool) -> Vec<String> {
    let mut hidden = Vec::new();
    for field in &shape.secrets {
        let once = shape.once.contains(field);
        if let Some(value) = record.get_mut(field)
            && !value.is_null()
            && !fresh
            && (once || !reveal)
        {
            *value = Value::Null;
            if !once {
                hidden.push(field.clone());
            }
        }
    }
    hidden
}

/// Sets the secrets that were written as variables to `null`, unless they are asked for by name or with all others. Answers with those.
pub(crate) fn written(record: &mut Record, shape: &manifest::Record, view: &View) -> Vec<String> {
    let asked = |field: &String| view.reveal || view.field.as_ref() == Some(field);
    let written = shape.secrets.iter().filter(|field| shape.env.contains_key(*field) && !asked(field));
    let there: Vec<String> =
        written.filter(|field| record.get(*field).is_some_and(|value| !value.is_null())).cloned().collect();
    for field in &there {
        record.insert(field.clone(), Value::Null);
    }
    there
}
