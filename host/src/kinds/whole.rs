//! A library as a whole, read once: what is judged, hashed and put in place are the same bytes, whatever becomes of the file meanwhile.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::section::{self, Fault};
use super::{Kind, LARGEST};
use crate::digest;

/// The bytes of a file that claims to be a library.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

impl Whole {
    /// Reads a file, if nobody but the user and root can have written it.
    pub(crate) fn read(path: &Path) -> Result<Whole, Fault> {
        let unread = |e| (format!("can't be read: {e}"), "see that it is all there, and try again".to_owned());
        let mut bytes = Vec::new();
        // A byte too many is told when it is looked at.
        section::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unread)?;
        let sha256 = digest::of(bytes.as_slice()).map_err(unread)?;
        Ok(Whole { bytes, sha256 })
    }

    /// The kind that it is, in the file that `place` says for its name.
    pub(crate) fn kind(&self, place: impl FnOnce(&str) -> PathBuf) -> Result<Kind, Fault> {
        let source = section::source(Cursor::new(&self.bytes))?;
        let manifest = section::any_manifest(&source)?;
        let file = place(&manifest.name);
        Ok(Kind { manifest, source: source.into(), file })
    }

    /// Checks that it needs nothing but the system's own libraries.
    pub(crate) fn check_needs(&self) -> Result<(), Fault> {
        section::check_needs(Cursor::new(&self.bytes))
    }
}
