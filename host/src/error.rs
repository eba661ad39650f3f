//! Failures, with their kind if one is at fault. Codes, exit statuses and the two texts are the contract's; how they are printed is
//! `output::stderr`'s.

use carto_plugin_api as api;
use carto_plugin_api::ErrorCode;

pub(crate) use carto_plugin_api::{Error, shell_word};

/// The result of anything in the host that can fail for a user.
pub(crate) type Result<T> = api::Result<T>;

/// What the user asked for can't be done as it was written.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Usage, message)
}

/// Several names for a message: `` `a`, `b` ``.
pub(crate) fn quoted<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}
