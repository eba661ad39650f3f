//! What a worker's process does with itself: it gives up everything that it doesn't need, opens one library, and runs verbs for the host
//! at the other end of its channel. The order is the point: whatever can be given up before the library is opened is, since the library's
//! constructors run while it is opened.

pub(super) mod limits;

mod descriptors;
mod filter;
mod trap;

pub(super) use descriptors::CHANNEL_LOST;

use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use carto_plugin_api::abi::v1::{self, KindModule_Ref};
use carto_plugin_api::{Caller, Error as ApiError};
use landlock::{ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus, Scope};

use rustix::thread::CapabilitySet;

use super::frames::{self, Frame, Tag};
use super::load::{self, Fault};
use super::{Level, guard, too_large};
use crate::error::usage;
use crate::output::stderr;

/// The hidden first word of a worker. It is followed by the level and the host's process.
pub(crate) const WORD: &str = "kind-worker";

/// Runs a worker to its end.
pub(crate) fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let words: Vec<String> = words.collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words.as_slice() {
        [level, host] => Level::of(level).zip(host.parse().ok()),
        _ => None,
    };
    let Some((level, host)) = told.filter(|_| descriptors::is_a_worker()) else {
        stderr::error(
            &usage(format!("`{WORD}` is started by carto itself, for a plugin"))
                .hint("`carto credentials --help` lists what can be done"),
        );
        return ExitCode::from(2);
    };
    // It comes back when nobody is at the other end any more.
    let _ = work(level, host);
    descriptors::end()
}

fn work(level: Level, host: u32) -> std::io::Result<()> {
    // What `ps` shows, instead of the file that was executed, which is called `exe`.
    let _ = rustix::thread::set_name(c"carto-worker");
    let mut channel = descriptors::settle()?;
    guard::keep_to_itself();
    // What root can do, a kind can't.
    let _ = rustix::thread::set_capabilities(
        None,
        rustix::thread::CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    );
    if let Err(why) = limits::set(host) {
        let remedy = "see what limits this process has (`ulimit -a`)";
        return frames::write(&mut channel, Tag::Unusable, why.as_bytes(), remedy.as_bytes());
    }
    load::preload();
    if let Err(why) = confine(level) {
        return frames::write(&mut channel, Tag::Unconfined, b"", why.as_bytes());
    }
    frames::write(&mut channel, Tag::Confined, b"", b"")?;
    let Some(Frame { tag: Tag::Open, .. }) = frames::read(&mut channel)? else { return Ok(()) };
    match load::open(&descriptors::LIBRARY_PATH.to_string_lossy()) {
        Ok(module) => {
            descriptors::close_library();
            if let Err(why) = filter::once_open(level) {
                return frames::write(&mut channel, Tag::Unconfined, b"", why.as_bytes());
            }
            frames::write(&mut channel, Tag::Ready, b"", b"")?;
            serve(channel, module)
        }
        Err(Fault { why, remedy }) => frames::write(&mut channel, Tag::Unusable, why.as_bytes(), remedy.as_bytes()),
    }
}

/// Gives up what a kind needs nothing of, from this moment on and for good.
fn confine(level: Level) -> Result<(), String> {
    rustix::thread::set_no_new_privs(true)
        .map_err(|e| format!("this kernel can't keep a process from new rights: {e}"))?;
    let landlock = if level.has_landlock() { landlock() } else { Ok(()) };
    let filter = if level.has_filter() { filter::before_opening() } else { Ok(()) };
    match (landlock, filter) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(why), Ok(())) | (Ok(()), Err(why)) => Err(why),
        (Err(why), Err(too)) => Err(format!("{why}, and {too}")),
    }
}

/// No file, no connection, no signal beyond this process: a set of rules without a rule.
fn landlock() -> Result<(), String> {
    const NEWEST: ABI = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(|rules| rules.create()?.restrict_self())
        .map_err(|e| format!("Landlock refuses: {e}"))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced, _) => Ok(()),
        (_, LandlockStatus::NotEnabled) => Err("Landlock is switched off on this system (`lsm=` at boot)".to_owned()),
        _ => Err("this kernel has no Landlock (Linux 5.13 or later)".to_owned()),
    }
}

/// Runs verbs until the host has no more.
fn serve(mut channel: &UnixStream, module: KindModule_Ref) -> std::io::Result<()> {
    while let Some(Frame { tag: Tag::Invoke, head, body }) = frames::read(&mut channel)? {
        let verb = String::from_utf8_lossy(&head);
        let host = Host { channel };
        let (tag, answer) = match v1::run(module, &verb, &body, &host) {
            Ok(answer) => (Tag::Done, answer),
            Err(error) => (Tag::Failed, error),
        };
        // Longer than any limit, it can't even be sent.
        if answer.len() > frames::LONGEST_BODY {
            let why = verb.parse().map_or_else(|()| String::new(), |verb| too_large(answer.len(), verb));
            frames::write(&mut channel, Tag::Failed, b"", &serde_json::to_vec(&ApiError::fault(why))?)?;
        } else {
            frames::write(&mut channel, tag, b"", &answer)?;
        }
    }
    Ok(())
}

/// The host, at the other end.
struct Host<'a> {
    channel: &'a UnixStream,
}

impl Caller for Host<'_> {
    fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut channel = self.channel;
        if request.len() > frames::LONGEST_BODY {
            let error = ApiError::fault(format!(
                "its request has {} bytes, and {} is the limit",
                request.len(),
                frames::LONGEST_BODY
            ));
            return Err(serde_json::to_vec(&error).unwrap_or_default());
        }
        let asked = frames::write(&mut channel, Tag::Call, service.as_bytes(), request);
        match asked.and_then(|()| frames::read(&mut channel)) {
            Ok(Some(Frame { tag: Tag::Answer, body, .. })) => Ok(body),
            Ok(Some(Frame { tag: Tag::Refusal, body, .. })) => Err(body),
            // The host is gone, and with it the reason to be here.
            _ => descriptors::end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;

    use super::*;

    /// On a thread of its own, which is all that it binds, and without the filter, which would stop all of this first.
    #[test]
    fn landlock_alone_keeps_files_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        let tried = std::thread::spawn(move || {
            let landlock = landlock();
            let tried = [
                File::open(&file).err(),
                File::create(file.with_file_name("another")).err(),
                fs::OpenOptions::new().append(true).open(&file).err(),
                fs::read_dir("/").err(),
                fs::remove_file(&file).err(),
            ];
            (landlock, tried.map(|error| error.map(|error| error.kind())))
        });
        match tried.join().unwrap() {
            (Ok(()), tried) => assert_eq!(tried, [Some(ErrorKind::PermissionDenied); 5]),
            // Then `confined` is refused here.
            (Err(why), tried) => assert_eq!(tried, [None; 5], "{why}"),
        }
    }
}
