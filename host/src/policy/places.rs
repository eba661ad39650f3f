//! Where policies are, and who may have written them. A file that is there and can't be believed is an error: it refuses everything.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::error::shell_word;
use crate::kinds::trust::Trust;
use crate::toml_text;

/// The system's own.
const SYSTEM: &str = "/etc/carto/policy.toml";

/// A place where a policy can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    owner: Owner,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Root,
    /// Root, or who owns this folder.
    Prefix(PathBuf),
    User,
}

/// What can't be believed, and what mends it.
pub(super) type Fault = (String, String);

/// The places, in order.
pub(super) fn all() -> Vec<Place> {
    let mut places = vec![Place { path: PathBuf::from(SYSTEM), owner: Owner::Root }];
    if let Some(prefix) = environment::prefix() {
        let path = prefix.join("etc/carto/policy.toml");
        if path != Path::new(SYSTEM) {
            places.push(Place { path, owner: Owner::Prefix(prefix) });
        }
    }
    // Without a home there is no file of the user's own, and that is all.
    if let Ok(folder) = environment::config_folder() {
        places.push(Place { path: folder.join("policy.toml"), owner: Owner::User });
    }
    places
}

impl Place {
    /// The text that is there; nothing if there is no file. Whatever else keeps it from being read is a fault.
    pub(super) fn read(&self) -> Result<Option<String>, Fault> {
        let path = &self.path;
        let is_system = self.owner != Owner::User;
        let remedy = || "mend it, or have it removed by whoever it belongs to".to_owned();
        let unread = |e: std::io::Error| {
            let path = shell_word(&path.display().to_string());
            let is_closed = e.kind() == ErrorKind::PermissionDenied && is_system;
            let remedy = if is_closed { format!("`sudo chmod 644 {path}`") } else { remedy() };
            (format!("can't be read: {e}"), remedy)
        };
        // Before anything is followed: one that leads nowhere would look like no policy.
        if is_system && let Some(link) = link_on(path) {
            return Err((
                format!("can't be believed: `{}` is a link", link.display()),
                "put the file and its folder there themselves".to_owned(),
            ));
        }
        match fs::symlink_metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unread(e)),
            Ok(_) => {}
        }
        let trust = match &self.owner {
            Owner::Root => Trust::of_root(),
            Owner::Prefix(prefix) => Trust::of_owner(fs::metadata(prefix).map_err(unread)?.uid()),
            Owner::User => Trust::of_user(),
        };
        if let Some((why, remedy)) = trust.fault_above(path) {
            return Err((format!("can't be believed: it {why}"), remedy));
        }
        let judge = |metadata: &fs::Metadata| match trust.fault(path, metadata) {
            Some((why, remedy)) => Err((format!("can't be believed: it {why}"), remedy)),
            None => Ok(()),
        };
        toml_text::read(path, judge, unread).map(Some)
    }
}

/// The file, or the folder `carto` or `etc` that it is in, where that is a link: it would name another place.
fn link_on(path: &Path) -> Option<&Path> {
    path.ancestors().take(3).find(|at| fs::symlink_metadata(at).is_ok_and(|metadata| metadata.is_symlink()))
}
