//! What a worker prints: never into the command's own output. `--debug` shows the beginning; the end is kept, since the reason for which a
//! runtime ends its process stands there.

use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::output::stderr;

/// The most that is shown of one worker, in bytes.
const MOST_SHOWN: usize = 64 * 1024;
/// What stands before a line, about.
const LABEL: usize = 40;
/// The longest line that is shown in one piece.
const LONGEST_LINE: usize = 4 * 1024;
/// How much of the end is kept: a panic stands before its backtrace.
const TAIL: usize = 64 * 1024;

pub(super) struct Prints {
    pipe: Option<PipeReader>,
    /// Whose they are: nobody's, until a library is open.
    kind: String,
    debug: bool,
    line: Vec<u8>,
    shown: usize,
    tail: Vec<u8>,
}

impl Prints {
    pub(super) fn new(pipe: PipeReader, debug: bool) -> Prints {
        Prints { pipe: Some(pipe), kind: "a worker".to_owned(), debug, line: Vec::new(), shown: 0, tail: Vec::new() }
    }

    /// They are this kind's.
    pub(super) fn are_of(&mut self, kind: &str) {
        kind.clone_into(&mut self.kind);
    }

    /// The pipe, while there is somebody at its other end.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there, once. To be called when there is something.
    pub(super) fn read(&mut self) {
        let mut chunk = [0; 16 * 1024];
        match self.pipe.as_mut().map(|pipe| pipe.read(&mut chunk)) {
            Some(Ok(read @ 1..)) => self.take(chunk.get(..read).unwrap_or_default()),
            // Somebody else took it: the kind itself.
            Some(Err(e)) if e.kind() == ErrorKind::WouldBlock => {}
            _ => self.pipe = None,
        }
    }

    /// Reads what is still there, without waiting for more. A pipe holds so much and no more, so this ends.
    pub(super) fn drain(&mut self) {
        for _ in 0..16 {
            let Some(pipe) = self.pipe() else { break };
            let mut waiting = [PollFd::from_borrowed_fd(pipe, PollFlags::IN)];
            if !poll(&mut waiting, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
                break;
            }
            self.read();
        }
        if !self.line.is_empty() {
            self.end_of_line();
        }
    }

    /// The last lines.
    pub(super) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.tail).into_owned()
    }

    /// The same, and from now on those that come after them.
    pub(super) fn take_tail(&mut self) -> String {
        let tail = self.tail();
        self.tail.clear();
        tail
    }

    fn take(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let too_much = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..too_much);
        if !self.debug {
            return;
        }
        for byte in bytes {
            match byte {
                b'\n' => self.end_of_line(),
                byte => self.line.push(*byte),
            }
            if self.line.len() >= LONGEST_LINE {
                self.end_of_line();
            }
        }
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let before = self.shown;
        let line = String::from_utf8_lossy(&line);
        // As it is written: what would disturb a terminal is spelt out, and each line has a label.
        self.shown = self.shown.saturating_add(line.escape_debug().count() + LABEL);
        if self.shown <= MOST_SHOWN {
            stderr::debug(&format!("{} printed: {line}", self.kind));
        } else if before <= MOST_SHOWN {
            stderr::debug(&format!("{} printed more; it isn't shown", self.kind));
        }
    }
}
