//! How long a command may take, and one request of it with all its attempts; and how it ends when its time is over.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::transport::{Failure, Obstacle, Transport};

/// How long a request may take, waits and attempts included, when `--timeout` says nothing.
pub(super) const REQUEST: Duration = Duration::from_secs(60);

/// The end of a command, if it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    began: Instant,
    end: Option<Instant>,
    timeout: Option<Duration>,
}

/// What is left of a command's time, while it stands still: a person is asked, who may take their time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    timeout: Option<Duration>,
    spent: Duration,
}

/// The end of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestDeadline {
    end: Instant,
    /// What was given, for messages.
    given: Duration,
    /// Whether `--timeout` gave it.
    is_given: bool,
}

impl Rest {
    /// Lets the time go on.
    pub(crate) fn begin(self) -> Deadline {
        let (now, Rest { timeout, spent }) = (Instant::now(), self);
        let end = timeout.and_then(|timeout| now.checked_add(timeout.saturating_sub(spent)));
        Deadline { began: now.checked_sub(spent).unwrap_or(now), end, timeout }
    }
}

impl From<Option<Duration>> for Deadline {
    fn from(timeout: Option<Duration>) -> Deadline {
        Deadline::new(timeout)
    }
}

impl Deadline {
    /// `timeout` is for the whole command, from now. A time beyond what the clock can count is none.
    pub(crate) fn new(timeout: Option<Duration>) -> Deadline {
        Rest { timeout, spent: Duration::ZERO }.begin()
    }

    /// What is left of it, for what comes after something that doesn't count.
    pub(crate) fn rest(&self) -> Rest {
        Rest { timeout: self.timeout, spent: self.began.elapsed() }
    }

    /// The time that is left, if it has an end.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// For a request that begins now: a timeout that is given can be longer than the usual one too.
    pub(crate) fn of_request(&self, usual: Duration) -> RequestDeadline {
        match (self.end, self.timeout) {
            (Some(end), Some(given)) => RequestDeadline { end, given, is_given: true },
            _ => RequestDeadline { end: Instant::now() + usual, given: usual, is_given: false },
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
            let whose = if self.is_given { "of `--timeout`" } else { "that a request may take" };
            return unsent(format!(": the {given:?} {whose} are over"), "give it more time with `--timeout`");
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_time_stands_still_between_what_counts() {
        let first = Deadline::new(Some(10 * SECOND));
        advance(4 * SECOND).await;
        let rest = first.rest();
        advance(100 * SECOND).await;
        let second = rest.begin();
        assert_eq!((second.left(), second.of_command().unwrap().0), (Some(6 * SECOND), 10 * SECOND));
        advance(5 * SECOND).await;
        assert_eq!(second.rest().begin().left(), Some(SECOND));
        advance(5 * SECOND).await;
        assert_eq!(second.rest().begin().left(), Some(Duration::ZERO));
        let none = Deadline::new(None);
        advance(SECOND).await;
        assert!(none.left().is_none() && none.rest().begin().of_command().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whose_time_is_over_is_said() {
        let transport = Transport::Router(axum::Router::new());
        for (timeout, said) in
            [(Some(SECOND), ": the 1s of `--timeout` are over"), (None, ": the 1s that a request may take are over")]
        {
            let deadline = Deadline::new(timeout).of_request(SECOND);
            advance(2 * SECOND).await;
            let outcome = deadline.attempt(&transport, async { Ok::<(), Failure>(()) }).await;
            let Err(Failure::Unsent(obstacle)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(obstacle.why, said);
        }
    }
}
