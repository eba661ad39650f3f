//! The credentials file on the disk: read as a whole, changed under a lock, replaced in one step, for nobody but its owner. A link is
//! followed, so that whoever keeps the file elsewhere still does afterwards. One that can't be read is left alone.

use std::fs::{self, File, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use tempfile::NamedTempFile;

use super::change::{Change, Content};
use super::text::{self, unusable};
use super::{Profile, Profiles, SHOWN};
use crate::environment;
use crate::error::{Error, Result};
use crate::hold::hold;
use crate::lock::sync_folder;
use crate::output::stderr;

/// How long another command is waited for: it may be asking for a bearer.
const PATIENCE: Duration = Duration::from_secs(35);
/// How a file begins that isn't in its place yet.
const SCRAP: &str = ".carto_credentials.new-";
/// What a change may add to the file: the space for it is taken before anybody is asked for anything.
const ROOM: usize = 64 * 1024;

/// Where the file is called for, which may be a link.
fn called() -> Result<PathBuf> {
    let hint = "set `HOME` to an absolute path; or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`, which need no file";
    Ok(environment::home().map_err(|e| e.hint(hint))?.join(".carto_credentials.json"))
}

/// Reads the file; nothing if there is none, or nothing in it.
pub(crate) fn read() -> Result<Option<Profiles>> {
    let called = called()?;
    match text::read(&called)? {
        Some(text) => super::parse(&text).map(Some).map_err(|why| unusable(&called, &why)),
        None => Ok(None),
    }
}

fn unwritable(path: &Path, why: &str) -> Error {
    Error::new(ErrorCode::OutputFailed, format!("cannot write `{}`: {why}", path.display()))
        .hint("it was left as it is; see that it and its folder are yours and can be written")
}

/// What became of the next bearer of a profile.
#[derive(Debug)]
pub(crate) enum Renewed {
    /// It is in the file, in the profile as it is now.
    Kept(Profile),
    /// It isn't: the profile has another bearer, or is gone.
    Replaced(Option<Profile>),
}

/// The file, locked, while it is changed. What isn't written is forgotten.
pub(crate) struct Edit {
    /// Let go of when this is closed, whatever happens to the process.
    _lock: File,
    /// Where the file really is.
    target: PathBuf,
    /// What is to take its place, with room for what will be in it.
    next: NamedTempFile,
    /// What it said when it was read.
    before: Option<String>,
    /// The same with what was changed.
    content: Content,
    changes: Vec<Change>,
    /// Its mode, if it is there.
    mode: Option<u32>,
}

impl Edit {
    /// Waits for the file, for a while or for `patience`, reads it, and takes the space for what it will be.
    pub(crate) fn begin(patience: Option<Duration>) -> Result<Edit> {
        let called = called()?;
        let _lock = lock(&called, patience.unwrap_or(PATIENCE))?;
        let before = text::read(&called)?;
        text::check_place(&called)?;
        let content = content(&called, before.as_deref())?;
        let target = match fs::symlink_metadata(&called) {
            Ok(_) => fs::canonicalize(&called).map_err(|e| unwritable(&called, &e.to_string()))?,
            Err(_) => called,
        };
        let metadata = fs::metadata(&target).ok();
        // Put in its place by root, it would be root's.
        if metadata.as_ref().is_some_and(|metadata| metadata.uid() != rustix::process::geteuid().as_raw()) {
            return Err(unwritable(&target, "it belongs to somebody else"));
        }
        let folder = target.parent().unwrap_or(Path::new("/"));
        sweep(folder);
        let next = room(folder, before.as_ref().map_or(0, String::len));
        let next = next.map_err(|e| unwritable(&target, &e.to_string()))?;
        let mode = metadata.map(|metadata| metadata.mode() & 0o777);
        Ok(Edit { _lock, target, next, before, content, changes: Vec::new(), mode })
    }

    /// Puts what the file says already in its place once: what is asked for next can't be had a second time, and would be lost if the file
    /// couldn't be replaced.
    pub(crate) fn rehearse(&mut self) -> Result<()> {
        let Some(now) = text::read(&self.target)? else { return Ok(()) };
        let rehearsed = || -> io::Result<NamedTempFile> {
            let folder = self.target.parent().unwrap_or(Path::new("/"));
            let same = room(folder, 0)?;
            // As it was: what others can do with it is told and mended when it is changed.
            same.as_file().set_permissions(Permissions::from_mode(self.mode.unwrap_or(0o600)))?;
            replace(same, &now, &self.target)?;
            room(folder, now.len())
        };
        self.next = rehearsed().map_err(|e| unwritable(&self.target, &e.to_string()))?;
        Ok(())
    }

    /// What the file says, with what was changed.
    pub(crate) fn profiles(&self) -> &Profiles {
        &self.content.profiles
    }

    /// Puts a profile in its place, whatever was there.
    pub(crate) fn put(&mut self, name: &str, profile: Profile) -> Result<()> {
        self.change(Change::Put(name.to_owned(), Box::new(profile)))
    }

    /// Takes a profile out. If it was the current one, there is none any more.
    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        self.change(Change::Remove(name.to_owned()))
    }

    /// Makes a profile the current one.
    pub(crate) fn make_current(&mut self, name: &str) -> Result<()> {
        self.change(Change::MakeCurrent(name.to_owned()))
    }

    fn change(&mut self, change: Change) -> Result<()> {
        self.content.change(&change).map_err(|e| unwritable(&self.target, &super::place(&e)))?;
        self.changes.push(change);
        Ok(())
    }

    /// What came with a renewal of a profile goes into the file at once, if the profile still has the bearer that was renewed. CARTO's own command
    /// line takes no lock: a bearer that it has put there meanwhile stays, and is what comes back.
    pub(crate) fn renew(mut self, name: &str, renewed: &Profile, next: &Profile) -> Result<Renewed> {
        self.read_again()?;
        match self.content.profiles.by_name.get(name) {
            Some(now) if now.bearer == renewed.bearer => {
                let profile = Profile { bearer: next.bearer.clone(), sign_in: next.sign_in.clone(), ..now.clone() };
                self.put(name, profile.clone())?;
                self.replace()?;
                Ok(Renewed::Kept(profile))
            }
            other => Ok(Renewed::Replaced(other.cloned())),
        }
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(mut self) -> Result<()> {
        self.read_again()?;
        self.replace()
    }

    /// Makes the changes to what the file says now. Between this and the replacement is no time in which anybody is asked for anything.
    fn read_again(&mut self) -> Result<()> {
        let now = text::read(&self.target)?;
        if now == self.before {
            return Ok(());
        }
        self.content = content(&self.target, now.as_deref())?;
        self.before = now;
        for change in &self.changes {
            self.content.change(change).map_err(|e| unwritable(&self.target, &super::place(&e)))?;
        }
        Ok(())
    }

    fn replace(self) -> Result<()> {
        let failed = |why: &str| unwritable(&self.target, why);
        let text = self.content.root.raw(0).map_err(|e| failed(&super::place(&e)))?;
        replace(self.next, &format!("{text}\n"), &self.target).map_err(|e| failed(&e.to_string()))?;
        sync_folder(&self.target);
        if let Some(mode) = self.mode.filter(|mode| mode & 0o077 != 0) {
            let message = format!("`{SHOWN}` could be read or written by others (mode {mode:03o}); now it can't");
            stderr::warning(
                &message,
                Some("if somebody else may have read it, sign in again and end the bearers in it"),
            );
        }
        Ok(())
    }
}

/// What a text of the file comes to, if there is one.
fn content(path: &Path, text: Option<&str>) -> Result<Content> {
    text.map_or_else(|| Ok(Content::default()), |text| Content::read(text).map_err(|why| unusable(path, &why)))
}

/// A file beside the one that it is to replace, for nobody else from its beginning, that holds as much as that will.
fn room(folder: &Path, length: usize) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(SCRAP)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(|e| io::Error::from(e.kind()))?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(&vec![0; length + ROOM])?;
    Ok(file)
}

/// Writes such a file, and puts it in its place.
fn replace(mut file: NamedTempFile, text: &str, target: &Path) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_len(text.len() as u64)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|e| e.error)?;
    Ok(())
}

/// The hand on the file: a lock beside what it is called, not beside what a link leads to, which may be a place that is kept in a repository.
fn lock(called: &Path, patience: Duration) -> Result<File> {
    let path = called.with_file_name(".carto_credentials.json.lock");
    let held = hold(&path, patience).map_err(|e| {
        unwritable(called, &format!("its lock `{}`: {e}", path.display())).hint(
            "it was left as it is; see that its folder can be written, and remove the lock if no `carto` is at work",
        )
    })?;
    held.ok_or_else(|| {
        Error::new(ErrorCode::Conflict, format!("another command is changing `{SHOWN}`"))
            .hint("nothing was changed; try again when it is done")
    })
}

/// Removes what a command left that was killed while it wrote: nobody else writes now.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(SCRAP)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
