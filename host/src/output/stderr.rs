//! Standard error: errors, warnings, notes, and what `--debug` shows. The one place that writes there.

// The owner of the stream.
#![allow(clippy::disallowed_methods)]

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::progress;
use super::text::{harmless, harmless_json};
use crate::error::Error;
use crate::redact::redact;

static JSON: AtomicBool = AtomicBool::new(false);
/// How this command was started, for the commands in hints.
static INVOCATION: OnceLock<Invocation> = OnceLock::new();

/// How a command is typed here: the program's name, and the options that say where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// With all of them.
    pub(crate) whole: String,
    /// For a command that names a profile itself.
    pub(crate) without_profile: String,
}

/// What names a profile in the word behind it.
const NAMES_A_PROFILE: [&str; 4] = ["auth login ", "auth logout ", "auth status ", "auth use "];

impl Invocation {
    /// A text, its commands as they would be typed here.
    fn applied(&self, text: &str) -> String {
        let mut parts = text.split("`carto ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, command| {
            let word = NAMES_A_PROFILE.iter().find_map(|words| command.strip_prefix(words));
            let begin = match word {
                Some(word) if !word.starts_with('-') => &self.without_profile,
                _ => &self.whole,
            };
            format!("{text}`{begin} {command}")
        })
    }
}

/// From now on a command in a hint begins like the one that is running, so that it works when it is pasted.
pub(crate) fn hints_begin_with(invocation: Invocation) {
    // Set once, at the start.
    let _ = INVOCATION.set(invocation);
}

/// The text of a hint, its commands as they would be typed here.
pub(crate) fn pasteable(text: &str) -> String {
    INVOCATION.get().map_or_else(|| text.to_owned(), |invocation| invocation.applied(text))
}

/// From now on warnings and errors are one JSON object a line.
pub(crate) fn speak_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

pub(crate) fn speaks_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// The error of one kind among several.
pub(crate) fn error_of(kind: &str, error: &Error) {
    if speaks_json() {
        let mut object = as_json(error);
        object["kind"] = kind.into();
        return json_line(&json!({ "error": object }));
    }
    line(RED, "error", &format!("{kind}: {}", error.message));
    if let Some(text) = &error.hint {
        hint(text);
    }
}

/// The error that ends a command.
pub(crate) fn error(error: &Error) {
    if speaks_json() {
        return json_line(&json!({ "error": as_json(error) }));
    }
    let message = match &error.argument {
        Some(argument) => format!("--{}: {}", argument.replace('_', "-"), error.message),
        None => error.message.clone(),
    };
    line(RED, "error", &message);
    if let Some(text) = &error.hint {
        hint(text);
    }
}

/// An error as the contract has it in JSON, without what could be a credential.
pub(crate) fn as_json(error: &Error) -> serde_json::Value {
    let mut object = json!({ "code": error.code, "message": redact(&error.message) });
    if let Some(argument) = &error.argument {
        object["argument"] = redact(argument).into();
    }
    if let Some(hint) = &error.hint {
        object["hint"] = redact(&pasteable(hint)).into();
    }
    object
}

/// Something that deserves attention, with what to do about it.
pub(crate) fn warning(message: &str, what_to_do: Option<&str>) {
    if speaks_json() {
        let mut object = json!({ "message": redact(message) });
        if let Some(text) = what_to_do {
            object["hint"] = redact(&pasteable(text)).into();
        }
        return json_line(&json!({ "warning": object }));
    }
    line(YELLOW, "warning", message);
    if let Some(text) = what_to_do {
        hint(text);
    }
}

/// What was done, for people: nothing under JSON, where the data says it.
pub(crate) fn done(message: &str) {
    if !speaks_json() {
        raw(&format!("{}\n", harmless(&redact(message))));
    }
}

/// Commands to type next, one a line, as they would be typed here; nothing under JSON.
pub(crate) fn commands(lines: &[String]) {
    for line in lines {
        done(&format!("  {}", pasteable(&format!("`{line}")).trim_start_matches('`')));
    }
}

/// Something worth knowing.
pub(crate) fn note(message: &str) {
    if speaks_json() {
        return json_line(&json!({ "note": { "message": redact(message) } }));
    }
    line(CYAN, "note", message);
}

/// An address for a person to open, alone on its line. It is shown as it is: what in it looks like a secret is none, and without that it would
/// lead nowhere.
pub(crate) fn address(what_to_do: &str, address: &url::Url) {
    if speaks_json() {
        return json_line(&json!({ "note": { "message": what_to_do, "url": address.as_str() } }));
    }
    raw(&format!("{}\n\n{}\n\n", harmless(what_to_do), harmless(address.as_str())));
}

/// What `--debug` shows.
pub(crate) fn debug(message: &str) {
    if speaks_json() {
        return json_line(&json!({ "debug": { "message": redact(message) } }));
    }
    line(Style::new().dimmed(), "debug", message);
}

/// Help that was not asked for, because words are missing.
pub(crate) fn help(text: &str) {
    raw(text);
}

/// A question on a line of its own, and before the answer what to type. Whether there is anybody to answer is the caller's to know.
pub(crate) fn question(text: &str, prompt: &str) {
    raw(&format!("{}\n{prompt}", harmless(&redact(text))));
}

/// What to type, before the answer.
pub(crate) fn prompt(text: &str) {
    raw(&harmless(text));
}

/// The end of a line on which the answer wasn't shown.
pub(crate) fn end_of_prompt() {
    raw("\n");
}

/// Whether a person watches standard error.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// What to do, alone: the rest was said elsewhere.
pub(crate) fn hint(text: &str) {
    line(CYAN, "hint", &pasteable(text));
}

fn line(style: Style, label: &str, text: &str) {
    raw(&format!("{style}{label}:{style:#} {}\n", harmless(&redact(text))));
}

fn json_line(value: &serde_json::Value) {
    raw(&format!("{}\n", harmless_json(&value.to_string())));
}

/// Colours are left out where `NO_COLOR`, `TERM` or a pipe says so.
fn raw(text: &str) {
    // There is no third stream on which to report that this one is closed.
    let _ = progress::aside(|| anstream::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_a_hint_names_one_profile() {
        let invocation =
            Invocation { whole: "c --profile p --sandbox".to_owned(), without_profile: "c --sandbox".to_owned() };
        for (text, expected) in [
            ("sign in with `carto auth login p`", "sign in with `c --sandbox auth login p`"),
            (
                "`carto auth login 'x y' --m2m`, or `carto auth login --m2m`",
                "`c --sandbox auth login 'x y' --m2m`, or `c --profile p --sandbox auth login --m2m`",
            ),
            ("`carto auth login`", "`c --profile p --sandbox auth login`"),
            ("`carto auth use q`", "`c --sandbox auth use q`"),
            ("`carto credentials get token p`; carto", "`c --profile p --sandbox credentials get token p`; carto"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(invocation.applied(text), expected);
        }
    }
}
