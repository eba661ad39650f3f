//! What becomes of a call that the filter traps.
//!
//! The system's loader opens the library by a path, and a library's constructors run at the same time. So no call that takes a path is let
//! through, and the handler here answers the two questions that the loader has, what is at the library's path (its descriptor) and how
//! large that is, and no other. No path of anybody's reaches the kernel.
//!
//! Any other call ends the process: its number goes to the host, so that a vendor reads which one it was, and then the kernel kills. A library
//! that keeps the handler from running gains nothing, since the call hasn't been made.

// Signal handlers and system calls, for which there is no safe form.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::frames::Tag;
use super::descriptors::{self, CHANNEL, LIBRARY, LIBRARY_PATH};

/// Whether the loader may still ask for the library.
static OPENING: AtomicBool = AtomicBool::new(true);

/// From now on it may not.
pub(super) fn library_is_open() {
    OPENING.store(false, Ordering::Relaxed);
}

/// From now on a call that isn't allowed is answered for the loader, or told to the host before it ends this process.
pub(super) fn hear() {
    // SAFETY: zeros are a `sigaction` that says nothing.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = trapped as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler only makes system calls.
    unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) };
    // Whoever started carto may have blocked it.
    // SAFETY: zeros are a set of no signals.
    let mut only: libc::sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: both are here, and the mask is this thread's own.
    unsafe {
        libc::sigaddset(&raw mut only, libc::SIGSYS);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
    }
}

/// The beginning of `siginfo_t` for SIGSYS, as `sigaction(2)` has it.
#[repr(C)]
struct Trapped {
    signal: libc::c_int,
    /// What the filter says besides.
    data: libc::c_int,
    code: [libc::c_int; 2],
    address: *const libc::c_void,
    call: libc::c_int,
}

/// The handler.
unsafe extern "C" fn trapped(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands over what it says of this signal, which is longer than what is read of it here.
    let trapped = unsafe { &*info.cast::<Trapped>() };
    // SAFETY: the kernel hands over the state of this thread.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: the arguments are those of the call that was trapped.
    if let Some(answer) = unsafe { loaders(trapped.call.into(), registers::arguments(context)) } {
        registers::answer(context, answer);
        return;
    }
    let call = if trapped.data == 0 { trapped.call } else { trapped.data };
    let mut frame = [0; 13];
    frame[0] = Tag::Forbidden as u8;
    frame[5] = 4;
    frame[9..].copy_from_slice(&call.to_le_bytes());
    // SAFETY: the frame is here. If the channel isn't, the host sees how this process ended.
    unsafe { libc::write(CHANNEL, frame.as_ptr().cast(), frame.len()) };
    // SAFETY: to touch this handler is what the filter answers with the end of the process, which no handler and no mask holds up.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, libc::SIGSYS, 0, 0, 8) };
    descriptors::end();
}

/// The answer to what the loader asks; nothing to anything else.
///
/// # Safety
/// The arguments are of such a call: what is a path there is a pointer to text. Somebody who passes another pointer crashes, as in the kernel
/// he would get an error.
unsafe fn loaders(call: libc::c_long, arguments: [u64; 4]) -> Option<i64> {
    let [descriptor, path, buffer, flags] = arguments;
    if path == 0 || !matches!(call, libc::SYS_openat | libc::SYS_newfstatat) {
        return None;
    }
    // SAFETY: as the caller says.
    let path = unsafe { CStr::from_ptr(path as *const libc::c_char) };
    let (empty_path, returned) = (libc::AT_EMPTY_PATH as u64, |value: libc::c_long| {
        // SAFETY: a number of this thread's.
        if value < 0 { -i64::from(unsafe { *libc::__errno_location() }) } else { value }
    });
    match call {
        libc::SYS_openat if path == LIBRARY_PATH && OPENING.load(Ordering::Relaxed) => {
            // SAFETY: numbers.
            Some(returned(unsafe { libc::syscall(libc::SYS_dup, LIBRARY) }))
        }
        // What `fstat` is in the C libraries of some years.
        libc::SYS_newfstatat if path.is_empty() && flags & empty_path != 0 => {
            // SAFETY: the caller's own pointer, which the kernel checks.
            Some(returned(unsafe { libc::syscall(libc::SYS_fstat, descriptor, buffer) }))
        }
        _ => None,
    }
}

/// Where a machine keeps the arguments of a system call, and its answer.
mod registers {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn arguments(context: &libc::ucontext_t) -> [u64; 4] {
        let places = [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10];
        places.map(|place| context.uc_mcontext.gregs[place as usize].cast_unsigned())
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn answer(context: &mut libc::ucontext_t, value: i64) {
        context.uc_mcontext.gregs[libc::REG_RAX as usize] = value;
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn arguments(context: &libc::ucontext_t) -> [u64; 4] {
        std::array::from_fn(|place| context.uc_mcontext.regs[place])
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn answer(context: &mut libc::ucontext_t, value: i64) {
        context.uc_mcontext.regs[0] = value.cast_unsigned();
    }

    /// There is no filter either.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn arguments(_: &libc::ucontext_t) -> [u64; 4] {
        [0; 4]
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn answer(_: &mut libc::ucontext_t, _: i64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_told_of_the_library_only() {
        let ask = |call, path: &CStr, flags: u64| {
            // SAFETY: zeros are a `stat`.
            let mut stat: libc::stat = unsafe { MaybeUninit::zeroed().assume_init() };
            // SAFETY: both pointers lead to what they should.
            unsafe { loaders(call, [0, path.as_ptr() as u64, (&raw mut stat) as u64, flags]) }
        };
        let empty_path = libc::AT_EMPTY_PATH as u64;
        assert!(ask(libc::SYS_openat, LIBRARY_PATH, 0).is_some());
        assert_eq!(ask(libc::SYS_newfstatat, c"", empty_path), Some(0));
        for (call, path, flags) in [
            (libc::SYS_openat, c"/etc/passwd", 0),
            (libc::SYS_openat, c"", 0),
            (libc::SYS_newfstatat, c"/etc/passwd", empty_path),
            (libc::SYS_newfstatat, c"", 0),
            (libc::SYS_socket, c"", empty_path),
        ] {
            assert_eq!(ask(call, path, flags), None, "{call} {path:?}");
        }
    }
}
