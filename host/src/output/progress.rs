//! A sign of life for a person who waits: a spinner on standard error, after a moment, and how many there are so far. Whether anybody wants
//! one is decided above.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What is over sooner needs no sign.
const PATIENCE: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(120);

/// The spinner that is shown, if one is: both streams have to step around it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A wait, from its beginning until this is dropped.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    starting: Option<JoinHandle<()>>,
}

impl Progress {
    /// `doing`: `Creating a robot`. Needs the event loop. Nothing is shown unless it `is_wanted`.
    pub(super) fn begin(doing: &str, is_wanted: bool) -> Progress {
        if !is_wanted {
            return Progress { bar: None, starting: None };
        }
        // Nothing is drawn before its time, whatever is counted.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(doing.to_owned());
        let style = ProgressStyle::with_template("{spinner} {msg}{prefix}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.tick_chars(r"|/-\ "));
        let shown = bar.clone();
        let starting = tokio::spawn(async move {
            sleep(PATIENCE).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.enable_steady_tick(TICK);
            set(Some(shown));
        });
        Progress { bar: Some(bar), starting: Some(starting) }
    }

    /// How many of something there are so far.
    pub(crate) fn count(&self, what: &str, count: usize) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!(" {what}: {count}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(starting) = &self.starting {
            starting.abort();
        }
        if let Some(bar) = set(None) {
            bar.finish_and_clear();
        }
    }
}

fn set(bar: Option<ProgressBar>) -> Option<ProgressBar> {
    std::mem::replace(&mut *SHOWN.lock().unwrap_or_else(PoisonError::into_inner), bar)
}

/// Does something to the terminal while no spinner is on it.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
