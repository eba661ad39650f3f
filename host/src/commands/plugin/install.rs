//! `carto plugin install`: a library into the user's own folder.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Installs it.
pub(super) fn run(_context: &Context, _file: &str, _sha256: Option<&str>) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin install` isn't there yet").into())
}

/// Goes back.
pub(super) fn rollback(_context: &Context, _kind: &str) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin install` isn't there yet").into())
}
