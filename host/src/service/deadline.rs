//! How long a command may take, and one request of it with all its attempts.

use std::time::Duration;

use tokio::time::Instant;

/// How long a request may take, waits and attempts included, when `--timeout` says nothing.
const REQUEST: Duration = Duration::from_secs(60);

/// The end of a command, if it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Option<Instant>,
    timeout: Option<Duration>,
}

/// The end of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestDeadline {
    end: Instant,
    /// What was given, for messages.
    pub(super) given: Duration,
}

impl Deadline {
    /// `timeout` is for the whole command, from now. A time beyond what the clock can count is none.
    pub(super) fn new(timeout: Option<Duration>) -> Deadline {
        Deadline { end: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), timeout }
    }

    /// For a request that begins now: a timeout that is given can be longer than the usual one too.
    pub(super) fn of_request(&self) -> RequestDeadline {
        match (self.end, self.timeout) {
            (Some(end), Some(given)) => RequestDeadline { end, given },
            _ => RequestDeadline { end: Instant::now() + REQUEST, given: REQUEST },
        }
    }

    /// What was given, and the moment when it is over.
    pub(crate) fn of_command(&self) -> Option<(Duration, Instant)> {
        self.timeout.zip(self.end)
    }
}

impl RequestDeadline {
    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}
