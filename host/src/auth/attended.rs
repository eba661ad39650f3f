//! What waits for others, while a person or a signal can end it: at once, or, where what is under way can't be had again, when it is over.

use std::pin::pin;

use carto_plugin_api::ErrorCode;

use crate::error::{Error, Result};
use crate::event_loop;
use crate::output::{self, stderr};
use crate::service::Deadline;
use crate::stop::{self, Stop, Unbroken};

/// What is left by what only asked.
pub(crate) const UNCHANGED: &str = "nothing was changed";
/// What is left by what may have been given a bearer.
pub(crate) const UNKEPT: &str = "nothing was kept";

/// Runs something that waits for others, until it is done, interrupted, or out of time. `doing`: `Signing in`, for a person who waits; `left`: what
/// an end before that leaves.
pub(crate) fn attended<T>(
    doing: &str,
    limit: impl Into<Deadline>,
    left: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let outcome = event_loop::run(async {
        let deadline = limit.into().of_command();
        let (listening, stop) = stop::watch(deadline, move |stop| stopped(stop, left).code.exit_status());
        let whole = async {
            let _progress = output::progress(doing);
            listening.await;
            work.await
        };
        Ok(tokio::select! {
            biased;
            stop = stop => Err(stopped(stop, left)),
            done = whole => done,
        })
    });
    outcome.unwrap_or_else(|error| Err(failed(&error)))
}

/// Runs something that is waited for at the first signal, once it has begun: `due` says what for, and `lost` what a second signal may cost. The work
/// bounds itself. With its result comes whether there was a signal; a failure is then an interruption.
pub(super) fn unbroken<T, W: Future<Output = Result<T>>>(
    doing: &str,
    due: &str,
    lost: impl FnOnce() -> Error,
    work: impl FnOnce(Unbroken) -> W,
) -> Result<(T, bool)> {
    let outcome = event_loop::run(async {
        let unbroken = Unbroken::default();
        let (listening, mut stops) =
            stop::watch_unbroken(None, unbroken.clone(), |stop| stopped(stop, UNCHANGED).code.exit_status());
        let mut whole = pin!(async {
            let _progress = output::progress(doing);
            listening.await;
            work(unbroken.clone()).await
        });
        let first = tokio::select! {
            biased;
            stop = stops.next() => stop,
            done = &mut whole => return Ok(done.map(|done| (done, false))),
        };
        if !unbroken.has_begun() {
            return Ok(Err(stopped(first, UNCHANGED)));
        }
        stderr::note(due);
        Ok(tokio::select! {
            biased;
            _ = stops.next() => Err(lost()),
            done = whole => match done {
                Ok(done) => Ok((done, true)),
                Err(error) => {
                    let message = format!("interrupted; {}", error.message);
                    Err(error.with_code(ErrorCode::Interrupted).with_message(message))
                }
            },
        })
    });
    outcome.unwrap_or_else(|error| Err(failed(&error)))
}

/// The error of what was ended before it was done.
pub(super) fn stopped(stop: Stop, left: &str) -> Error {
    match stop {
        Stop::Interrupted => Error::new(ErrorCode::Interrupted, "interrupted").hint(left),
        Stop::OutOfTime(given) => Error::new(ErrorCode::Unreachable, format!("not done within {given:?}"))
            .hint(format!("{left}; give it more time with `--timeout`")),
    }
}

fn failed(error: &anyhow::Error) -> Error {
    Error::new(ErrorCode::Failed, format!("{error:#}"))
}
