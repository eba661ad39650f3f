//! The way to one worker and back: frames through a channel that never makes this side wait for longer than the kind has time, whatever the
//! worker does at its end; and what there is to say of a worker that is lost.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::death;
use super::frames::{self, Frame, Malformed, Tag};
use super::leash::Leash;
use super::prints::Prints;

/// A wait is never longer than this in one piece.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What came of a connection that isn't one any more.
pub(super) enum Lost {
    /// Its other end is gone.
    Closed,
    /// The kind's time is over.
    Late,
    /// What came is no frame.
    Malformed(String),
    /// The system refused.
    Io(io::Error),
}

/// The process and the way to it.
pub(super) struct Worker {
    process: Leash,
    channel: UnixStream,
    /// Where its library goes.
    memory: File,
    /// What came and isn't a whole frame yet.
    arrived: Vec<u8>,
    prints: Prints,
    deadline: Duration,
    /// What is left of it.
    left: Duration,
}

impl Worker {
    /// Both ends of what comes from the worker don't block.
    pub(super) fn new(
        process: Leash,
        channel: UnixStream,
        memory: File,
        prints: PipeReader,
        deadline: Duration,
        debug: bool,
    ) -> Worker {
        let prints = Prints::new(prints, debug);
        Worker { process, channel, memory, arrived: Vec::new(), prints, deadline, left: deadline }
    }

    /// Where its library goes.
    pub(super) fn memory(&self) -> &File {
        &self.memory
    }

    /// What it prints is this kind's.
    pub(super) fn belongs_to(&mut self, kind: &str) {
        self.prints.are_of(kind);
    }

    /// The kind has all its time again.
    pub(super) fn begin_call(&mut self) {
        self.left = self.deadline;
    }

    /// The process's number.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has printed since this was last asked, as much of it as is kept.
    pub(super) fn printed(&mut self) -> String {
        self.prints.drain();
        self.prints.take_tail()
    }

    /// Sends a frame, as long as the kind has time.
    pub(super) fn send(&mut self, tag: Tag, head: &[u8], body: &[u8]) -> std::result::Result<(), Lost> {
        let bytes = frames::bytes(tag, head, body).map_err(Lost::Io)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match (&self.channel).write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    return Err(Lost::Closed);
                }
                Err(e) => return Err(Lost::Io(e)),
            }
        }
        Ok(())
    }

    /// Waits for a frame, as long as the kind has time.
    pub(super) fn receive(&mut self) -> std::result::Result<Frame, Lost> {
        loop {
            match frames::parse(&self.arrived) {
                Ok(Some((frame, length))) => {
                    self.arrived.drain(..length);
                    return Ok(frame);
                }
                Ok(None) => {}
                Err(Malformed(why)) => return Err(Lost::Malformed(why)),
            }
            let mut chunk = [0; 64 * 1024];
            match (&self.channel).read(&mut chunk) {
                Ok(0) => return Err(Lost::Closed),
                Ok(read) => self.arrived.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::IN)?,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Err(Lost::Closed),
                Err(e) => return Err(Lost::Io(e)),
            }
        }
    }

    /// Waits until the channel is ready, or until the kind's time is over, and reads meanwhile what it prints, so that it never waits for that.
    /// Neither can keep this from coming back: nothing here blocks but the wait itself, which ends with the time.
    fn wait(&mut self, readiness: PollFlags) -> std::result::Result<(), Lost> {
        loop {
            let began = Instant::now();
            if self.left.is_zero() {
                return Err(Lost::Late);
            }
            let time = self.left.min(LONGEST_WAIT);
            let (ready, printed) = {
                let mut waiting = vec![PollFd::new(&self.channel, readiness)];
                waiting.extend(self.prints.pipe().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
                let time = Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() };
                match poll(&mut waiting, Some(&time)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(Lost::Io(e.into())),
                }
                let is_ready = |place: usize| waiting.get(place).is_some_and(|waited| !waited.revents().is_empty());
                (is_ready(0), is_ready(1))
            };
            if printed {
                self.prints.read();
            }
            // If this process itself was stopped for a while, that isn't the kind's time.
            self.left = self.left.saturating_sub(began.elapsed().min(LONGEST_WAIT));
            if ready {
                return Ok(());
            }
        }
    }

    /// The worker is of no use any more: what ended it, as the rest of a sentence that begins with "it".
    pub(super) fn told(&mut self, lost: Lost) -> String {
        let status = match lost {
            Lost::Closed => self.process.ended(),
            _ => None,
        };
        self.end();
        match lost {
            Lost::Closed => death::cause(status, &self.prints.tail()),
            Lost::Late => format!("took longer than {:?} for one call (`deadline` under `[plugins]`)", self.deadline),
            Lost::Malformed(why) => format!("sent {why}"),
            Lost::Io(error) => format!("can't be reached any more: {error}"),
        }
    }

    /// What it did that it may not do. A runtime that gives up prints what it knows, and looks for more where it may not: then that is why.
    pub(super) fn forbidden(&mut self, number: &[u8]) -> String {
        self.end();
        let number = number.first_chunk().map_or(-1, |bytes| i32::from_le_bytes(*bytes));
        let attempt = || format!("tried to {}, which no kind may do", death::attempt(number.into()));
        death::last_words(&self.prints.tail()).unwrap_or_else(attempt)
    }

    fn end(&mut self) {
        self.process.end();
        self.prints.drain();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}
