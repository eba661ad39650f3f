//! Reads the text of a TOML file that a person writes: what is wrong with it comes with its line and column.

use serde::de::DeserializeOwned;

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
