//! `carto auth`: one file a command. What signing in is stands in `auth`, what is kept in `account`.

mod browser;
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

/// Runs something that waits for others, until it is done, interrupted, or out of time. `doing`: `Signing in`, for a person who waits.
pub(super) fn attended<T>(
    doing: &str,
    limit: Option<Duration>,
    work: impl Future<Output = Result<T>>,
) -> anyhow::Result<T> {
    event_loop::run(async {
        let deadline = limit.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?)));
        let (listening, stop) = event_loop::watch(deadline, |stop| stopped(stop).code.exit_status());
        let whole = async {
            let _progress = output::progress(doing);
            listening.await;
            work.await
        };
        Ok(tokio::select! {
            biased;
            stop = stop => Err(stopped(stop)),
            done = whole => done,
        }?)
    })
}

fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Interrupted => Error::new(ErrorCode::Interrupted, "interrupted").hint("nothing was changed"),
        Stop::OutOfTime(given) => Error::new(ErrorCode::Unreachable, format!("not done within {given:?}"))
            .hint("nothing was changed; give it more time with `--timeout`"),
    }
}
