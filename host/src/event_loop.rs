//! The event loop of a command: one thread, on which requests run while kinds block on threads of their own. What ends it early is heard by `stop`.

use anyhow::Context;
use tokio::runtime::Builder;

/// Runs a future to its end. What a kind still does then is no longer waited for.
pub(crate) fn run<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start an event loop")?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    outcome
}
