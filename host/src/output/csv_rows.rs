//! Comma-separated rows: the manifest's fields are the columns; lists and objects are JSON inside a cell.

use serde_json::Value;

use super::Record;
use super::text::{harmless_json, harmless_lines};

/// The records as rows, after a header if it is asked for.
pub(crate) fn rows(records: &[Record], fields: &[String], header: bool) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail, and every row has the header's length.
    if header {
        let _ = writer.write_record(fields);
    }
    for record in records {
        let _ = writer.write_record(fields.iter().map(|field| cell(record.get(field))));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless_lines(text),
        Some(other) => harmless_json(&other.to_string()),
    }
}
