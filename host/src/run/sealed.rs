//! The bytes that run are the bytes that were checked: a library is copied once into memory that nobody can change, and there it is hashed,
//! held against the manifest that governs it, and opened.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use super::load::Fault;
use crate::digest::Hash;
use crate::error::{Error, Result};
use crate::kinds::{Kind, LARGEST, section};

/// What there is to know of a sealed library.
#[derive(Debug)]
pub(super) struct Sealed {
    /// Of the whole file, in hexadecimal.
    pub(super) sha256: String,
}

/// Memory for a library, empty yet, which can be sealed and can't be executed as a program. Kernels before 6.3 don't know the latter.
pub(super) fn memory() -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = match memfd_create("carto-kind", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create("carto-kind", flags),
        made => made,
    };
    Ok(made?.into())
}

/// Copies the kind's library into its memory, if who owns it and who may write it are as they should be, seals and checks the copy.
pub(super) fn fill(mut memory: &File, kind: &Kind) -> Result<Sealed> {
    let mut original = section::open(&kind.file).map_err(|fault| failed(kind, fault))?;
    let sha256 = copy(&mut original, &mut memory).map_err(|fault| failed(kind, fault))?;
    section::check_sealed(memory, kind).map_err(|fault| failed(kind, fault))?;
    // The loader reads on from where this is, since its descriptor leads to the same opened file.
    memory.rewind().map_err(|e| failed(kind, (format!("can't be read: {e}"), "try again".to_owned())))?;
    Ok(Sealed { sha256 })
}

fn failed(kind: &Kind, (why, remedy): section::Fault) -> Error {
    Fault { why, remedy }.of(kind)
}

/// Copies and hashes in one go: what is hashed is what was written, whatever becomes of the original meanwhile.
fn copy(original: &mut File, memory: &mut &File) -> std::result::Result<String, section::Fault> {
    let again = || "try again; if it stays, install the plugin again".to_owned();
    let unread = |e: io::Error| (format!("can't be read: {e}"), again());
    let mut hash = Hash::new();
    let mut chunk = vec![0; 256 * 1024];
    // It may have grown since it was looked at: a byte too many, and the check of the copy says so.
    let mut bounded = original.take(LARGEST + 1);
    loop {
        let read = bounded.read(&mut chunk).map_err(unread)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        memory.write_all(part).map_err(|e| (format!("can't be copied into memory: {e}"), again()))?;
    }
    let began = Instant::now();
    let wait = || {
        std::thread::sleep(Duration::from_millis(5));
        began.elapsed() < PATIENCE
    };
    seal(memory, wait).map_err(|e| (format!("can't be sealed: {e}"), again()))?;
    Ok(hash.hex())
}

/// How long pages are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Seals the memory. The kernel refuses that while anything of its own holds one of the pages, as it does for moments on a busy machine: then it
/// is tried again, as often as `wait` says so.
fn seal(memory: &File, mut wait: impl FnMut() -> bool) -> io::Result<()> {
    loop {
        match fcntl_add_seals(memory, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL) {
            Err(Errno::BUSY) if wait() => {}
            sealed => return Ok(sealed?),
        }
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
        let memory = memory().unwrap();
        let sha256 = copy(&mut File::open(&path).unwrap(), &mut &memory).unwrap();
        std::fs::write(&path, "xyz").unwrap();
        assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut text = [0; 3];
        memory.read_exact_at(&mut text, 0).unwrap();
        assert_eq!(&text, b"abc");
        assert!(memory.write_at(b"x", 0).is_err() && memory.set_len(0).is_err() && memory.set_len(10).is_err());
    }

    /// A page that is held for a moment: the seal waits for it.
    #[test]
    #[allow(unsafe_code)] // to hold one
    fn a_page_that_is_held_is_waited_for() {
        use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

        let memory = memory().unwrap();
        memory.set_len(4096).unwrap();
        let null = std::ptr::null_mut();
        // SAFETY: memory of its own, which nobody else uses.
        let held =
            unsafe { mmap(null, 4096, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &memory, 0) }.unwrap();
        assert_eq!(seal(&memory, || false).unwrap_err().raw_os_error(), Some(Errno::BUSY.raw_os_error()));
        let mut waited = 0;
        let sealed = seal(&memory, || {
            waited += 1;
            // SAFETY: mapped above, and not used.
            waited > 1 || unsafe { munmap(held, 4096) }.is_ok()
        });
        sealed.unwrap();
        assert_eq!(waited, 1);
        assert!(memory.write_at(b"x", 0).is_err());
    }
}
