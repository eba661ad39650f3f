//! Folders of kinds: the three that were built, and as many more as are wanted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Result, bail};

use crate::place::Place;

/// The product's kinds.
pub(crate) const KINDS: [&str; 3] = ["token", "spa", "m2m"];

pub(crate) fn file_name(kind: &str) -> String {
    format!("{}carto_kind_{}{}", std::env::consts::DLL_PREFIX, kind.replace('-', "_"), std::env::consts::DLL_SUFFIX)
}

/// A new folder that leads to the three.
pub(crate) fn three(place: &Place, folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    for kind in KINDS {
        symlink(place.beside(&file_name(kind))?, folder.join(file_name(kind)))?;
    }
    Ok(())
}

/// A new folder of so many: the three, and copies of the tokens' library that say another name and another plural. Each is a whole
/// library, of the size and with the manifest of a real one.
pub(crate) fn many(place: &Place, folder: &Path, count: usize) -> Result<()> {
    three(place, folder)?;
    let mut library = fs::read(place.beside(&file_name("token"))?)?;
    let name = only_place(&library, br#"name = "token""#)? + br#"name = ""#.len();
    let plural = only_place(&library, br#"plural = "tokens""#)? + br#"plural = ""#.len();
    for number in KINDS.len()..count {
        // As long as `token`, so that nothing else moves.
        let kind = format!("k{number:04}");
        library[name..name + kind.len()].copy_from_slice(kind.as_bytes());
        library[plural..plural + kind.len()].copy_from_slice(kind.as_bytes());
        fs::write(folder.join(file_name(&kind)), &library)?;
    }
    Ok(())
}

/// Where some bytes stand. Twice would mean that something else than the manifest would be changed too.
fn only_place(library: &[u8], bytes: &[u8]) -> Result<usize> {
    let mut places = library.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        _ => bail!("`{}` doesn't stand once in the tokens' library", String::from_utf8_lossy(bytes)),
    }
}
