//! `carto plugin remove`: a library out of the user's own folder.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Removes it.
pub(super) fn run(_context: &Context, _kind: &str) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin remove` isn't there yet").into())
}
