//! Hides the fields that a manifest calls secret.

use carto_plugin_api::manifest;
use serde_json::Value;

use super::Record;

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
