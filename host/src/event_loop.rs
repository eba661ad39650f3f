//! The event loop of a command: one thread, on which requests run while kinds block on threads of their own; and what ends it early.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// Runs a future to its end. What a kind still does then is no longer waited for.
pub(crate) fn run<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start an event loop")?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    outcome
}

/// Why a command ends before its work does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C, or a signal that asks for the end.
    Interrupted,
    /// The time that was given is over.
    OutOfTime(Duration),
}

/// Requests end at the deadline by themselves, with a better message than this one's: they go first.
const GRACE: Duration = Duration::from_millis(200);

/// Waits for something that ends a command early. Polled once, it catches every signal from then on.
pub(crate) async fn stop(deadline: Option<(Duration, Instant)>) -> Stop {
    let out_of_time = async {
        match deadline {
            Some((given, end)) => {
                sleep_until(end + GRACE).await;
                Stop::OutOfTime(given)
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signalled(SignalKind::interrupt()) => Stop::Interrupted,
        () = signalled(SignalKind::terminate()) => Stop::Interrupted,
        stop = out_of_time => stop,
    }
}

/// Waits for a signal; for ever where it can't be caught, or where whoever started this program has it ignored (`nohup`, jobs in the
/// background of a script).
async fn signalled(kind: SignalKind) {
    if !is_ignored(kind)
        && let Ok(mut signal) = signal(kind)
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Whether the process was started with a signal ignored. Linux says so; elsewhere none is.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
