//! Reads a TOML file that a person writes: what is wrong with its text comes with its line and column.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::de::DeserializeOwned;

/// No file that a person could read is larger.
const LARGEST: u64 = 1024 * 1024;

/// The text of a file, if `judge` finds nothing wrong with whose it is. Nothing but a file is read, and no pipe is waited for.
pub(crate) fn read<E>(
    path: &Path,
    judge: impl FnOnce(&Metadata) -> Result<(), E>,
    unread: impl Fn(io::Error) -> E,
) -> Result<String, E> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(no_wait).open(path).map_err(&unread)?;
    let metadata = file.metadata().map_err(&unread)?;
    if !metadata.is_file() {
        return Err(unread(io::Error::other("it isn't a file")));
    }
    judge(&metadata)?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(&unread)?;
    if text.len() as u64 > LARGEST {
        return Err(unread(io::Error::other("it is larger than 1 MiB")));
    }
    Ok(text)
}

/// The value in a text, or where and why there is none.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| {
        let message = e.message().replace('\n', " ");
        match e.span() {
            Some(span) => at(text, span.start, &message),
            None => message,
        }
    })
}

/// A message about a place in the text, counted in bytes.
pub(crate) fn at(text: &str, offset: usize, message: &str) -> String {
    let before = text.get(..offset).unwrap_or_default();
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {}, column {column}: {message}", line(text, offset))
}

/// The line of a place in the text.
pub(crate) fn line(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or_default().matches('\n').count() + 1
}
