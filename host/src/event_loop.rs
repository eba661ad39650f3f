//! The event loop of a command: one thread, on which requests run while kinds block on threads of their own.

use std::future::Future;

use carto_plugin_api::ErrorCode;
use tokio::runtime::Builder;

use crate::error::{Error, Result};

/// Runs a future to its end. What a kind still does then is no longer waited for.
pub(crate) fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorCode::Failed, format!("cannot start an event loop: {e}")))?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    outcome
}
