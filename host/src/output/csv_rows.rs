//! Comma-separated rows: the fields of the first record are the header; lists and objects are JSON inside a cell.

use serde_json::Value;

use super::Record;
use super::text::{harmless_json, harmless_lines};

/// Rows as text. The first call also writes the header.
#[derive(Default)]
pub(crate) struct Rows {
    header: Option<Vec<String>>,
}

impl Rows {
    /// The records as rows. `columns` is the header if there is no record to take it from.
    pub(crate) fn rows(&mut self, records: &[Record], columns: &[String]) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let first = self.header.is_none();
        let header = self.header.get_or_insert_with(|| match records.first() {
            Some(record) => record.keys().cloned().collect(),
            None => columns.to_vec(),
        });
        // Writing to memory can't fail, and every row has the header's length.
        if first {
            let _ = writer.write_record(header.iter());
        }
        for record in records {
            let _ = writer.write_record(header.iter().map(|field| cell(record.get(field))));
        }
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless_lines(text),
        Some(other) => harmless_json(&other.to_string()),
    }
}
