//! What carto needs to know of a library's file, which can be anything: whether it is one for this machine, one section of it, and what
//! the system's loader would load with it. Only that is read: a file can claim to hold tables of gigabytes.

use std::io::{Read, Seek};

use object::Endianness;
use object::FileKind;
use object::elf::{
    DT_AUDIT, DT_AUXILIARY, DT_DEPAUDIT, DT_FILTER, DT_NEEDED, DT_NULL, DT_STRSZ, DT_STRTAB, DynamicTag, EM_386,
    EM_AARCH64, EM_ARM, EM_LOONGARCH, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64, ET_DYN, FileHeader64, PT_DYNAMIC,
    PT_LOAD, SHF_COMPRESSED, SHT_NOBITS,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};
use object::read::{ReadCache, StringTable};

use super::section::Fault;

/// The machines that carto runs on, all of 64 bits.
type Header = FileHeader64<Endianness>;

/// No library that serves a kind comes near it.
const LARGEST: u64 = 256 * 1024 * 1024;
/// More sections and parts than a library has, and more than a table of needs.
const MOST_HEADERS: u64 = 4096;
const LONGEST_TABLE: u64 = 1024 * 1024;

const REINSTALL: &str = "install the plugin again, or remove the file";

/// A shared library for this machine.
pub(super) struct Library<'data, T: Read + Seek> {
    header: &'data Header,
    endian: Endianness,
    data: &'data ReadCache<T>,
}

impl<'data, T: Read + Seek> Library<'data, T> {
    pub(super) fn parse(data: &'data ReadCache<T>) -> Result<Library<'data, T>, Fault> {
        use object::read::ReadRef;

        let size = data.len().map_err(|()| damaged("its size can't be read"))?;
        if size > LARGEST {
            let remedy = "get a version of the plugin without what is for debuggers (`strip`)";
            return Err((format!("has {size} bytes, and {LARGEST} is the limit"), remedy.to_owned()));
        }
        let another = |what: &str| {
            let remedy = format!("get the plugin for {} on {}", std::env::consts::OS, std::env::consts::ARCH);
            Err((format!("is built for another platform ({what})"), remedy))
        };
        match FileKind::parse(data).map_err(damaged)? {
            FileKind::Elf64 => {}
            FileKind::Elf32 => return another("32 bits"),
            FileKind::MachO32 | FileKind::MachO64 | FileKind::MachOFat32 | FileKind::MachOFat64 => {
                return another("macOS");
            }
            FileKind::Pe32 | FileKind::Pe64 => return another("Windows"),
            _ => return Err(no_library()),
        }
        let header = Header::parse(data).map_err(damaged)?;
        let endian = header.endian().map_err(damaged)?;
        if header.e_type(endian) != ET_DYN {
            return Err(no_library());
        }
        let machine = machine(header.e_machine(endian));
        if machine != std::env::consts::ARCH {
            return another(machine);
        }
        Ok(Library { header, endian, data })
    }

    /// The bytes of a section, at most so many; nothing if there is none of that name.
    pub(super) fn section(&self, name: &str, limit: u64) -> Result<Option<&'data [u8]>, Fault> {
        let Library { header, endian, data } = *self;
        if u64::from(header.shnum(endian, data).map_err(damaged)?) > MOST_HEADERS {
            return Err(damaged("it has too many sections"));
        }
        let sections = header.sections(endian, data).map_err(damaged)?;
        let Some((_, section)) = sections.section_by_name(endian, name.as_bytes()) else { return Ok(None) };
        // The size first.
        let size = section.sh_size(endian);
        if size > limit {
            let remedy = "get a newer version of the plugin, or remove the file";
            return Err((format!("holds a manifest of {size} bytes, and {limit} is the limit"), remedy.to_owned()));
        }
        if section.sh_flags(endian).contains(SHF_COMPRESSED) {
            return Err(("holds a compressed manifest".to_owned(), "build it without compressed sections".to_owned()));
        }
        if section.sh_type(endian) == SHT_NOBITS {
            return Ok(Some(&[]));
        }
        section.data(endian, data).map(Some).map_err(damaged)
    }

    /// The libraries that the system's loader would load with this one, found where it finds them: not by sections, which it doesn't read.
    pub(super) fn needs(&self) -> Result<Vec<String>, Fault> {
        let Library { header, endian, data } = *self;
        if u64::from(header.e_phnum(endian)) > MOST_HEADERS {
            return Err(damaged("it has too many parts"));
        }
        let parts = header.program_headers(endian, data).map_err(damaged)?;
        let mut needs = Vec::new();
        for part in parts.iter().filter(|part| part.p_type(endian) == PT_DYNAMIC) {
            if part.p_filesz(endian) > LONGEST_TABLE {
                return Err(damaged("its table of needs is too large"));
            }
            let Some(table) = part.dynamic(endian, data).map_err(damaged)? else { continue };
            let entries: Vec<(DynamicTag, u64)> = table
                .iter()
                .map(|entry| (entry.d_tag(endian), entry.d_val(endian)))
                .take_while(|(tag, _)| *tag != DT_NULL)
                .collect();
            let value = |wanted: DynamicTag| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
            let address = value(DT_STRTAB).unwrap_or_default();
            let loaded = parts.iter().filter(|part| part.p_type(endian) == PT_LOAD).find_map(|part| {
                let into = address.checked_sub(part.p_vaddr(endian))?;
                (into < part.p_filesz(endian)).then(|| part.p_offset(endian).checked_add(into))?
            });
            let names = loaded.zip(value(DT_STRSZ)).and_then(|(start, size)| {
                Some(StringTable::<&ReadCache<T>>::new(data, start, start.checked_add(size)?))
            });
            for (_, offset) in entries.iter().filter(|(tag, _)| LOADS.contains(tag)) {
                let name =
                    names.as_ref().zip(u32::try_from(*offset).ok()).and_then(|(names, offset)| names.get(offset).ok());
                let name = name.ok_or_else(|| damaged("the name of a library that it needs isn't there"))?;
                needs.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        Ok(needs)
    }
}

/// What makes the loader load something else.
const LOADS: [DynamicTag; 5] = [DT_NEEDED, DT_FILTER, DT_AUXILIARY, DT_AUDIT, DT_DEPAUDIT];

fn machine(machine: object::elf::Machine) -> &'static str {
    match machine {
        EM_X86_64 => "x86_64",
        EM_AARCH64 => "aarch64",
        EM_RISCV => "riscv64",
        EM_386 => "x86",
        EM_ARM => "arm",
        EM_PPC64 => "powerpc64",
        EM_S390 => "s390x",
        EM_LOONGARCH => "loongarch64",
        _ => "a machine that carto doesn't know",
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn damaged(why: impl ToString) -> Fault {
    (format!("isn't a whole shared library: {}", why.to_string()), REINSTALL.to_owned())
}

fn no_library() -> Fault {
    ("isn't a shared library".to_owned(), "build the plugin as a `cdylib`".to_owned())
}
