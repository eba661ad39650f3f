//! How long a command may take, and one request of it with all its attempts; and how it ends when its time is over.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::transport::{Failure, Obstacle, Transport};

/// How long a request may take, waits and attempts included, when `--timeout` says nothing.
pub(super) const REQUEST: Duration = Duration::from_secs(60);

/// The end of a command, if it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Option<Instant>,
    timeout: Option<Duration>,
}

/// The end of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestDeadline {
    end: Instant,
    /// What was given, for messages.
    given: Duration,
}

impl Deadline {
    /// `timeout` is for the whole command, from now. A time beyond what the clock can count is none.
    pub(crate) fn new(timeout: Option<Duration>) -> Deadline {
        Deadline { end: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), timeout }
    }

    /// For a request that begins now: a timeout that is given can be longer than the usual one too.
    pub(crate) fn of_request(&self, usual: Duration) -> RequestDeadline {
        match (self.end, self.timeout) {
            (Some(end), Some(given)) => RequestDeadline { end, given },
            _ => RequestDeadline { end: Instant::now() + usual, given: usual },
        }
    }

    /// What was given, and the moment when it is over.
    pub(crate) fn of_command(&self) -> Option<(Duration, Instant)> {
        self.timeout.zip(self.end)
    }
}

impl RequestDeadline {
    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// One attempt, by this way to the service, in the time that is left.
    pub(crate) async fn attempt<T>(
        &self,
        transport: &Transport,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let (left, given) = (self.left(), self.given);
        let unsent = |why: String, remedy: &str| {
            Err(Failure::Unsent(Obstacle { why, remedy: remedy.to_owned(), lasting: true }))
        };
        if left.is_zero() {
            return unsent(format!(": the {given:?} of `--timeout` are over"), "give it more time with `--timeout`");
        }
        match timeout(left, work).await {
            Ok(outcome) => outcome,
            Err(_) if transport.has_connected() => Err(Failure::Lost(format!("no whole answer within {given:?}"))),
            Err(_) => unsent(
                format!(": no connection came about within {given:?}"),
                "look at the network and the address, or give it more time with `--timeout`",
            ),
        }
    }
}
