//! Standard output: the one place that writes there, and knows whether it arrived.

// The owner of the stream.
#![allow(clippy::disallowed_methods)]

use std::io::{self, IsTerminal, Write};

use carto_plugin_api::ErrorCode;

use crate::error::Error;

/// Writes text, now.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Whether a person watches.
pub(crate) fn is_watched() -> bool {
    io::stdout().is_terminal()
}

/// The columns that a table may take; nothing where nobody watches, and so nothing has to fit.
pub(crate) fn width() -> Option<usize> {
    if !is_watched() {
        return None;
    }
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size()?;
    Some(usize::from(columns))
}

/// What became of writing a result that can be had again: a reader that went away is no failure.
pub(crate) fn settle(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(failed(&e)),
        _ => Ok(()),
    }
}

/// The error for a result that could not be written.
pub(crate) fn failed(error: &io::Error) -> Error {
    Error::new(ErrorCode::OutputFailed, format!("cannot write to standard output: {error}"))
}
