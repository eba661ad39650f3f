//! Puts a library in the place of a kind in the user's own folder, step by step, so that whatever happens between two steps there is the old
//! library or the new one, and the lock accepts it. What was there is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use carto_plugin_api::ErrorCode;

use crate::audit::{self, Fields, Recorder};
use crate::error::{Error, Result, usage};
use crate::kinds::{Kind, Whole, own};
use crate::lock::{Accepted, Hold, Lock};

/// The place of a kind, which nobody else changes meanwhile.
pub(super) struct Place {
    pub(super) lock: Lock,
    pub(super) before: Before,
    /// What the lock accepts of it, as it was found.
    was: Option<Accepted>,
    /// Nothing in a dry run, which changes nothing.
    _hold: Option<Hold>,
}

/// What is in it.
pub(super) enum Before {
    Nothing,
    /// A library of that kind, in a file of its own.
    Usable(Box<(Kind, Whole)>),
    /// The same, but the file is a link.
    Link(Box<(Kind, Whole)>),
    /// Something else: why it is no use, as the rest of a sentence that begins with the file.
    Unusable(String),
}

impl Before {
    fn read(name: &str, file: PathBuf) -> Before {
        let Ok(metadata) = fs::symlink_metadata(&file) else { return Before::Nothing };
        let whole = match Whole::read(&file) {
            Ok(whole) => whole,
            Err((why, _)) => return Before::Unusable(why),
        };
        match whole.kind(|_| file) {
            Ok(kind) if kind.name() != name => Before::Unusable(format!("is the kind `{}`", kind.name())),
            Ok(kind) if metadata.is_symlink() => Before::Link(Box::new((kind, whole))),
            Ok(kind) => Before::Usable(Box::new((kind, whole))),
            Err((why, _)) => Before::Unusable(why),
        }
    }

    /// The library that is there.
    pub(super) fn library(&self) -> Option<&(Kind, Whole)> {
        match self {
            Before::Usable(library) | Before::Link(library) => Some(library),
            Before::Nothing | Before::Unusable(_) => None,
        }
    }
}

/// Refuses a folder in the place of a library, which nobody removes but who made it.
pub(super) fn not_a_folder(file: &Path) -> Result<()> {
    if fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(usage(format!("`{}` is a folder, and no library", file.display()))
            .hint("carto didn't make it: look what is in it, and remove it yourself"));
    }
    Ok(())
}

impl Place {
    /// Takes the place of a kind, and settles what was left of an installation that was killed.
    pub(super) fn take(name: &str, dry_run: bool) -> Result<Place> {
        let hold = if dry_run { None } else { Some(Hold::take()?) };
        not_a_folder(&own::file(name)?)?;
        let mut lock = Lock::read()?;
        let before = Before::read(name, own::file(name)?);
        let was = lock.get(name).cloned();
        let is_there = before.library().map(|(_, whole)| whole.sha256.as_str());
        lock.settle(name, is_there, |sha256| own::previous_file(name, sha256).ok().filter(|file| file.exists()));
        Ok(Place { lock, before, was, _hold: hold })
    }

    /// Whether what is there is kept as the version before; if not, why not, as the rest of a sentence that begins with it.
    pub(super) fn keeps(&self) -> std::result::Result<Option<&(Kind, Whole)>, String> {
        match &self.before {
            Before::Nothing => Ok(None),
            Before::Unusable(why) => Err(why.clone()),
            Before::Usable(library) | Before::Link(library) => {
                let (kind, whole) = library.as_ref();
                match self.lock.get(kind.name()) {
                    Some(accepted) if !accepted.is(&whole.sha256) => Err("isn't what you accepted".to_owned()),
                    _ => Ok(Some(library)),
                }
            }
        }
    }

    /// Accepts the library that is there already, and no other. Whether that wasn't so before.
    pub(super) fn accept(&mut self, kind: &Kind, sha256: &str, recorder: &Recorder) -> Result<bool> {
        if self.was.as_ref().is_some_and(|accepted| accepted.is_only(sha256)) {
            return Ok(false);
        }
        let mut record = audit::library(kind, Some(sha256));
        record.insert("was".to_owned(), self.was.as_ref().map(|was| was.sha256.as_str()).into());
        recorder.recorded("locked", &record, || {
            self.lock.accept(kind, sha256.to_owned());
            self.lock.write()
        })?;
        Ok(true)
    }

    /// Puts a library in place. It is recorded before anything is changed that somebody could notice.
    pub(super) fn put(mut self, kind: &Kind, whole: &Whole, record: Fields, recorder: &Recorder) -> Result<()> {
        let name = kind.name();
        let failed = |e: io::Error| {
            let message = format!("cannot install `{name}` in `{}`: {e}", kind.file.display());
            Error::new(ErrorCode::OutputFailed, message)
                .hint("nothing was changed; see that there is room, and that the folder can be written")
        };
        let staged = own::stage(&whole.bytes, kind.file.clone()).map_err(failed)?;
        let kept = match self.keeps() {
            Ok(Some((before, library))) => {
                let file = own::previous_file(name, &library.sha256)?;
                own::stage(&library.bytes, file.clone()).and_then(own::Staged::place).map_err(failed)?;
                Some(Accepted::new(before, library.sha256.clone()).kept_in(file))
            }
            Ok(None) | Err(_) => None,
        };
        recorder.recorded("installed", &record, || self.change(kind, &whole.sha256, kept, staged, failed))
    }

    fn change(
        &mut self,
        kind: &Kind,
        sha256: &str,
        kept: Option<Accepted>,
        staged: own::Staged,
        failed: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let lock = &mut self.lock;
        if lock.get(kind.name()).is_some() {
            // From here on each of the two may be there.
            lock.announce(kind, sha256.to_owned());
            lock.write()?;
        }
        staged.place().map_err(failed)?;
        lock.accept(kind, sha256.to_owned());
        let is_used_up = lock.previous().get(kind.name()).is_some_and(|before| before.sha256 == sha256);
        if kept.is_some() || is_used_up {
            lock.keep(kind.name(), kept);
        }
        lock.write().map_err(|error| {
            let name = kind.name();
            error.hint(format!("the plugin is installed; when its folder can be written: `carto plugin lock {name}`"))
        })?;
        own::sweep(lock)
    }
}
