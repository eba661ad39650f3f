//! Who may have written a file that is about to be believed: for a library, root, the user, and the user's own group, and nobody else.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use crate::error::shell_word;

/// Who may have written something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust {
    /// Besides root.
    owner: u32,
    /// A group that may write too.
    group: Option<u32>,
}

impl Trust {
    /// Root, the user, and the user's own group: a fresh clone under umask 002 is writable by that, and it usually holds nobody else.
    pub(crate) fn of_user() -> Trust {
        Trust { owner: geteuid().as_raw(), group: Some(getegid().as_raw()) }
    }

    /// Root alone.
    pub(crate) fn of_root() -> Trust {
        Trust { owner: 0, group: None }
    }

    /// Root, and somebody else; the user as usual, if that is who it is.
    pub(crate) fn of_owner(owner: u32) -> Trust {
        if owner == geteuid().as_raw() { Trust::of_user() } else { Trust { owner, group: None } }
    }

    /// Nothing if the file or folder can be trusted; else what is wrong with it, and the command that mends it.
    pub(crate) fn fault(self, path: &Path, metadata: &Metadata) -> Option<(String, String)> {
        let (mode, owner, group) = (metadata.mode(), metadata.uid(), metadata.gid());
        let on_disk = path;
        let path = shell_word(&path.display().to_string());
        if !self.owns(metadata) {
            let (who, right) = match self.owner {
                own if own == geteuid().as_raw() => ("who is neither you nor root".to_owned(), own),
                0 => ("who isn't root".to_owned(), 0),
                own => (format!("who is neither root nor user {own}"), own),
            };
            return Some((
                format!("belongs to user {owner}, {who}"),
                format!("if you trust it: `sudo chown {right} {path}`"),
            ));
        }
        let others = mode & 0o020 != 0 && self.group != Some(group);
        let chmod = if geteuid().is_root() || owner == geteuid().as_raw() { "chmod" } else { "sudo chmod" };
        if mode & 0o002 != 0 {
            let who = if others { "go" } else { "o" };
            return Some(("can be written by anyone".to_owned(), format!("`{chmod} {who}-w {path}`")));
        }
        // Where there is an access list, these bits are what it allows to anybody on it.
        let list = || rustix::fs::getxattr(on_disk, "system.posix_acl_access", &mut [0; 256]);
        if mode & 0o020 != 0 && !matches!(list(), Err(Errno::NODATA | Errno::OPNOTSUPP)) {
            return Some(("has an access list that lets others write".to_owned(), format!("`setfacl -b {path}`")));
        }
        if others {
            let whose = if self.group.is_some() { ", which isn't yours" } else { "" };
            return Some((format!("can be written by group {group}{whose}"), format!("`{chmod} g-w {path}`")));
        }
        None
    }

    /// What is wrong with the way to a file: with a folder on it, or a link. Who can write one of them can put another file in the place of
    /// this. Nothing too if the way doesn't lead to a file; whoever opens it says so.
    pub(crate) fn fault_above(self, path: &Path) -> Option<(String, String)> {
        let mut folder = PathBuf::from("/");
        let mut left: Vec<OsString> = names(path);
        let mut links = 0;
        while let Some(name) = left.pop() {
            let metadata = fs::metadata(&folder).ok()?;
            // Where the sticky bit is set, as on `/tmp`, nobody can move what belongs to others.
            let is_sticky = metadata.mode() & 0o1000 != 0 && self.owns(&metadata);
            if let Some((cause, remedy)) = self.fault(&folder, &metadata).filter(|_| !is_sticky) {
                return Some((format!("is in a folder that can't be trusted: `{}` {cause}", folder.display()), remedy));
            }
            if name == ".." {
                folder.pop();
                continue;
            }
            let next = folder.join(&name);
            let metadata = fs::symlink_metadata(&next).ok()?;
            if !metadata.is_symlink() {
                folder = next;
                continue;
            }
            if !self.owns(&metadata) {
                let cause = format!("is reached by a link of somebody else's: `{}`", next.display());
                return Some((cause, "name the file itself, or remove the link".to_owned()));
            }
            links += 1;
            let target = fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS)?;
            if target.is_absolute() {
                folder = PathBuf::from("/");
            }
            left.extend(names(&target));
        }
        None
    }

    fn owns(self, metadata: &Metadata) -> bool {
        metadata.uid() == 0 || metadata.uid() == self.owner
    }
}

/// As the system counts.
const MOST_LINKS: usize = 40;

/// The names in a path, the first one last.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn writers_decide() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it's a file");
        fs::write(&file, "").unwrap();
        for (mode, says) in
            [(0o644, None), (0o664, None), (0o600, None), (0o646, Some("anyone")), (0o666, Some("anyone"))]
        {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let fault = Trust::of_user().fault(&file, &fs::metadata(&file).unwrap());
            assert_eq!(fault.is_some(), says.is_some(), "{mode:o}");
            if let (Some((cause, remedy)), Some(says)) = (fault, says) {
                assert!(cause.contains(says) && remedy.contains(r"it'\''s a file'"), "{cause} {remedy}");
            }
        }
    }
}
