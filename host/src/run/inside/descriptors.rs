//! A worker's descriptors: how they come from the host, and how they are from then on.
//!
//! | | from the host | afterwards |
//! |---|---|---|
//! | 0 | the channel | nothing to read |
//! | 1 | the sealed library | what is printed |
//! | 2 | what is printed | what is printed |
//! | 3 | | the channel |
//! | 4 | | the library, until it is open |

// Descriptors that somebody else may have left open are numbers, and ending at once is a system call.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

pub(super) const CHANNEL: RawFd = 3;
pub(super) const LIBRARY: RawFd = 4;
/// The status of a worker that has lost its channel.
pub(crate) const CHANNEL_LOST: i32 = 113;
/// The library, by its descriptor.
pub(super) const LIBRARY_PATH: &CStr = c"/proc/self/fd/4";

/// Whether the first descriptor is a channel: whether a host has started this.
pub(super) fn is_a_worker() -> bool {
    fstat(stdin()).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
}

/// Closes what nobody meant to hand over, and puts the rest in its place.
pub(super) fn settle() -> io::Result<&'static UnixStream> {
    close_from(CHANNEL);
    let channel = fcntl_dupfd_cloexec(stdin(), CHANNEL)?;
    let library = fcntl_dupfd_cloexec(stdout(), LIBRARY)?;
    if (channel.as_raw_fd(), library.as_raw_fd()) != (CHANNEL, LIBRARY) {
        return Err(io::Error::other("descriptors aren't where they should be"));
    }
    // It is closed by its number, when the library is open.
    std::mem::forget(library);
    dup2_stdin(rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
    dup2_stdout(stderr())?;
    // Never closed: the library may have done that, and an owner would find somebody else's descriptor there.
    Ok(Box::leak(Box::new(channel.into())))
}

/// The library is open: its descriptor has done its work.
pub(super) fn close_library() {
    // SAFETY: `settle` put the library there and kept no owner of it. A constructor may have closed it: then this does nothing.
    unsafe { libc::close(LIBRARY) };
}

/// Closes every descriptor from this one on: whoever started carto may have left some open, in its shell say.
fn close_from(first: RawFd) {
    // SAFETY: nothing in this process has opened a descriptor yet, so none of them has an owner here.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if closed != 0 {
        // Before Linux 5.9: one by one. The list is itself read through one of them, which is gone by then.
        let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let open: Vec<RawFd> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        for descriptor in open.into_iter().filter(|descriptor| *descriptor >= first) {
            // SAFETY: as above.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Ends this process at once, whatever calls it: nothing of the library runs any more.
pub(super) fn end() -> ! {
    // SAFETY: it takes a number and doesn't come back.
    unsafe { libc::_exit(CHANNEL_LOST) }
}
