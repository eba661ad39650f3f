//! Reads the manifest out of a library's file, and checks the copy that is about to be opened. The file is data here: nothing of it runs.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use carto_plugin_api::abi::{self, MANIFEST_LIMIT};
use carto_plugin_api::manifest::{Manifest, is_kind_name};
use object::elf::{DT_AUDIT, DT_AUXILIARY, DT_DEPAUDIT, DT_FILTER, DT_NEEDED};
use object::read::ReadCache;
use object::read::elf::{ElfFile, FileHeader};
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
    let source = open(path).and_then(source).map_err(refuse)?;
    let manifest = manifest(&source, name).map_err(refuse)?;
    Ok(Kind { manifest, source: source.into(), file: path.to_owned() })
}

/// What is wrong, and what mends it.
type Fault = (String, String);

const REINSTALL: &str = "install the plugin again, or remove the file";
const NEWER_PLUGIN: &str = "get a newer version of the plugin, or remove the file";

/// Opens a library's file as data, if nobody but the user and root can have written it.
pub(crate) fn open(path: &Path) -> Result<File, Fault> {
    let unread = |e| (format!("can't be read: {e}"), REINSTALL.to_owned());
    if let Some(fault) = trust::fault_above(path) {
        return Err(fault);
    }
    // Not to wait for a writer if it is a pipe.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(unread)?;
    let metadata = file.metadata().map_err(unread)?;
    if !metadata.is_file() {
        return Err(("isn't a file".to_owned(), "remove it: a kind is a shared library".to_owned()));
    }
    trust::fault(path, &metadata).map_or(Ok(file), Err)
}

/// The text of the manifest in a library, which can be anything.
pub(crate) fn source(file: impl Read + Seek) -> Result<String, Fault> {
    let cache = ReadCache::new(file);
    let library = parse(&cache)?;
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
            NEWER_PLUGIN.to_owned(),
        ));
    }
    let compressed = section.compressed_file_range().map_err(not_whole)?.format != CompressionFormat::None;
    if compressed {
        return Err(("holds a compressed manifest".to_owned(), "build it without compressed sections".to_owned()));
    }
    let data = section.data().map_err(not_whole)?;
    let text = std::str::from_utf8(data);
    text.map(str::to_owned).map_err(|_| ("holds a manifest that isn't UTF-8".to_owned(), NEWER_PLUGIN.to_owned()))
}

/// The manifest of that name, from its text.
pub(crate) fn manifest(source: &str, name: &str) -> Result<Manifest, Fault> {
    let manifest = Manifest::parse(source).map_err(|e| {
        let remedy = if e.carto_is_older { "update carto" } else { NEWER_PLUGIN };
        (format!("holds a manifest that can't be used: {e}"), remedy.to_owned())
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

/// Checks the copy of a kind's library that is about to be opened: it must hold the manifest that this command goes by, and need nothing
/// but the system's own libraries.
pub(crate) fn check_sealed(copy: &File, kind: &Kind) -> Result<(), Fault> {
    if source(copy)? != *kind.source {
        return Err((
            "was changed while it was being used".to_owned(),
            "try again when it is installed completely".to_owned(),
        ));
    }
    let cache = ReadCache::new(copy);
    let needs = match parse(&cache)? {
        object::File::Elf64(library) => needs(&library)?,
        object::File::Elf32(library) => needs(&library)?,
        _ => Vec::new(),
    };
    match needs.iter().find(|name| !is_the_systems(name)) {
        None => Ok(()),
        Some(name) => Err((
            format!("needs the library `{name}`, and a kind may need the C library's and no others"),
            "get a version of the plugin that has it linked in".to_owned(),
        )),
    }
}

/// The libraries that the loader would load with this one.
fn needs<'data, Elf: FileHeader>(
    library: &ElfFile<'data, Elf, &'data ReadCache<impl Read + Seek>>,
) -> Result<Vec<String>, Fault> {
    let table = library.elf_dynamic_table().map_err(not_whole)?;
    let tags = [DT_NEEDED, DT_FILTER, DT_AUXILIARY, DT_AUDIT, DT_DEPAUDIT];
    let named = table.iter().filter(|entry| tags.contains(&entry.tag));
    let names = named.map(|entry| {
        let name = entry.string(table.strings()).map_err(not_whole)?;
        Ok(String::from_utf8_lossy(name).into_owned())
    });
    names.collect()
}

/// Whether this is a part of the C library or of the compiler's runtime, which every program on the system may use.
fn is_the_systems(name: &str) -> bool {
    const OF_GLIBC: [&str; 7] =
        ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld64.so.2"];
    OF_GLIBC.contains(&name)
        || ((name.starts_with("ld-linux") || name.starts_with("ld-musl-") || name.starts_with("libc.musl-"))
            && !name.contains('/'))
}

/// A shared library for this platform.
fn parse<T: Read + Seek>(cache: &ReadCache<T>) -> Result<object::File<'_, &ReadCache<T>>, Fault> {
    let library = object::File::parse(cache).map_err(not_whole)?;
    if library.kind() != ObjectKind::Dynamic {
        return Err(("isn't a shared library".to_owned(), "build the plugin as a `cdylib`".to_owned()));
    }
    if (library.format(), library.architecture()) != own_platform() {
        return Err((
            format!("is built for another platform ({:?}, {:?})", library.format(), library.architecture()),
            format!("get the plugin for {} on {}", std::env::consts::OS, std::env::consts::ARCH),
        ));
    }
    Ok(library)
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn not_whole(error: object::Error) -> Fault {
    (format!("isn't a whole shared library: {error}"), REINSTALL.to_owned())
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
