//! Runs each library in a process of its own: this program started again, with nothing but a channel, the sealed library and a pipe for what
//! it prints. This is the host's side: starting it, talking to it, ending it. What the process does with itself is `inside`'s.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carto_plugin_api::{Caller, ErrorCode, Verb};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::death;
use super::frames::{self, Frame, Malformed, Tag};
use super::inside::WORD;
use super::load::Fault;
use super::prints::Prints;
use super::sealed::{self, Sealed};
use super::{Instance, Level, Runtime, Spoken};
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
            let memory = worker.memory.try_clone().ok()?;
            let (name, kind) = (kind.name().to_owned(), kind.clone());
            Some(Prepared { kind: name, worker, sealed: std::thread::spawn(move || sealed::fill(&memory, &kind)) })
        });
    }

    /// A worker confines itself as usual, and gets no library.
    fn check(&self) -> Result<()> {
        let cant_run = "kinds can't run";
        self.confined(&mut self.spawn().map_err(|e| not_started(cant_run, &e))?, cant_run)
    }

    fn start(&self, kind: &Kind) -> Result<Box<dyn Instance>> {
        let cant_run = format!("the kind `{}` can't run", kind.name());
        let (mut worker, Sealed { sha256 }) = match self.prepared().take_if(|prepared| prepared.kind == kind.name()) {
            Some(Prepared { worker, sealed, .. }) => {
                (worker, sealed.join().unwrap_or_else(|_| Err(Error::fault("the host failed to check a library")))?)
            }
            None => {
                let worker = self.spawn().map_err(|e| not_started(&cant_run, &e))?;
                let sealed = sealed::fill(&worker.memory, kind)?;
                (worker, sealed)
            }
        };
        self.confined(&mut worker, &cant_run)?;
        worker.prints.are_of(kind.name());
        let broke = |what: &str| Err(failed(kind, "while it was opened", what));
        match worker.send(Tag::Open, b"", b"").and_then(|()| worker.receive()) {
            Ok(Frame { tag: Tag::Ready, .. }) => {}
            Ok(Frame { tag: Tag::Unusable, head, body }) => {
                return Err(Fault { why: text(&head), remedy: text(&body) }.of(kind));
            }
            Ok(Frame { tag: Tag::Forbidden, body, .. }) => return broke(&worker.forbidden(&body)),
            Ok(Frame { tag, .. }) => return broke(&format!("sent `{tag:?}`")),
            Err(lost) => return broke(&worker.told(lost)),
        }
        super::report(kind, &sha256, self.level, Some(worker.id()), self.debug);
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
            Ok(Frame { tag, .. }) => Err(failed(&format!("sent `{tag:?}`"))),
            Err(lost) => Err(failed(&worker.told(lost)).hint("`carto plugin list` tries it again")),
        }
    }

    fn spawn(&self) -> io::Result<Worker> {
        let memory = sealed::memory()?;
        let (channel, theirs) = UnixStream::pair()?;
        let (prints, printed) = io::pipe()?;
        // A peer that is to be distrusted must not be able to make this wait, whatever a wait for it said before.
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
        Ok(Worker {
            process,
            channel,
            memory,
            arrived: Vec::new(),
            prints: Prints::new(prints, self.debug),
            deadline: self.deadline,
            left: self.deadline,
        })
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
        worker.left = worker.deadline;
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
                Ok(Frame { tag, .. }) => return broke(&format!("sent `{tag:?}` out of turn")),
                Err(lost) => return broke(&worker.told(lost)),
            }
        }
    }
}

fn not_started(cant_run: &str, error: &io::Error) -> Error {
    Error::new(ErrorCode::Failed, format!("{cant_run}: its process can't be started: {error}"))
        .hint("free memory or processes, and see that `/proc` is there")
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

/// A wait is never longer than this in one piece.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// What a kind may ask of the host in one call, at the very most: more than any search through pages takes.
const MOST_REQUESTS: usize = 10_000;
/// The largest request, in bytes.
const LARGEST_REQUEST: usize = 1024 * 1024;

/// What came of a connection that isn't one any more.
enum Lost {
    /// Its other end is gone.
    Closed,
    /// The kind's time is over.
    Late,
    /// What came is no frame.
    Malformed(String),
    /// The system refused.
    Io(io::Error),
}

/// The process and the way to it.
struct Worker {
    process: Leash,
    channel: UnixStream,
    /// Where its library goes.
    memory: File,
    /// What came and isn't a whole frame yet.
    arrived: Vec<u8>,
    prints: Prints,
    deadline: Duration,
    /// What is left of it.
    left: Duration,
}

impl Worker {
    fn id(&self) -> u32 {
        self.process.lock().id()
    }

    fn send(&mut self, tag: Tag, head: &[u8], body: &[u8]) -> std::result::Result<(), Lost> {
        let bytes = frames::bytes(tag, head, body).map_err(Lost::Io)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match (&self.channel).write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                    return Err(Lost::Closed);
                }
                Err(e) => return Err(Lost::Io(e)),
            }
        }
        Ok(())
    }

    /// Waits for a frame, as long as the kind has time.
    fn receive(&mut self) -> std::result::Result<Frame, Lost> {
        loop {
            match frames::parse(&self.arrived) {
                Ok(Some((frame, length))) => {
                    self.arrived.drain(..length);
                    return Ok(frame);
                }
                Ok(None) => {}
                Err(Malformed(why)) => return Err(Lost::Malformed(why)),
            }
            let mut chunk = [0; 64 * 1024];
            match (&self.channel).read(&mut chunk) {
                Ok(0) => return Err(Lost::Closed),
                Ok(read) => self.arrived.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::IN)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Err(Lost::Closed),
                Err(e) => return Err(Lost::Io(e)),
            }
        }
    }

    /// Waits until the channel is ready, or until the kind's time is over, and reads meanwhile what it prints, so that it never waits for that.
    /// Neither can keep this from coming back: nothing here blocks but the wait itself, which ends with the time.
    fn wait(&mut self, readiness: PollFlags) -> std::result::Result<(), Lost> {
        loop {
            let began = Instant::now();
            if self.left.is_zero() {
                return Err(Lost::Late);
            }
            let time = self.left.min(LONGEST_WAIT);
            let (ready, printed) = {
                let mut waiting = vec![PollFd::new(&self.channel, readiness)];
                waiting.extend(self.prints.pipe().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
                let time = Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() };
                match poll(&mut waiting, Some(&time)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(Lost::Io(e.into())),
                }
                let is_ready = |place: usize| waiting.get(place).is_some_and(|waited| !waited.revents().is_empty());
                (is_ready(0), is_ready(1))
            };
            if printed {
                self.prints.read();
            }
            // If this process itself was stopped for a while, that isn't the kind's time.
            self.left = self.left.saturating_sub(began.elapsed().min(LONGEST_WAIT));
            if ready {
                return Ok(());
            }
        }
    }

    /// The worker is of no use any more: what ended it, as the rest of a sentence that begins with "it".
    fn told(&mut self, lost: Lost) -> String {
        let status = match lost {
            Lost::Closed => self.process.ended(),
            _ => None,
        };
        self.end();
        match lost {
            Lost::Closed => death::cause(status, &self.prints.tail()),
            Lost::Late => format!("took longer than {:?} for one call (`deadline` under `[plugins]`)", self.deadline),
            Lost::Malformed(why) => format!("sent {why}"),
            Lost::Io(error) => format!("can't be reached any more: {error}"),
        }
    }

    /// What it did that it may not do. A runtime that gives up prints what it knows, and looks for more where it may not: then that is why.
    fn forbidden(&mut self, number: &[u8]) -> String {
        self.end();
        let number = number.first_chunk().map_or(-1, |bytes| i32::from_le_bytes(*bytes));
        let attempt = || format!("tried to {}, which no kind may do", death::attempt(number.into()));
        death::last_words(&self.prints.tail()).unwrap_or_else(attempt)
    }

    fn end(&mut self) {
        self.process.end();
        self.prints.drain();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// A process that ends when this is dropped, or when the command ends.
struct Leash(Arc<Mutex<Child>>);

/// Every worker that was started; nothing once the command is over, and then no other is.
static STARTED: Mutex<Option<Vec<Arc<Mutex<Child>>>>> = Mutex::new(Some(Vec::new()));

/// How long the system takes, at the very most, to close what a process had open before it says how it ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Leash {
    fn start(command: &mut Command) -> io::Result<Leash> {
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(started) = started.as_mut() else { return Err(io::Error::other("the command is over")) };
        // Many kinds can come one after the other: those that are gone needn't be kept as zombies.
        started.retain(|child| {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            matches!(child.try_wait(), Ok(None))
        });
        let child = Arc::new(Mutex::new(command.spawn()?));
        started.push(Arc::clone(&child));
        Ok(Leash(child))
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it ended by itself, if it did: its connection is closed, so it should be a matter of moments.
    fn ended(&self) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            match self.lock().try_wait() {
                Ok(None) if began.elapsed() < LAST_WORDS => std::thread::sleep(Duration::from_millis(1)),
                outcome => return outcome.ok().flatten(),
            }
        }
    }

    /// Ends it, whatever it is doing. Nobody waits for it here: that is done once, at the end.
    fn end(&self) {
        // It may have ended by itself.
        let _ = self.lock().kill();
    }
}

/// Ends every worker and waits until it is gone, so that none outlives the command, not even as a zombie.
pub(crate) fn end_all() {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner).take();
    for child in started.into_iter().flatten() {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Text of a worker, which can say anything: a line of it, not too long.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).into_owned()
}
