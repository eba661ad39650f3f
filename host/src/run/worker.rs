//! Runs each library in a process of its own: this program started again, with nothing but a channel, the sealed library and a pipe for what
//! it prints. This is the host's side: starting it, talking to it, ending it. What the process does with itself is `inside`'s.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use carto_plugin_api::{Caller, ErrorCode, Verb};

use super::connection::Worker;
use super::death;
use super::frames::{Frame, Tag};
use super::inside::WORD;
use super::leash::Leash;
use super::load::Fault;
use super::sealed::{self, Sealed};
use super::{Accept, Instance, Level, Runtime, Spoken};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::settings;

pub(super) struct Workers {
    level: Level,
    /// How long a kind may work on one call, without the time that it waits for the host.
    deadline: Duration,
    debug: bool,
    /// What has been begun.
    prepared: Mutex<Option<Prepared>>,
}

/// A worker that starts, while its library is copied and checked on a thread.
struct Prepared {
    kind: String,
    worker: Worker,
    sealed: JoinHandle<Result<Sealed>>,
}

impl Workers {
    pub(super) fn new(level: Level, deadline: Duration, debug: bool) -> Workers {
        Workers { level, deadline, debug, prepared: Mutex::default() }
    }
}

impl Runtime for Workers {
    fn level(&self) -> Level {
        self.level
    }

    fn prepare(&self, kind: &Kind) {
        // If it can't be begun, that is told when it is needed.
        *self.prepared() = self.spawn().ok().and_then(|worker| {
            let memory = worker.memory().try_clone().ok()?;
            let (name, kind) = (kind.name().to_owned(), kind.clone());
            Some(Prepared { kind: name, worker, sealed: std::thread::spawn(move || sealed::fill(&memory, &kind)) })
        });
    }

    /// A worker confines itself as usual, and gets no library.
    fn check(&self) -> Result<()> {
        let cant_run = "kinds can't run";
        self.confined(&mut self.spawn().map_err(|e| not_started(cant_run, &e))?, cant_run)
    }

    fn start(&self, kind: &Kind, accept: &Accept<'_>) -> Result<Box<dyn Instance>> {
        let cant_run = format!("the kind `{}` can't run", kind.name());
        let (mut worker, Sealed { sha256 }) = match self.prepared().take_if(|prepared| prepared.kind == kind.name()) {
            Some(Prepared { worker, sealed, .. }) => {
                (worker, sealed.join().unwrap_or_else(|_| Err(Error::fault("the host failed to check a library")))?)
            }
            None => {
                let worker = self.spawn().map_err(|e| not_started(&cant_run, &e))?;
                let sealed = sealed::fill(worker.memory(), kind)?;
                (worker, sealed)
            }
        };
        accept(&sha256)?;
        self.confined(&mut worker, &cant_run)?;
        worker.belongs_to(kind.name());
        super::report(kind, &sha256, self.level, Some(worker.id()), self.debug);
        let broke = |what: &str| Err(failed(kind, "while it was opened", what));
        match worker.send(Tag::Open, b"", b"").and_then(|()| worker.receive()) {
            Ok(Frame { tag: Tag::Ready, .. }) => {}
            Ok(Frame { tag: Tag::Unusable, head, body }) => {
                return Err(Fault { why: text(&head), remedy: text(&body) }.of(kind));
            }
            Ok(Frame { tag: Tag::Forbidden, body, .. }) => return broke(&worker.forbidden(&body)),
            Ok(Frame { tag, .. }) => return broke(out_of_turn(tag)),
            Err(lost) => return broke(&worker.told(lost)),
        }
        Ok(Box::new(Running { kind: kind.clone(), worker }))
    }
}

impl Workers {
    fn prepared(&self) -> MutexGuard<'_, Option<Prepared>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a worker is confined. `cant_run` begins the sentence if it can't be.
    fn confined(&self, worker: &mut Worker, cant_run: &str) -> Result<()> {
        let failed = |why: &str| Error::new(ErrorCode::Failed, format!("{cant_run}: its process {why}"));
        match worker.receive() {
            Ok(Frame { tag: Tag::Confined, .. }) => Ok(()),
            Ok(Frame { tag: Tag::Unconfined, body, .. }) => Err(self.unconfined(cant_run, &text(&body))),
            Ok(Frame { tag: Tag::Unusable, head, body }) => Err(failed(&text(&head)).hint(text(&body))),
            Ok(Frame { tag, .. }) => Err(failed(out_of_turn(tag))),
            Err(lost) => Err(failed(&worker.told(lost)).hint("`carto plugin list` tries it again")),
        }
    }

    fn spawn(&self) -> io::Result<Worker> {
        let memory = sealed::memory()?;
        let (channel, theirs) = UnixStream::pair()?;
        let (prints, printed) = io::pipe()?;
        // A peer that is to be distrusted must not be able to make this side wait, whatever a wait for it said before.
        channel.set_nonblocking(true)?;
        rustix::io::ioctl_fionbio(&prints, true)?;
        // Not by its path: that may be another version by now.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("carto")
            .args([WORD, self.level.as_str(), &std::process::id().to_string()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(memory.try_clone()?)))
            .stderr(Stdio::from(OwnedFd::from(printed)))
            // Ctrl-C is for the host, which ends its workers.
            .process_group(0);
        let process = Leash::start(&mut command)?;
        // Only then is the end of the stream the end of the worker.
        drop(command);
        Ok(Worker::new(process, channel, memory, prints, self.deadline, self.debug))
    }

    /// The machine can't do what the settings ask for.
    fn unconfined(&self, cant_run: &str, why: &str) -> Error {
        let less =
            if self.level == Level::Confined && !why.contains("seccomp") { Level::Filtered } else { Level::Plain };
        let file = settings::file().map_or_else(|_| "config.toml".to_owned(), |file| file.display().to_string());
        let message = format!("{cant_run} `{}`: {why}", self.level.as_str());
        Error::new(ErrorCode::Forbidden, message).hint(format!(
            "to accept less, write `level = \"{}\"` under `[plugins]` in `{file}`: kinds then run {}",
            less.as_str(),
            less.meaning(),
        ))
    }
}

/// One kind in its worker.
struct Running {
    kind: Kind,
    worker: Worker,
}

impl Instance for Running {
    fn invoke(&mut self, verb: Verb, input: &[u8], host: &dyn Caller) -> Result<Spoken> {
        let Running { kind, worker } = self;
        let broke = |what: &str| Err(failed(kind, &format!("in `{verb}`"), what));
        worker.begin_call();
        let mut requests = 0;
        let mut sent = worker.send(Tag::Invoke, verb.as_str().as_bytes(), input);
        loop {
            match sent.and_then(|()| worker.receive()) {
                Ok(Frame { tag: Tag::Done, body, .. }) => return Ok(Ok(body)),
                Ok(Frame { tag: Tag::Failed, body, .. }) => return Ok(Err(body)),
                Ok(Frame { tag: Tag::Call, body, .. }) if body.len() > LARGEST_REQUEST => {
                    return broke(&format!(
                        "made a request of {} bytes, and {LARGEST_REQUEST} is the limit",
                        body.len()
                    ));
                }
                Ok(Frame { tag: Tag::Call, .. }) if requests == MOST_REQUESTS => {
                    return broke(&format!("made more than {MOST_REQUESTS} requests in one call"));
                }
                Ok(Frame { tag: Tag::Call, head, body }) => {
                    requests += 1;
                    let answer = host.call(&text(&head), &body);
                    let (tag, body) = answer.map_or_else(|error| (Tag::Refusal, error), |answer| (Tag::Answer, answer));
                    sent = worker.send(tag, b"", &body);
                }
                Ok(Frame { tag: Tag::Forbidden, body, .. }) => return broke(&worker.forbidden(&body)),
                Ok(Frame { tag, .. }) => return broke(out_of_turn(tag)),
                Err(lost) => return broke(&worker.told(lost)),
            }
        }
    }

    fn process(&self) -> Option<u32> {
        Some(self.worker.id())
    }

    fn printed(&mut self) -> String {
        self.worker.printed()
    }
}

fn not_started(cant_run: &str, error: &io::Error) -> Error {
    Error::new(ErrorCode::Failed, format!("{cant_run}: its process can't be started: {error}"))
        .hint("free memory or processes, and see that `/proc` is there")
}

/// What a message is that isn't the one that is due.
fn out_of_turn(tag: Tag) -> &'static str {
    match tag {
        // Once its constructors have run, a library can be the reason.
        Tag::Unconfined => "kept its second filter of system calls from being put on",
        _ => "sent a message out of turn",
    }
}

/// `what`: the rest of a sentence that begins with "it".
fn failed(kind: &Kind, place: &str, what: &str) -> Error {
    let error = Error::fault(format!("the kind `{}` failed {place}: it {what}", kind.name()));
    // Nobody but the user and the system can have done that.
    let remedy = if what == death::KILLED {
        "if the system is short of memory, free some; then try again".to_owned()
    } else {
        kind.remedy()
    };
    error.hint(remedy)
}

/// What a kind may ask of the host in one call, at the very most: more than any search through pages takes.
const MOST_REQUESTS: usize = 10_000;
/// The largest request, in bytes.
const LARGEST_REQUEST: usize = 1024 * 1024;

/// Text of a worker, which can say anything: a line of it, not too long.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).into_owned()
}
