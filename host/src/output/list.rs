//! Lists, page by page as they come, over one kind or several. Kinds come one after the other, in a fixed order. Each part is text for
//! standard output; writing it is the caller's.

use serde_json::{Map, Value, json};

use super::csv_rows::rows;
use super::table::Columns;
use super::{Format, Record, View, json as json_text, mask, record, stderr, stdout};
use crate::error::{Error, quoted, usage};
use crate::kinds::Kind;

/// A list that is being written.
pub(crate) struct List {
    view: View,
    /// Whether several kinds are listed.
    several: bool,
    /// The kind that is being written, if its first page has come.
    current: Option<Current>,
    /// Whether any kind has been written.
    begun: bool,
    failures: Vec<Value>,
}

struct Current {
    columns: Option<Columns>,
    count: usize,
}

impl List {
    /// A list in a format that can show it.
    pub(crate) fn new(view: View, several: bool) -> Result<List, Error> {
        match view.format {
            Format::Env => {
                return Err(usage("`-o env` is for one credential")
                    .hint("name the one with `get`, or choose another format here"));
            }
            Format::Csv if several => {
                return Err(usage("`-o csv` needs a type: kinds have different columns")
                    .hint("name one type after `list`, or use `-o jsonl`"));
            }
            _ => {}
        }
        Ok(List { view, several, current: None, begun: false, failures: Vec::new() })
    }

    /// The next page of a kind.
    pub(crate) fn page(&mut self, kind: &Kind, mut records: Vec<Record>) -> String {
        let shape = &kind.manifest.record;
        for record in &mut records {
            mask::mask(record, shape, self.view.reveal, false);
        }
        let mut text = String::new();
        let begins = self.current.is_none();
        if begins && self.view.field.is_none() {
            text.push_str(&self.opening(kind));
        }
        let current = self.current.get_or_insert(Current { columns: None, count: 0 });
        let before = current.count;
        current.count += records.len();
        if let Some(field) = &self.view.field {
            for record in records.iter().filter(|record| record.contains_key(field)) {
                text.push_str(&record::field_text(record, field));
            }
            return text;
        }
        match self.view.format {
            Format::Table if records.is_empty() => {}
            Format::Table => {
                let first = current.columns.is_none();
                let columns = current
                    .columns
                    .get_or_insert_with(|| Columns::settle(&shape.columns, &shape.id, &records, stdout::width()));
                if first {
                    text.push_str(&columns.header());
                }
                records.iter().for_each(|record| text.push_str(&columns.row(record)));
            }
            Format::Csv => text.push_str(&rows(&records, &shape.fields, begins)),
            Format::Jsonl => {
                for record in &records {
                    text.push_str(&json_text::line(&json!({ "kind": kind.name(), "record": record })));
                }
            }
            Format::Json => {
                for (i, record) in records.into_iter().enumerate() {
                    text.push_str(if before + i == 0 { "\n    " } else { ",\n    " });
                    let record = json_text::pretty(&Value::Object(record));
                    text.push_str(&record.trim_end().replace('\n', "\n    "));
                }
            }
            Format::Env => {}
        }
        text
    }

    /// How many records of this kind have come.
    pub(crate) fn count(&self) -> usize {
        self.current.as_ref().map_or(0, |current| current.count)
    }

    /// The list ends here, and not at its end: what has been written becomes whole, and an error will say that it isn't all.
    pub(crate) fn abandon(mut self) -> String {
        let text = self.close();
        // With nothing to say, not even an empty list.
        if self.begun || !self.failures.is_empty() { text + &self.finish() } else { text }
    }

    /// What stands before the first page of a kind.
    fn opening(&mut self, kind: &Kind) -> String {
        let first = !std::mem::replace(&mut self.begun, true);
        match self.view.format {
            Format::Table if self.several => {
                format!("{}{} ({})\n", if first { "" } else { "\n" }, kind.manifest.title, kind.manifest.plural)
            }
            Format::Json => {
                format!("{}\n  {}: [", if first { "{" } else { "," }, Value::from(kind.manifest.plural.as_str()))
            }
            _ => String::new(),
        }
    }

    /// The kind is complete.
    pub(crate) fn end(&mut self, kind: &Kind) -> String {
        let once = &kind.manifest.record.once;
        if self.view.reveal && !once.is_empty() {
            stderr::note(&format!("{} was shown once, at creation, and can't be shown again", quoted(once)));
        }
        let mut text = String::new();
        let is_empty = self.current.as_ref().is_some_and(|current| current.count == 0);
        if is_empty && self.view.format == Format::Table && self.view.field.is_none() {
            if self.several {
                text.push_str("none\n");
            } else {
                stderr::done(&format!("There is no {} here.", kind.manifest.title));
            }
        }
        text + &self.close()
    }

    /// What stands after the last page of a kind, whether more should have come or not.
    fn close(&mut self) -> String {
        match self.current.take() {
            Some(current) if self.view.format == Format::Json && self.view.field.is_none() => {
                if current.count == 0 { "]" } else { "\n  ]" }.to_owned()
            }
            _ => String::new(),
        }
    }

    /// The kind failed: what came of it stays, and it is named.
    pub(crate) fn failed(&mut self, name: &str, error: &Error) -> String {
        self.failures.push({
            let mut failure = Map::from_iter([("kind".to_owned(), Value::from(name))]);
            if let Value::Object(fields) = stderr::as_json(error) {
                failure.extend(fields);
            }
            Value::Object(failure)
        });
        if self.view.format != Format::Json {
            stderr::error_of(name, error);
        }
        self.close()
    }

    /// The list is complete.
    pub(crate) fn finish(self) -> String {
        if self.view.format != Format::Json || self.view.field.is_some() {
            return String::new();
        }
        let mut text = if self.begun { String::new() } else { "{".to_owned() };
        if !self.failures.is_empty() {
            let errors = json_text::pretty(&Value::Array(self.failures));
            text.push_str(if self.begun { "," } else { "" });
            text.push_str(&format!("\n  \"errors\": {}", errors.trim_end().replace('\n', "\n  ")));
        }
        text + "\n}\n"
    }
}
