//! Where kinds are looked for, in order. Never `PATH`, never the working directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::error::{Result, usage};

/// The folders that `--kinds-path` or `CARTO_KINDS_PATH` name, which must exist; else the usual ones, which need not.
pub(crate) fn folders(option: Option<&str>) -> Result<Vec<PathBuf>> {
    let replaced = match option {
        Some(text) => Some(("--kinds-path", OsStr::new(text).to_owned())),
        None => environment::raw(environment::KINDS_PATH).map(|text| (environment::KINDS_PATH, text)),
    };
    match replaced {
        Some((source, list)) if std::env::split_paths(&list).all(|folder| folder.as_os_str().is_empty()) => {
            Err(usage(format!("`{source}` names no folder"))
                .hint(format!("name a folder of kinds, or leave `{source}` out for the usual ones")))
        }
        Some((source, list)) => std::env::split_paths(&list)
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| {
                // Not where links lead to: who can change one of these decides, too.
                std::path::absolute(&folder).ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
                    usage(format!("`{}` in `{source}` is no folder", folder.display()))
                        .hint(format!("name a folder of kinds, or leave `{source}` out for the usual ones"))
                })
            })
            .collect(),
        None => Ok(usual()),
    }
}

/// What replaces the usual folders, if something does.
pub(super) fn replaced_by(option: Option<&str>) -> Option<&'static str> {
    let variable = || environment::raw(environment::KINDS_PATH).map(|_| environment::KINDS_PATH);
    option.map(|_| "--kinds-path").or_else(variable)
}

/// Where an installed program looks.
pub(super) fn usual() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    folders.extend(environment::prefix().map(|prefix| prefix.join("lib/carto/kinds")));
    folders.extend(std::env::current_exe().ok().as_deref().and_then(Path::parent).map(Path::to_owned));
    folders.push(PathBuf::from("/usr/lib/carto/kinds"));
    // Without a home there is no folder of the user's own, and that is all.
    folders.extend(environment::data_folder().map(|data| data.join("kinds")));
    folders
}
