//! The binary side of the contract: what a library exports and how it is called.
//!
//! A vendor never writes any of this; `export_kind!` does. **1.0 is frozen**: `v1`, the names of the sections and of the library's file, and the
//! words that cross don't change any more. Growth is data: new optional fields, verbs, services, keys of the manifest. A second version
//! would be a second module beside `v1`, and a host would serve both. Tests hold the layout, and load plugins that were built on the day
//! of the freeze and never since.

pub mod v1;

/// The ABI that this crate speaks, the `abi` of a manifest. A host compares it before it opens a library.
///
/// It isn't this crate's version: every release of the crate that has this ABI makes libraries that every host with this ABI loads.
pub const VERSION: u32 = 1;

/// The name of the link section that holds the manifest, in ELF.
pub const SECTION_ELF: &str = ".carto_kind";
/// The same in Mach-O (segment `__DATA`).
pub const SECTION_MACHO: &str = "__carto_kind";
/// The same in PE, where a name has at most eight bytes.
pub const SECTION_PE: &str = ".cartok";

/// The largest manifest that a host reads, in bytes.
pub const MANIFEST_LIMIT: u64 = 256 * 1024;
