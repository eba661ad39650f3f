//! What this program does in a process of its own, because it can be measured only once in one: `carto-bench` with a hidden first word.

mod list;
mod load;

use anyhow::Result;

/// The hidden word that opens a library, with its file.
pub(crate) const LOAD: &str = "child-load";
/// The hidden word that runs a list, with the lines before the first row, the program and its words.
pub(crate) const LIST: &str = "child-list";

/// What the hidden word asks for, if there is one: one line of JSON.
pub(crate) fn asked() -> Result<Option<String>> {
    let mut words = std::env::args().skip(1);
    let first = words.next();
    match first.as_deref() {
        Some(LOAD) => load::run(words).map(Some),
        Some(LIST) => list::run(words).map(Some),
        _ => Ok(None),
    }
}
