//! `carto auth`: one file a command. What signing in is stands in `auth`, what is kept in `account`.

mod login;

use std::process::ExitCode;
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use tokio::time::Instant;

use super::Context;
use crate::cli::AuthCommand;
use crate::error::{Error, Result};
use crate::event_loop::{self, Stop};
use crate::output;

/// Runs one of them.
pub(crate) fn run(context: &Context, command: &AuthCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuthCommand::Login(args) => login::run(context, args),
        _ => Err(Error::new(ErrorCode::Failed, "`carto auth` isn't there yet").into()),
    }
}
