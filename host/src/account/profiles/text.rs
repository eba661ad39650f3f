//! The text of the credentials file, if it may be believed. It names addresses and the places of secrets that are sent there: whoever can
//! write it could have any secret posted anywhere. So it is obeyed only if nobody else can have written it.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use carto_plugin_api::ErrorCode;

use crate::error::{Error, Result, shell_word};
use crate::kinds::trust::Trust;
use crate::toml_text;

/// What the file says, without the mark that some editors put before it; nothing if there is none, or nothing in it.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    if fs::symlink_metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let judge = |metadata: &Metadata| {
        let fault = Trust::of_user().fault(path, metadata).or_else(|| open_folder(path));
        fault.map_or(Ok(()), |fault| Err(untrusted(path, fault)))
    };
    let unread = |e: io::Error| match e.kind() {
        ErrorKind::NotFound => unusable(path, "it is a link that leads nowhere"),
        ErrorKind::InvalidData => unusable(path, &not_text(path)),
        _ => unusable(path, &e.to_string()),
    };
    let text = toml_text::read(path, judge, unread)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(|text| match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}

/// Refuses a place where a file couldn't be read again.
pub(super) fn check_place(path: &Path) -> Result<()> {
    open_folder(path).map_or(Ok(()), |fault| Err(untrusted(path, fault)))
}

/// What is wrong with the folder that the file is in, or with the one that a link leads to, and the command that mends it. Of what others
/// put there, a file of theirs isn't obeyed anyway; but one of the user's own might be moved.
fn open_folder(path: &Path) -> Option<(String, String)> {
    let files = [Some(path.to_owned()), fs::canonicalize(path).ok()];
    let folders = files.iter().flatten().filter_map(|file| file.parent());
    let mut open = folders.filter(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o1002 == 0o002));
    open.next().map(|folder| {
        let shown = folder.display().to_string();
        (format!("is in a folder that anyone can write: `{shown}`"), format!("`chmod o-w {}`", shell_word(&shown)))
    })
}

/// Where a file stops being text.
fn not_text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let good = bytes.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    toml_text::at(good, good.len(), "this isn't UTF-8")
}

fn untrusted(path: &Path, (why, remedy): (String, String)) -> Error {
    unusable(path, &format!("it {why}"))
        .hint(format!("see that nobody else has changed it; then {}", remedy.trim_start_matches("if you trust it: ")))
}

/// A file that can't be used as it is.
pub(super) fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorCode::Failed, format!("cannot use `{}`: {why}", path.display()))
        .hint("mend the file, or move it away and sign in again; it was left as it is")
}
