//! Running a verb of a kind: behind one trait, so that the same library can run in this process or in one that can do no harm.

mod in_process;
mod load;

use carto_plugin_api::{Caller, Error as ApiError, ErrorCode, Input, Verb};
use serde_json::Value;

pub(crate) use in_process::InProcess;

use crate::error::{Error, Result};
use crate::kinds::Kind;

/// A way to run libraries.
pub(crate) trait Runtime: Send + Sync {
    /// How far a library is kept from doing harm, in a word or two for `plugin list`.
    fn level(&self) -> &'static str;

    /// Makes one kind ready. Nothing of it has run before this.
    fn start(&self, kind: &Kind) -> Result<Box<dyn Instance>>;
}

/// A kind that is ready to run.
pub(crate) trait Instance: Send {
    /// Runs one verb: JSON in, JSON out. Blocks.
    fn invoke(&self, verb: &str, input: &[u8], host: &dyn Caller) -> std::result::Result<Vec<u8>, Vec<u8>>;
}

/// The runtime of this program.
pub(crate) fn runtime() -> &'static dyn Runtime {
    &InProcess
}

/// The most that a verb may answer, in bytes: a page of records, or one.
const fn limit(verb: Verb) -> usize {
    const MIB: usize = 1024 * 1024;
    match verb {
        Verb::List => 16 * MIB,
        Verb::Create | Verb::Get | Verb::Update | Verb::Delete => MIB,
    }
}

/// Runs one verb of a started kind and reads its answer.
pub(crate) fn invoke(
    kind: &Kind,
    instance: &dyn Instance,
    verb: Verb,
    input: &Input,
    host: &dyn Caller,
) -> Result<Value> {
    let fault = |why: String| {
        let vendor = kind.manifest.vendor.as_deref().unwrap_or("its vendor");
        Error::fault(format!("the kind `{}` broke the contract in `{verb}`: {why}", kind.name()))
            .hint(format!("report it to {vendor}, or remove `{}`", kind.file.display()))
    };
    let input = serde_json::to_vec(input).map_err(|e| fault(e.to_string()))?;
    match instance.invoke(verb.as_str(), &input, host) {
        Ok(answer) if answer.len() > limit(verb) => {
            Err(fault(format!("its answer has {} bytes, and {} is the limit", answer.len(), limit(verb))))
        }
        Ok(answer) => serde_json::from_slice(&answer).map_err(|e| fault(format!("its answer isn't JSON: {e}"))),
        Err(error) => match serde_json::from_slice::<ApiError>(&error) {
            Ok(error) if error.code == ErrorCode::PluginFault && error.hint.is_none() => Err(fault(error.message)),
            Ok(error) => Err(error),
            Err(e) => Err(fault(format!("its error isn't JSON: {e}"))),
        },
    }
}
