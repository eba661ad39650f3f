//! Runs a list to its end: when its first row came, how long all took, and the most memory that it held.
//!
//! In a process of its own, since Linux counts the memory of the process that starts another as that other's peak until it has begun:
//! the small one that this is stays below what is measured, and says how large it was itself.

// The kernel tells a child's peak only to who waits for it with `wait4`.
#![allow(unsafe_code)]

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::json;

pub(super) fn run(mut words: impl Iterator<Item = String>) -> Result<String> {
    let before_rows: usize = words.next().context("how many lines are no rows?")?.parse()?;
    let mut command = Command::new(words.next().context("which program?")?);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());

    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().context("no standard output")?;
    let mut buffer = [0; 64 * 1024];
    let (mut lines, mut first) = (0, None);
    while let count @ 1.. = stdout.read(&mut buffer)? {
        lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
        if lines > before_rows {
            first.get_or_insert_with(|| started.elapsed());
        }
    }
    let peak = wait(&child)?;
    let whole = started.elapsed();

    let floor = own_peak()?;
    if peak <= floor {
        bail!("the peak of {peak} bytes may be that of the process that measured it");
    }
    let first = first.context("no row came")?;
    Ok(json!({
        "first": first.as_secs_f64(),
        "whole": whole.as_secs_f64(),
        "rows": lines - before_rows,
        "peak": peak,
    })
    .to_string())
}

/// Waits for the end, and answers with the peak of the resident memory in bytes.
fn wait(child: &Child) -> Result<u64> {
    let pid = libc::pid_t::try_from(child.id())?;
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zeroes are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to locals that live through the call; the child is this process's and wasn't waited for.
    let ended = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    if ended != pid {
        return Err(std::io::Error::last_os_error()).context("wait4");
    }
    if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
        bail!("the list failed");
    }
    Ok(u64::try_from(usage.ru_maxrss)? * 1024)
}

/// The same of this process, so far.
fn own_peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
