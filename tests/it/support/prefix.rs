//! `carto` as it is installed: in a prefix of its own, with its kinds, and with a policy beside them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Carto, KINDS, Run, library, words};

/// An installed program, its user's home, and what the same user has without any policy.
pub(crate) struct Prefix {
    /// The same home, and another program: without a policy, and with all kinds.
    pub(crate) free: Carto,
}

impl Prefix {
    /// With the product's three kinds, and no policy yet.
    pub(crate) fn new() -> Prefix {
        let free = Carto::new();
        let prefix = Prefix { free };
        for folder in ["bin", "lib/carto/kinds", "etc/carto"] {
            fs::create_dir_all(prefix.path(folder)).unwrap();
        }
        link(Path::new(env!("CARGO_BIN_EXE_carto")), &prefix.path("bin/carto"));
        for kind in KINDS {
            fs::write(prefix.library(kind), library::small(kind)).unwrap();
            fs::set_permissions(prefix.library(kind), Permissions::from_mode(0o644)).unwrap();
        }
        // Whatever the umask is.
        for folder in ["", "bin", "lib", "lib/carto", "lib/carto/kinds", "etc", "etc/carto"] {
            fs::set_permissions(prefix.path(folder), Permissions::from_mode(0o755)).unwrap();
        }
        prefix
    }

    /// With this policy.
    pub(crate) fn with_policy(text: &str) -> Prefix {
        let prefix = Prefix::new();
        prefix.policy(text);
        prefix
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.free.home().join("prefix").join(inside)
    }

    /// Where a kind's library is.
    pub(crate) fn library(&self, kind: &str) -> PathBuf {
        self.path("lib/carto/kinds").join(library::file_name(kind))
    }

    /// Puts a policy in its place. `KINDS` in it is the folder of kinds, `HOME` the home.
    pub(crate) fn policy(&self, text: &str) -> PathBuf {
        let kinds = self.path("lib/carto/kinds");
        let text = text.replace("KINDS", &kinds.display().to_string());
        let text = text.replace("HOME", &self.free.home().display().to_string());
        let file = self.path("etc/carto/policy.toml");
        // Not into what may be a link.
        let _ = fs::remove_file(&file);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        file
    }

    /// The installed program with these words, in the sandbox.
    pub(crate) fn sandbox(&self, line: &str) -> Run {
        self.run(line).env("CARTO_SANDBOX", "1")
    }

    /// The installed program with these words.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_as(&self.path("bin/carto"), line)
    }

    /// The same, with words that may hold anything.
    pub(crate) fn run_words(&self, words: &[&str]) -> Run {
        let mut run = self.run("");
        run.command.args(words);
        run
    }

    /// The same by another path to it.
    pub(crate) fn run_as(&self, program: &Path, line: &str) -> Run {
        let mut command = Command::new(program);
        command
            .args(words(line))
            .env_clear()
            .env("HOME", self.free.home())
            .env("CARTO_SANDBOX_FAULT", "clock=2026-11-23T10:00:00Z")
            .current_dir(self.free.home())
            .stdin(std::process::Stdio::null());
        Run::of(command, self.free.home())
    }
}

/// The program by another name, which is as good as a copy and quicker; a copy where the system has no such link.
fn link(from: &Path, to: &Path) {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)).unwrap();
}
