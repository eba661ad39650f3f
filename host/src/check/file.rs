//! Checks of the library's file, of which nothing runs yet; and the kind in it, if it is one.

use std::path::Path;

use carto_plugin_api::VERSION;
use carto_plugin_api::manifest::Manifest;

use super::report::Notes;
use crate::kinds::{self, Facts, Kind, section};

/// The oldest glibc that a system in use has: that of Debian 11 and Ubuntu 20.04.
const OLDEST_GLIBC: (u32, u32) = (2, 31);

/// Looks at the file. Nothing if it can't be opened as a kind.
pub(super) fn check(file: &Path, notes: &mut Notes, facts: &mut Vec<(&'static str, String)>) -> Option<Kind> {
    let library = match section::open(file).and_then(|opened| kinds::facts(&opened).map(|facts| (opened, facts))) {
        Ok(library) => library,
        Err((why, remedy)) => {
            // To its author, who doesn't install it; but a command that mends it mends it here too.
            let is_command = remedy.contains('`');
            let remedy = if is_command { remedy } else { "build it as a `cdylib`, for this machine".to_owned() };
            notes.fail("file.library", format!("it {why}"), remedy);
            return None;
        }
    };
    let (opened, about) = library;
    notes.ran("file.library");
    about_library(&about, notes);
    facts.push(("size", size(about.size)));
    facts.push(("target", target(&about)));
    facts.push(("needs", about.needs.join(", ")));
    facts.push((
        "built by",
        about.rustc.map_or_else(|| "a compiler that doesn't say so".to_owned(), |version| format!("rustc {version}")),
    ));
    let source = section::source(opened);
    let read = source.and_then(|source| {
        let manifest = Manifest::parse(&source).map_err(|e| {
            (format!("holds a manifest that can't be used: {e}"), "mend `kind.toml`, and build it again".to_owned())
        })?;
        Ok((source, manifest))
    });
    let (source, manifest) = match read {
        Ok(read) => read,
        Err((why, remedy)) => {
            notes.fail("manifest.reads", format!("it {why}"), remedy);
            return None;
        }
    };
    notes.ran("manifest.reads");
    name(file, &manifest, notes);
    package(&manifest, notes);
    let package = manifest.package.as_ref();
    let version = package.map(|package| format!(" {}", package.version)).unwrap_or_default();
    let license = package.map(|package| package.license.as_str()).filter(|license| !license.is_empty());
    facts.insert(0, ("kind", format!("{}{version}: {}", manifest.name, manifest.title)));
    facts.insert(1, ("licence", license.unwrap_or("none").to_owned()));
    let built = package.map_or("", |package| package.plugin_api.as_str());
    facts.push((
        "contract",
        format!("schema {}, ABI {}, carto-plugin-api {built} (this carto: {VERSION})", manifest.schema, manifest.abi),
    ));
    Some(Kind { manifest, source: source.into(), file: file.to_owned() })
}

fn about_library(about: &Facts, notes: &mut Notes) {
    for id in ["file.needs", "file.glibc", "file.stripped"] {
        notes.ran(id);
    }
    for name in about.needs.iter().filter(|name| !section::is_the_systems(name)) {
        notes.fail(
            "file.needs",
            format!("it needs `{name}`"),
            "link it in (`static` features of the crate that brings it), or do without it",
        );
    }
    if let Some((major, minor)) = about.glibc.filter(|version| *version > OLDEST_GLIBC) {
        notes.warn(
            "file.glibc",
            format!("it needs glibc {major}.{minor}, so it can't be opened on Debian 11 or Ubuntu 20.04"),
            "build it on an older system, in a container of one, or with `cargo zigbuild --target …-gnu.2.31`",
        );
    }
    if !about.stripped {
        notes.warn(
            "file.stripped",
            format!("it has {}, with symbols and what debuggers read", size(about.size)),
            "ship a release build with `strip = \"symbols\"` in its profile; it opens quicker too",
        );
    }
}

fn name(file: &Path, manifest: &Manifest, notes: &mut Notes) {
    notes.ran("file.name");
    let (name, expected) = (file.file_name().unwrap_or_default(), kinds::file_name(&manifest.name));
    if name != expected.as_str() {
        let what = format!("it is called `{}`, and holds the kind `{}`", name.display(), manifest.name);
        let remedy = format!("ship it as `{expected}`: carto finds a kind by the name of its file");
        notes.fail("file.name", what, remedy);
    }
}

fn package(manifest: &Manifest, notes: &mut Notes) {
    notes.ran("file.package");
    match &manifest.package {
        None => notes.warn("file.package", "its manifest has no table `[package]`", "export it with `export_kind!`"),
        Some(package) if package.license.is_empty() => {
            notes.warn("file.package", "it names no licence", "add `license = \"…\"` to its `Cargo.toml`");
        }
        Some(_) => {}
    }
}

fn target(about: &Facts) -> String {
    let arch = std::env::consts::ARCH;
    match about.glibc {
        Some((major, minor)) => format!("{arch} Linux, glibc {major}.{minor} or newer"),
        None => format!("{arch} Linux"),
    }
}

/// As people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
