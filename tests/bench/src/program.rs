//! A command to be run many times: nothing of the caller's environment reaches it, and nobody reads what it writes.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

#[derive(Clone)]
pub(crate) struct Program {
    file: PathBuf,
    words: Vec<String>,
    variables: Vec<(String, String)>,
    folder: PathBuf,
}

impl Program {
    /// A program in a folder, which is its home too.
    pub(crate) fn new(file: &Path, folder: &Path) -> Program {
        Program { file: file.to_owned(), words: Vec::new(), variables: Vec::new(), folder: folder.to_owned() }
            .variable("HOME", folder)
    }

    /// With these words more, separated by spaces.
    pub(crate) fn words(mut self, line: &str) -> Program {
        self.words.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// With this word more, whatever is in it.
    pub(crate) fn word(mut self, word: &str) -> Program {
        self.words.push(word.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<Path>) -> Program {
        self.variables.push((name.to_owned(), value.as_ref().display().to_string()));
        self
    }

    /// The same, run by another program: its words begin with these, and this one's file and words follow.
    pub(crate) fn run_by(mut self, other: &Path, line: &str) -> Program {
        let file = std::mem::replace(&mut self.file, other.to_owned());
        let first = line.split_whitespace().map(str::to_owned).chain([file.display().to_string()]);
        self.words.splice(0..0, first);
        self
    }

    /// From before it is started until it has ended, in milliseconds. It must succeed.
    pub(crate) fn milliseconds(&self) -> Result<f64> {
        // Read only if it fails.
        let mut said = tempfile::tempfile()?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(said.try_clone()?);
        let started = Instant::now();
        let status = command.spawn().and_then(|mut child| child.wait());
        let took = started.elapsed();
        let status = status.with_context(|| self.shown())?;
        if !status.success() {
            let mut text = String::new();
            said.rewind()?;
            said.read_to_string(&mut text)?;
            bail!("{}: {status}\n{text}", self.shown());
        }
        Ok(took.as_secs_f64() * 1000.0)
    }

    /// What it writes to standard output. It must succeed.
    pub(crate) fn output(&self) -> Result<String> {
        let output = self.command().output().with_context(|| self.shown())?;
        if !output.status.success() {
            bail!("{}: {}\n{}", self.shown(), output.status, String::from_utf8_lossy(&output.stderr));
        }
        String::from_utf8(output.stdout).with_context(|| self.shown())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command.args(&self.words).env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn shown(&self) -> String {
        format!("{} {}", self.file.display(), self.words.join(" "))
    }
}

/// The file of a program on the caller's `PATH`, if it is installed.
#[allow(clippy::disallowed_methods)] // this program has no `environment.rs`, and asks for no other variable
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
