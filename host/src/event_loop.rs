//! The event loop of a command: one thread, on which requests run while kinds block on threads of their own; and what ends it early.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use carto_plugin_api::ErrorCode;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
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

/// How long a command may take to end when it was told to.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Something that is watched, until this is dropped. A command can have several after each other: a bearer is renewed, and a verb runs.
struct AtWork;

static AT_WORK: AtomicUsize = AtomicUsize::new(0);

impl AtWork {
    fn begin() -> AtWork {
        AT_WORK.fetch_add(1, Ordering::SeqCst);
        AtWork
    }

    fn is_anybody() -> bool {
        AT_WORK.load(Ordering::SeqCst) > 0
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Something that isn't broken off once it is begun, since it can't be had again: the first stop waits for it, and only a second signal
/// doesn't. It has begun before the first stop, or it mustn't begin at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unbroken(Arc<OnceLock<bool>>);

impl Unbroken {
    /// Begins it; `false` if a stop was heard before.
    pub(crate) fn begin(&self) -> bool {
        *self.0.get_or_init(|| true)
    }

    /// Whether it has begun, now that a stop is heard.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.get_or_init(|| false)
    }
}

/// What ends a command early, one after the other.
pub(crate) struct Stops {
    heard: mpsc::UnboundedReceiver<Stop>,
    _at_work: AtWork,
}

impl Stops {
    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Stop {
        match self.heard.recv().await {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }
}

/// Watches, on a thread of its own, for what ends a command early: whatever blocks the command (a disk, a terminal that nobody reads), it
/// can't keep this from being heard. The command is told, and has a moment to say what became of it; then the process ends with the status
/// that `last_resort` names.
///
/// The first of the two futures is over when it listens: nothing should be sent before. The second is what it hears.
pub(crate) fn watch(
    deadline: Option<(Duration, Instant)>,
    last_resort: impl Fn(Stop) -> u8 + Send + 'static,
) -> (impl Future<Output = ()>, impl Future<Output = Stop>) {
    let (listening, mut stops) = watch_unbroken(deadline, Unbroken::default(), last_resort);
    (listening, async move { stops.next().await })
}

/// The same with something that isn't broken off. If that has begun at the first stop, the moment to say what became of it comes when it is
/// over, or with a second signal.
pub(crate) fn watch_unbroken(
    deadline: Option<(Duration, Instant)>,
    unbroken: Unbroken,
    last_resort: impl Fn(Stop) -> u8 + Send + 'static,
) -> (impl Future<Output = ()>, Stops) {
    let (listens, listening) = oneshot::channel();
    let (sender, heard) = mpsc::unbounded_channel();
    let at_work = AtWork::begin();
    std::thread::spawn(move || {
        // Without a loop of its own a signal ends the process by itself.
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
        let first = runtime.block_on(async {
            let mut stop = pin!(stop(deadline));
            tokio::select! {
                // Polled first, and so it has caught the signals when the other is over.
                biased;
                stop = &mut stop => return stop,
                () = async {} => {}
            }
            let _ = listens.send(());
            stop.await
        });
        let has_begun = unbroken.has_begun();
        // Nobody listens if what was watched has just ended.
        let is_over = sender.send(first).is_err();
        if is_over && is_others(first, AtWork::is_anybody()) {
            return;
        }
        if has_begun {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = sender.closed() => {}
                    second = stop(None) => drop(sender.send(second)),
                }
            });
        }
        std::thread::sleep(LAST_PATIENCE);
        let status = last_resort(first);
        crate::run::end_all();
        // It had its time to end by returning.
        #[allow(clippy::disallowed_methods)]
        std::process::exit(status.into())
    });
    // Where there is no thread, there is nothing to wait for.
    (async { listening.await.unwrap_or_default() }, Stops { heard, _at_work: at_work })
}

/// Whether what was heard after the end of what was watched is nothing of its watcher's: its deadline is over then too, and a signal is for whoever
/// works now.
fn is_others(stop: Stop, anybody_works: bool) -> bool {
    matches!(stop, Stop::OutOfTime(_)) || anybody_works
}

/// The signals that end a program, where nobody says anything about them.
const ENDING: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// What is done before a signal ends the process, until this is dropped. There is one at a time.
pub(crate) struct Before {
    _at_work: AtWork,
}

static FIRST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

impl Before {
    /// From now on: when this returns, it listens. The process then ends as interrupted.
    pub(crate) fn end(first: impl FnOnce() + Send + 'static) -> Before {
        static LISTENS: Once = Once::new();
        set_first(Some(Box::new(first)));
        LISTENS.call_once(|| {
            let (listens, listening) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                // Without a loop of its own a signal ends the process by itself.
                let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
                runtime.block_on(end_at_a_signal(listens))
            });
            let _ = listening.recv();
        });
        Before { _at_work: AtWork::begin() }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        set_first(None);
    }
}

fn set_first(first: Option<Box<dyn FnOnce() + Send>>) -> Option<Box<dyn FnOnce() + Send>> {
    std::mem::replace(&mut *FIRST.lock().unwrap_or_else(PoisonError::into_inner), first)
}

/// What was caught once stays caught: afterwards too, somebody has to end the process if nobody else listens. A watch doesn't listen to a terminal that
/// goes away.
async fn end_at_a_signal(listens: std::sync::mpsc::Sender<()>) -> ! {
    let [mut interrupt, mut end, mut hang_up] = ENDING.map(caught);
    let _ = listens.send(());
    loop {
        let signal = tokio::select! {
            () = received(&mut interrupt) => SignalKind::interrupt(),
            () = received(&mut end) => SignalKind::terminate(),
            () = received(&mut hang_up) => SignalKind::hangup(),
        };
        match set_first(None) {
            Some(first) => first(),
            None if AtWork::is_anybody() && signal != SignalKind::hangup() => continue,
            None => {}
        }
        crate::run::end_all();
        // Whoever waits may be waiting for a person.
        #[allow(clippy::disallowed_methods)]
        std::process::exit(ErrorCode::Interrupted.exit_status().into())
    }
}

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

/// The signals that end a program, while it waits for another one that a person has in front: none of them ends this one.
pub(crate) struct InFront {
    keyboard: [Option<Signal>; 2],
    end: Option<Signal>,
    hang_up: Option<Signal>,
}

impl InFront {
    /// From now on.
    pub(crate) fn begin() -> InFront {
        InFront {
            keyboard: [SignalKind::interrupt(), SignalKind::quit()].map(caught),
            end: caught(SignalKind::terminate()),
            hang_up: caught(SignalKind::hangup()),
        }
    }

    /// Waits for one that the other program has to be told of, and says its number: those of the keyboard it has already, since a terminal
    /// sends them to all that is in front.
    pub(crate) async fn next_to_pass_on(&mut self) -> i32 {
        let [interrupt, quit] = &mut self.keyboard;
        loop {
            tokio::select! {
                () = received(interrupt) => {}
                () = received(quit) => {}
                () = received(&mut self.end) => return SignalKind::terminate().as_raw_value(),
                () = received(&mut self.hang_up) => return SignalKind::hangup().as_raw_value(),
            }
        }
    }
}

/// Waits for a signal.
async fn signalled(kind: SignalKind) {
    received(&mut caught(kind)).await;
}

/// Catches a signal; nothing where it can't be caught, or where whoever started this program has it ignored (`nohup`, jobs in the background
/// of a script).
fn caught(kind: SignalKind) -> Option<Signal> {
    if is_ignored(kind) { None } else { signal(kind).ok() }
}

/// Waits for ever if there is nothing to be received.
async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_after_the_end_is_nothing_of_its_watchers() {
        for (stop, anybody_works, expected) in [
            (Stop::OutOfTime(Duration::ZERO), false, true),
            (Stop::OutOfTime(Duration::ZERO), true, true),
            (Stop::Interrupted, true, true),
            // It is still caught, and nobody else ends the process.
            (Stop::Interrupted, false, false),
        ] {
            assert_eq!(is_others(stop, anybody_works), expected, "{stop:?} {anybody_works}");
        }
    }

    /// It would end this process.
    #[test]
    fn a_deadline_after_the_end_ends_nothing() {
        let (alive, watcher) = std::sync::mpsc::channel::<()>();
        let watched = run(async {
            let (listening, stop) = watch(Some((Duration::ZERO, Instant::now())), move |_| {
                let _ = alive.send(());
                1
            });
            listening.await;
            drop(stop);
            Ok(())
        });
        assert!(watched.is_ok());
        // Its thread is over, and didn't come to its last resort.
        assert_eq!(watcher.recv(), Err(std::sync::mpsc::RecvError));
    }

    #[test]
    fn what_isnt_broken_off_begins_before_a_stop_or_never() {
        let (early, late) = (Unbroken::default(), Unbroken::default());
        assert!(early.begin() && early.clone().has_begun());
        assert!(!late.clone().has_begun() && !late.begin());
    }
}
