//! The one file that writes the streams: results to standard output, progress to standard error.

// A benchmark is there to print.
#![allow(clippy::print_stdout, clippy::print_stderr)]

/// The result.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// What is being done, for whoever waits.
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
