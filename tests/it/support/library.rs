//! The built libraries, as files, and damaged copies of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;

/// Where cargo puts what `cargo test` builds: beside this test.
fn deps() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

pub(crate) fn file_name(kind: &str) -> String {
    format!("libcarto_kind_{}.so", kind.replace('-', "_"))
}

/// The library of a kind.
pub(crate) fn built(kind: &str) -> PathBuf {
    deps().join(file_name(kind))
}

/// The bytes of a kind's library with one run of bytes replaced, wherever it occurs, by another of the same length.
pub(crate) fn patched(kind: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(built(kind)).unwrap();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "nothing to patch");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes
}

/// The bytes of a kind's library with the text of its manifest, up to the table `[package]`, replaced by another and line ends.
pub(crate) fn with_manifest(kind: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = small(kind);
    let room = manifest_room(&bytes);
    assert!(text.len() <= room.len(), "{} bytes don't fit into {}", text.len(), room.len());
    bytes[room.clone()].fill(b'\n');
    bytes[room.start..][..text.len()].copy_from_slice(text);
    bytes
}

/// What a kind's library says of itself, without the table `[package]` and without what only makes room.
pub(crate) fn manifest(kind: &str) -> String {
    let bytes = small(kind);
    let text = std::str::from_utf8(&bytes[manifest_room(&bytes)]).unwrap();
    text.split("\n# padding").next().unwrap().to_owned()
}

/// Writes into the bytes of the fixture `strange` how it misbehaves: `PLACE:WHAT`.
pub(crate) fn set_mode(bytes: &mut [u8], mode: &str) {
    const KEY: &[u8] = b"carto-strange-mode=";
    let at = bytes.windows(KEY.len()).position(|window| window == KEY).unwrap() + KEY.len();
    put(bytes, at, format!("{mode:.<45}").as_bytes());
}

fn manifest_room(bytes: &[u8]) -> Range<usize> {
    let section = section(bytes, ".carto_kind");
    let text = &bytes[section.range()];
    let end = text.windows(11).position(|window| window == b"\n[package]\n").unwrap();
    section.offset..section.offset + end
}

/// A kind's library without what is for debuggers, as it is when it is delivered: quicker to write, copy and hash.
pub(crate) fn small(kind: &str) -> Vec<u8> {
    static MADE: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    MADE.lock().unwrap().entry(kind.to_owned()).or_insert_with(|| without_debugging(kind)).clone()
}

fn without_debugging(kind: &str) -> Vec<u8> {
    let whole = std::fs::read(built(kind)).unwrap();
    let end = |header: usize| word(&whole, header + SEGMENT_OFFSET) + word(&whole, header + SEGMENT_SIZE);
    let loaded = segments(&whole).into_iter().map(end).max().unwrap();
    let sections = sections(&whole);
    let kept = sections.iter().position(|section| section.offset >= loaded && section.kind != NOBITS).unwrap();
    let names = sections.iter().find(|section| section.name == ".shstrtab").unwrap();
    let mut bytes = whole[..loaded].to_owned();
    let names_at = bytes.len();
    bytes.extend_from_slice(&whole[names.range()]);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let headers_at = bytes.len();
    for section in sections[..kept].iter().chain([names]) {
        bytes.extend_from_slice(&whole[section.header..][..SECTION_HEADER]);
    }
    put(&mut bytes, headers_at + kept * SECTION_HEADER + SECTION_OFFSET, &(names_at as u64).to_ne_bytes());
    put(&mut bytes, SECTIONS_AT, &(headers_at as u64).to_ne_bytes());
    put(&mut bytes, SECTIONS, &(kept as u16 + 1).to_ne_bytes());
    put(&mut bytes, SECTION_OF_NAMES, &(kept as u16).to_ne_bytes());
    bytes
}

/// Bytes over others, at a place.
pub(crate) fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes[at..at + new.len()].copy_from_slice(new);
}

// Places in an ELF file for 64 bits: in its header, in a section's and in a segment's. By hand, because damage is done by place.
pub(crate) const SEGMENTS_AT: usize = 32;
pub(crate) const SECTIONS_AT: usize = 40;
pub(crate) const SEGMENTS: usize = 56;
pub(crate) const SECTIONS: usize = 60;
pub(crate) const SECTION_OF_NAMES: usize = 62;
pub(crate) const SECTION_HEADER: usize = 64;
pub(crate) const SECTION_KIND: usize = 4;
pub(crate) const SECTION_FLAGS: usize = 8;
pub(crate) const SECTION_OFFSET: usize = 24;
pub(crate) const SECTION_SIZE: usize = 32;
pub(crate) const SEGMENT_HEADER: usize = 56;
pub(crate) const SEGMENT_OFFSET: usize = 8;
pub(crate) const SEGMENT_SIZE: usize = 32;
pub(crate) const NOBITS: u32 = 8;

/// A section, as its header says.
pub(crate) struct Section {
    pub(crate) name: String,
    /// Where its header is.
    pub(crate) header: usize,
    pub(crate) kind: u32,
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Section {
    pub(crate) fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.size
    }
}

pub(crate) fn section(bytes: &[u8], name: &str) -> Section {
    sections(bytes).into_iter().find(|section| section.name == name).unwrap()
}

pub(crate) fn sections(bytes: &[u8]) -> Vec<Section> {
    let first = word(bytes, SECTIONS_AT);
    let headers = (0..half(bytes, SECTIONS)).map(|nth| first + nth * SECTION_HEADER);
    let names = word(bytes, first + half(bytes, SECTION_OF_NAMES) * SECTION_HEADER + SECTION_OFFSET);
    let section = |header: usize| {
        let name = bytes[names + number(bytes, header) as usize..].split(|byte| *byte == 0).next().unwrap();
        Section {
            name: String::from_utf8(name.to_owned()).unwrap(),
            header,
            kind: number(bytes, header + SECTION_KIND),
            offset: word(bytes, header + SECTION_OFFSET),
            size: word(bytes, header + SECTION_SIZE),
        }
    };
    headers.map(section).collect()
}

/// The headers of what is loaded.
pub(crate) fn segments(bytes: &[u8]) -> Vec<usize> {
    const LOADED: u32 = 1;
    segments_of(bytes, LOADED)
}

/// The header of what says what a library needs.
pub(crate) fn dynamic_segment(bytes: &[u8]) -> usize {
    const DYNAMIC: u32 = 2;
    segments_of(bytes, DYNAMIC)[0]
}

/// A header that nobody looks at: what is said of the stack.
pub(crate) fn stack_segment(bytes: &[u8]) -> usize {
    const STACK: u32 = 0x6474_e551;
    segments_of(bytes, STACK)[0]
}

fn segments_of(bytes: &[u8], kind: u32) -> Vec<usize> {
    let headers = (0..half(bytes, SEGMENTS)).map(|nth| word(bytes, SEGMENTS_AT) + nth * SEGMENT_HEADER);
    headers.filter(|header| number(bytes, *header) == kind).collect()
}

pub(crate) fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

pub(crate) fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_ne_bytes(bytes[at..at + 2].try_into().unwrap()).into()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}
