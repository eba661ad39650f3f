//! Hides the fields that a manifest calls secret.

use carto_plugin_api::manifest;
use serde_json::Value;

use super::Record;

/// Sets secret fields to `null`, unless they are to be shown. Answers with those that were hidden.
pub(crate) fn mask(record: &mut Record, shape: &manifest::Record, reveal: bool) -> Vec<String> {
    let mut hidden = Vec::new();
    for field in &shape.secrets {
        if let Some(value) = record.get_mut(field)
            && !reveal
            && !value.is_null()
        {
            *value = Value::Null;
            hidden.push(field.clone());
        }
    }
    hidden
}
