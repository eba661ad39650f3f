//! Which kinds are there: files in folders, each with a manifest that is read and never run.
//!
//! `folders` says where to look, `trust` who may have written there, `section` reads a manifest (and `elf` the file that it is in), `catalog` finds kinds by name. `whole` reads
//! a library to its end, and `own` changes the user's own folder. Opening a library as code is `run`'s.

mod catalog;
mod elf;
mod folders;
pub(crate) mod own;
pub(crate) mod section;
pub(crate) mod trust;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;

use carto_plugin_api::manifest::{Call, Manifest};
use carto_plugin_api::{AUTH_SERVICE, ErrorCode, Verb};

pub(crate) use catalog::{Catalog, folder_fault};
pub(crate) use elf::{Facts, LARGEST, facts};
pub(crate) use whole::Whole;

use crate::error::Error;
use crate::service::ACCOUNT_SERVICE;

/// A kind that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// What it says of itself.
    pub(crate) manifest: Manifest,
    /// The text that this was read from: what is opened later must hold the same.
    pub(crate) source: Arc<str>,
    /// Its library, an absolute path.
    pub(crate) file: PathBuf,
}

impl Kind {
    pub(crate) fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The version that its library says it has.
    pub(crate) fn version(&self) -> Option<&str> {
        self.manifest.package.as_ref().map(|package| package.version.as_str())
    }

    /// All that a verb of it may ask.
    pub(crate) fn calls(&self, verb: Verb) -> &[Call] {
        self.manifest.verbs.get(&verb).map_or(&[], |spec| &spec.calls)
    }

    /// Whether a verb of it may ask this service.
    pub(crate) fn asks(&self, verb: Verb, service: &str) -> bool {
        self.calls(verb).iter().any(|call| call.service == service)
    }

    /// Whether a verb of it asks the account: its API, with the bearer or with a credential that is tried, or its authority.
    pub(crate) fn asks_account(&self, verb: Verb) -> bool {
        self.calls(verb).iter().any(|call| call.service == ACCOUNT_SERVICE || call.tries(verb))
    }

    /// Whether a verb of it tries a credential at the account's authority, and so is told what that gives bearers for.
    pub(crate) fn tries_authority(&self, verb: Verb) -> bool {
        self.calls(verb).iter().any(|call| call.service == AUTH_SERVICE && call.tries(verb))
    }

    /// What to do about it when it misbehaves.
    pub(crate) fn remedy(&self) -> String {
        let vendor = self.manifest.vendor.as_deref().unwrap_or("its vendor");
        format!("report it to {vendor}, or remove `{}`", self.file.display())
    }

    /// The fault of a kind that doesn't keep to the contract.
    pub(crate) fn breach(&self, verb: Verb, what: &str) -> Error {
        let message = format!("the kind `{}` broke the contract in `{verb}`: {what}", self.name());
        Error::fault(message).hint(self.remedy())
    }
}

/// A file or folder that is there but isn't used: one cause, one remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The name of the kind that the file's name claims, or nothing for a folder.
    pub(crate) name: Option<String>,
    /// The file or folder.
    pub(crate) path: PathBuf,
    /// What is wrong with it, as the end of a sentence that begins with the path.
    pub(crate) cause: String,
    /// What mends it.
    pub(crate) remedy: String,
}

impl Refused {
    /// The error for a command that wanted this kind.
    pub(crate) fn error(&self) -> Error {
        let what = match &self.name {
            Some(name) => format!("the kind `{name}` can't be used: `{}` {}", self.path.display(), self.cause),
            None if self.path.is_dir() => {
                format!("the kinds in `{}` can't be used: it {}", self.path.display(), self.cause)
            }
            None => format!("`{}` can't be used: it {}", self.path.display(), self.cause),
        };
        Error::new(ErrorCode::PluginFault, what).hint(self.remedy.clone())
    }
}

/// The file name of a kind's library on this platform.
pub(crate) fn file_name(kind: &str) -> String {
    format!("{}carto_kind_{}{}", std::env::consts::DLL_PREFIX, kind.replace('-', "_"), std::env::consts::DLL_SUFFIX)
}

/// The kind that a file name claims; nothing if it isn't the name of a kind's library.
pub(crate) fn claimed_name(file_name: &str) -> Option<String> {
    let middle = file_name.strip_prefix(std::env::consts::DLL_PREFIX)?.strip_suffix(std::env::consts::DLL_SUFFIX)?;
    Some(middle.strip_prefix("carto_kind_")?.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_and_kinds_lead_to_each_other() {
        assert_eq!(claimed_name(&file_name("api-key")), Some("api-key".to_owned()));
        assert_eq!(claimed_name("libcarto_kind_x.txt"), None);
        assert_eq!(claimed_name("libother.so"), None);
    }
}
