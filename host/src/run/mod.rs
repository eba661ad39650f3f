//! Running a verb of a kind, behind one trait: in a process that can do no harm, in one that can, or in this one. The same library serves for
//! all three; `level` names them, and docs/security-model.md says what each is good for.

mod connection;
mod death;
mod errand;
mod frames;
mod guard;
mod in_process;
mod inside;
mod leash;
mod level;
mod load;
mod prints;
mod sealed;
mod worker;

use std::sync::Arc;

use carto_plugin_api::{Caller, Error as ApiError, ErrorCode, Input, Verb};
use serde_json::Value;

pub(crate) use errand::Errand;
#[cfg(feature = "fuzzing")]
pub(crate) use frames::parse;
pub(crate) use guard::{hear_of_children, keep_to_itself};
pub(crate) use inside::{WORD, run as run_worker};
pub(crate) use leash::end_all;
pub(crate) use level::Level;

use crate::digest;
use crate::error::Result;
use crate::kinds::Kind;
use crate::output::stderr;
use crate::settings::Plugins;

/// A way to run libraries.
pub(crate) trait Runtime: Send + Sync {
    /// How far a library is kept from doing harm.
    fn level(&self) -> Level;

    /// Begins what takes time before a kind is ready, beside what the command does meanwhile. Nothing of the kind runs.
    fn prepare(&self, kind: &Kind);

    /// Whether this machine can give that level; if not, why. Nothing of a library runs.
    fn check(&self) -> Result<()>;

    /// Makes one kind ready: copies its library, checks the copy, asks whether that one is accepted, opens it. Nothing of it has run before
    /// this. Blocks.
    fn start(&self, kind: &Kind, accept: &Accept<'_>) -> Result<Box<dyn Instance>>;
}

/// Says whether a sealed library may be opened, by its SHA-256 in hexadecimal.
pub(crate) type Accept<'a> = dyn Fn(&str) -> Result<()> + 'a;

/// What a kind said: the JSON of an answer, or of an error.
type Spoken = std::result::Result<Vec<u8>, Vec<u8>>;

/// A kind that is ready to run.
pub(crate) trait Instance: Send {
    /// Runs one verb: JSON in, JSON out. Blocks. What keeps the kind from saying anything is an error.
    fn invoke(&mut self, verb: Verb, input: &[u8], host: &dyn Caller) -> Result<Spoken>;

    /// The number of its process, if it has one of its own.
    fn process(&self) -> Option<u32>;

    /// What it has printed since this was last asked, as much of it as is kept, if that comes through here.
    fn printed(&mut self) -> String;
}

/// The most memory that a process had so far, in bytes, as the kernel counts it; nothing if it is gone.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The runtime that the settings ask for.
pub(crate) fn runtime(settings: &Plugins, debug: bool) -> Arc<dyn Runtime> {
    match settings.level {
        Level::InProcess => Arc::new(in_process::InProcess { debug }),
        level => Arc::new(worker::Workers::new(level, settings.deadline, debug)),
    }
}

/// For `--debug`: what is about to be opened, and how.
fn report(kind: &Kind, sha256: &str, level: Level, process: Option<u32>, debug: bool) {
    if debug {
        let short = digest::short(sha256);
        let process = process.map_or_else(|| "in this process".to_owned(), |id| format!("in process {id}"));
        let (name, file) = (kind.name(), kind.file.display());
        let (level, why) = (level.as_str(), level.reason());
        stderr::debug(&format!("opening {name} (`{file}`, sha256 {short}…) {process}: {level} ({why})"));
    }
}

/// The most that a verb may answer, in bytes: a page of records, one record, or what came of trying one.
const fn limit(verb: Verb) -> usize {
    const MIB: usize = 1024 * 1024;
    match verb {
        Verb::List => 16 * MIB,
        _ => MIB,
    }
}

/// What only the host can know.
const NOT_A_KINDS: [ErrorCode; 3] = [ErrorCode::Interrupted, ErrorCode::OutputFailed, ErrorCode::RefusedByPolicy];

/// The longest text for a person, in characters.
const LONGEST_TEXT: usize = 2000;

/// A kind's words, as much of them as somebody would read.
pub(crate) fn shortened(text: String) -> String {
    if text.chars().nth(LONGEST_TEXT).is_none() {
        return text;
    }
    text.chars().take(LONGEST_TEXT).chain(['…']).collect()
}

fn too_large(bytes: usize, verb: Verb) -> String {
    format!("its answer has {bytes} bytes, and {} is the limit", limit(verb))
}

/// Runs one verb of a started kind and reads its answer.
pub(crate) fn invoke(
    kind: &Kind,
    instance: &mut dyn Instance,
    verb: Verb,
    input: &Input,
    host: &dyn Caller,
) -> Result<Value> {
    let fault = |why: String| kind.breach(verb, &why);
    let input = serde_json::to_vec(input).map_err(|e| fault(e.to_string()))?;
    match instance.invoke(verb, &input, host)? {
        Ok(answer) if answer.len() > limit(verb) => Err(fault(too_large(answer.len(), verb))),
        Ok(answer) => serde_json::from_slice(&answer).map_err(|e| fault(format!("its answer isn't JSON: {e}"))),
        Err(error) => match serde_json::from_slice::<ApiError>(&error) {
            Ok(error) if error.code == ErrorCode::PluginFault && error.hint.is_none() => Err(fault(error.message)),
            Ok(error) if NOT_A_KINDS.contains(&error.code) => {
                Err(fault(format!("it answered with the error `{}`, which isn't a kind's to make", error.code)))
            }
            Ok(mut error) => {
                error.message = shortened(error.message);
                error.hint = error.hint.map(shortened);
                error.argument = error.argument.map(shortened);
                Err(error)
            }
            Err(e) => Err(fault(format!("its error can't be read: {e}"))),
        },
    }
}
