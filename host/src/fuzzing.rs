//! What reads input from outside, as the fuzz targets call it: each function must come back from any input, and what it would show must be
//! harmless. Not part of the program.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::SystemTime;

use carto_plugin_api::is_harmful;
use carto_plugin_api::manifest::Manifest;
use serde_json::Value;

use crate::account::profiles;
use crate::commands::credentials;
use crate::kinds::{Kind, section};
use crate::output::{Format, View, record, table, variables};
use crate::{cli, policy, run, service, settings};

/// A library's file, and the manifest in it.
pub fn library(bytes: &[u8]) {
    let read = section::source(Cursor::new(bytes)).and_then(|source| section::manifest(&source, "fuzz"));
    if let Err((cause, remedy)) = read {
        assert!(!cause.is_empty() && !remedy.is_empty());
    }
}

/// A manifest's text, and the command line that is built from it.
pub fn manifest(text: &str) {
    match Manifest::parse(text) {
        Ok(manifest) => cli::build(&[kind(manifest)]),
        // It is made harmless where it is shown.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A kind's answer, as a record, a page, and in every format.
pub fn answer(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let manifest = Manifest::parse(include_str!("../../tests/fixtures/marker/kind.toml")).expect("it is a manifest");
    let kind = kind(manifest);
    let _ = credentials::page(&kind, value.clone());
    if let Ok(record) = credentials::record(&kind, value) {
        for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv, Format::Env] {
            let view = View { format, ..View::default() };
            harmless(&record::text(&kind, record.clone(), &view, false));
        }
        let fields = &kind.manifest.record.columns;
        let columns = table::Columns::settle(fields, "id", std::slice::from_ref(&record), Some(80));
        harmless(&columns.row(&record));
    }
}

/// What a worker sends.
pub fn frame(bytes: &[u8]) {
    match run::parse(bytes) {
        Ok(Some((frame, length))) => assert_eq!(frame.head.len() + frame.body.len() + 9, length),
        Ok(None) => {}
        Err(malformed) => harmless(&malformed.0),
    }
}

fn kind(manifest: Manifest) -> Kind {
    Kind { manifest, source: "".into(), file: PathBuf::from("/fuzz") }
}

/// The body of a service's answer.
pub fn body(status: u16, bytes: &[u8]) {
    if let Err(error) = service::judge(status, bytes) {
        assert!(!error.message.is_empty());
    }
}

/// The credentials file.
pub fn credentials_file(text: &str) {
    if let Err(message) = profiles::parse(text) {
        harmless(&message);
    }
}

/// The settings.
pub fn settings_file(text: &str) {
    if let Err(message) = settings::parse(text) {
        assert!(!message.is_empty());
    }
}

/// A policy.
pub fn policy_file(text: &str) {
    if let Err(message) = policy::parse(text) {
        assert!(!message.is_empty());
    }
}

/// A file of variables, into which one is merged. Merged again, nothing changes.
pub fn env_file(text: &str) {
    if variables::unfinished(text).is_none() && variables::obstacle(text, &["NAME"]).is_none() {
        let set = |text: &str| variables::merged(text, &[("NAME".to_owned(), "it's".to_owned())]);
        let once = set(text);
        assert_eq!(set(&once), once);
    }
}

/// The value of a `Retry-After`.
pub fn retry_after(text: &str) {
    let _ = service::retry_after(text, SystemTime::UNIX_EPOCH);
}

/// No control character but line breaks reaches a terminal.
fn harmless(text: &str) {
    assert!(!text.contains(|c| c != '\n' && is_harmful(c)), "{text:?}");
}
