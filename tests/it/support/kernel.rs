//! What a command finds when it starts: an older kernel, a terminal of its own, a descriptor that somebody has left open. All of it is done
//! between `fork` and `exec`, so that the program and its workers find it from their first moment on.

// What runs between `fork` and `exec` is for its author to check, and a filter of system calls has no safe form.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;

use rustix::process::ioctl_tiocsctty;

use crate::support::Run;
use crate::support::session::in_a_session;

/// A kernel as it answers to the few calls that this program tries out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kernel {
    /// Before 5.13.
    WithoutLandlock,
    /// `lsm=` at boot doesn't name it.
    LandlockOff,
    /// Built without it, or a container that keeps it for itself.
    WithoutSeccomp,
    /// Before 5.9.
    WithoutCloseRange,
    /// Before 6.3.
    WithoutNoexecMemory,
}

/// A system call that fails; with an argument, only where some of that one's bits have a value.
struct Refusal {
    call: libc::c_long,
    when: Option<(u32, u32, u32)>,
    error: libc::c_int,
}

impl Kernel {
    fn refusals(self) -> Vec<Refusal> {
        let refuse = |call, error| Refusal { call, when: None, error };
        let prctl = |what: libc::c_int| Refusal {
            when: Some((0, u32::MAX, what.cast_unsigned())),
            ..refuse(libc::SYS_prctl, libc::EINVAL)
        };
        match self {
            Kernel::WithoutLandlock => vec![refuse(libc::SYS_landlock_create_ruleset, libc::ENOSYS)],
            Kernel::LandlockOff => vec![refuse(libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP)],
            Kernel::WithoutSeccomp => {
                vec![refuse(libc::SYS_seccomp, libc::ENOSYS), prctl(libc::PR_SET_SECCOMP), prctl(libc::PR_GET_SECCOMP)]
            }
            Kernel::WithoutCloseRange => vec![refuse(libc::SYS_close_range, libc::ENOSYS)],
            Kernel::WithoutNoexecMemory => vec![Refusal {
                when: Some((1, libc::MFD_NOEXEC_SEAL, libc::MFD_NOEXEC_SEAL)),
                ..refuse(libc::SYS_memfd_create, libc::EINVAL)
            }],
        }
    }

    /// Runs a command as on this kernel.
    pub(crate) fn runs(self, mut run: Run) -> Run {
        let mut program = program(&self.refusals());
        // SAFETY: it makes two system calls, and its memory is allocated by now.
        unsafe { run.command.pre_exec(move || install(&mut program)) };
        run
    }
}

/// The filter. It doesn't look at the machine: nothing of another one's runs here.
fn program(refusals: &[Refusal]) -> Vec<libc::sock_filter> {
    // Where the number of the call and the low words of the arguments stand (`struct seccomp_data`).
    const NUMBER: u32 = 0;
    let argument = |nth: u32| 16 + 8 * nth + if cfg!(target_endian = "big") { 4 } else { 0 };
    let step = |code: u32, k| libc::sock_filter { code: u16::try_from(code).unwrap(), jt: 0, jf: 0, k };
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let unless = |k, over| libc::sock_filter { jf: over, ..step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k) };
    let answer = |what| step(libc::BPF_RET | libc::BPF_K, what);
    let mut program = Vec::new();
    for Refusal { call, when, error } in refusals {
        program.extend([load(NUMBER), unless(u32::try_from(*call).unwrap(), if when.is_some() { 4 } else { 1 })]);
        if let Some((nth, mask, value)) = when {
            let masked = step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, *mask);
            program.extend([load(argument(*nth)), masked, unless(*value, 1)]);
        }
        program.push(answer(libc::SECCOMP_RET_ERRNO | error.cast_unsigned()));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program
}

fn install(program: &mut [libc::sock_filter]) -> Result<()> {
    let program =
        libc::sock_fprog { len: u16::try_from(program.len()).unwrap_or_default(), filter: program.as_mut_ptr() };
    rustix::thread::set_no_new_privs(true)?;
    // SAFETY: the program is here until the call is over.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// The command in a session of its own, whose terminal is its standard input: Ctrl-C is for it.
pub(crate) fn on_its_terminal(run: Run) -> Run {
    let mut run = in_a_session(run);
    // SAFETY: it makes one system call.
    unsafe { run.command.pre_exec(|| Ok(ioctl_tiocsctty(rustix::stdio::stdin())?)) };
    run
}

/// Runs a command with a descriptor that nobody meant to hand over.
pub(crate) fn left_open(mut run: Run, file: File, number: i32) -> Run {
    // SAFETY: it makes one system call. What the number stood for belongs to a process that ends with the next one.
    let leave = move || match unsafe { libc::dup2(file.as_raw_fd(), number) } {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: as above.
    unsafe { run.command.pre_exec(leave) };
    run
}
