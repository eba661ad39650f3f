//! Why a worker ended before it had answered, in words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::inside::{CHANNEL_LOST, limits};

/// What nobody but the user and the system can do to a worker.
pub(super) const KILLED: &str = "was killed from outside (SIGKILL)";

/// What ended it, as far as the system and its last words say, as the rest of a sentence that begins with "it".
pub(super) fn cause(status: Option<ExitStatus>, tail: &str) -> String {
    let Some(signal) = status.and_then(|status| status.signal()) else {
        return match status.and_then(|status| status.code()) {
            None | Some(CHANNEL_LOST) => "closed its connection to carto".to_owned(),
            Some(code) => format!("ended its process with status {code}"),
        };
    };
    if let Some(words) = last_words(tail) {
        return words;
    }
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::SEGV) => "crashed with a segmentation fault (SIGSEGV)",
        Some(Signal::ABORT) => "aborted (SIGABRT)",
        Some(Signal::ILL) => "crashed with an illegal instruction (SIGILL)",
        Some(Signal::BUS) => "crashed with a bus error (SIGBUS)",
        Some(Signal::FPE) => "crashed with an arithmetic fault (SIGFPE)",
        Some(Signal::TRAP) => "crashed with a trap (SIGTRAP)",
        Some(Signal::SYS) => "made a system call that no kind may make (SIGSYS)",
        Some(Signal::XCPU) => return format!("used more than {} s of processor time (SIGXCPU)", limits::PROCESSOR),
        Some(Signal::XFSZ) => "tried to write a file (SIGXFSZ)",
        Some(Signal::KILL) => KILLED,
        _ => return format!("was ended by signal {signal}"),
    };
    name.to_owned()
}

/// What Rust's runtime says before it gives up. A kind can print this too, and would only mislead about itself.
pub(super) fn last_words(tail: &str) -> Option<String> {
    if tail.contains("has overflowed its stack") {
        return Some("overflowed its stack".to_owned());
    }
    if tail.contains("memory allocation of ") && tail.contains(" bytes failed") {
        return Some(format!("ran out of memory (a kind may have {} MiB)", limits::MEMORY / (1024 * 1024)));
    }
    tail.contains("panicked at ").then(|| "panicked where a panic can't be caught".to_owned())
}

macro_rules! attempts {
    ($($what:literal: $($call:ident)|+;)*) => {
        &[$($((libc::$call, $what, stringify!($call)),)+)*]
    };
}

/// The system calls that somebody is likely to try, and what for.
const ATTEMPTS: &[(libc::c_long, &str, &str)] = attempts! {
    "open a file": SYS_openat | SYS_openat2 | SYS_open_by_handle_at;
    "look at files": SYS_newfstatat | SYS_statx | SYS_readlinkat | SYS_faccessat | SYS_faccessat2 | SYS_getdents64 | SYS_getcwd
        | SYS_chdir | SYS_statfs;
    "change files": SYS_unlinkat | SYS_mkdirat | SYS_renameat2 | SYS_linkat | SYS_symlinkat | SYS_fchmodat | SYS_fchownat
        | SYS_truncate;
    "open a connection": SYS_socket | SYS_socketpair | SYS_connect | SYS_bind | SYS_listen | SYS_accept4;
    "start a process or a thread": SYS_clone | SYS_clone3;
    "run a program": SYS_execve | SYS_execveat;
    "send a signal to a process": SYS_kill | SYS_tkill | SYS_tgkill | SYS_pidfd_send_signal;
    "look into another process": SYS_ptrace | SYS_process_vm_readv | SYS_process_vm_writev | SYS_pidfd_open | SYS_pidfd_getfd
        | SYS_clock_gettime | SYS_clock_getres | SYS_sched_getaffinity;
    "make memory executable": SYS_mmap | SYS_mprotect | SYS_pkey_mprotect;
    "make a descriptor": SYS_memfd_create | SYS_epoll_create1 | SYS_eventfd2 | SYS_pipe2 | SYS_dup | SYS_dup3 | SYS_fcntl;
    "use a part of the kernel that is closed to kinds": SYS_io_uring_setup | SYS_bpf | SYS_perf_event_open | SYS_userfaultfd
        | SYS_mount | SYS_madvise | SYS_sendto | SYS_recvfrom;
    "reach the kernel's keys": SYS_keyctl | SYS_add_key | SYS_request_key;
    "change what it may do": SYS_prctl | SYS_seccomp | SYS_prlimit64 | SYS_setrlimit | SYS_unshare | SYS_setns | SYS_setuid
        | SYS_setresuid | SYS_capset;
    "set a timer": SYS_setitimer | SYS_timer_create;
};

/// Those that only older machines have.
#[cfg(target_arch = "x86_64")]
const OLD_ATTEMPTS: &[(libc::c_long, &str, &str)] = attempts! {
    "open a file": SYS_open | SYS_creat;
    "look at files": SYS_stat | SYS_lstat | SYS_access | SYS_readlink;
    "change files": SYS_unlink | SYS_mkdir | SYS_rmdir | SYS_rename | SYS_chmod;
    "start a process or a thread": SYS_fork | SYS_vfork;
    "make a descriptor": SYS_pipe | SYS_dup2 | SYS_epoll_create;
    "set a timer": SYS_alarm;
};
#[cfg(not(target_arch = "x86_64"))]
const OLD_ATTEMPTS: &[(libc::c_long, &str, &str)] = &[];

/// What a system call would have done, as the text after "tried to".
pub(super) fn attempt(call: libc::c_long) -> String {
    let known = ATTEMPTS.iter().chain(OLD_ATTEMPTS).find(|(number, ..)| *number == call);
    known.map_or_else(
        || format!("make the system call {call}"),
        |(_, what, name)| format!("{what} (`{}`)", name.trim_start_matches("SYS_")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_and_the_last_words_say_why() {
        let died = |signal| Some(ExitStatus::from_raw(signal));
        for (status, tail, expected) in [
            (None, "", "closed its connection to carto"),
            (Some(ExitStatus::from_raw(3 << 8)), "", "ended its process with status 3"),
            (died(11), "", "crashed with a segmentation fault (SIGSEGV)"),
            (died(6), "thread 'main' has overflowed its stack\n", "overflowed its stack"),
            (died(6), "memory allocation of 16777216 bytes failed\n", "ran out of memory (a kind may have 512 MiB)"),
            (died(6), "thread 'main' panicked at src/lib.rs:1:\n", "panicked where a panic can't be caught"),
            (died(6), "", "aborted (SIGABRT)"),
            (Some(ExitStatus::from_raw(113 << 8)), "", "closed its connection to carto"),
            (died(24), "", "used more than 300 s of processor time (SIGXCPU)"),
            (died(64), "", "was ended by signal 64"),
        ] {
            assert_eq!(cause(status, tail), expected);
        }
    }

    #[test]
    fn a_call_is_named_by_what_it_would_do() {
        assert_eq!(attempt(libc::SYS_socket), "open a connection (`socket`)");
        assert_eq!(attempt(9999), "make the system call 9999");
    }
}
