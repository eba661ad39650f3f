//! Attempts that another process will finish: a file each, for nobody but the user, found by `state`, used once, and gone after ten minutes.

use std::fs::{self, DirBuilder, Metadata};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use carto_plugin_api::ErrorCode;
use serde::{Deserialize, Serialize};

use super::Attempt;
use crate::digest;
use crate::environment;
use crate::error::{Error, Result, shell_word};
use crate::lock::make_folder;

/// How long a person may take.
pub(crate) const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// All that is needed to finish an attempt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) attempt: Attempt,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) accounts_url: String,
    pub(crate) profile: Option<String>,
    pub(crate) base_url: Option<String>,
}

impl Pending {
    /// Remembers it.
    pub(crate) fn keep(&self) -> Result<()> {
        let folder = folder()?;
        sweep(&folder);
        let write = || {
            make_folder(folder.parent().unwrap_or(Path::new("/")))?;
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            // It can be read by nobody else, and is in its place whole.
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            serde_json::to_writer(&mut file, self)?;
            file.flush()?;
            file.persist(folder.join(name(self.attempt.state.expose()))).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(|e: std::io::Error| {
            let message = format!("cannot remember the sign-in in `{}`: {}", folder.display(), e.kind());
            Error::new(ErrorCode::Failed, message).hint("see that the folder can be written, and sign in again")
        })
    }

    /// Takes the attempt that a `state` belongs to. Nobody else gets it then, whatever becomes of it. `at_address`: the account's address is
    /// given now.
    pub(crate) fn take(state: &str, at_address: bool) -> Result<Pending> {
        let folder = folder()?;
        let file = folder.join(name(state));
        let is_late = fs::metadata(&file).is_ok_and(|metadata| is_over(&metadata));
        let text = fs::read(&file);
        // Of two that have read it one removes it.
        let removed = fs::remove_file(&file);
        sweep(&folder);
        match (text, removed) {
            (Ok(text), Ok(())) if is_late => {
                let error = unknown("was begun more than ten minutes ago");
                let pending = serde_json::from_slice::<Pending>(&text);
                Err(match pending {
                    Ok(pending) => error.hint(format!("begin again with `{}`", pending.command(at_address))),
                    Err(_) => error,
                })
            }
            (Ok(text), Ok(())) => match serde_json::from_slice::<Pending>(&text) {
                Ok(pending) if pending.attempt.is_answered_by(state) => Ok(pending),
                _ => Err(unknown("was remembered by another version of carto")),
            },
            (Err(e), _) | (_, Err(e)) if e.kind() == ErrorKind::NotFound => {
                Err(unknown("wasn't begun by this user on this machine, was finished already, or is too old"))
            }
            (Err(e), _) | (_, Err(e)) => {
                let message = format!("cannot use the sign-in remembered in `{}`: {}", folder.display(), e.kind());
                Err(Error::new(ErrorCode::Failed, message).hint("see that the folder can be read and written"))
            }
        }
    }

    /// The command that begins it again.
    fn command(&self, at_address: bool) -> String {
        let base_url =
            self.base_url.as_ref().filter(|_| !at_address).map(|url| format!(" --base-url {}", shell_word(url)));
        let mut command = format!("carto{} auth login", base_url.unwrap_or_default());
        if let Some(name) = &self.profile {
            command.push_str(&format!(" {}", shell_word(name)));
        }
        command.push_str(" --no-launch-browser");
        for (option, value) in [
            ("--client-id", Some(&self.attempt.client_id)),
            ("--issuer", Some(&self.issuer)),
            ("--organization-name", self.attempt.organization.as_ref()),
        ] {
            if let Some(value) = value {
                command.push_str(&format!(" {option} {}", shell_word(value)));
            }
        }
        command
    }
}

fn unknown(why: &str) -> Error {
    Error::new(ErrorCode::NotSignedIn, format!("the sign-in that this address belongs to {why}"))
        .hint("begin again with `carto auth login --no-launch-browser`, and what else you said the first time")
}

fn folder() -> Result<PathBuf> {
    Ok(environment::data_folder()?.join("logins"))
}

/// A name that can't lead anywhere else, and says nothing of the `state`.
fn name(state: &str) -> String {
    let mut hash = digest::Hash::new();
    hash.update(state.as_bytes());
    format!("{}.json", hash.hex())
}

/// Removes what is too old. What can't be removed can't be used either.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|metadata| is_over(&metadata)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_over(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    age.is_some_and(|age| age > LIFETIME)
}
