//! Whether a request is sent again, and after which wait. Reads are repeated where another attempt can end better; a write only where it
//! can't have arrived (no connection) or the service says that it did nothing (429); what tries a credential, or asks an authority for one, only
//! where it can't have arrived.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::Response;
use http::header::RETRY_AFTER;
use tokio::time::sleep;

use super::endpoint::Act;
use crate::output::stderr;
use crate::settings::{LONGEST_BACKOFF, Network};
use crate::transport::Failure;

/// A wait that somebody would wonder about.
const LONG: Duration = Duration::from_secs(3);

/// An answer, as far as another attempt depends on it.
pub(crate) trait Told {
    fn status(&self) -> u16;
    /// The `Retry-After`, if it is text.
    fn retry_after(&self) -> Option<&str>;
}

impl<B> Told for Response<B> {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }

    fn retry_after(&self) -> Option<&str> {
        self.headers().get(RETRY_AFTER)?.to_str().ok()
    }
}

/// A wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    time: Duration,
    /// Whether the service asks for it.
    is_asked: bool,
}

impl Wait {
    /// Waits, and says so where somebody would wonder. `shown` is what is tried again, `place` who is asked.
    pub(crate) async fn pass(self, shown: &str, place: &str, debug: bool) {
        if debug {
            stderr::debug(&format!("{shown} is tried again in {} ms", self.time.as_millis()));
        }
        if self.is_asked && self.time >= LONG {
            stderr::note(&format!("{place} asks to wait {} s before the next request", self.time.as_secs()));
        }
        sleep(self.time).await;
    }
}

/// The attempts of one request.
pub(crate) struct Attempts {
    act: Act,
    delays: ExponentialBackoff,
}

impl Attempts {
    pub(crate) fn new(network: &Network, act: Act) -> Attempts {
        let delays = ExponentialBuilder::default()
            .with_min_delay(network.backoff)
            .with_max_delay(LONGEST_BACKOFF)
            .with_max_times(network.retries)
            // So that clients that failed together don't come back together.
            .with_jitter()
            .build();
        Attempts { act, delays }
    }

    /// The wait before the next attempt; nothing if this outcome stands. One that would end after the deadline isn't begun.
    pub(crate) fn wait(&mut self, outcome: &Result<impl Told, Failure>, left: Duration) -> Option<Wait> {
        let asked = match outcome {
            Err(Failure::Unsent(obstacle)) if !obstacle.lasting => None,
            Err(Failure::Lost(_)) if self.act == Act::Reads => None,
            // An authority counts what it refuses.
            Ok(answer) if self.act != Act::Tries && answer.status() == 429 => asked_wait(answer),
            Ok(answer) if self.act == Act::Reads && matches!(answer.status(), 408 | 500 | 502..=504) => {
                asked_wait(answer)
            }
            _ => return None,
        };
        let own = self.delays.next()?.min(LONGEST_BACKOFF);
        let wait = match asked.filter(|asked| *asked > own) {
            // A little more than the service asks for, so that not all come back at once.
            Some(asked) => Wait { time: asked + own.min(asked / 4), is_asked: true },
            None => Wait { time: own, is_asked: false },
        };
        Some(wait).filter(|wait| wait.time < left)
    }
}

/// The wait that the service asks for.
pub(super) fn asked_wait(answer: &impl Told) -> Option<Duration> {
    after(answer.retry_after()?, SystemTime::now())
}

/// The wait that an answer asks for, as the end of a sentence, in the largest unit that tells something.
pub(crate) fn wish(answer: &impl Told) -> String {
    let seconds = asked_wait(answer).map(|wait| wait.as_secs()).filter(|seconds| *seconds > 0);
    let wait = match seconds {
        None => return String::new(),
        Some(seconds @ 0..120) => format!("{seconds} s"),
        Some(seconds @ 120..7200) => format!("{} min", seconds.div_ceil(60)),
        Some(seconds @ 7200..172_800) => format!("{} h", seconds.div_ceil(3600)),
        Some(_) => "more than two days".to_owned(),
    };
    format!(", and asks to wait {wait}")
}

/// The time that a `Retry-After` names: seconds, or a date. Nothing if it names none.
pub(crate) fn after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More than that is more than anybody waits.
        return Some(Duration::from_secs(u64::from(value.parse().unwrap_or(u32::MAX))));
    }
    // A date that has passed is no wait.
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use proptest::prelude::*;

    use super::*;
    use crate::service::hidden::Hidden;
    use crate::service::receive::Received;
    use crate::transport::Obstacle;

    fn attempts(act: Act) -> Attempts {
        let network = Network { retries: 3, backoff: Duration::from_millis(100), ca_file: None };
        Attempts::new(&network, act)
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Received, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(http::header::RETRY_AFTER, value.parse().unwrap());
        }
        Ok(Received::new(StatusCode::from_u16(status).unwrap(), &headers, b"", &Hidden::new("")))
    }

    fn unsent(lasting: bool) -> Result<Received, Failure> {
        Err(Failure::Unsent(Obstacle { why: String::new(), remedy: String::new(), lasting }))
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_tried_again() {
        let lost = || Err(Failure::Lost("x".to_owned()));
        let cases: [(&str, Result<Received, Failure>, bool, bool); 16] = [
            ("no connection", unsent(false), true, true),
            ("no such name", unsent(true), false, false),
            ("lost", lost(), true, false),
            ("too large", Err(Failure::TooLarge), false, false),
            ("200", answer(200, None), false, false),
            ("302", answer(302, None), false, false),
            ("400", answer(400, None), false, false),
            ("401", answer(401, None), false, false),
            ("404", answer(404, None), false, false),
            ("408", answer(408, None), true, false),
            ("429", answer(429, None), true, true),
            ("500", answer(500, None), true, false),
            ("501", answer(501, None), false, false),
            ("502", answer(502, None), true, false),
            ("503", answer(503, None), true, false),
            ("504", answer(504, None), true, false),
        ];
        for (what, outcome, read, write) in cases {
            let is_repeated = |act| attempts(act).wait(&outcome, MINUTE).is_some();
            assert_eq!(is_repeated(Act::Reads), read, "{what}, read");
            assert_eq!(is_repeated(Act::Writes), write, "{what}, write");
            assert_eq!(is_repeated(Act::Tries), what == "no connection", "{what}, trial");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let mut attempts = attempts(Act::Reads);
        let waits: Vec<u128> = std::iter::from_fn(|| attempts.wait(&answer(503, None), MINUTE))
            .map(|wait| wait.time.as_millis())
            .collect();
        assert_eq!(waits.len(), 3);
        for (wait, least) in waits.iter().zip([100, 200, 400]) {
            assert!((least..=2 * least).contains(wait), "{waits:?}");
        }
    }

    #[test]
    fn a_service_that_names_a_time_is_given_it_up_to_the_deadline() {
        let wait = |value: &str| attempts(Act::Writes).wait(&answer(429, Some(value)), MINUTE).map(|wait| wait.time);
        for seconds in [1, 7, 40] {
            let asked = Duration::from_secs(seconds);
            let wait = wait(&seconds.to_string()).unwrap();
            assert!(asked <= wait && wait <= asked + asked / 4, "{wait:?}");
        }
        assert_eq!(wait("3600"), None);
        assert_eq!(wait("99999999999999999999999"), None);
        assert_eq!(wait("18446744073709551615"), None);
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), None);
        // What can't be read is no wish, and what has passed none for less than our own wait.
        for absurd in ["soon", "-5", "", "1.5", "yesterday, 25:61", "0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert!(wait(absurd).unwrap() >= Duration::from_millis(100), "{absurd}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(value in "\\PC{0,40}") {
            let _ = after(&value, SystemTime::UNIX_EPOCH);
        }

        #[test]
        fn a_date_is_as_far_as_it_is(seconds in 0u64..1_000_000) {
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let value = httpdate::fmt_http_date(date);
            prop_assert_eq!(after(&value, SystemTime::UNIX_EPOCH), Some(Duration::from_secs(seconds)));
        }
    }
}
