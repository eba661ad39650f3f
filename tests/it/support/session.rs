//! Commands in sessions of their own, by which all that they have started can be found, and what the system says of processes.

// A session has to be begun between `fork` and `exec`.
#![allow(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::process::setsid;

use super::Run;

/// The command in a session of its own, whose number is that of its process.
pub(crate) fn in_a_session(mut run: Run) -> Run {
    // SAFETY: it makes one system call, and allocates nothing.
    unsafe { run.command.pre_exec(|| Ok(setsid().map(drop)?)) };
    run
}

/// What is left of a session, zombies too.
pub(crate) fn left(session: u32) -> Vec<Process> {
    Process::all().into_iter().filter(|process| process.session == session.cast_signed()).collect()
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: i32,
    pub(crate) state: String,
    pub(crate) parent: i32,
    pub(crate) session: i32,
    /// Processor time, in ticks: hundredths of a second.
    pub(crate) ticks: u64,
}

impl Process {
    pub(crate) fn read(id: i32) -> Option<Process> {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name may hold anything, but nothing after it does.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |nth: usize| fields[nth].parse().unwrap();
        let ticks = |nth: usize| fields[nth].parse::<u64>().unwrap();
        let state = fields[0].to_owned();
        Some(Process { id, state, parent: number(1), session: number(3), ticks: ticks(11) + ticks(12) })
    }

    pub(crate) fn all() -> Vec<Process> {
        let names = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| Process::read(name.to_str()?.parse().ok()?)).collect()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.id.to_string()).join(file)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path(file)).unwrap()).into_owned()
    }

    /// A line of `/proc/PID/status`.
    pub(crate) fn status(&self, name: &str) -> u32 {
        let text = self.text("status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().parse().unwrap()
    }

    /// Whether it has a file of this name open.
    pub(crate) fn has_open(&self, name: &str) -> bool {
        // It may be over by now, or have closed one meanwhile.
        let descriptors = std::fs::read_dir(self.path("fd")).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|file| file.ends_with(name))
    }

    pub(crate) fn is_over(&self) -> bool {
        Process::read(self.id).is_none_or(|now| now.state == "Z")
    }
}
