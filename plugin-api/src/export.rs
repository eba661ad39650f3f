//! `export_kind!`: makes a library of a kind. What it does at compile time, and what it leaves to the host, stands at the macro.

/// Exports a kind from a `cdylib`: the manifest as a link section, and the entry that the host looks for.
///
/// `export_kind!(Token)` reads `kind.toml` beside the crate's `Cargo.toml`; `export_kind!(Token, "other.toml")` another file there. The
/// crate must be called `carto-kind-<name>` with the manifest's name, because the library's file name follows from it. Checked at compile
/// time: that name, schema, ABI and size of the manifest, and that panics unwind. The full check of a manifest runs in the kind's tests
/// (`testing::Harness`) and in the host.
///
/// The macro appends a table `[package]` with version and licence from `Cargo.toml` and this crate's version.
#[macro_export]
macro_rules! export_kind {
    ($kind:ty) => {
        $crate::export_kind!($kind, "kind.toml");
    };
    ($kind:ty, $file:literal) => {
        #[allow(unsafe_code)]
        const _: () = {
            const OWN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file));
            const _: () = $crate::export::check(OWN, env!("CARGO_CRATE_NAME"));
            const TEXT: &str = concat!(
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)),
                "\n[package]\nversion = '",
                env!("CARGO_PKG_VERSION"),
                "'\nlicense = '",
                env!("CARGO_PKG_LICENSE"),
                "'\nplugin_api = '",
            );
            const LENGTH: usize = TEXT.len() + $crate::VERSION.len() + 2;

            #[used]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__carto_kind"))]
            #[cfg_attr(windows, unsafe(link_section = ".cartok"))]
            #[cfg_attr(not(any(windows, target_vendor = "apple")), unsafe(link_section = ".carto_kind"))]
            #[unsafe(export_name = "CARTO_KIND_MANIFEST")]
            pub static MANIFEST: [u8; LENGTH] = $crate::export::join([TEXT, $crate::VERSION, "'\n"]);

            #[cfg(panic = "abort")]
            compile_error!("a carto kind must be built with panic = \"unwind\": its panics are caught and reported");

            // The symbol that abi_stable looks for. Its own attribute macro would need every kind to depend on it.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            pub static HEADER: $crate::export::LibHeader = $crate::export::header(load);

            extern "C" fn load() -> $crate::export::RootModuleResult {
                $crate::export::root::<$kind>()
            }
        };
    };
}

use abi_stable::library::CheckTypeLayout;
use abi_stable::prefix_type::PrefixTypeTrait;

pub use abi_stable::library::{LibHeader, RootModuleResult};

use crate::CredentialKind;
use crate::abi::{MANIFEST_LIMIT, VERSION, v1};

/// The library's header over its constructor.
#[allow(unsafe_code)]
pub const fn header(constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: the constructor that the macro passes is `root`, which makes a `KindModule_Ref`.
    unsafe { LibHeader::from_constructor::<v1::KindModule_Ref>(constructor, CheckTypeLayout::Yes) }
}

/// The root module of a kind.
pub fn root<K: CredentialKind>() -> RootModuleResult {
    fn module<K: CredentialKind>() -> v1::KindModule_Ref {
        v1::KindModule { invoke: v1::invoke::<K> }.leak_into_prefix()
    }
    abi_stable::library::__call_root_module_loader(module::<K>)
}

/// Joins texts into an array, at compile time.
pub const fn join<const N: usize>(texts: [&str; 3]) -> [u8; N] {
    let mut joined = [0; N];
    let (mut at, mut which) = (0, 0);
    while which < texts.len() {
        let bytes = texts[which].as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            joined[at] = bytes[i];
            at += 1;
            i += 1;
        }
        which += 1;
    }
    joined
}

/// What of a manifest can be checked at compile time without a TOML reader: size, and the head's `schema`, `abi` and `name`.
pub const fn check(manifest: &str, crate_name: &str) {
    let text = manifest.as_bytes();
    assert!(text.len() as u64 + 1024 <= MANIFEST_LIMIT, "the manifest is larger than 256 KiB");
    assert!(starts_with(head_value(text, b"schema"), b"\"1."), "the manifest's first lines must say: schema = \"1.0\"");
    const { assert!(VERSION == 1, "the next line must follow the version") };
    assert!(equal(head_value(text, b"abi"), b"1"), "the manifest's first lines must say: abi = 1");
    assert!(
        is_crate_of(crate_name.as_bytes(), head_value(text, b"name")),
        "the crate must be called carto-kind-NAME with the manifest's name, since the library's file name follows from it"
    );
}

/// The value of `key = value` in the lines before the first table, without trailing comment or space; empty if there is none.
const fn head_value<'a>(text: &'a [u8], key: &[u8]) -> &'a [u8] {
    let mut rest = text;
    while let [first, ..] = rest {
        if *first == b'[' {
            break;
        }
        let mut end = 0;
        while end < rest.len() && rest[end] != b'\n' {
            end += 1;
        }
        let (line, next) = rest.split_at(end);
        if starts_with(line, key) {
            let mut value = trim_start(line.split_at(key.len()).1);
            if let [b'=', after @ ..] = value {
                value = trim_start(after);
                return until_comment(value);
            }
        }
        rest = match next {
            [_, after @ ..] => after,
            [] => next,
        };
    }
    &[]
}

const fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

const fn until_comment(text: &[u8]) -> &[u8] {
    let mut end = 0;
    while end < text.len() && text[end] != b'#' {
        end += 1;
    }
    let mut value = text.split_at(end).0;
    while let [rest @ .., b' ' | b'\t' | b'\r'] = value {
        value = rest;
    }
    value
}

const fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.len() >= start.len() && equal(text.split_at(start.len()).0, start)
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether `crate_name` is `carto_kind_` and the quoted `name`, with `_` for `-`.
const fn is_crate_of(crate_name: &[u8], name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"carto_kind_";
    let [b'"', name @ .., b'"'] = name else { return false };
    if !starts_with(crate_name, PREFIX) || crate_name.len() != PREFIX.len() + name.len() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        let letter = if name[i] == b'-' { b'_' } else { name[i] };
        if crate_name[PREFIX.len() + i] != letter {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "# a kind\nschema = \"1.0\"  # strict\nabi    = 1\nname   = \"api-key\"\n[record]\nname = \"x\"\n";

    #[test]
    fn a_good_head_passes() {
        check(GOOD, "carto_kind_api_key");
        check(&GOOD.replace('\n', "\r\n"), "carto_kind_api_key");
    }

    #[test]
    fn a_bad_head_fails() {
        let cases = [
            (GOOD.to_owned(), "carto_kind_other"),
            (GOOD.to_owned(), "api_key"),
            (GOOD.replace("abi    = 1", "abi = 2"), "carto_kind_api_key"),
            (GOOD.replace("\"1.0\"", "\"2.0\""), "carto_kind_api_key"),
            (GOOD.replace("name   = \"api-key\"\n", ""), "carto_kind_api_key"),
            (format!("{GOOD}{}", "#".repeat(300_000)), "carto_kind_api_key"),
        ];
        for (text, name) in cases {
            assert!(std::panic::catch_unwind(|| check(&text, name)).is_err(), "{}", &text[..60]);
        }
    }
}
