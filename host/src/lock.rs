//! `lock.toml`: the libraries that the user has accepted. One that is in it and isn't the same any more isn't opened; one that isn't in it
//! is nobody's affair here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use carto_plugin_api::ErrorCode;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::digest;
use crate::environment;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::kinds::trust::Trust;
use crate::toml_text;

/// What is accepted, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    version: u32,
    #[serde(default)]
    kinds: BTreeMap<String, Accepted>,
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
}

impl Accepted {
    /// This library of this kind.
    pub(crate) fn new(kind: &Kind, sha256: String) -> Accepted {
        let release = kind.manifest.package.as_ref().map(|package| package.version.clone());
        Accepted { sha256, file: kind.file.clone(), release }
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
        let metadata = match fs::metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Lock::default()),
            metadata => metadata.map_err(|e| bad(e.to_string()))?,
        };
        if let Some((why, remedy)) = Trust::of_user().fault(&path, &metadata) {
            return Err(bad(format!("it {why}")).hint(remedy));
        }
        let text = fs::read_to_string(&path).map_err(|e| bad(e.to_string()))?;
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

    /// The kinds that are in it.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Refuses a library that isn't the one that was accepted.
    pub(crate) fn check(&self, kind: &Kind, sha256: &str) -> Result<()> {
        match self.get(kind.name()) {
            Some(accepted) if accepted.sha256 != sha256 => Err(changed(kind, accepted, sha256)),
            _ => Ok(()),
        }
    }

    /// Accepts this library of a kind, and no other.
    pub(crate) fn accept(&mut self, kind: &Kind, sha256: String) {
        self.kinds.insert(kind.name().to_owned(), Accepted::new(kind, sha256));
    }

    /// Accepts any library of a kind again. Whether it was in it.
    pub(crate) fn forget(&mut self, kind: &str) -> bool {
        self.kinds.remove(kind).is_some()
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
            fs::create_dir_all(folder)?;
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(b"# The plugins that you accepted, with `carto plugin lock` or `carto plugin install`.\n")?;
            file.write_all(text.as_bytes())?;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| e.error)?;
            Ok(())
        };
        written().map_err(|e| failed(e.to_string()))
    }
}

impl Default for Lock {
    fn default() -> Lock {
        Lock { version: 1, kinds: BTreeMap::new() }
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
