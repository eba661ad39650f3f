//! A terminal of 80 columns for commands that behave differently when a person watches.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::Run;

/// Runs a command on a terminal, and answers with all that the screen showed and the status.
pub(crate) fn run(run: Run) -> (String, i32) {
    watched(run, None)
}

/// The same, with a line typed when the screen shows a question: what is typed before it may be thrown away, or be shown anywhere.
pub(crate) fn asked(run: Run, question: &str, line: &str) -> (String, i32) {
    watched(run, Some((question, line)))
}

/// Runs a command on a terminal, sends it a signal when the screen shows a question, and answers with the status, and with whether the terminal showed what
/// is typed: then, and after the end.
pub(crate) fn signalled(mut run: Run, question: &str, signal: Signal) -> (i32, [bool; 2]) {
    let (mut master, slave) = open();
    let stdio = || Stdio::from(slave.try_clone().unwrap());
    let mut child = run.command.stdin(stdio()).stdout(stdio()).stderr(stdio()).process_group(0).spawn().unwrap();
    let (mut screen, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&screen).contains(question) {
        let count = master.read(&mut buffer).unwrap();
        screen.extend_from_slice(&buffer[..count]);
    }
    let shows = || tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ECHO);
    let then = shows();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap().code().unwrap_or(-1);
    (status, [then, shows()])
}

/// Runs a command on a terminal, types at its question, waits until that has suspended the command, lets it go on, and types a line when it asks
/// again. The screen, the status, and whether the terminal showed what is typed: at the first question, suspended, at the second one, after the end.
pub(crate) fn suspended(mut run: Run, question: &str, keys: &str, line: &str) -> (String, i32, [bool; 4]) {
    let (mut master, slave) = open();
    let stdio = || Stdio::from(slave.try_clone().unwrap());
    let mut child = run.command.stdin(stdio()).stdout(stdio()).stderr(stdio()).process_group(0).spawn().unwrap();
    let pid = Pid::from_child(&child);
    drop(run);
    let shows = || tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ECHO);
    let (mut screen, mut buffer, mut shown) = (Vec::new(), [0; 4096], Vec::new());
    for (nth, typed) in [keys.to_owned(), format!("{line}\n")].iter().enumerate() {
        while String::from_utf8_lossy(&screen).matches(question).count() <= nth {
            let count = master.read(&mut buffer).unwrap();
            screen.extend_from_slice(&buffer[..count]);
        }
        shown.push(shows());
        master.write_all(typed.as_bytes()).unwrap();
        if nth == 0 {
            let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
            assert!(status.stopped(), "{status:?}");
            shown.push(shows());
            kill_process(pid, Signal::CONT).unwrap();
        }
    }
    let status = child.wait().unwrap().code().unwrap_or(-1);
    shown.push(shows());
    drop(slave);
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        screen.extend_from_slice(&buffer[..count]);
    }
    (String::from_utf8(screen).unwrap().replace("\r\n", "\n"), status, shown.try_into().unwrap())
}

fn open() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty());
    (File::from(master), slave.unwrap())
}

fn watched(mut run: Run, mut answer: Option<(&str, &str)>) -> (String, i32) {
    let (mut master, slave) = open();
    let stdio = || Stdio::from(slave.try_clone().unwrap());
    let mut child = run.command.stdin(stdio()).stdout(stdio()).stderr(stdio()).process_group(0).spawn().unwrap();
    drop((run, slave));
    let mut screen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((_, line)) = answer.take_if(|(question, _)| String::from_utf8_lossy(&screen).contains(*question)) {
            master.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        // The end of a terminal is an error: its other side is closed.
        let Ok(count @ 1..) = master.read(&mut buffer) else { break };
        screen.extend_from_slice(&buffer[..count]);
    }
    let status = child.wait().unwrap().code().unwrap_or(-1);
    (String::from_utf8(screen).unwrap().replace("\r\n", "\n"), status)
}
