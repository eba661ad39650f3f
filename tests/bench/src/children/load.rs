//! Opens one library as the host does, and times each step. `host/src/kinds/section.rs` and `host/src/run/load.rs` are what it repeats;
//! their checks and their messages are left out.

// As in `host/src/run/load.rs`: `dlopen` runs foreign code, and a symbol's type is a promise of the other side.
#![allow(unsafe_code)]

use std::fs::File;
use std::time::Instant;

use abi_stable::library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use anyhow::{Context, Result, anyhow};
use carto_plugin_api::abi::SECTION_ELF;
use carto_plugin_api::abi::v1::KindModule_Ref;
use carto_plugin_api::manifest::Manifest;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use object::read::ReadCache;
use object::{Object, ObjectSection};
use serde_json::json;

/// The steps' times in nanoseconds.
pub(super) fn run(mut words: impl Iterator<Item = String>) -> Result<String> {
    let file = words.next().context("which library?")?;

    let read = Instant::now();
    let cache = ReadCache::new(File::open(&file)?);
    let library = object::File::parse(&cache)?;
    let section = library.section_by_name(SECTION_ELF).context("no manifest")?;
    let text = std::str::from_utf8(section.data()?)?;

    let parse = Instant::now();
    let manifest = Manifest::parse(text).map_err(|e| anyhow!("{e}"))?;

    let open = Instant::now();
    // SAFETY: this is a library that cargo built beside this program.
    let library = unsafe { Library::open(Some(&file), RTLD_NOW | RTLD_LOCAL) }?;

    let check = Instant::now();
    // SAFETY: every library with this symbol is made by `export_kind!`, whose header begins with the value that `upgrade` checks.
    let header = *unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes()) }?;
    let header = header.upgrade()?;
    header.ensure_layout::<KindModule_Ref>()?;

    let start = Instant::now();
    // SAFETY: its layout was checked in the line before.
    let module = unsafe { header.init_root_module_with_unchecked_layout::<KindModule_Ref>() }?;
    let end = Instant::now();

    std::hint::black_box((manifest, module));
    // As in the host: code of the module lives in the library.
    std::mem::forget(library);
    let steps = [read, parse, open, check, start, end];
    let [read, parse, open, check, start] = std::array::from_fn(|i| (steps[i + 1] - steps[i]).as_nanos() as u64);
    Ok(json!({ "read": read, "parse": parse, "open": open, "check": check, "start": start }).to_string())
}
