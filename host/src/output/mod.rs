//! What people and scripts see. Data goes to standard output in one of five formats; everything else to standard error.
//!
//! `stdout` and `stderr` own their streams, `progress` the spinner between them, and `env_file` a file of variables; `text` makes text
//! harmless; `wrap` breaks its lines; `mask` hides secrets; `record`, `list` and `verification` choose the shape, the other files write one format each.

mod csv_rows;
mod draft;
pub(crate) mod env_file;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod mask;
mod progress;
pub(crate) mod record;
pub(crate) mod stderr;
pub(crate) mod stdout;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod variables;
pub(crate) mod verification;
pub(crate) mod wrap;

use clap::ValueEnum;
use serde_json::{Map, Value};

pub(crate) use draft::draft_text;
pub(crate) use progress::Progress;

use crate::environment;

/// Begins a sign of life for a person who waits: none where either stream is a pipe (a pager on the other side has the terminal to itself), in
/// CI, under JSON, or on a terminal that can't redraw a line.
pub(crate) fn progress(doing: &str) -> Progress {
    let watched = stderr::is_watched() && stdout::is_watched() && !stderr::speaks_json();
    Progress::begin(doing, watched && environment::is_terminal_able() && !environment::is_ci())
}

/// A record of a kind: a JSON object, its fields in the kind's order.
pub(crate) type Record = Map<String, Value>;

/// How results are written: for people, as one JSON object, as one JSON object a line, comma-separated (one kind), as shell variables
/// (one credential). Without a text on each, help stays one line an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Jsonl,
    Csv,
    Env,
}

impl Format {
    /// Whether errors are JSON too.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Jsonl)
    }
}

/// How a result is to be shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) format: Format,
    /// Show secrets.
    pub(crate) reveal: bool,
    /// Only this field.
    pub(crate) field: Option<String>,
    /// The variables go to a file, and their secrets nowhere else.
    pub(crate) to_file: bool,
}
