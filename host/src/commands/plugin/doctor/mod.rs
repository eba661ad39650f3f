//! `carto plugin doctor`: what is wrong, or may be, one cause and one remedy a row. `look` looks at files, `rules` at policies, `trial` opens libraries
//! if that is asked for.

mod look;
mod rules;
mod trial;

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::text_or_json;
use crate::commands::Context;
use crate::error::Error;
use crate::output::{json as json_text, stderr, stdout, wrap};

/// Where the words of a row begin.
const COLUMN: usize = 18;

/// Looks, and says what it found.
pub(super) fn run(context: &Context, run: bool) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let rows = look::at_everything(context, run);
    let text = if context.globals.view().format.is_json() { as_json(&rows) } else { as_text(&rows, stdout::width()) };
    stdout::write(&text)?;
    let wrong: Vec<u8> = rows.iter().filter_map(|row| row.status).collect();
    if !context.globals.view().format.is_json() {
        stderr::done(&match wrong.len() {
            0 => "Nothing is wrong.".to_owned(),
            1 => "One thing is wrong.".to_owned(),
            count => format!("{count} things are wrong."),
        });
    }
    Ok(wrong.first().map_or(ExitCode::SUCCESS, |status| ExitCode::from(*status)))
}

/// One thing that was looked at.
struct Row {
    state: &'static str,
    about: String,
    message: String,
    remedy: Option<String>,
    /// The status that a verb would end with for it.
    status: Option<u8>,
    /// What was measured.
    measured: Map<String, Value>,
}

impl Row {
    fn new(state: &'static str, about: impl Into<String>, message: impl Into<String>, remedy: Option<&str>) -> Row {
        let remedy = remedy.map(stderr::pasteable);
        Row { state, about: about.into(), message: message.into(), remedy, status: None, measured: Map::new() }
    }

    fn ok(about: impl Into<String>, message: impl Into<String>) -> Row {
        Row::new("ok", about, message, None)
    }

    /// It may be meant.
    fn note(about: impl Into<String>, message: impl Into<String>, remedy: &str) -> Row {
        Row::new("note", about, message, Some(remedy))
    }

    fn wrong(about: impl Into<String>, error: &Error) -> Row {
        let row = Row::new("wrong", about, error.message.clone(), error.hint.as_deref());
        Row { status: Some(error.code.exit_status()), ..row }
    }
}

fn as_json(rows: &[Row]) -> String {
    let list = rows.iter().map(|row| {
        let mut object = json!({
            "state": row.state,
            "about": row.about,
            "message": row.message,
            "remedy": row.remedy,
            "status": row.status,
        });
        for (key, value) in &row.measured {
            object[key] = value.clone();
        }
        object
    });
    let wrong = rows.iter().filter(|row| row.status.is_some()).count();
    json_text::pretty(&json!({ "rows": list.collect::<Vec<_>>(), "wrong": wrong }))
}

fn as_text(rows: &[Row], width: Option<usize>) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(&wrap::beside(&format!("{:<6} {}", row.state, row.about), &row.message, COLUMN, width));
        if let Some(remedy) = &row.remedy {
            text.push_str(&wrap::beside("", &format!("remedy: {remedy}"), COLUMN, width));
        }
    }
    text
}
