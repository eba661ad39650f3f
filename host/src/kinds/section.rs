//! Reads the manifest out of a library's file, and checks the copy that is about to be opened. The file is data here: nothing of it runs.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use carto_plugin_api::abi::{self, MANIFEST_LIMIT};
use carto_plugin_api::manifest::{Manifest, ManifestError, is_kind_name};
use object::read::ReadCache;

use super::elf::Library;
use super::trust::Trust;
use super::{Kind, Refused};

/// The kind in a file whose name claims `name`.
pub(crate) fn read(path: &Path, name: &str) -> Result<Kind, Refused> {
    let refuse = |(cause, remedy): (String, String)| Refused {
        name: Some(name.to_owned()),
        path: path.to_owned(),
        cause,
        remedy,
    };
    let source = open(path).and_then(source).map_err(refuse)?;
    let manifest = manifest(&source, name).map_err(refuse)?;
    Ok(Kind { manifest, source: source.into(), file: path.to_owned() })
}

/// What is wrong, and what mends it.
pub(crate) type Fault = (String, String);

pub(crate) const REINSTALL: &str = "install the plugin again, or remove the file";
pub(crate) const NO_FILE: &str = "remove it: a kind is a shared library";
pub(crate) const NO_MANIFEST: &str = "build it with `carto_plugin_api::export_kind!`, or remove the file";
const OLDER_CARTO: &str =
    concat!("update carto, which is ", env!("CARGO_PKG_VERSION"), " here, or get an earlier version of the plugin");
pub(crate) const NEWER_PLUGIN: &str = "get a newer version of the plugin, or remove the file";

/// Opens a library's file as data, if nobody but the user and root can have written it.
pub(crate) fn open(path: &Path) -> Result<File, Fault> {
    let unread = |e| (format!("can't be read: {e}"), REINSTALL.to_owned());
    if let Some(fault) = Trust::of_user().fault_above(path) {
        return Err(fault);
    }
    let file = open_any(path).map_err(unread)?;
    let metadata = file.metadata().map_err(unread)?;
    if !metadata.is_file() {
        return Err(("isn't a file".to_owned(), NO_FILE.to_owned()));
    }
    Trust::of_user().fault(path, &metadata).map_or(Ok(file), Err)
}

/// Opens a file to say what it is, whoever can have written it. It is never run.
pub(crate) fn open_to_show(path: &Path) -> Option<File> {
    let file = open_any(path).ok()?;
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

fn open_any(path: &Path) -> std::io::Result<File> {
    // Not to wait for a writer if it is a pipe.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    OpenOptions::new().read(true).custom_flags(nonblock).open(path)
}

/// The text of the manifest in a library, which can be anything.
pub(crate) fn source(file: impl Read + Seek) -> Result<String, Fault> {
    let cache = ReadCache::new(file);
    let data = Library::parse(&cache)?.section(abi::SECTION_ELF, MANIFEST_LIMIT)?;
    let data = data.ok_or_else(|| ("holds no manifest".to_owned(), NO_MANIFEST.to_owned()))?;
    let unusable = |why: &str| (format!("holds a manifest that {why}"), NEWER_PLUGIN.to_owned());
    if data.iter().all(|byte| *byte == 0) {
        return Err(unusable("is empty"));
    }
    std::str::from_utf8(data).map(str::to_owned).map_err(|_| unusable("isn't UTF-8"))
}

/// The manifest, from its text.
pub(crate) fn any_manifest(source: &str) -> Result<Manifest, Fault> {
    Manifest::parse(source).map_err(|e| unusable(&e))
}

/// Why a manifest can't be used: it is of another version, or wrong.
pub(crate) fn unusable(error: &ManifestError) -> Fault {
    // It can quote anything that stands there.
    let why: String = error.to_string().chars().take(300).collect();
    match (error.carto_is_older, error.plugin_is_older) {
        (true, _) => (why, OLDER_CARTO.to_owned()),
        (_, true) => (why, NEWER_PLUGIN.to_owned()),
        _ => (format!("holds a manifest that can't be used: {why}"), NEWER_PLUGIN.to_owned()),
    }
}

/// The manifest of that name, from its text.
pub(crate) fn manifest(source: &str, name: &str) -> Result<Manifest, Fault> {
    let manifest = any_manifest(source)?;
    if manifest.name != name {
        let own = &manifest.name;
        return Err((
            format!("is the kind `{own}` under another name"),
            format!("rename the file to `{}`", super::file_name(own)),
        ));
    }
    debug_assert!(is_kind_name(name));
    Ok(manifest)
}

/// Checks the copy of a kind's library that is about to be opened: it must hold the manifest that this command goes by, and need nothing
/// but the system's own libraries.
pub(crate) fn check_sealed(copy: &File, kind: &Kind) -> Result<(), Fault> {
    if source(copy)? != *kind.source {
        return Err((
            "was changed while it was being used".to_owned(),
            "try again when it is installed completely".to_owned(),
        ));
    }
    check_needs(copy)
}

/// Checks that a library needs nothing but the system's own.
pub(crate) fn check_needs(copy: impl Read + Seek) -> Result<(), Fault> {
    let cache = ReadCache::new(copy);
    let needs = Library::parse(&cache)?.needs()?;
    match needs.iter().find(|name| !is_the_systems(name)) {
        None => Ok(()),
        Some(name) => Err((
            format!("needs the library `{name}`, and a kind may need the C library and the compiler's runtime only"),
            "get a version of the plugin that is built for this system and has it linked in".to_owned(),
        )),
    }
}

/// Whether this is a part of the C library or of the compiler's runtime, which every program on the system may use and a worker has.
pub(crate) fn is_the_systems(name: &str) -> bool {
    const LOADER: &str = match () {
        () if cfg!(target_arch = "aarch64") => "ld-linux-aarch64.so.1",
        () => "ld-linux-x86-64.so.2",
    };
    const PARTS: [&str; 7] =
        ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", LOADER];
    PARTS.contains(&name)
}
