//! What could stand for the value of an option, where it isn't simply a file or one of some words.

use std::ffi::OsStr;

use clap_complete::engine::ValueCompleter;
use clap_complete::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter};

use crate::account::profiles;
use crate::redact;

/// Text, or a file after `@`.
pub(in crate::cli) fn text_or_file() -> ArgValueCompleter {
    ArgValueCompleter::new(file_after_at)
}

/// Where a secret is: standard input, a file, a variable.
pub(in crate::cli) fn secret() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let places = ["-", "@", "env:"].into_iter().filter(|place| place.starts_with(&*typed.to_string_lossy()));
        let files = file_after_at(typed);
        if files.is_empty() { places.map(CompletionCandidate::new).collect() } else { files }
    })
}

/// The names of profiles, as far as a command line can have them. The file is read when they are asked for; one that can't be has none.
pub(in crate::cli) fn profiles() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let file = profiles::read().ok().flatten().unwrap_or_default();
        file.by_name.keys().filter(|name| is_offered(name)).map(CompletionCandidate::new).collect()
    })
}

/// Whether a name is one: not an option, nothing that disturbs a terminal, and no credential that somebody put in the wrong place.
fn is_offered(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.contains(carto_plugin_api::is_harmful)
        && redact::redact(name) == name
}

fn file_after_at(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(path) = typed.to_str().and_then(|typed| typed.strip_prefix('@')) else { return Vec::new() };
    PathCompleter::file().complete(OsStr::new(path)).into_iter().map(|file| file.add_prefix("@")).collect()
}
