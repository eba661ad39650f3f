//! What a worker may use up, and that it doesn't outlive its host.

use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit};

/// Address space, in bytes.
pub(crate) const MEMORY: u64 = 512 * 1024 * 1024;
/// Processor time, in seconds: for the case that the host, which counts the time of every call, is stopped itself.
pub(crate) const PROCESSOR: u64 = 300;
/// Descriptors: the three streams, the channel, the library, and one that the loader opens.
const DESCRIPTORS: u64 = 8;

/// Sets them for good. `host` is the process that started this one.
pub(super) fn set(host: u32) -> Result<(), String> {
    let failed = |e: rustix::io::Errno| format!("its limits can't be set: {e}");
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed)?;
    // It could have ended before that.
    if getppid().map(Pid::as_raw_pid).map(i32::cast_unsigned) != Some(host) {
        return Err("the process that started it is gone".to_owned());
    }
    let limits = [
        (Resource::Core, 0),
        (Resource::As, MEMORY),
        (Resource::Cpu, PROCESSOR),
        (Resource::Nofile, DESCRIPTORS),
        // No file can grow. Pipes and sockets are none.
        (Resource::Fsize, 0),
        // No process and no thread besides; root isn't bound by this one.
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    for (resource, limit) in limits {
        // Whoever started carto may have set less.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = limit.min(most);
        // Of processor time a little more, so that the signal comes which says so.
        let maximum = if resource == Resource::Cpu { limit + 1 } else { limit };
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(maximum.min(most)) }).map_err(failed)?;
    }
    Ok(())
}
