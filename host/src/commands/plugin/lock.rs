//! `carto plugin lock`: the libraries that are accepted.

use std::process::ExitCode;

use crate::commands::Context;
use crate::error::usage;

/// Accepts them.
pub(super) fn run(_context: &Context, _kinds: &[String], _forget: bool) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin lock` isn't there yet").into())
}
