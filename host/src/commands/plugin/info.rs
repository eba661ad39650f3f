//! `carto plugin info`: what one kind is and may do.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Shows it.
pub(super) fn run(_context: &Context, _kind: &str) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin info` isn't there yet").into())
}
