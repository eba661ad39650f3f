//! Opens a library as code: the one file that does. Its constructors run here, and nothing of it before.

// `dlopen` runs foreign code, and a symbol's type is a promise of the other side: both are what this file is for.
#![allow(unsafe_code)]

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{AbiInstability, check_layout_compatibility};
use abi_stable::library::{AbiHeaderRef, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use carto_plugin_api::ErrorCode;
use carto_plugin_api::abi::v1::KindModule_Ref;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::error::Error;
use crate::kinds::Kind;

/// Why a library can't be used.
pub(super) struct Fault {
    /// As the end of a sentence that begins with the file.
    pub(super) why: String,
    pub(super) remedy: String,
}

impl Fault {
    fn new(why: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault { why: why.into(), remedy: remedy.into() }
    }

    /// The error for a kind whose library it is.
    pub(super) fn of(self, kind: &Kind) -> Error {
        let message = format!("the kind `{}` can't be loaded: `{}` {}", kind.name(), kind.file.display(), self.why);
        Error::new(ErrorCode::PluginFault, message).hint(self.remedy)
    }
}

/// Parts of the C library that this program doesn't need itself and a kind may: afterwards they can't be opened any more. Newer ones have
/// them for old programs only.
const PARTS: [&str; 4] = ["libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

/// Opens them.
pub(super) fn preload() {
    for name in PARTS {
        // SAFETY: the system's own, which every program may use. One that isn't there is missed by whoever needs it.
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        std::mem::forget(library);
    }
}

/// Opens the library at a path that leads to its descriptor, and checks that its layout is the one that this program was built with.
pub(super) fn open(path: &str) -> Result<KindModule_Ref, Fault> {
    // SAFETY: it is a whole library for this platform with a manifest of this ABI, and it can't change any more. That its constructors do no
    // harm can't be checked; running them is what the user asked for by naming a verb of this kind, at the level that the settings say.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|e| {
        Fault::new(
            format!("can't be opened: {}", reason(&e)),
            "install a version of the plugin that is built for this system",
        )
    })?;
    // SAFETY: every library with this symbol is made by `export_kind!`, whose header begins with the value that `upgrade` checks.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes()) };
    let header = header
        .map(|symbol| *symbol)
        .map_err(|_| Fault::new("has a manifest but no entry", "build it with `carto_plugin_api::export_kind!`"))?;
    let outdated = "get a version of the plugin that is built with the plugin ABI of this carto";
    let header = header.upgrade().map_err(|e| Fault::new(describe(&e), outdated))?;
    if !has_layout(header) {
        return Err(Fault::new("has another binary layout than this carto", outdated));
    }
    // SAFETY: the layout that it was built with was just compared with the one that is called here.
    let module = unsafe { header.init_root_module_with_unchecked_layout::<KindModule_Ref>() };
    let module = module.map_err(|e| Fault::new(describe(&e), outdated))?;
    // Code and data of the module live in the library: it stays open until the process ends.
    std::mem::forget(library);
    Ok(module)
}

/// Whether a library was built with the layout of ABI 1: sizes, fields, functions and their order, down to the last type.
///
/// abi_stable also compares the versions of the crates that the types come from, and would refuse every plugin at the next minor
/// version of `carto-plugin-api`. What is frozen is the layout, so a difference in nothing but those is none.
fn has_layout(header: &LibHeader) -> bool {
    let Some(layout) = header.layout() else { return false };
    match check_layout_compatibility(KindModule_Ref::LAYOUT, layout) {
        Ok(()) => true,
        Err(found) => {
            let mut differences = found.errors.iter().flat_map(|error| error.errs.iter());
            differences.all(|difference| matches!(difference, AbiInstability::PackageVersion(_)))
        }
    }
}

/// The loader's own words, without the path to a descriptor, which tells nobody anything.
fn reason(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let text = match text.split_once(": ") {
        Some((first, rest)) if first.starts_with("/proc/") => rest,
        _ => &text,
    };
    let before = text.split(" (required by /proc/").next().unwrap_or(text);
    before.to_owned()
}

/// abi_stable explains a layout in a thousand lines; one says what matters.
fn describe(error: &LibraryError) -> String {
    match error {
        LibraryError::InvalidAbiHeader(_) => "was built with another version of abi_stable".to_owned(),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
            format!("has ABI {actual_version}, and this carto has {expected_version}")
        }
        LibraryError::RootModule { .. } => "failed while it was started".to_owned(),
        _ => "isn't a plugin of this carto".to_owned(),
    }
}
