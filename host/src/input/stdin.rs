//! Standard input: one argument can have it, or the person at the terminal answers a question on it.

// The owner of the stream.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, IsTerminal, Read};

use carto_plugin_api::{ErrorCode, Secret};

use crate::error::{Error, Result, usage};
use crate::output::stderr;

/// The most that is read.
const LIMIT: u64 = 1024 * 1024;

/// Who has read standard input, if anybody.
#[derive(Debug, Default)]
pub(crate) struct Stdin {
    reader: Option<String>,
}

impl Stdin {
    /// All of it, without the line break at its end.
    pub(crate) fn text(&mut self, reader: &str) -> Result<String> {
        self.read(reader, |text| std::io::stdin().take(LIMIT + 1).read_to_string(text))
    }

    /// Its first line.
    pub(crate) fn line(&mut self, reader: &str) -> Result<String> {
        self.read(reader, |text| std::io::stdin().lock().take(LIMIT + 1).read_line(text))
    }

    fn read(&mut self, reader: &str, read: impl FnOnce(&mut String) -> std::io::Result<usize>) -> Result<String> {
        if let Some(earlier) = &self.reader {
            return Err(usage(format!("`{earlier}` and `{reader}` both read standard input"))
                .hint("give one of them another way"));
        }
        self.reader = Some(reader.to_owned());
        let failed = |why: String| {
            Error::new(ErrorCode::Usage, format!("cannot read standard input for `{reader}`: {why}"))
                .hint("give the value another way")
        };
        let mut text = String::new();
        read(&mut text).map_err(|e| failed(e.to_string()))?;
        if text.len() as u64 > LIMIT {
            return Err(failed("it is larger than 1 MiB".to_owned()));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Whether a person can answer a question.
    pub(crate) fn is_watched(&self) -> bool {
        self.reader.is_none() && std::io::stdin().is_terminal()
    }

    /// What a person answers to a question; nothing if that fails.
    pub(crate) fn ask(&mut self, prompt: &str) -> String {
        stderr::prompt(prompt);
        self.answer()
    }

    /// What a person types without its being shown.
    pub(crate) fn hidden(&mut self, prompt: &str) -> Result<Secret> {
        let typed = dialoguer::Password::new().with_prompt(prompt).report(false).interact();
        typed.map(|text| Secret::new(text.trim().to_owned())).map_err(|e| unanswered(&e))
    }

    /// The line that a person types; nothing if that fails.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        line.trim().to_owned()
    }
}

fn unanswered(error: &dialoguer::Error) -> Error {
    let dialoguer::Error::IO(io) = error;
    match io.kind() {
        std::io::ErrorKind::Interrupted => {
            Error::new(ErrorCode::Interrupted, "interrupted").hint("nothing was changed")
        }
        _ => Error::new(ErrorCode::Failed, format!("there was no answer: {io}")).hint("nothing was changed"),
    }
}
