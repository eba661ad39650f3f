//! `lock.toml`: the libraries that the user has accepted. One that is in it and isn't the same any more isn't opened; one that isn't in it
//! is nobody's affair here. Who changes it, or the libraries of the user's own folder, holds it meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::digest;
use crate::environment;
use crate::error::{Error, Result};
use crate::hold::hold;
use crate::kinds::Kind;
use crate::kinds::trust::Trust;
use crate::output::stderr;
use crate::toml_text;

/// What is accepted, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    version: u32,
    #[serde(default)]
    kinds: BTreeMap<String, Accepted>,
    /// The versions before, of kinds in the user's own folder: what is kept of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    previous: BTreeMap<String, Accepted>,
}

/// A library that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    /// The digest of its file: this is what counts. The rest is for people.
    pub(crate) sha256: String,
    pub(crate) file: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<String>,
    /// The library that is taking its place at this moment: until that is done, each of the two may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Box<Accepted>>,
}

impl Accepted {
    /// This library of this kind.
    pub(crate) fn new(kind: &Kind, sha256: String) -> Accepted {
        let release = kind.version().map(str::to_owned);
        Accepted { sha256, file: kind.file.clone(), release, next: None }
    }

    /// The same, kept elsewhere.
    pub(crate) fn kept_in(self, file: PathBuf) -> Accepted {
        Accepted { file, next: None, ..self }
    }

    /// Whether this library is the one.
    pub(crate) fn is(&self, sha256: &str) -> bool {
        self.sha256 == sha256 || self.next.as_ref().is_some_and(|next| next.is(sha256))
    }

    /// Whether this library is the one, and none is taking its place.
    pub(crate) fn is_only(&self, sha256: &str) -> bool {
        self.sha256 == sha256 && self.next.is_none()
    }
}

/// How long to wait for another command that changes plugins.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hand on the lock and on the user's own folder. One command has it at a time.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Let go of when this is closed, whatever happens to the process.
    _file: File,
}

impl Hold {
    /// Waits for it, for a while. The folder is made if there is none.
    pub(crate) fn take() -> Result<Hold> {
        let path = environment::lock_file()?.with_file_name("plugins.lock");
        let failed = |e: io::Error| {
            Error::new(ErrorCode::OutputFailed, format!("cannot change plugins: `{}`: {e}", path.display()))
                .hint("nothing was changed; see that its folder can be written")
        };
        make_folder(path.parent().unwrap_or(&path)).map_err(failed)?;
        match hold(&path, PATIENCE).map_err(failed)? {
            Some(file) => Ok(Hold { _file: file }),
            None => Err(Error::new(ErrorCode::Conflict, "another command is changing plugins")
                .hint("nothing was changed; try again when it is done")),
        }
    }
}

/// Makes a folder and those above, for nobody but the user to write, whatever the umask.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

/// Sees that a file which was put in place or removed is so on the disk too. It is done, and can't be undone: what goes wrong is a warning.
pub(crate) fn sync_folder(place: &Path) {
    let folder = place.parent().unwrap_or(Path::new("/"));
    if let Err(e) = File::open(folder).and_then(|folder| folder.sync_all()) {
        let folder = folder.display();
        let message = format!("what was changed in `{folder}` may not outlast a power failure: {e}");
        stderr::warning(&message, Some("see that the folder can be read, and that its disk is sound"));
    }
}

impl Lock {
    /// Reads the file; without one, nothing is locked. One that can't be used refuses every kind, since it may have held any.
    pub(crate) fn read() -> Result<Lock> {
        let Ok(path) = environment::lock_file() else { return Ok(Lock::default()) };
        let bad = |why: String| {
            Error::new(ErrorCode::RefusedByPolicy, format!("cannot use the lock in `{}`: {why}", path.display()))
                .hint("mend it; or remove it, and lock the plugins again with `carto plugin lock`")
        };
        // Of a link that leads nowhere, `metadata` would say that nothing is there.
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Lock::default()),
            found => found.map_err(|e| bad(e.to_string()))?,
        };
        let trust = Trust::of_user();
        let judge = |metadata: &Metadata| match trust.fault(&path, metadata).or_else(|| trust.fault_above(&path)) {
            Some((why, remedy)) => Err(bad(format!("it {why}")).hint(remedy)),
            None => Ok(()),
        };
        let text = toml_text::read(&path, judge, |e| bad(e.to_string()))?;
        let lock: Lock = toml_text::parse(&text).map_err(bad)?;
        if lock.version != 1 {
            return Err(bad(format!("its `version` is {}, and this carto knows 1", lock.version)));
        }
        Ok(lock)
    }

    /// What was accepted of a kind.
    pub(crate) fn get(&self, kind: &str) -> Option<&Accepted> {
        self.kinds.get(kind)
    }

    /// What was accepted, by kind.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = (&str, &Accepted)> {
        self.kinds.iter().map(|(kind, accepted)| (kind.as_str(), accepted))
    }

    /// The version before, by kind.
    pub(crate) fn previous(&self) -> &BTreeMap<String, Accepted> {
        &self.previous
    }

    /// Refuses a library that isn't the one that was accepted.
    pub(crate) fn check(&self, kind: &Kind, sha256: &str) -> Result<()> {
        match self.get(kind.name()) {
            Some(accepted) if !accepted.is(sha256) => Err(changed(kind, accepted, sha256)),
            _ => Ok(()),
        }
    }

    /// Accepts this library of a kind, and no other.
    pub(crate) fn accept(&mut self, kind: &Kind, sha256: String) {
        self.kinds.insert(kind.name().to_owned(), Accepted::new(kind, sha256));
    }

    /// Accepts any library of a kind again. What was in it.
    pub(crate) fn forget(&mut self, kind: &str) -> Option<Accepted> {
        self.kinds.remove(kind)
    }

    /// Accepts the library that is about to take the place of the one that is accepted, beside it. A kind that isn't in it needs no permission.
    pub(crate) fn announce(&mut self, kind: &Kind, sha256: String) {
        if let Some(accepted) = self.kinds.get_mut(kind.name()) {
            accepted.next = Some(Box::new(Accepted::new(kind, sha256)));
        }
    }

    /// Settles what an installation left that didn't come to its end, by the digest of the library that is there; `kept`: where it would
    /// have kept the one before.
    pub(crate) fn settle(&mut self, kind: &str, is_there: Option<&str>, kept: impl Fn(&str) -> Option<PathBuf>) {
        let Some(accepted) = self.kinds.get_mut(kind) else { return };
        let Some(next) = accepted.next.take().filter(|next| is_there == Some(next.sha256.as_str())) else { return };
        let before = std::mem::replace(accepted, *next);
        if let Some(file) = kept(&before.sha256) {
            self.keep(kind, Some(before.kept_in(file)));
        }
    }

    /// Which version before is kept of a kind.
    pub(crate) fn keep(&mut self, kind: &str, before: Option<Accepted>) {
        match before {
            Some(before) => self.previous.insert(kind.to_owned(), before),
            None => self.previous.remove(kind),
        };
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self) -> Result<()> {
        let path = environment::lock_file()?;
        let failed = |why: String| {
            Error::new(ErrorCode::OutputFailed, format!("cannot write the lock `{}`: {why}", path.display()))
                .hint("nothing was changed; see that its folder can be written")
        };
        let text = toml::to_string(self).map_err(|e| failed(e.to_string()))?;
        let folder = path.parent().unwrap_or(&path);
        let written = || -> std::io::Result<()> {
            make_folder(folder)?;
            let mut file = NamedTempFile::new_in(folder)?;
            let text_file = file.as_file_mut();
            text_file
                .write_all(b"# The plugins that you accepted, with `carto plugin lock` or `carto plugin install`.\n")?;
            text_file.write_all(text.as_bytes())?;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| e.error)?;
            sync_folder(&path);
            Ok(())
        };
        written().map_err(|e| failed(e.to_string()))
    }
}

impl Default for Lock {
    fn default() -> Lock {
        Lock { version: 1, kinds: BTreeMap::new(), previous: BTreeMap::new() }
    }
}

fn changed(kind: &Kind, accepted: &Accepted, sha256: &str) -> Error {
    let (name, file) = (kind.name(), kind.file.display());
    let (is, was) = (digest::short(sha256), digest::short(&accepted.sha256));
    let message = format!(
        "the kind `{name}` has changed since it was locked: `{file}` has the sha256 {is}…, and {was}… was accepted"
    );
    Error::new(ErrorCode::RefusedByPolicy, message)
        .hint(format!("if you know why: `carto plugin lock {name}` accepts it as it is now"))
}
