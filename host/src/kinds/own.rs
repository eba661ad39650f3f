//! The user's own folder of kinds, and the versions before that are kept beside it: the one place that changes them. A file is put in place
//! whole or not at all. Whoever comes here holds the lock (`lock::Hold`).

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file_name;
use crate::digest;
use crate::environment;
use crate::error::Result;
use crate::lock::{Lock, make_folder, sync_folder};

/// How files begin that aren't in their place yet. A kind's name can't.
const SCRAP: &str = ".carto-new-";

/// The folder.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(environment::data_folder()?.join("kinds"))
}

/// Where a kind's library is, if there is one.
pub(crate) fn file(kind: &str) -> Result<PathBuf> {
    Ok(folder()?.join(file_name(kind)))
}

/// Where the versions before are kept, under names that no kind's library has.
pub(crate) fn previous_folder() -> Result<PathBuf> {
    Ok(environment::data_folder()?.join("previous"))
}

/// Where a version before is kept.
pub(crate) fn previous_file(kind: &str, sha256: &str) -> Result<PathBuf> {
    Ok(previous_folder()?.join(format!("{kind}-{sha256}.so")))
}

/// A file beside its place.
pub(crate) struct Staged {
    file: NamedTempFile,
    place: PathBuf,
}

/// Writes a file beside its place, down to the disk. The folder is made if there is none.
pub(crate) fn stage(bytes: &[u8], place: PathBuf) -> io::Result<Staged> {
    let folder = parent(&place);
    if !folder.exists() {
        make_folder(folder)?;
        // Whatever the umask: what is in it isn't secret.
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    let mut file = tempfile::Builder::new().prefix(SCRAP).tempfile_in(folder).map_err(plain)?;
    file.as_file_mut().write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    Ok(Staged { file, place })
}

impl Staged {
    /// Puts it in its place, in one step. What is there is replaced; of a link, the link and not what it leads to.
    pub(crate) fn place(self) -> io::Result<()> {
        self.file.persist(&self.place).map_err(|e| e.error)?;
        sync_folder(&self.place);
        Ok(())
    }
}

/// The system's error, without the name of a file that nobody knows.
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

/// Removes a file. Whether there was one.
pub(crate) fn remove(file: &Path) -> io::Result<bool> {
    match fs::remove_file(file) {
        Ok(()) => {
            sync_folder(file);
            Ok(true)
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Removes what commands left that were killed: files that aren't in their place, and versions before that the lock knows nothing of.
/// What can't be removed stays.
pub(crate) fn sweep(lock: &Lock) -> Result<()> {
    let is_kept = |name: &str| {
        let kept = lock.previous().iter().map(|(kind, before)| format!("{kind}-{}.so", before.sha256));
        !is_previous(name) || kept.into_iter().any(|kept| kept == name)
    };
    for (folder, is_ours) in [(folder()?, false), (previous_folder()?, true)] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(SCRAP) || is_ours && !is_kept(name) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    Ok(())
}

/// Whether a file is called like a version before: the kind, and its digest.
fn is_previous(name: &str) -> bool {
    name.strip_suffix(".so").and_then(|name| name.rsplit_once('-')).is_some_and(|(_, sha256)| digest::is_one(sha256))
}

fn parent(place: &Path) -> &Path {
    place.parent().unwrap_or(Path::new("/"))
}
