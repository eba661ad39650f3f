//! Writes a folder whole or not at all: first beside its place under another name, then moved there, where nothing may be.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use carto_plugin_api::ErrorCode;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::File;
use crate::error::{Error, Result};

/// Whether something is there: a folder, a file, a link that leads nowhere.
pub(crate) fn refuse_existing(place: &Path) -> Result<()> {
    if place.symlink_metadata().is_ok() { Err(taken(place)) } else { Ok(()) }
}

/// Writes it. What is at the place already is never touched, and after a failure nothing is left.
pub(crate) fn write(place: &Path, files: &[File]) -> Result<()> {
    refuse_existing(place)?;
    let parent = place.parent().unwrap_or(Path::new("."));
    // Removed when it is dropped, so by every failure. Modes are what the umask makes of them, as for every other file.
    let draft = tempfile::Builder::new()
        .prefix(".carto-new-")
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(|e| failed(parent, &e))?;
    for file in files {
        written(&draft.path().join(file.path), file).map_err(|e| failed(place, &e))?;
    }
    match renameat_with(CWD, draft.path(), CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Err(taken(place)),
        // Not every file system can; an empty folder that appeared just now would be replaced there, and nothing else.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            refuse_existing(place)?;
            std::fs::rename(draft.path(), place).map_err(|e| failed(place, &e))?;
        }
        Err(e) => return Err(failed(place, &e.into())),
    }
    // It isn't there any more.
    let _ = draft.keep();
    Ok(())
}

fn written(path: &Path, file: &File) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mode = if file.is_program { 0o777 } else { 0o666 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(file.text.as_bytes())
}

fn taken(place: &Path) -> Error {
    Error::new(ErrorCode::Conflict, format!("`{}` is there already, and was left as it is", place.display()))
        .hint("choose another name, or go to another folder")
}

fn failed(place: &Path, why: &io::Error) -> Error {
    Error::new(ErrorCode::OutputFailed, format!("cannot write into `{}`: {why}", place.display()))
        .hint("nothing is left of it; try again in a folder that you can write, with room on its disk")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &'static str, is_program: bool) -> File {
        File { path, text: "x".to_owned(), is_program }
    }

    fn left(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_folder_is_written_whole() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("x");
        write(&place, &[file("a", false), file("b/c", true)]).unwrap();
        let mode = |path: &str| place.join(path).metadata().unwrap().permissions().mode();
        assert_eq!((mode("a") & 0o100, mode("b/c") & 0o100), (0, 0o100));
        assert_eq!(left(home.path()), 1);
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        // The second can't be: its folder is a file.
        let error = write(&home.path().join("x"), &[file("a", false), file("a/b", false)]).unwrap_err();
        assert_eq!(error.code, ErrorCode::OutputFailed);
        assert_eq!(left(home.path()), 0);
    }

    #[test]
    fn what_is_there_stays() {
        let home = tempfile::tempdir().unwrap();
        for (name, made) in [
            ("folder", std::fs::create_dir as fn(std::path::PathBuf) -> io::Result<()>),
            ("file", |path| std::fs::write(path, "mine")),
            ("link", |path| std::os::unix::fs::symlink("/nowhere/at/all", path)),
        ] {
            let place = home.path().join(name);
            made(place.clone()).unwrap();
            let before = place.symlink_metadata().unwrap().modified().unwrap();
            assert_eq!(write(&place, &[file("a", false)]).unwrap_err().code, ErrorCode::Conflict, "{name}");
            assert_eq!(place.symlink_metadata().unwrap().modified().unwrap(), before);
        }
        assert_eq!(left(home.path()), 3);
    }
}
