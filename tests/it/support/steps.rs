//! A command that is stopped at each of its system calls, before the kernel does it and after, and killed at one of them. Where that falls is
//! counted, not timed, so that no moment between two calls is left to chance.

// Being traced has to be asked for between `fork` and `exec`, and there is no safe form of it.
#![allow(unsafe_code)]

use std::io::Error;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};

use super::Run;

/// Kills the command at the `nth` stop of its first thread from the one on at which `begun` is true. Answers whether there was such a stop;
/// else the command came to its end, and must have succeeded.
// One that came to its end was waited for in `stopped`.
#[allow(clippy::zombie_processes)]
pub(crate) fn killed_at(mut run: Run, nth: usize, begun: impl Fn() -> bool) -> bool {
    // SAFETY: it makes one system call.
    unsafe {
        run.command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        })
    };
    let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = libc::pid_t::try_from(child.id()).unwrap();
    assert!(stopped(id).is_some(), "it stops where the program begins");
    // A stop at a system call is told from a signal; and no command is left stopped if the test fails meanwhile.
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    // SAFETY: this thread started the process, which is stopped and waits for it.
    assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, id, 0, options) }, 0, "{}", Error::last_os_error());
    let (mut signal, mut stops, mut has_begun) = (0, 0, false);
    loop {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, id, 0, signal) }, 0, "{}", Error::last_os_error());
        let Some(stop) = stopped(id) else { return false };
        let is_at_a_call = stop == libc::SIGTRAP | 0x80;
        signal = if is_at_a_call { 0 } else { stop };
        if !is_at_a_call {
            continue;
        }
        has_begun = has_begun || begun();
        if has_begun && stops == nth {
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
            return true;
        }
        stops += usize::from(has_begun);
    }
}

/// Waits for the next stop, and answers with its signal; nothing if the process is over.
fn stopped(id: libc::pid_t) -> Option<libc::c_int> {
    let mut status = 0;
    // SAFETY: the status is here until the call is over.
    assert_eq!(unsafe { libc::waitpid(id, &raw mut status, libc::__WALL) }, id, "{}", Error::last_os_error());
    let status = ExitStatus::from_raw(status);
    if status.stopped_signal().is_none() {
        assert!(status.success(), "{status}");
    }
    status.stopped_signal()
}
