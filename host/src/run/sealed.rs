//! The bytes that run are the bytes that were checked: a library is copied once into memory that nobody can change, and there it is hashed,
//! held against the manifest that governs it, and opened.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};

use carto_plugin_api::ErrorCode;
use ring::digest;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::kinds::{Kind, section};

/// A library in memory that can't be changed any more.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) file: File,
    /// Of the whole file, in hexadecimal.
    pub(super) sha256: String,
    /// The libraries that it needs besides, by the names that the system's loader knows.
    pub(super) needs: Vec<String>,
}

/// No library that serves a kind comes near it.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Copies the kind's library, if who owns it and who may write it are as they should be, and checks the copy.
pub(super) fn seal(kind: &Kind) -> Result<Sealed> {
    let failed = |(cause, remedy): (String, String)| {
        let message = format!("the kind `{}` can't be loaded: `{}` {cause}", kind.name(), kind.file.display());
        Error::new(ErrorCode::PluginFault, message).hint(remedy)
    };
    let mut original = section::open(&kind.file).map_err(failed)?;
    let (file, sha256) = copy(&mut original).map_err(failed)?;
    let needs = section::check_sealed(&file, kind).map_err(failed)?;
    Ok(Sealed { file, sha256, needs })
}

/// Copies and hashes in one go: what is hashed is what was written, whatever becomes of the original meanwhile.
fn copy(original: &mut File) -> std::result::Result<(File, String), (String, String)> {
    let again = || "try again; if it stays, install the plugin again".to_owned();
    let unread = |e: std::io::Error| (format!("can't be read: {e}"), again());
    let unsealed = |e: Errno| (format!("can't be copied into memory: {e}"), "it needs Linux 3.17 or later".to_owned());
    let before = original.metadata().map_err(unread)?;
    if before.len() > LARGEST {
        let cause = format!("has {} bytes, and {LARGEST} is the limit", before.len());
        return Err((cause, "get a version of the plugin without what is for debuggers (`strip`)".to_owned()));
    }
    let mut copy = File::from(memory().map_err(unsealed)?);
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 256 * 1024];
    let mut left = original.take(LARGEST);
    loop {
        let read = left.read(&mut chunk).map_err(unread)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        copy.write_all(part).map_err(|e| (format!("can't be copied into memory: {e}"), again()))?;
    }
    fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
        .map_err(unsealed)?;
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finish().as_ref() {
        // Writing to a text can't fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok((copy, sha256))
}

/// Memory with a descriptor, which can be sealed and can't be executed as a program. Kernels before 6.3 don't know the latter.
fn memory() -> std::result::Result<std::os::fd::OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("carto-kind", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create("carto-kind", flags),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_copy_is_hashed_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        let (copy, sha256) = copy(&mut File::open(&path).unwrap()).unwrap();
        std::fs::write(&path, "xyz").unwrap();
        assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut text = [0; 3];
        copy.read_exact_at(&mut text, 0).unwrap();
        assert_eq!(&text, b"abc");
        assert!(copy.write_at(b"x", 0).is_err() && copy.set_len(0).is_err() && copy.set_len(10).is_err());
    }
}
