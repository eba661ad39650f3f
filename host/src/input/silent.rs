//! Reads from a terminal without showing what is typed. The terminal hands over each byte, and not lines: it would cut long ones, and on
//! Ctrl-C it would stay as it is, showing nothing. A signal puts it back before it ends the process, and Ctrl-Z before it suspends it.

// Standard input, for its owner `stdin`.
#![allow(clippy::disallowed_methods)]

use std::io::{self, Read, Stdin};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use crate::output::stderr;
use crate::stop::Question;

/// Where what is typed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// At the end of a line.
    Line,
    /// At Ctrl-D.
    End,
}

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const CTRL_Z: u8 = 0x1a;
const ERASE: [u8; 2] = [0x08, 0x7f];

/// Whether a signal has put the terminal back for good.
static IS_OVER: Mutex<bool> = Mutex::new(false);

/// How often somebody behind looks whether they are in front.
const A_LITTLE: Duration = Duration::from_millis(50);

/// The terminal, silent until this is dropped.
struct Silent {
    before: Termios,
    silent: Termios,
    terminal: Stdin,
    _asked: Question,
}

impl Silent {
    fn begin() -> io::Result<Silent> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let again = before.clone();
        let _asked = Question::asked(move || {
            let mut is_over = IS_OVER.lock().unwrap_or_else(PoisonError::into_inner);
            *is_over = true;
            put_back(&io::stdin(), &again);
            drop(is_over);
            stderr::end_of_prompt();
        });
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        let silent = Silent { before, silent, terminal, _asked };
        silent.hide()?;
        Ok(silent)
    }

    /// From now on nothing is shown.
    fn hide(&self) -> io::Result<()> {
        let is_over = IS_OVER.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_over {
            drop(is_over);
            // The process is about to end.
            loop {
                std::thread::park();
            }
        }
        Ok(tcsetattr(&self.terminal, OptionalActions::Now, &self.silent)?)
    }

    /// Stops what the terminal would have stopped, this process with it, and asks again when it goes on. Where nobody could make it go on, the
    /// system doesn't stop it, and it asks again at once.
    fn suspend(&self, prompt: &str) -> io::Result<()> {
        put_back(&self.terminal, &self.before);
        stderr::end_of_prompt();
        kill_current_process_group(Signal::TSTP)?;
        // Whoever touches the terminal from behind is stopped once more, and couldn't be ended by a signal.
        while !is_in_front(&self.terminal) {
            std::thread::sleep(A_LITTLE);
        }
        self.hide()?;
        stderr::prompt(prompt);
        Ok(())
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        put_back(&self.terminal, &self.before);
    }
}

fn put_back(terminal: &Stdin, before: &Termios) {
    // A terminal that went away needs nothing, and one that another program is in front of was put back.
    if is_in_front(terminal) {
        let _ = tcsetattr(terminal, OptionalActions::Now, before);
    }
}

/// Whether no other program is in front of this one at a terminal; one without jobs has nobody in front.
fn is_in_front(terminal: &Stdin) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}

/// What is typed after a prompt, without white space around it; nothing if the input ends before any. Ctrl-C is `Interrupted`.
pub(super) fn read(prompt: &str, until: Until, limit: u64) -> io::Result<Option<String>> {
    // Silent first: who types when the prompt is there isn't shown.
    let silent = Silent::begin()?;
    let prompt = format!("{prompt}: ");
    stderr::prompt(&prompt);
    let typed = edited(silent.terminal.lock().bytes(), until, limit, || silent.suspend(&prompt));
    drop(silent);
    stderr::end_of_prompt();
    typed
}

/// The bytes as a person meant them. Ctrl-Z suspends, and what is typed begins anew: nobody sees how far it had come.
fn edited(
    bytes: impl Iterator<Item = io::Result<u8>>,
    until: Until,
    limit: u64,
    mut suspend: impl FnMut() -> io::Result<()>,
) -> io::Result<Option<String>> {
    let mut typed = Vec::new();
    let mut has_ended = true;
    for byte in bytes {
        match byte? {
            CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
            CTRL_D => break,
            b'\n' | b'\r' if until == Until::Line => {
                has_ended = false;
                break;
            }
            CTRL_U => typed.clear(),
            CTRL_Z => {
                typed.clear();
                suspend()?;
            }
            byte if ERASE.contains(&byte) => erase(&mut typed),
            _ if typed.len() as u64 >= limit => return Err(io::Error::other(format!("more than {limit} bytes"))),
            byte => typed.push(byte),
        }
    }
    let text = String::from_utf8(typed).map_err(|_| io::Error::other("it isn't UTF-8"))?;
    let text = text.trim();
    // Only now: what is typed after such a key isn't for the shell.
    let is_text = |c: char| !c.is_control() || until == Until::End && c.is_whitespace();
    if !text.chars().all(is_text) {
        return Err(io::Error::other("it holds a control character, which no secret has"));
    }
    Ok((!text.is_empty() || !has_ended).then(|| text.to_owned()))
}

/// Takes the last character away, of however many bytes.
fn erase(typed: &mut Vec<u8>) {
    while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_before_it_was_suspended_is_gone() {
        let mut suspended = 0;
        let typed = edited("abc\u{1a}\u{1a}def\n".bytes().map(Ok), Until::Line, 64, || {
            suspended += 1;
            Ok(())
        });
        assert_eq!((typed.unwrap().as_deref(), suspended), (Some("def"), 2));
        let fails = || Err(io::ErrorKind::PermissionDenied.into());
        assert!(edited("abc\u{1a}def\n".bytes().map(Ok), Until::Line, 64, fails).is_err());
    }

    #[test]
    fn what_is_typed_is_what_was_meant() {
        let typed = |text: &str, until| edited(text.bytes().map(Ok), until, 64, || Ok(())).map_err(|e| e.kind());
        let text = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(typed("abc\ndef", Until::Line), text("abc"));
        assert_eq!(typed(" abc\rdef", Until::Line), text("abc"));
        assert_eq!(typed("{\n}\n\u{4}", Until::End), text("{\n}"));
        assert_eq!(typed("aé\u{7f}\u{8}bx\u{15}cd\n", Until::Line), text("cd"));
        assert_eq!(typed("aé\u{7f}b\n", Until::Line), text("ab"));
        assert_eq!(typed("\n", Until::Line), text(""));
        assert_eq!(typed("abc\u{4}", Until::Line), text("abc"));
        assert_eq!((typed("", Until::Line), typed("\u{4}", Until::Line)), (Ok(None), Ok(None)));
        assert_eq!(typed("abc\u{3}", Until::Line), Err(io::ErrorKind::Interrupted));
        for control in ["ab\u{1b}[Dc\n", "a\u{1c}b\n", "a\tb\n", "a\u{85}b\n"] {
            assert_eq!(typed(control, Until::Line), Err(io::ErrorKind::Other), "{control:?}");
        }
        assert_eq!(typed("{\t}\u{4}", Until::End), text("{\t}"));
        assert_eq!(typed("a\u{1b}b\u{4}", Until::End), Err(io::ErrorKind::Other));
        assert_eq!(typed(&"x".repeat(65), Until::Line), Err(io::ErrorKind::Other));
    }
}
