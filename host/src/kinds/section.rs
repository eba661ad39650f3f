//! Reads the manifest out of a library's file. The file is data here: nothing of it runs.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use carto_plugin_api::abi::{self, MANIFEST_LIMIT};
use carto_plugin_api::manifest::{Manifest, is_kind_name};
use object::read::ReadCache;
use object::{Architecture, BinaryFormat, CompressionFormat, Object, ObjectKind, ObjectSection};

use super::{Kind, Refused, trust};

/// The kind in a file whose name claims `name`.
pub(crate) fn read(path: &Path, name: &str) -> Result<Kind, Refused> {
    let refuse = |(cause, remedy): (String, String)| Refused {
        name: Some(name.to_owned()),
        path: path.to_owned(),
        cause,
        remedy,
    };
    let manifest = open(path).and_then(|file| manifest(file, name)).map_err(refuse)?;
    Ok(Kind { manifest, file: path.to_owned() })
}

/// What is wrong, and what mends it.
type Fault = (String, String);

fn open(path: &Path) -> Result<File, Fault> {
    let reinstall = || "install the plugin again, or remove the file".to_owned();
    // Not to wait for a writer if it is a pipe.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)
        .map_err(|e| (format!("can't be read: {e}"), reinstall()))?;
    let metadata = file.metadata().map_err(|e| (format!("can't be read: {e}"), reinstall()))?;
    if !metadata.is_file() {
        return Err(("isn't a file".to_owned(), "remove it: a kind is a shared library".to_owned()));
    }
    trust::fault(path, &metadata).map_or(Ok(file), Err)
}

/// The manifest in a library, which can be anything.
pub(crate) fn manifest(file: impl Read + Seek, name: &str) -> Result<Manifest, Fault> {
    let reinstall = "install the plugin again, or remove the file";
    let whole = |e: object::Error| (format!("isn't a whole shared library: {e}"), reinstall.to_owned());
    let cache = ReadCache::new(file);
    let library = object::File::parse(&cache).map_err(whole)?;
    if library.kind() != ObjectKind::Dynamic {
        return Err(("isn't a shared library".to_owned(), "build the plugin as a `cdylib`".to_owned()));
    }
    if (library.format(), library.architecture()) != own_platform() {
        return Err((
            format!("is built for another platform ({:?}, {:?})", library.format(), library.architecture()),
            format!("get the plugin for {} on {}", std::env::consts::OS, std::env::consts::ARCH),
        ));
    }
    let section_name = match library.format() {
        BinaryFormat::MachO => abi::SECTION_MACHO,
        BinaryFormat::Pe => abi::SECTION_PE,
        _ => abi::SECTION_ELF,
    };
    let section = library.section_by_name(section_name).ok_or_else(|| {
        (
            "holds no manifest".to_owned(),
            "build it with `carto_plugin_api::export_kind!`, or remove the file".to_owned(),
        )
    })?;
    // The size first: a hostile file can claim gigabytes.
    if section.size() > MANIFEST_LIMIT {
        return Err((
            format!("holds a manifest of {} bytes, and {MANIFEST_LIMIT} is the limit", section.size()),
            "get a newer version of the plugin, or remove the file".to_owned(),
        ));
    }
    let compressed = section.compressed_file_range().map_err(whole)?.format != CompressionFormat::None;
    if compressed {
        return Err(("holds a compressed manifest".to_owned(), "build it without compressed sections".to_owned()));
    }
    let data = section.data().map_err(whole)?;
    let newer_plugin = "get a newer version of the plugin, or remove the file".to_owned();
    let text = std::str::from_utf8(data)
        .map_err(|_| ("holds a manifest that isn't UTF-8".to_owned(), newer_plugin.clone()))?;
    let manifest = Manifest::parse(text).map_err(|e| {
        let remedy = if e.carto_is_older { "update carto".to_owned() } else { newer_plugin };
        (format!("holds a manifest that can't be used: {e}"), remedy)
    })?;
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

/// What a library must be built for to be opened by this program.
fn own_platform() -> (BinaryFormat, Architecture) {
    let format = match () {
        () if cfg!(windows) => BinaryFormat::Pe,
        () if cfg!(target_vendor = "apple") => BinaryFormat::MachO,
        () => BinaryFormat::Elf,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "x86" => Architecture::I386,
        "arm" => Architecture::Arm,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => Architecture::Unknown,
    };
    (format, architecture)
}
