//! A file of variables (`.env`): opened before anything is made, written when there is something to write, readable by its owner alone.
//! What is in it already stays, but for the variables that are set anew. It is replaced as a whole, so that nobody reads half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use carto_plugin_api::ErrorCode;
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::variables::{Variable, merged, obstacle, unfinished};
use crate::error::{Error, Result};

/// No file of variables is larger.
const LIMIT: u64 = 1024 * 1024;

/// Room for the variables themselves.
const ROOM: u64 = 64 * 1024;
/// How long other commands that write to the same folder are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that can be written.
pub(crate) struct EnvFile {
    /// As the user wrote it.
    given: String,
    /// Where it really is, behind links.
    target: PathBuf,
    /// Its folder, to be locked; nothing if it can't be opened.
    folder: Option<File>,
    /// Beside it, empty until there is something to write. Gone when this is dropped.
    replacement: NamedTempFile,
}

impl EnvFile {
    /// Makes sure that the file can be written, with these variables set, and changes nothing.
    pub(crate) fn open(given: &str, names: &[&str]) -> Result<EnvFile> {
        let refuse = |why: String| {
            Error::new(ErrorCode::OutputFailed, format!("cannot write to `{given}`: {why}"))
                .hint("nothing was created; name another file, or use `-o env` to see the variables")
        };
        if given.ends_with('/') {
            return Err(refuse("that is a folder's name".to_owned()));
        }
        let path = Path::new(given);
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(refuse("it is a link that leads nowhere".to_owned()));
                }
                let name = path.file_name().ok_or_else(|| refuse("it names no file".to_owned()))?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let folder = fs::canonicalize(folder).map_err(|e| refuse(format!("its folder can't be used: {e}")))?;
                folder.join(name)
            }
            Err(e) => return Err(refuse(e.to_string())),
        };
        if let Ok(metadata) = fs::metadata(&target) {
            if !metadata.is_file() {
                return Err(refuse("it isn't a plain file".to_owned()));
            }
            if metadata.uid() != rustix::process::geteuid().as_raw() {
                return Err(refuse("it belongs to somebody else".to_owned()));
            }
            let text = read(&target).map_err(|e| refuse(e.to_string()))?;
            if let Some((line, why)) = obstacle(&text, names) {
                return Err(refuse(format!("line {line} {why}")));
            }
            // Replacing a file needs no right to it: somebody who took that away meant it.
            OpenOptions::new().write(true).open(&target).map_err(|e| refuse(e.kind().to_string()))?;
        }
        let folder = target.parent().unwrap_or(Path::new("/")).to_owned();
        let replacement = tempfile::Builder::new()
            .prefix(".carto-env-")
            .tempfile_in(&folder)
            .map_err(|e| refuse(format!("nothing can be written beside it: {}", e.kind())))?;
        let size = fs::metadata(&target).map_or(0, |metadata| metadata.len()) + ROOM;
        match rustix::fs::fallocate(replacement.as_file(), FallocateFlags::KEEP_SIZE, 0, size) {
            // A file system that can't promise room isn't asked.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(e) => return Err(refuse(io::Error::from(e).kind().to_string())),
        }
        Ok(EnvFile { given: given.to_owned(), target, folder: File::open(folder).ok(), replacement })
    }

    /// As the user wrote it.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// The file that is left behind if nobody gets to remove it.
    pub(crate) fn scrap(&self) -> &Path {
        self.replacement.path()
    }

    /// Sets the variables.
    ///
    /// # Errors
    /// If it can't be done; the file is then as it was.
    pub(crate) fn set(mut self, variables: &[Variable]) -> io::Result<()> {
        // Two commands at once must not take each other's variables away. A lock on the folder leaves no file behind.
        // It ends with the descriptor.
        self.folder.as_ref().inspect(|folder| lock(folder));
        let before = if self.target.exists() { read(&self.target)? } else { String::new() };
        let text = merged(&before, variables);
        self.replacement.write_all(text.as_bytes())?;
        self.replacement.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
        self.replacement.as_file().sync_all()?;
        match self.replacement.persist(&self.target) {
            Ok(_) => Ok(()),
            // A file that is mounted by itself, as containers do it, can't be replaced, but written to.
            Err(_) if self.target.exists() => write_in_place(&self.target, &before, &text),
            Err(e) => Err(e.error),
        }
    }
}

/// Locks a folder. One that somebody keeps locked for no reason isn't waited for any longer: what is written then is whole all the same.
fn lock(folder: &File) {
    let end = Instant::now() + PATIENCE;
    while rustix::fs::flock(folder, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
        && Instant::now() < end
    {
        sleep(Duration::from_millis(5));
    }
}

/// Writes into a file that can't be replaced; if there is no room for it, the file gets back what it had.
fn write_in_place(target: &Path, before: &str, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(target)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    let mut write = |text: &str| {
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.sync_all()
    };
    let written = write(text);
    if written.is_err() {
        // It had room for that a moment ago.
        let _ = write(before);
    }
    written
}

/// The text of a file into which variables can be merged.
fn read(target: &Path) -> io::Result<String> {
    if fs::metadata(target)?.len() > LIMIT {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    let text = String::from_utf8(fs::read(target)?).map_err(|_| io::Error::other("it isn't text in UTF-8"))?;
    match unfinished(&text) {
        Some(line) => Err(io::Error::other(format!(
            "what begins in line {line} has no end: a quote isn't closed, or a backslash ends the file"
        ))),
        None => Ok(text),
    }
}
