//! Who may have written a file that is about to be believed: root, the user, and the user's own group. Nobody else.

use std::fs::Metadata;
use std::path::Path;

use crate::error::shell_word;

/// Nothing if the file or folder can be trusted; else what is wrong with it, and the command that mends it.
#[cfg(unix)]
pub(crate) fn fault(path: &Path, metadata: &Metadata) -> Option<(String, String)> {
    use std::os::unix::fs::MetadataExt;

    use rustix::process::{getegid, geteuid};

    let (mode, owner, group) = (metadata.mode(), metadata.uid(), metadata.gid());
    let path = shell_word(&path.display().to_string());
    let user = geteuid().as_raw();
    if mode & 0o002 != 0 {
        return Some(("can be written by anyone".to_owned(), format!("`chmod o-w {path}`")));
    }
    // A fresh clone under umask 002 is writable by the user's own group, which usually holds nobody else.
    if mode & 0o020 != 0 && group != getegid().as_raw() {
        return Some((format!("can be written by group {group}, which isn't yours"), format!("`chmod g-w {path}`")));
    }
    if owner != user && owner != 0 {
        return Some((
            format!("belongs to user {owner}, who is neither you nor root"),
            format!("if you trust it: `sudo chown {user} {path}`"),
        ));
    }
    None
}

/// Other platforms keep permissions elsewhere; what is said there is said in the documentation.
#[cfg(not(unix))]
pub(crate) fn fault(_path: &Path, _metadata: &Metadata) -> Option<(String, String)> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
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
