//! `carto plugin new`: a crate for a new kind.

use crate::commands::Context;
use crate::error::usage;
use std::path::Path;
use std::process::ExitCode;

/// Makes it.
pub(super) fn run(_context: &Context, _name: &str, _plugin_api: Option<&Path>) -> anyhow::Result<ExitCode> {
    Err(usage("`carto plugin new` isn't there yet").into())
}
