//! Records of what is done, as a policy asks for them: lines of JSON, in files and in the system's log. docs/audit.md lists what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::hold;
use crate::kinds::Kind;
use crate::output::stderr;
use crate::policy::{Audit, Policy};
use crate::redact::redact;

/// Where the system's log listens.
const SYSLOG: &str = "/dev/log";
/// Facility `authpriv`, severity `info`.
const PRIORITY: u32 = 10 * 8 + 6;
/// How long whoever is busy is waited for, but not whoever hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// What mends a place that can't be written.
pub(crate) const WRITABLE: &str = "tell whoever administers this machine: the record has to be writable";

/// What is recorded, and where. Does nothing if no policy asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    sinks: Arc<[Sink]>,
    /// What is the same in every record of this command.
    common: Arc<Map<String, Value>>,
    /// Why it isn't known what has to be recorded.
    unknown: Option<Error>,
    /// Whether a record is missing that has to be there.
    incomplete: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Sink {
    to: To,
    required: bool,
    /// The policy that asks for it.
    policy: PathBuf,
}

#[derive(Debug)]
enum To {
    File(PathBuf),
    Syslog(PathBuf),
}

/// What a record says besides.
pub(crate) type Fields = Map<String, Value>;

impl Recorder {
    /// What these policies ask for.
    pub(crate) fn new(policy: &Policy) -> Recorder {
        let sinks: Vec<Sink> = policy.audits().flat_map(|(audit, path)| sinks(audit, path)).collect();
        let common = if sinks.is_empty() { Map::new() } else { common() };
        let unknown = policy.broken().next().map(|(path, why, remedy)| {
            let message = format!("`{}` {why}; so nothing is done", path.display());
            Error::new(ErrorCode::RefusedByPolicy, message).hint(remedy)
        });
        Recorder { sinks: sinks.into(), common: Arc::new(common), unknown, incomplete: Arc::default() }
    }

    /// Whether anything is recorded at all.
    pub(crate) fn is_on(&self) -> bool {
        !self.sinks.is_empty()
    }

    /// Records what is about to be done. An error if it must not be done unrecorded: nobody knows what a policy asks for that can't be read.
    pub(crate) fn before(&self, event: &str, fields: &Fields) -> Result<()> {
        if let Some(error) = &self.unknown {
            return Err(error.clone());
        }
        self.write(event, fields, |sink, why| {
            if sink.required {
                return Err(sink.refusal(why));
            }
            stderr::warning(&format!("this {}", sink.cannot(why)), None);
            Ok(())
        })
    }

    /// The refusal that `before` would end with at this moment. Nothing is recorded.
    pub(crate) fn check(&self) -> Result<()> {
        let mut required = self.sinks.iter().filter(|sink| sink.required);
        required.try_for_each(|sink| sink.to.check().map_err(|why| sink.refusal(&why)))
    }

    /// Each place of records and whether it is required: the words for it, or what keeps one from being written there. Nothing is recorded.
    pub(crate) fn places(&self) -> impl Iterator<Item = (bool, std::result::Result<String, String>)> {
        self.sinks.iter().map(|sink| {
            let asked = || format!("what is done is recorded {}, as `{}` asks", sink.place(), sink.policy.display());
            let trouble = |why| format!("what is done {}", sink.cannot(&why));
            (sink.required, sink.to.check().map(|()| asked()).map_err(trouble))
        })
    }

    /// Whether every record was written that has to be there.
    pub(crate) fn is_complete(&self) -> bool {
        !self.incomplete.load(Ordering::Relaxed)
    }

    /// Records what was done.
    pub(crate) fn after(&self, event: &str, fields: &Fields) {
        // It can't be undone: this never is an error.
        let _ = self.write(event, fields, |sink, why| {
            self.incomplete.fetch_or(sink.required, Ordering::Relaxed);
            let message = format!("what was done can't be recorded {}: {why}", sink.place());
            stderr::warning(&message, Some("tell whoever administers this machine"));
            Ok(())
        });
    }

    /// Records, wherever that is possible, what isn't done because it can't be recorded everywhere.
    pub(crate) fn nevertheless(&self, event: &str, fields: &Fields) {
        let _ = self.write(event, fields, |_, _| Ok(()));
    }

    /// Records a change, and makes it. If either fails, a second record says how it ended, wherever that is possible.
    pub(crate) fn recorded<T>(&self, event: &str, fields: &Fields, change: impl FnOnce() -> Result<T>) -> Result<T> {
        self.before(event, fields).and_then(|()| change()).inspect_err(|error| {
            let mut fields = fields.clone();
            fields.extend(outcome(Some(error)));
            self.nevertheless(event, &fields);
        })
    }

    fn write(&self, event: &str, fields: &Fields, failed: impl Fn(&Sink, &io::Error) -> Result<()>) -> Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let mut record = Map::new();
        record.insert("time".to_owned(), format!("{:.3}", Timestamp::now()).into());
        record.insert("event".to_owned(), event.into());
        record.extend(self.common.iter().chain(fields).map(|(key, value)| (key.clone(), value.clone())));
        let line = Value::Object(record).to_string();
        for sink in self.sinks.iter() {
            sink.to.write(&line).or_else(|why| failed(sink, &why))?;
        }
        Ok(())
    }
}

fn sinks(audit: &Audit, policy: &Path) -> Vec<Sink> {
    let file = audit.file.iter().map(|path| To::File(path.clone()));
    let syslog = audit.syslog.then(|| To::Syslog(audit.socket.clone().unwrap_or_else(|| PathBuf::from(SYSLOG))));
    file.chain(syslog).map(|to| Sink { to, required: audit.required, policy: policy.to_owned() }).collect()
}

impl Sink {
    fn place(&self) -> String {
        match &self.to {
            To::File(path) => format!("in `{}`", path.display()),
            To::Syslog(_) => "in the system's log".to_owned(),
        }
    }

    /// Why there is no record, as the rest of a sentence that begins with what isn't recorded.
    fn cannot(&self, why: &io::Error) -> String {
        format!("can't be recorded {}, as `{}` asks: {why}", self.place(), self.policy.display())
    }

    fn refusal(&self, why: &io::Error) -> Error {
        let message = format!("this {}; so it isn't done", self.cannot(why));
        Error::new(ErrorCode::RefusedByPolicy, message).hint(WRITABLE)
    }
}

impl To {
    /// One line, in one call: records of several commands don't mix.
    fn write(&self, line: &str) -> io::Result<()> {
        match self {
            To::File(path) => {
                let mut file = open(path, true)?;
                // What another command is writing looks as if it were cut off. Where nothing can be locked, or somebody doesn't let go, that
                // costs an empty line.
                let _ = hold::wait(&file, PATIENCE);
                // A record that was cut off must not take this one with it.
                let broken = if ends_whole(path) { "" } else { "\n" };
                let line = format!("{broken}{line}\n");
                match file.write(line.as_bytes())? {
                    written if written == line.len() => Ok(()),
                    _ => Err(io::Error::from(io::ErrorKind::WriteZero)),
                }
            }
            To::Syslog(socket) => {
                // Who listens goes by the time at which it comes.
                let time = Timestamp::now().strftime("%b %e %H:%M:%S");
                let message = format!("<{PRIORITY}>{time} carto[{}]: {line}", std::process::id());
                connect(socket)?.send(message.as_bytes()).map(drop)
            }
        }
    }

    /// Whether a line could be written, as far as that can be told without one. A file that isn't there isn't made.
    fn check(&self) -> io::Result<()> {
        match self {
            To::File(path) => match open(path, false) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let may = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
                    Ok(rustix::fs::access(path.parent().unwrap_or(path), may)?)
                }
                opened => opened.map(drop),
            },
            To::Syslog(socket) => connect(socket).map(drop),
        }
    }
}

/// Opens a file that records are added to.
fn open(path: &Path, create: bool) -> io::Result<File> {
    // A pipe that nobody reads must not keep anybody waiting, and a link could lead anywhere.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = OpenOptions::new().append(true).create(create).mode(0o600).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it isn't a file")),
    }
}

fn connect(socket: &Path) -> io::Result<UnixDatagram> {
    let way = UnixDatagram::unbound()?;
    way.set_write_timeout(Some(PATIENCE))?;
    way.connect(socket)?;
    Ok(way)
}

/// Whether the last record in a file is whole, as far as somebody who may only add to it can tell.
fn ends_whole(path: &Path) -> bool {
    let last = || -> io::Result<u8> {
        let mut file = File::open(path)?;
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(last[0])
    };
    let is_empty = || fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0);
    is_empty() || last().is_ok_and(|byte| byte == b'\n')
}

fn common() -> Fields {
    let uid = rustix::process::getuid().as_raw();
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u32>().ok();
    // The kernel's word for nobody.
    let login = number("/proc/self/loginuid").filter(|uid| *uid != u32::MAX);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let user = json!({ "uid": uid, "name": name_of(uid), "login_uid": login });
    let fields = [("run", run().into()), ("user", user), ("host", host.into()), ("pid", std::process::id().into())];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What all records of one command have in common and no other has.
fn run() -> String {
    format!("{:x}-{:x}", Timestamp::now().as_microsecond(), std::process::id())
}

/// The user's name, where the machine's own list has it.
fn name_of(uid: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut named =
        user.filter_map(|fields| Some(((*fields.first()?).to_owned(), fields.get(2)?.parse::<u32>().ok()?)));
    named.find(|(_, id)| *id == uid).map(|(name, _)| name)
}

/// What records say of a library.
pub(crate) fn library(kind: &Kind, sha256: Option<&str>) -> Fields {
    let fields = [
        ("kind", kind.name().into()),
        ("release", kind.version().into()),
        ("file", kind.file.display().to_string().into()),
        ("sha256", sha256.into()),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// How something ended, for a record.
pub(crate) fn outcome(error: Option<&Error>) -> Fields {
    let (word, status) = error.map_or(("done", 0), |error| (error.code.as_str(), error.code.exit_status()));
    let mut fields = Fields::new();
    fields.insert("outcome".to_owned(), word.into());
    fields.insert("status".to_owned(), status.into());
    // Not its message, which quotes what was typed.
    if let Some(argument) = error.and_then(|error| error.argument.as_ref()) {
        fields.insert("argument".to_owned(), redact(argument).into());
    }
    fields
}
