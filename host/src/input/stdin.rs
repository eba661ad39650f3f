//! Standard input: one argument can have it, or the person at the terminal answers a question on it.

// The owner of the stream.
#![allow(clippy::disallowed_methods)]

use std::io::{self, BufRead, IsTerminal, Read};

use carto_plugin_api::{ErrorCode, Secret};

use super::silent::{self, Until};
use crate::error::{Error, Result, usage};
use crate::output::stderr;
use crate::stop::Question;

/// The most that is read.
const LIMIT: u64 = 1024 * 1024;

/// The longest line that a terminal passes on; of a longer one, the rest is lost.
const TERMINAL_LINE: usize = if cfg!(target_os = "linux") { 4095 } else { 1023 };

/// Who has read standard input, if anybody.
#[derive(Debug, Default)]
pub(crate) struct Stdin {
    reader: Option<String>,
}

impl Stdin {
    /// All of it, without the line break at its end.
    pub(crate) fn text(&mut self, reader: &str) -> Result<String> {
        self.read(reader, |text| io::stdin().take(LIMIT + 1).read_to_string(text))
    }

    /// Its first line.
    pub(crate) fn line(&mut self, reader: &str) -> Result<String> {
        self.read(reader, |text| io::stdin().lock().take(LIMIT + 1).read_line(text))
    }

    /// All of it, for an option; of a terminal, one line, which is asked for.
    pub(crate) fn text_or_asked(&mut self, reader: &str, prompt: &str, no_input: bool) -> Result<String> {
        if !self.is_watched() {
            return self.text(reader);
        }
        may_ask(reader, no_input)?;
        self.ask(prompt)
    }

    /// What nobody should see, for an option; at a terminal it is asked for, and not shown while it is typed.
    pub(crate) fn secret(&mut self, reader: &str, prompt: &str, until: Until, no_input: bool) -> Result<Secret> {
        if self.is_watched() {
            may_ask(reader, no_input)?;
            return self.hidden(prompt, until);
        }
        self.text(reader).map(|text| Secret::new(text.trim().to_owned()))
    }

    fn read(&mut self, reader: &str, read: impl FnOnce(&mut String) -> io::Result<usize>) -> Result<String> {
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
        asked(|| read(&mut text)).map_err(|e| failed(e.to_string()))?;
        if text.len() as u64 > LIMIT {
            return Err(failed("it is larger than 1 MiB".to_owned()));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Whether a person can answer a question.
    pub(crate) fn is_watched(&self) -> bool {
        self.reader.is_none() && io::stdin().is_terminal()
    }

    /// What a person answers to a question.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<String> {
        insist(|| {
            let mut line = String::new();
            let typed = asked(|| {
                stderr::prompt(prompt);
                io::stdin().lock().read_line(&mut line)
            });
            match typed {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(e) => return Err(unread(&e)),
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if line.len() >= TERMINAL_LINE {
                return Err(usage(format!(
                    "a terminal passes on {TERMINAL_LINE} bytes of a line, and what was typed may go on"
                ))
                .hint("pipe it into the command, or redirect a file"));
            }
            Ok(Some(line.trim().to_owned()))
        })
    }

    /// What a person types without its being shown.
    pub(crate) fn hidden(&mut self, prompt: &str, until: Until) -> Result<Secret> {
        let typed = insist(|| silent::read(prompt, until, LIMIT).map_err(|e| unread(&e)))?;
        Ok(Secret::new(typed))
    }

    /// The line that a person types; nothing if that fails.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        let _ = asked(|| io::stdin().lock().read_line(&mut line));
        line.trim().to_owned()
    }
}

/// Reads what may never come. A signal ends the process then, on a line of its own.
fn asked<T>(read: impl FnOnce() -> T) -> T {
    let _asked = Question::shown(|| {
        if io::stdin().is_terminal() {
            stderr::end_of_prompt();
        }
    });
    read()
}

/// Asks once more where nothing is typed, and never again.
fn insist(mut ask: impl FnMut() -> Result<Option<String>>) -> Result<String> {
    for last in [false, true] {
        match ask()? {
            None => break,
            Some(text) if !text.is_empty() => return Ok(text),
            Some(_) if last => break,
            Some(_) => stderr::note("nothing was typed; once more"),
        }
    }
    Err(usage("nothing was given").hint("nothing was changed; run it again, or pipe the value into it"))
}

fn may_ask(reader: &str, no_input: bool) -> Result<()> {
    match no_input {
        false => Ok(()),
        true => {
            Err(usage(format!("`{reader}` reads standard input, which is a terminal, and `--no-input` forbids to ask"))
                .hint("pipe the value into the command, or redirect a file"))
        }
    }
}

fn unread(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::Interrupted => Error::new(ErrorCode::Interrupted, "interrupted").hint("nothing was changed"),
        _ => usage(format!("there was no answer that could be read: {error}")).hint("nothing was changed"),
    }
}
