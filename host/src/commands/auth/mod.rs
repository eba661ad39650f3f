//! `carto auth`: one file a command. What signing in is stands in `auth`, what is kept in `account`.

use std::process::ExitCode;

use carto_plugin_api::ErrorCode;

use super::Context;
use crate::cli::AuthCommand;
use crate::error::Error;

/// Runs one of them.
pub(crate) fn run(_context: &Context, _command: &AuthCommand) -> anyhow::Result<ExitCode> {
    Err(Error::new(ErrorCode::Failed, "`carto auth` isn't there yet").into())
}
