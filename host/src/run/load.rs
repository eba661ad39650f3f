//! Opens a library as code: the one file that does. Its constructors run here, and nothing of it before.

// `dlopen` runs foreign code, and a symbol's type is a promise of the other side: both are what this file is for.
#![allow(unsafe_code)]

use abi_stable::library::{AbiHeaderRef, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use carto_plugin_api::ErrorCode;
use carto_plugin_api::abi::v1::KindModule_Ref;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::error::{Error, Result};
use crate::kinds::Kind;

/// Opens the kind's library and checks that its layout is the one that this program was built with.
pub(crate) fn open(kind: &Kind) -> Result<KindModule_Ref> {
    let failed = |why: String, remedy: &str| {
        Error::new(
            ErrorCode::PluginFault,
            format!("the kind `{}` can't be loaded: `{}` {why}", kind.name(), kind.file.display()),
        )
        .hint(remedy)
    };
    // SAFETY: the file was found in a trusted folder, is a whole library for this platform, and has a manifest of this ABI. That its
    // constructors do no harm can't be checked; running them is what the user asked for by naming a verb of this kind.
    let library = unsafe { Library::open(Some(&kind.file), RTLD_NOW | RTLD_LOCAL) }.map_err(|e| {
        failed(
            format!("can't be opened: {}", reason(&e)),
            "install a version of the plugin that is built for this system",
        )
    })?;
    // SAFETY: every library with this symbol is made by `export_kind!`, whose header begins with the value that `upgrade` checks.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes()) }
        .map(|symbol| *symbol)
        .map_err(|_| {
            failed("has a manifest but no entry".to_owned(), "build it with `carto_plugin_api::export_kind!`")
        })?;
    let outdated = "get a version of the plugin that is built with the plugin ABI of this carto";
    let module = header
        .upgrade()
        .and_then(|header| header.init_root_module::<KindModule_Ref>())
        .map_err(|e| failed(describe(&e), outdated))?;
    // Code and data of the module live in the library: it stays open until the process ends.
    std::mem::forget(library);
    Ok(module)
}

/// The loader's own words, without the path that the message has already.
fn reason(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.split_once(": ").map_or(
        text.clone(),
        |(first, rest)| {
            if first.contains('/') { rest.to_owned() } else { text.clone() }
        },
    )
}

/// abi_stable explains a layout in a thousand lines; one says what matters.
fn describe(error: &LibraryError) -> String {
    match error {
        LibraryError::AbiInstability(_) => "has another binary layout than this carto".to_owned(),
        LibraryError::InvalidAbiHeader(_) => "was built with another version of abi_stable".to_owned(),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
            format!("has ABI {actual_version}, and this carto has {expected_version}")
        }
        LibraryError::RootModule { .. } => "failed while it was started".to_owned(),
        _ => "isn't a plugin of this carto".to_owned(),
    }
}
