//! `carto plugin why`: the rule that decides.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Says it.
pub(super) fn run(_context: &Context, _kind: &str, _verb: Option<&str>) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin why` isn't there yet").into())
}
