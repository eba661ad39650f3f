//! Tables and the plain view of one record. A table's widths come from its first page, so that later pages can follow at once.

use comfy_table::{ColumnConstraint, Table, TableStyle, Width};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Record;
use super::text::harmless;

/// Between columns.
const GAP: usize = 2;
/// No column is made narrower than this to fit.
const NARROWEST: usize = 6;

/// A table whose widths are settled.
pub(crate) struct Columns {
    fields: Vec<String>,
    widths: Vec<usize>,
    fits: bool,
}

impl Columns {
    /// Settles the widths from the first rows. `available` is the terminal's width, if there is one to fit; the column `whole` (an id, which
    /// is copied from here) is never cut for it.
    pub(crate) fn settle(fields: &[String], whole: &str, first: &[Record], available: Option<usize>) -> Columns {
        let widths: Vec<usize> = fields
            .iter()
            .map(|field| {
                let cells = first.iter().map(|record| cell(record.get(field)).width());
                cells.chain([heading(field).width()]).max().unwrap_or(0).max(1)
            })
            .collect();
        match available {
            Some(available) => Columns {
                fields: fields.to_vec(),
                widths: shrink(widths, fields.iter().position(|field| field == whole), available),
                fits: true,
            },
            None => Columns { fields: fields.to_vec(), widths, fits: false },
        }
    }

    /// The line of headings.
    pub(crate) fn header(&self) -> String {
        self.line(self.fields.iter().map(|field| heading(field)).collect())
    }

    /// One record as one line.
    pub(crate) fn row(&self, record: &Record) -> String {
        self.line(self.fields.iter().map(|field| cell(record.get(field))).collect())
    }

    fn line(&self, cells: Vec<String>) -> String {
        let last = cells.len().saturating_sub(1);
        if !self.fits {
            // In a pipe nothing is cut: a longer cell moves the rest of its line.
            let padded = cells.iter().enumerate().map(|(i, cell)| {
                let padding = if i == last { 0 } else { (self.widths[i] + GAP).saturating_sub(cell.width()).max(1) };
                format!("{cell}{}", " ".repeat(padding))
            });
            return padded.collect::<String>().trim_end().to_owned() + "\n";
        }
        let mut table = Table::new();
        // Cut here: the table would break a cell at a space and leave the rest of its line empty.
        let cells = cells.iter().zip(&self.widths).map(|(cell, width)| cut(cell, *width));
        table.load_style(TableStyle::default()).add_row(cells);
        for (i, width) in self.widths.iter().enumerate() {
            if let Some(column) = table.column_mut(i) {
                let gap = if i == last { 0 } else { GAP };
                column.set_padding((0, u16::try_from(gap).unwrap_or(0)));
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
                    u16::try_from(width + gap).unwrap_or(u16::MAX),
                )));
            }
        }
        table.trim_fmt() + "\n"
    }
}

/// Takes from the widest columns but one until the line fits, or nothing more can be taken.
fn shrink(mut widths: Vec<usize>, whole: Option<usize>, available: usize) -> Vec<usize> {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        let others = widths.iter_mut().enumerate().filter(|(i, _)| Some(*i) != whole).map(|(_, width)| width);
        match others.max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

/// The beginning of a cell that is too wide, and `…`.
fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut shown = String::new();
    for c in cell.chars() {
        if shown.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        shown.push(c);
    }
    shown + "…"
}

/// `allowed_apis` and `allowedApis` as `ALLOWED APIS`.
fn heading(field: &str) -> String {
    let mut words = String::new();
    for c in field.chars() {
        if c == '_' || c == '-' {
            words.push(' ');
        } else {
            if c.is_ascii_uppercase() && !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
            words.push(c.to_ascii_uppercase());
        }
    }
    harmless(&words)
}

/// A value in one line: lists by commas, an object by its values.
pub(crate) fn cell(value: Option<&Value>) -> String {
    fn plain(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
            Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(":"),
            other => other.to_string(),
        }
    }
    let text = value.map(plain).unwrap_or_default();
    if text.is_empty() { "-".to_owned() } else { harmless(&text) }
}

/// One record, a field a line; the items of a list below each other. Nothing is cut: what is here is copied from here.
pub(crate) fn fields(record: &Record, hidden: &[String]) -> String {
    let width = record.keys().map(|key| key.width()).max().unwrap_or(0) + GAP;
    let mut text = String::new();
    for (key, value) in record {
        let lines = match value {
            _ if hidden.contains(key) => vec!["(hidden)".to_owned()],
            Value::Array(items) if !items.is_empty() => items.iter().map(|item| cell(Some(item))).collect(),
            other => vec![cell(Some(other))],
        };
        for (i, line) in lines.iter().enumerate() {
            let label = if i == 0 { harmless(key) } else { String::new() };
            text.push_str(&format!("{label}{}{line}\n", " ".repeat(width.saturating_sub(label.width()))));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(value: Value) -> Record {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let rows = [record(json!({"id": "tok_1", "name": "x y".repeat(40), "grants": [{"c": "dw", "s": "a.b.c"}]}))];
        let fields: Vec<String> = ["id", "name", "grants"].map(str::to_owned).to_vec();
        for width in [40, 80, 200] {
            let columns = Columns::settle(&fields, "id", &rows, Some(width));
            for line in [columns.header(), columns.row(&rows[0])] {
                assert!(line.trim_end().width() <= width, "{width}: {line:?}");
                assert_eq!(line.matches('\n').count(), 1, "{line:?}");
            }
        }
        let columns = Columns::settle(&fields, "id", &rows, Some(40));
        assert!(columns.row(&rows[0]).contains('…') && columns.row(&rows[0]).starts_with("tok_1 "));
        let columns = Columns::settle(&fields, "id", &rows, None);
        assert!(columns.row(&rows[0]).contains(&"x y".repeat(40)));
    }

    #[test]
    fn headings_are_words() {
        assert_eq!(heading("allowed_apis"), "ALLOWED APIS");
        assert_eq!(heading("clientId"), "CLIENT ID");
    }

    #[test]
    fn cells_are_one_harmless_line() {
        assert_eq!(
            cell(Some(&json!([{"connection_name": "dw", "source": "a.b"}, {"connection_name": "x", "source": "*"}]))),
            "dw:a.b, x:*"
        );
        assert_eq!(cell(Some(&json!(null))), "-");
        assert_eq!(cell(Some(&json!("a\n\u{1b}[0m"))), "a\\u{a}\\u{1b}[0m");
    }
}
