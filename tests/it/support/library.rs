//! The built libraries, as files, and damaged copies of them.

use std::path::PathBuf;

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
