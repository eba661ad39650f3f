//! `carto plugin doctor`: what is wrong, one cause and one remedy a row.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Looks for it.
pub(super) fn run(_context: &Context, _run: bool) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin doctor` isn't there yet").into())
}
