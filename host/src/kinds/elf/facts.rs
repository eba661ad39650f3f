//! What else a library's file says of itself: for a person, and for nothing that carto decides.

use std::fs::File;

use object::elf::{SHT_NOBITS, SHT_SYMTAB};
use object::read::ReadCache;
use object::read::elf::{FileHeader, SectionHeader, SectionTable};

use super::{Header, LONGEST_TABLE, Library, MOST_HEADERS, damaged};
use crate::kinds::section::Fault;

/// What there is to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// In bytes.
    pub(crate) size: u64,
    /// The libraries that the system's loader loads with it.
    pub(crate) needs: Vec<String>,
    /// The oldest glibc with everything that it uses, as (2, 31).
    pub(crate) glibc: Option<(u32, u32)>,
    /// Whether it has no symbols but those that it exports.
    pub(crate) stripped: bool,
    /// What built it, in the compiler's own words.
    pub(crate) rustc: Option<String>,
}

/// Reads them.
pub(crate) fn facts(file: &File) -> Result<Facts, Fault> {
    let size = file.metadata().map_err(|e| damaged(e.to_string()))?.len();
    let cache = ReadCache::new(file);
    let library = Library::parse(&cache)?;
    let needs = library.needs()?;
    let Library { header, endian, data } = library;
    if u64::from(header.shnum(endian, data).map_err(damaged)?) > MOST_HEADERS {
        return Err(damaged("it has too many sections"));
    }
    let sections = header.sections(endian, data).map_err(damaged)?;
    let compilers = sections.section_by_name(endian, b".comment").map(|(_, section)| section);
    let compilers =
        compilers.filter(|section| is_small(*section, endian)).and_then(|section| section.data(endian, data).ok());
    let rustc = compilers.unwrap_or_default().split(|byte| *byte == 0).find_map(|text| {
        let version = std::str::from_utf8(text).ok()?.strip_prefix("rustc version ")?;
        Some(version.chars().take(80).collect())
    });
    let stripped = sections.iter().all(|section| section.sh_type(endian) != SHT_SYMTAB);
    Ok(Facts { size, needs, glibc: glibc(&library, &sections), stripped, rustc })
}

fn is_small(section: &impl SectionHeader<Endian = object::Endianness, Word = u64>, endian: object::Endianness) -> bool {
    section.sh_type(endian) != SHT_NOBITS && section.sh_size(endian) <= LONGEST_TABLE
}

/// The newest version of glibc that is asked for. What can't be read says nothing.
fn glibc<'data, 'file>(
    library: &Library<'data, &'file File>,
    sections: &SectionTable<'data, Header, &'data ReadCache<&'file File>>,
) -> Option<(u32, u32)> {
    let Library { endian, data, .. } = *library;
    if !sections.iter().all(|section| section.sh_size(endian) <= LONGEST_TABLE || section.sh_type(endian) != VERSIONS) {
        return None;
    }
    let (mut needs, names) = sections.gnu_verneed(endian, data).ok()??;
    let names = sections.strings(endian, data, names).ok()?;
    let mut newest = None;
    while let Ok(Some((_, mut versions))) = needs.next() {
        while let Ok(Some(version)) = versions.next() {
            let name = version.name(endian, names).ok().and_then(|name| std::str::from_utf8(name).ok());
            newest = newest.max(name.and_then(version_of));
        }
    }
    newest
}

const VERSIONS: object::elf::SectionType = object::elf::SHT_GNU_VERNEED;

/// `GLIBC_2.31` or `GLIBC_2.2.5` as two numbers.
fn version_of(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers() {
        assert_eq!(version_of("GLIBC_2.31"), Some((2, 31)));
        assert_eq!(version_of("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(version_of("GLIBC_PRIVATE"), None);
        assert_eq!(version_of("GCC_3.0"), None);
    }
}
