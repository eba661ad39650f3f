//! Runs each library in a process of its own: this program started again, with nothing but a channel, the sealed library and a pipe for what
//! it prints. This is the host's side: starting it, talking to it, ending it. What the process does with itself is `inside`'s.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use carto_plugin_api::{Caller, ErrorCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::death;
use super::frames::{self, Frame, Malformed, Tag};
use super::inside::{PROBE, WORD};
use super::load::Fault;
use super::prints::Prints;
use super::sealed::{self, Sealed};
use super::{Instance, Level, Runtime, Spoken};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::settings;

pub(super) struct Workers {
    pub(super) level: Level,
    /// How long a kind may work on one call, without the time that it waits for the host.
    pub(super) deadline: Duration,
    pub(super) debug: bool,
}

impl Runtime for Workers {
    fn level(&self) -> Level {
        self.level
    }

    /// A worker confines itself as usual, and opens nothing.
    fn check(&self) -> Result<()> {
        let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let nothing = nothing.map_err(|e| self.not_started("kinds can't run", e.into()))?;
        let mut worker = self.spawn(PROBE, nothing, &[])?;
        match worker.receive() {
            Ok(Frame { tag: Tag::Ready, .. }) => Ok(()),
            Ok(Frame { tag: Tag::Unconfined, body, .. }) => Err(self.unconfined("kinds can't run", &body)),
            Ok(_) => Err(Error::fault("the worker that was started to try it out said something else")),
            Err(lost) => Err(Error::fault(format!("the worker that was started to try it out {}", worker.told(lost)))),
        }
    }

    fn start(&self, kind: &Kind) -> Result<Box<dyn Instance>> {
        let Sealed { file, sha256, needs } = &sealed::seal(kind)?;
        let library =
            file.try_clone().map_err(|e| self.not_started(&format!("the kind `{}` can't run", kind.name()), e))?;
        let mut worker = self.spawn(kind.name(), library.into(), needs)?;
        let fault = |why: String, remedy: String| Err(Fault { why, remedy }.of(kind));
        match worker.receive() {
            Ok(Frame { tag: Tag::Ready, .. }) => {}
            Ok(Frame { tag: Tag::Unconfined, body, .. }) => {
                return Err(self.unconfined(&format!("the kind `{}` can't run", kind.name()), &body));
            }
            Ok(Frame { tag: Tag::Unusable, head, body }) => {
                return fault(text(&head), text(&body));
            }
            Ok(Frame { tag: Tag::Forbidden, body, .. }) => {
                return fault(format!("{} while it was opened", forbidden(&body)), super::remedy(kind));
            }
            Ok(Frame { tag, .. }) => return fault(format!("sent `{tag:?}` while it was opened"), super::remedy(kind)),
            Err(lost) => return fault(format!("{} while it was opened", worker.told(lost)), super::remedy(kind)),
        }
        super::report(kind, sha256, self.level, Some(worker.id()), self.debug);
        Ok(Box::new(Running { kind: kind.clone(), worker }))
    }
}

impl Workers {
    fn spawn(&self, kind: &str, library: OwnedFd, needs: &[String]) -> Result<Worker> {
        self.try_spawn(kind, library, needs).map_err(|e| self.not_started(&format!("the kind `{kind}` can't run"), e))
    }

    fn try_spawn(&self, kind: &str, library: OwnedFd, needs: &[String]) -> io::Result<Worker> {
        let (channel, theirs) = UnixStream::pair()?;
        let (prints, printed) = io::pipe()?;
        channel.set_write_timeout(Some(self.deadline))?;
        // Not by its path: that may be another version by now.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("carto")
            .args([WORD, self.level.as_str(), &std::process::id().to_string(), kind])
            .args(needs)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(library))
            .stderr(Stdio::from(OwnedFd::from(printed)))
            // Ctrl-C is for the host, which ends its workers.
            .process_group(0);
        let process = Leash::take(command.spawn()?);
        // Only then is the end of the stream the end of the worker.
        drop(command);
        Ok(Worker {
            process,
            channel,
            arrived: Vec::new(),
            prints: Prints::new(prints, kind, self.debug),
            deadline: self.deadline,
            left: self.deadline,
        })
    }

    fn not_started(&self, what: &str, error: io::Error) -> Error {
        Error::new(ErrorCode::Failed, format!("{what}: its process can't be started: {error}"))
            .hint("free memory or processes, and see that `/proc` is there")
    }

    /// The machine can't do what the settings ask for.
    fn unconfined(&self, what: &str, why: &[u8]) -> Error {
        let less = if self.level == Level::Confined && !text(why).contains("seccomp") {
            Level::Filtered
        } else {
            Level::Plain
        };
        let file = settings::file().map_or_else(|_| "config.toml".to_owned(), |file| file.display().to_string());
        let message = format!("{what} `{}`: {}", self.level.as_str(), text(why));
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
    fn invoke(&mut self, verb: &str, input: &[u8], host: &dyn Caller) -> Result<Spoken> {
        let Running { kind, worker } = self;
        let fault = |what: String| Error::fault(format!("the kind `{}` {what}", kind.name())).hint(super::remedy(kind));
        let in_verb = |why: String| fault(format!("{why} in `{verb}`"));
        worker.left = worker.deadline;
        if let Err(lost) = worker.send(Tag::Invoke, verb.as_bytes(), input) {
            return Err(in_verb(worker.told(lost)));
        }
        loop {
            match worker.receive() {
                Ok(Frame { tag: Tag::Done, body, .. }) => return Ok(Ok(body)),
                Ok(Frame { tag: Tag::Failed, body, .. }) => return Ok(Err(body)),
                Ok(Frame { tag: Tag::Call, head, body }) => {
                    let answer = host.call(&text(&head), &body);
                    let (tag, body) = answer.map_or_else(|error| (Tag::Refusal, error), |answer| (Tag::Answer, answer));
                    if let Err(lost) = worker.send(tag, b"", &body) {
                        return Err(in_verb(worker.told(lost)));
                    }
                }
                Ok(Frame { tag: Tag::Forbidden, body, .. }) => {
                    worker.process.end();
                    return Err(in_verb(forbidden(&body)));
                }
                Ok(Frame { tag, .. }) => {
                    worker.process.end();
                    return Err(in_verb(format!("broke the contract: it sent `{tag:?}` out of turn")));
                }
                Err(lost) => return Err(in_verb(worker.told(lost))),
            }
        }
    }
}

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
        frames::write(&mut self.channel, tag, head, body).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Lost::Late,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Lost::Closed,
            _ => Lost::Io(e),
        })
    }

    /// Waits for a frame, as long as the kind has time, and reads meanwhile what it prints, so that it never waits for that.
    fn receive(&mut self) -> std::result::Result<Frame, Lost> {
        loop {
            match frames::parse(&self.arrived) {
                Ok(Some((frame, length))) => {
                    self.arrived.drain(..length);
                    return Ok(frame);
                }
                Ok(None) => self.wait()?,
                Err(Malformed(why)) => return Err(Lost::Malformed(why)),
            }
        }
    }

    /// Takes in what comes next.
    fn wait(&mut self) -> std::result::Result<(), Lost> {
        let began = Instant::now();
        let (spoke, printed) = {
            let mut waiting = vec![PollFd::new(&self.channel, PollFlags::IN)];
            waiting.extend(self.prints.pipe().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
            let time = Timespec { tv_sec: self.left.as_secs().cast_signed(), tv_nsec: self.left.subsec_nanos().into() };
            match poll(&mut waiting, Some(&time)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(Lost::Io(e.into())),
            }
            let is_ready = |place: usize| waiting.get(place).is_some_and(|waited| !waited.revents().is_empty());
            (is_ready(0), is_ready(1))
        };
        self.left = self.left.saturating_sub(began.elapsed());
        if printed {
            self.prints.read();
        }
        if spoke {
            let mut chunk = [0; 64 * 1024];
            let read = rustix::io::read(self.channel.as_fd(), &mut chunk);
            match read {
                Ok(0) | Err(rustix::io::Errno::CONNRESET) => return Err(Lost::Closed),
                Ok(read) => self.arrived.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(Lost::Io(e.into())),
            }
        }
        if self.left.is_zero() { Err(Lost::Late) } else { Ok(()) }
    }

    /// The worker is of no use any more: what ended it, as the end of a sentence that begins with the kind.
    fn told(&mut self, lost: Lost) -> String {
        let status = match lost {
            Lost::Closed => self.process.ended(),
            _ => None,
        };
        self.process.end();
        self.prints.drain();
        match lost {
            Lost::Closed => death::cause(status, &self.prints.tail()),
            Lost::Late => format!("used up the {:?} that a kind has for one call", self.deadline),
            Lost::Malformed(why) => format!("broke the contract: it sent {why}"),
            Lost::Io(error) => format!("can't be reached any more: {error}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.end();
        self.prints.drain();
    }
}

/// A process that ends when this is dropped, or when the command ends.
struct Leash(Arc<Mutex<Child>>);

/// Every worker that was started.
static STARTED: Mutex<Vec<Arc<Mutex<Child>>>> = Mutex::new(Vec::new());

/// How long the system takes, at the very most, to close what a process had open before it says how it ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Leash {
    fn take(child: Child) -> Leash {
        let child = Arc::new(Mutex::new(child));
        started().push(Arc::clone(&child));
        Leash(child)
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

fn started() -> MutexGuard<'static, Vec<Arc<Mutex<Child>>>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every worker and waits until it is gone, so that none outlives the command, not even as a zombie.
pub(crate) fn end_all() {
    for child in started().drain(..) {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Text of a worker, which can say anything: a line of it, not too long.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).into_owned()
}

/// What a kind did that it may not do.
fn forbidden(number: &[u8]) -> String {
    let number = number.first_chunk().map_or(-1, |bytes| i32::from_le_bytes(*bytes));
    format!("tried to {}, which no kind may do,", death::attempt(number.into()))
}
