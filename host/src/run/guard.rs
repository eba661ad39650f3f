//! This process keeps its memory to itself: no core file, no debugger of the user's other processes, no plain worker reads the bearer in it.
//! And it hears how its workers end.

// A signal's disposition, for which there is no safe form.
#![allow(unsafe_code)]

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// From now on nobody but root looks into this process.
pub(crate) fn keep_to_itself() {
    // Where it can't be had, everything else still works.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Whoever started carto may have ignored what tells of the end of a child; then the system forgets how it ended.
pub(crate) fn hear_of_children() {
    // SAFETY: no handler is set, and nothing else in this program touches this signal.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// A kind in this process is there to be looked at.
pub(super) fn let_debuggers_in() {
    let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
}
