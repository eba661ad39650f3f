//! Who may have written a file that is about to be believed: root, the user, and the user's own group. Nobody else.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::process::{getegid, geteuid};

use crate::error::shell_word;

/// Nothing if the file or folder can be trusted; else what is wrong with it, and the command that mends it.
pub(crate) fn fault(path: &Path, metadata: &Metadata) -> Option<(String, String)> {
    let (mode, owner, group) = (metadata.mode(), metadata.uid(), metadata.gid());
    let on_disk = path;
    let path = shell_word(&path.display().to_string());
    let user = geteuid().as_raw();
    if !trusted_owner(metadata) {
        return Some((
            format!("belongs to user {owner}, who is neither you nor root"),
            format!("if you trust it: `sudo chown {user} {path}`"),
        ));
    }
    if mode & 0o002 != 0 {
        return Some(("can be written by anyone".to_owned(), format!("`chmod o-w {path}`")));
    }
    // Where there is an access list, these bits are what it allows to anybody on it.
    if mode & 0o020 != 0 && rustix::fs::getxattr(on_disk, "system.posix_acl_access", &mut [0; 256]).is_ok() {
        return Some(("has an access list that lets others write".to_owned(), format!("`setfacl -b {path}`")));
    }
    // A fresh clone under umask 002 is writable by the user's own group, which usually holds nobody else.
    if mode & 0o020 != 0 && group != getegid().as_raw() {
        return Some((format!("can be written by group {group}, which isn't yours"), format!("`chmod g-w {path}`")));
    }
    None
}

/// What is wrong with the way to a file: with a folder on it, or a link. Who can write one of them can put another file in the place of this.
/// Nothing too if the way doesn't lead to a file; whoever opens it says so.
pub(crate) fn fault_above(path: &Path) -> Option<(String, String)> {
    let mut folder = PathBuf::from("/");
    let mut left: Vec<OsString> = names(path);
    let mut links = 0;
    while let Some(name) = left.pop() {
        let metadata = fs::metadata(&folder).ok()?;
        // Where the sticky bit is set, as on `/tmp`, nobody can move what belongs to others.
        let is_sticky = metadata.mode() & 0o1000 != 0 && trusted_owner(&metadata);
        if let Some((cause, remedy)) = fault(&folder, &metadata).filter(|_| !is_sticky) {
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
        if !trusted_owner(&metadata) {
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

fn trusted_owner(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == geteuid().as_raw()
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
            let fault = fault(&file, &fs::metadata(&file).unwrap());
            assert_eq!(fault.is_some(), says.is_some(), "{mode:o}");
            if let (Some((cause, remedy)), Some(says)) = (fault, says) {
                assert!(cause.contains(says) && remedy.contains(r"it'\''s a file'"), "{cause} {remedy}");
            }
        }
    }
}
