//! Files that are there to be locked: opened without following a link or waiting for a pipe, believed if they are this user's, and waited for
//! while another command has them. What is changed under a lock is its caller's.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The lock on a file, let go of when this is closed, whatever happens to the process; nothing if another command has it all the while. The
/// file is made if there is none.
pub(crate) fn hold(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let file = open(path)?;
    Ok(wait(&file, patience)?.then_some(file))
}

/// Locks a file that is open until it is closed, and says whether that came about in time.
pub(crate) fn wait(file: &File, patience: Duration) -> io::Result<bool> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
}

/// Opens what may be locked. Whatever else stands there is refused before anything is waited for: opening a pipe waits without end.
fn open(path: &Path) -> io::Result<File> {
    // What is made through a link is made where somebody else says.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    let file = options.open(path).map_err(|e| match Errno::from_io_error(&e) {
        Some(Errno::LOOP) => io::Error::other("it is a link"),
        Some(Errno::NXIO) => io::Error::other("it isn't a file"),
        _ => e,
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it isn't a file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to somebody else"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    #[test]
    fn one_has_it_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = hold(&path, Duration::ZERO).unwrap();
        assert!(first.is_some() && hold(&path, Duration::ZERO).unwrap().is_none());
        drop(first);
        assert!(hold(&path, Duration::ZERO).unwrap().is_some());
    }

    /// The second pipe has a reader, so that it could be opened.
    #[test]
    fn nothing_but_a_file_of_the_users_own_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink(path("target"), path("link")).unwrap();
        for name in ["pipe", "pipe that is read"] {
            mknodat(CWD, path(name), FileType::Fifo, 0o600.into(), 0).unwrap();
        }
        let _reader = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap())
            .open(path("pipe that is read"))
            .unwrap();
        fs::create_dir(path("folder")).unwrap();
        for (name, why) in [
            ("link", "a link"),
            ("pipe", "isn't a file"),
            ("pipe that is read", "isn't a file"),
            ("folder", "directory"),
        ] {
            let error = hold(&path(name), Duration::ZERO).unwrap_err();
            assert!(error.to_string().contains(why), "{name}: {error}");
        }
        assert!(!path("target").exists());
        let device = hold(Path::new("/dev/null"), Duration::ZERO).unwrap_err();
        assert!(device.to_string().contains("isn't a file"), "{device}");
        // Only root can give a file away.
        if rustix::process::geteuid().is_root() {
            fs::write(path("another's"), "").unwrap();
            std::os::unix::fs::chown(path("another's"), Some(12_345), None).unwrap();
            let error = hold(&path("another's"), Duration::ZERO).unwrap_err();
            assert!(error.to_string().contains("somebody else"), "{error}");
        }
    }
}
