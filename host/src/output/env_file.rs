//! A file of variables (`.env`): opened before anything is made, written when there is something to write, readable by its owner alone.
//! What is in it already stays, but for the variables that are set anew. It is replaced as a whole, so that nobody reads half of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use carto_plugin_api::ErrorCode;
use rustix::fs::FlockOperation;
use tempfile::NamedTempFile;

use super::variables::{Variable, merged, unfinished};
use crate::error::{Error, Result};

/// No file of variables is larger.
const LIMIT: u64 = 1024 * 1024;

/// A file that can be written.
pub(crate) struct EnvFile {
    /// As the user wrote it.
    given: String,
    /// Where it really is, behind links.
    target: PathBuf,
    folder: PathBuf,
    /// Beside it, empty until there is something to write. Gone when this is dropped.
    replacement: NamedTempFile,
}

impl EnvFile {
    /// Makes sure that the file can be written, and changes nothing.
    pub(crate) fn open(given: &str) -> Result<EnvFile> {
        let refuse = |why: String| {
            Error::new(ErrorCode::OutputFailed, format!("cannot write to `{given}`: {why}"))
                .hint("nothing was created; name another file, or use `-o env` to see the variables")
        };
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
            read(&target).map_err(|e| refuse(e.to_string()))?;
        }
        let folder = target.parent().unwrap_or(Path::new("/")).to_owned();
        let replacement = tempfile::Builder::new()
            .prefix(".carto-env-")
            .tempfile_in(&folder)
            .map_err(|e| refuse(format!("nothing can be written beside it: {}", e.kind())))?;
        Ok(EnvFile { given: given.to_owned(), target, folder, replacement })
    }

    /// As the user wrote it.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// Sets the variables.
    ///
    /// # Errors
    /// If it can't be done; the file is then as it was.
    pub(crate) fn set(mut self, variables: &[Variable]) -> io::Result<()> {
        // Two commands at once must not take each other's variables away. A lock on the folder leaves no file behind.
        let folder = File::open(&self.folder)?;
        rustix::fs::flock(&folder, FlockOperation::LockExclusive)?;
        let text = if self.target.exists() { read(&self.target)? } else { String::new() };
        self.replacement.write_all(merged(&text, variables).as_bytes())?;
        self.replacement.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
        self.replacement.as_file().sync_all()?;
        self.replacement.persist(&self.target).map_err(|e| e.error)?;
        Ok(())
    }
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
