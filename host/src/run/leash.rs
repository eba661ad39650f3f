//! The processes of workers: each ends when it is let go of, and all of them with the command. The one place that starts them.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A process that ends when this is dropped, or when the command ends.
pub(super) struct Leash(Arc<Mutex<Child>>);

/// Every worker that was started; nothing once the command is over, and then no other is.
static STARTED: Mutex<Option<Vec<Arc<Mutex<Child>>>>> = Mutex::new(Some(Vec::new()));

/// How long the system takes, at the very most, to close what a process had open before it says how it ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Leash {
    /// Starts a process, unless the command is over.
    pub(super) fn start(command: &mut Command) -> io::Result<Leash> {
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(started) = started.as_mut() else { return Err(io::Error::other("the command is over")) };
        // Many kinds can come one after the other: those that are gone needn't be kept as zombies.
        started.retain(|child| {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            matches!(child.try_wait(), Ok(None))
        });
        let child = Arc::new(Mutex::new(command.spawn()?));
        started.push(Arc::clone(&child));
        Ok(Leash(child))
    }

    /// The process's number.
    pub(super) fn id(&self) -> u32 {
        self.lock().id()
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it ended by itself, if it did: its connection is closed, so it should be a matter of moments.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            match self.lock().try_wait() {
                Ok(None) if began.elapsed() < LAST_WORDS => std::thread::sleep(Duration::from_millis(1)),
                outcome => return outcome.ok().flatten(),
            }
        }
    }

    /// Ends it, whatever it is doing. Nobody waits for it here: that is done once, at the end.
    pub(super) fn end(&self) {
        // It may have ended by itself.
        let _ = self.lock().kill();
    }
}

/// Ends every worker and waits until it is gone, so that none outlives the command, not even as a zombie.
pub(crate) fn end_all() {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner).take();
    for child in started.into_iter().flatten() {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}
