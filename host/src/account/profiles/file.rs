//! The credentials file on the disk: read as a whole, changed under a lock, replaced in one step, for nobody but its owner. A link is
//! followed, so that whoever keeps the file elsewhere still does afterwards. One that can't be read is left alone.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use carto_plugin_api::ErrorCode;
use tempfile::NamedTempFile;

use super::object::Object;
use super::{Profile, Profiles, SHOWN};
use crate::environment;
use crate::error::{Error, Result};
use crate::lock::sync_folder;
use crate::output::stderr;
use crate::toml_text;

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
    match text(&called)? {
        Some(text) => super::parse(&text).map(Some).map_err(|why| unusable(&called, &why)),
        None => Ok(None),
    }
}

/// What the file says, without the mark that some editors put before it.
fn text(path: &Path) -> Result<Option<String>> {
    match toml_text::read(path, |_| Ok(()), |e| e) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))),
        Err(e) if e.kind() == ErrorKind::InvalidData => Err(unusable(path, &not_text(path))),
        Err(e) if e.kind() == ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => Ok(None),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(unusable(path, "it is a link that leads nowhere")),
        Err(e) => Err(unusable(path, &e.to_string())),
    }
}

/// Where a file stops being text.
fn not_text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let good = bytes.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    toml_text::at(good, good.len(), "this isn't UTF-8")
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorCode::Failed, format!("cannot use `{}`: {why}", path.display()))
        .hint("mend the file, or move it away and sign in again; it was left as it is")
}

fn unwritable(path: &Path, why: &str) -> Error {
    Error::new(ErrorCode::OutputFailed, format!("cannot write `{}`: {why}", path.display()))
        .hint("it was left as it is; see that it and its folder are yours and can be written")
}

/// The file, locked, while it is changed. What isn't written is forgotten.
pub(crate) struct Edit {
    /// Let go of when this is closed, whatever happens to the process.
    _lock: File,
    /// Where the file really is.
    target: PathBuf,
    /// What is to take its place, with room for what will be in it.
    next: NamedTempFile,
    /// What it says, if it is there.
    before: Option<String>,
    root: Object,
    profiles: Profiles,
    /// Its mode, if it is there.
    mode: Option<u32>,
}

impl Edit {
    /// Waits for the file, for a while or for `patience`, reads it, and takes the space for what it will be.
    pub(crate) fn begin(patience: Option<Duration>) -> Result<Edit> {
        let called = called()?;
        let _lock = lock(&called, patience.unwrap_or(PATIENCE))?;
        let before = text(&called)?;
        let bad = |why: String| unusable(&called, &why);
        let (root, profiles) = match &before {
            Some(text) => (super::object(text).map_err(|e| bad(super::place(&e)))?, super::parse(text).map_err(bad)?),
            None => Default::default(),
        };
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
        Ok(Edit { _lock, target, next, before, root, profiles, mode: metadata.map(|metadata| metadata.mode() & 0o777) })
    }

    /// Puts what the file says already in its place once: what is asked for next can't be had a second time, and would be lost if the file
    /// couldn't be replaced.
    pub(crate) fn rehearse(&mut self) -> Result<()> {
        let Some(before) = &self.before else { return Ok(()) };
        let rehearsed = || -> io::Result<NamedTempFile> {
            let folder = self.target.parent().unwrap_or(Path::new("/"));
            let same = room(folder, 0)?;
            // As it was: what others can do with it is told and mended when it is changed.
            same.as_file().set_permissions(Permissions::from_mode(self.mode.unwrap_or(0o600)))?;
            replace(same, before, &self.target)?;
            Ok(room(folder, before.len())?)
        };
        self.next = rehearsed().map_err(|e| unwritable(&self.target, &e.to_string()))?;
        Ok(())
    }

    /// What the file says, with what was changed.
    pub(crate) fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Puts a profile in its place.
    pub(crate) fn put(&mut self, name: &str, profile: Profile) -> Result<()> {
        super::put(&mut self.root, name, &profile).map_err(|e| unwritable(&self.target, &super::place(&e)))?;
        self.profiles.by_name.insert(name.to_owned(), profile);
        Ok(())
    }

    /// Takes a profile out. If it was the current one, there is none any more.
    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        super::remove(&mut self.root, name).map_err(|e| unwritable(&self.target, &super::place(&e)))?;
        self.profiles.by_name.remove(name);
        match self.profiles.current.as_deref() == Some(name) {
            true => self.make_current(None),
            false => Ok(()),
        }
    }

    /// Makes a profile the current one.
    pub(crate) fn make_current(&mut self, name: Option<&str>) -> Result<()> {
        let set = self.root.set_text("current_profile", name);
        set.map_err(|e| unwritable(&self.target, &super::place(&e)))?;
        self.profiles.current = name.map(str::to_owned);
        Ok(())
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(self) -> Result<()> {
        let failed = |why: &str| unwritable(&self.target, why);
        let text = self.root.raw(0).map_err(|e| failed(&super::place(&e)))?;
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
    let failed = |e: io::Error| unwritable(called, &format!("`{}`: {e}", path.display()));
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(ErrorCode::Conflict, format!("another command is changing `{SHOWN}`"))
                    .hint("nothing was changed; try again when it is done"));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
}

/// Removes what a command left that was killed while it wrote: nobody else writes now.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(SCRAP)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
