//! What carto needs to know of a library's file, which can be anything: whether it is one for this machine, one section of it, and what
//! the system's loader would load with it. Only that is read: a file can claim to hold tables of gigabytes.

mod facts;

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

pub(crate) use facts::{Facts, facts};

use super::section::{Fault, NEWER_PLUGIN, REINSTALL};

/// The machines that carto runs on, all of 64 bits.
type Header = FileHeader64<Endianness>;

/// The largest file, in bytes. No library that serves a kind comes near it.
pub(crate) const LARGEST: u64 = 256 * 1024 * 1024;
/// More sections and parts than a library has, and more than a table of needs.
const MOST_HEADERS: u64 = 4096;
const LONGEST_TABLE: u64 = 1024 * 1024;

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
            return Err((
                format!("holds a manifest of {size} bytes, and {limit} is the limit"),
                NEWER_PLUGIN.to_owned(),
            ));
        }
        if section.sh_flags(endian).contains(SHF_COMPRESSED) {
            return Err(("holds a compressed manifest".to_owned(), "build it without compressed sections".to_owned()));
        }
        if section.sh_type(endian) == SHT_NOBITS {
            return Ok(Some(&[]));
        }
        section.data(endian, data).map(Some).map_err(damaged)
    }

    /// The libraries that the system's loader would load with this one, found where it finds them: in memory as it maps it, not by sections,
    /// which it doesn't read, nor by places in the file, which it doesn't go by. What could be read in two ways is refused.
    pub(super) fn needs(&self) -> Result<Vec<String>, Fault> {
        let Library { header, endian, data } = *self;
        if u64::from(header.e_phnum(endian)) > MOST_HEADERS {
            return Err(damaged("it has too many parts"));
        }
        let parts = header.program_headers(endian, data).map_err(damaged)?;
        let memory = Memory::new(parts, endian)?;
        let mut tables = parts.iter().filter(|part| part.p_type(endian) == PT_DYNAMIC);
        let (table, another) = (tables.next(), tables.next());
        let table =
            table.filter(|_| another.is_none()).ok_or_else(|| damaged("it has no table of needs, or several"))?;
        if table.p_filesz(endian) > LONGEST_TABLE {
            return Err(damaged("its table of needs is too large"));
        }
        if memory.place(table.p_vaddr(endian)) != Some(table.p_offset(endian)) {
            return Err(damaged("its table of needs isn't where it says"));
        }
        let entries = table.dynamic(endian, data).map_err(damaged)?.unwrap_or_default();
        let entries: Vec<(DynamicTag, u64)> = entries
            .iter()
            .map(|entry| (entry.d_tag(endian), entry.d_val(endian)))
            .take_while(|(tag, _)| *tag != DT_NULL)
            .collect();
        let one = |wanted: DynamicTag| {
            let mut values = entries.iter().filter(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
            values.next().filter(|_| values.next().is_none())
        };
        let names = one(DT_STRTAB).and_then(|address| memory.place(address)).zip(one(DT_STRSZ));
        let names = names.and_then(|(start, size)| Some((start, start.checked_add(size)?)));
        let (start, end) = names.ok_or_else(|| damaged("it has no table of names, or several"))?;
        let names = StringTable::<&ReadCache<T>>::new(data, start, end);
        let needs = entries.iter().filter(|(tag, _)| LOADS.contains(tag)).map(|(_, offset)| {
            let name = u32::try_from(*offset).ok().and_then(|offset| names.get(offset).ok());
            let name = name.ok_or_else(|| damaged("the name of a library that it needs isn't there"))?;
            Ok(String::from_utf8_lossy(name).into_owned())
        });
        needs.collect()
    }
}

/// Where in the file the memory of a library comes from: address, length and place of each part, and no two of them on one page.
struct Memory(Vec<(u64, u64, u64)>);

impl Memory {
    fn new(parts: &[impl ProgramHeader<Endian = Endianness, Word = u64>], endian: Endianness) -> Result<Memory, Fault> {
        const PAGE: u64 = 4096;
        let mut loaded: Vec<_> = parts.iter().filter(|part| part.p_type(endian) == PT_LOAD).collect();
        loaded.sort_by_key(|part| part.p_vaddr(endian));
        let mut end = 0;
        for part in &loaded {
            let first = part.p_vaddr(endian) / PAGE;
            let last = part
                .p_vaddr(endian)
                .checked_add(part.p_memsz(endian))
                .ok_or_else(|| damaged("a part of it has no end"))?;
            if first < end {
                return Err(damaged("parts of it overlap"));
            }
            end = last.div_ceil(PAGE);
        }
        Ok(Memory(
            loaded.iter().map(|part| (part.p_vaddr(endian), part.p_filesz(endian), part.p_offset(endian))).collect(),
        ))
    }

    /// The place in the file of what is at an address.
    fn place(&self, address: u64) -> Option<u64> {
        self.0.iter().find_map(|(first, length, place)| {
            let into = address.checked_sub(*first).filter(|into| into < length)?;
            place.checked_add(into)
        })
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
