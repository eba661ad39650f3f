//! This process keeps its memory to itself: no core file, no debugger of the user's other processes, no plain worker reads the bearer in it.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// From now on nobody but root looks into this process.
pub(crate) fn keep_to_itself() {
    // Where it can't be had, everything else still works.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A kind in this process is there to be looked at.
pub(super) fn let_debuggers_in() {
    let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
}
