//! Puts a sandbox's router behind a listener that the caller has bound, and ends in good time.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Sandbox;

/// How long requests that have begun may go on. A client that sends half of one would hold the server for good.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `shutdown` resolves, then finishes the requests that have begun. The listener should be a loopback
/// one: whoever reaches it can become the owner, with the bearer or without it, through the consent page. That is every user of the machine;
/// there are only made-up credentials to be had.
pub(crate) async fn serve(
    listener: TcpListener,
    sandbox: Sandbox,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Only a delay is at stake: without it a small answer may wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    let (stop, stopping) = oneshot::channel();
    let server = axum::serve(listener, sandbox.router()).with_graceful_shutdown(async move {
        shutdown.await;
        // The receiver lives as long as the server that waits for this.
        let _ = stop.send(());
    });
    let late = async {
        let _ = stopping.await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = late => Ok(()),
    }
}
