//! Reads the sandbox's switches, a fixed clock and faults, from the text of one variable. What a fault does to a
//! request is in `faults.rs`.

use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::faults::{Action, Condition, Fault};

const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT, Method::HEAD, Method::OPTIONS];

/// The faults and the clock of one sandbox. The default is none, and the real clock.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    clock: Option<Timestamp>,
    pub(super) faults: Vec<Fault>,
}

/// A switch that doesn't work. The message has the word in backticks and what would work.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SwitchError {
    #[error(
        "unknown switch `{0}`: a fault takes `status`, `latency`, `retry-after`, `body`, `method`, `path` and \
         `times`; `clock` stands alone"
    )]
    Unknown(String),

    #[error("`{0}` is no switch: write `key=value`, with commas within a fault and semicolons between faults")]
    Shape(String),

    #[error("`{word}` does not work: `{key}` takes {takes}")]
    Value { word: String, key: &'static str, takes: &'static str },

    #[error("`{0}` stands there twice: a fault has each key once, and there is one clock")]
    Repeated(String),

    #[error("`{0}` does nothing: a fault needs a `status` or a `latency`")]
    NoAction(String),

    #[error("`{0}` needs a `status` beside it")]
    NoStatus(&'static str),
}

impl Switches {
    /// Reads `clock=2027-01-31T10:00:00Z;status=503,method=POST,times=1;latency=50ms`.
    pub(crate) fn parse(text: &str) -> Result<Switches, SwitchError> {
        let mut switches = Switches::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("clock", value)) => {
                    if switches.clock.is_some() {
                        return Err(SwitchError::Repeated(part.to_owned()));
                    }
                    let takes = "a time such as `2027-01-31T10:00:00Z`, alone between semicolons";
                    switches.clock = Some(read(part, "clock", takes, value.parse().ok())?);
                }
                _ => switches.faults.push(fault(part)?),
            }
        }
        Ok(switches)
    }

    /// The fixed now, if there is one.
    pub(crate) fn clock(&self) -> Option<Timestamp> {
        self.clock
    }
}

/// The values of one fault, by key, while it is being read.
#[derive(Default)]
struct Draft {
    status: Option<StatusCode>,
    latency: Option<Duration>,
    retry_after: Option<HeaderValue>,
    body: Option<String>,
    condition: Condition,
    times: Option<u32>,
}

fn fault(part: &str) -> Result<Fault, SwitchError> {
    let mut draft = Draft::default();
    let mut keys = Vec::new();
    for word in part.split(',').map(str::trim) {
        let (key, value) = word.split_once('=').ok_or_else(|| SwitchError::Shape(word.to_owned()))?;
        if keys.contains(&key) {
            return Err(SwitchError::Repeated(word.to_owned()));
        }
        keys.push(key);
        draft.set(word, key, value)?;
    }
    draft.finish(part)
}

impl Draft {
    fn set(&mut self, word: &str, key: &str, value: &str) -> Result<(), SwitchError> {
        match key {
            "status" => {
                self.status = Some(read(word, "status", "a number from 400 to 599", status(value))?);
            }
            "latency" => {
                self.latency = Some(read(word, "latency", "`50ms` or `2s`, say", latency(value))?);
            }
            "retry-after" => {
                let header = HeaderValue::from_str(&unescaped(value)).ok();
                self.retry_after = Some(read(word, "retry-after", "a header's text", header)?);
            }
            "body" => self.body = Some(unescaped(value)),
            "method" => {
                let known = METHODS.into_iter().find(|method| method.as_str() == value);
                let takes = "GET, POST, PATCH, DELETE, PUT, HEAD or OPTIONS";
                self.condition.method = Some(read(word, "method", takes, known)?);
            }
            "path" => {
                let path = value.starts_with('/').then(|| value.to_owned());
                self.condition.path = Some(read(word, "path", "the start of a path, with its `/`", path)?);
            }
            "times" => {
                let times = value.parse().ok().filter(|times| *times > 0);
                self.times = Some(read(word, "times", "a whole number, at least 1", times)?);
            }
            _ => return Err(SwitchError::Unknown(key.to_owned())),
        }
        Ok(())
    }

    fn finish(self, part: &str) -> Result<Fault, SwitchError> {
        let mut actions = Vec::new();
        actions.extend(self.latency.map(Action::Delay));
        match self.status {
            Some(status) => {
                actions.push(Action::Answer { status, retry_after: self.retry_after, body: self.body });
            }
            None if self.retry_after.is_some() => return Err(SwitchError::NoStatus("retry-after")),
            None if self.body.is_some() => return Err(SwitchError::NoStatus("body")),
            None if actions.is_empty() => return Err(SwitchError::NoAction(part.to_owned())),
            None => {}
        }
        Ok(Fault::new(self.condition, self.times, actions))
    }
}

fn read<T>(word: &str, key: &'static str, takes: &'static str, value: Option<T>) -> Result<T, SwitchError> {
    value.ok_or_else(|| SwitchError::Value { word: word.to_owned(), key, takes })
}

fn status(text: &str) -> Option<StatusCode> {
    StatusCode::from_bytes(text.as_bytes()).ok().filter(|status| (400..600).contains(&status.as_u16()))
}

fn latency(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

/// `%2C` and `%3B` stand for the comma and the semicolon, which would end the value.
fn unescaped(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}
