//! When a token ends. The host has read the date; what is left is that it lies ahead, and that it never changes.

use carto_plugin_api::{Error, ErrorCode, Host, Result, shell_word};
use jiff::Timestamp;

/// Refuses an expiry that isn't in the future.
pub(crate) fn check(host: &Host<'_>, expiry: &str) -> Result<()> {
    let ends = read(expiry)?;
    if ends <= read(host.now())? {
        return Err(Error::argument("expiration-date", format!("the expiry {expiry} is in the past"))
            .hint("name a later date, or a time from now like `7d`"));
    }
    Ok(())
}

/// The answer to an attempt to change an expiry: it is fixed at creation (documented), so the way is a new token.
pub(crate) fn unchangeable(id: &str) -> Error {
    Error::argument("expiration-date", "an expiry is fixed when a token is created and can't be changed").hint(format!(
        "create a new token with another `--expiration-date` and use it; then `carto credentials delete token {}`",
        shell_word(id)
    ))
}

/// An RFC 3339 time as the host sends it.
pub(crate) fn read(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| Error::new(ErrorCode::PluginFault, format!("`{text}` isn't an RFC 3339 time")))
}
