//! The binary side of the contract: what a library exports and how it is called.
//!
//! A vendor never writes any of this; `export_kind!` does. Once 1.0 is frozen, `v1` doesn't change: growth is data (JSON fields,
//! verbs, services). A second version would be a second module beside it.

pub mod v1;

/// The ABI that this crate speaks, the `abi` of a manifest. A host compares it before it opens a library.
pub const VERSION: u32 = 1;

/// The name of the link section that holds the manifest, in ELF.
pub const SECTION_ELF: &str = ".carto_kind";
/// The same in Mach-O (segment `__DATA`).
pub const SECTION_MACHO: &str = "__carto_kind";
/// The same in PE, where a name has at most eight bytes.
pub const SECTION_PE: &str = ".cartok";

/// The largest manifest that a host reads, in bytes.
pub const MANIFEST_LIMIT: u64 = 256 * 1024;
