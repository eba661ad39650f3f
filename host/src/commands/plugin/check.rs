//! `carto plugin check`: a finished library against the contract.

use crate::commands::Context;
use crate::error::usage;
use std::path::Path;
use std::process::ExitCode;

/// Tests it.
pub(super) fn run(
    _context: &Context,
    _file: &Path,
    _script: Option<&Path>,
    _junit: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin check` isn't there yet").into())
}
