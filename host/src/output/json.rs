//! JSON, pretty for one object, compact for one a line.

use serde_json::Value;

use super::text::harmless_json;

/// An object over several lines.
pub(crate) fn pretty(value: &Value) -> String {
    // A `Value` is JSON already: this can't fail.
    harmless_json(&serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

/// An object in one line.
pub(crate) fn line(value: &Value) -> String {
    harmless_json(&value.to_string()) + "\n"
}
