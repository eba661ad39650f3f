//! Standard output: the one place that writes there, and knows whether it arrived.

// The owner of the stream.
#![allow(clippy::disallowed_methods)]

use std::io::{self, IsTerminal, Write};

use rustix::fs::FileType;

use super::progress;

/// A result that did not reach its reader.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub(crate) struct NotWritten(#[from] io::Error);

impl NotWritten {
    /// Whether the reader went away, which for a result that can be had again is no failure.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes text, now.
pub(crate) fn write(text: &str) -> Result<(), NotWritten> {
    let write = || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    };
    // What goes somewhere else disturbs no spinner.
    if is_watched() { progress::aside(write) } else { write() }.map_err(NotWritten)
}

/// Whether what is written is thrown away. A standard output that was closed is the null device too: Rust programs open it there.
pub(crate) fn leads_nowhere() -> bool {
    let device = |stat: rustix::fs::Stat| (FileType::from_raw_mode(stat.st_mode), stat.st_rdev);
    let (own, null) = (rustix::fs::fstat(io::stdout()), rustix::fs::stat("/dev/null"));
    matches!((own, null), (Ok(own), Ok(null)) if device(own) == device(null))
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
