//! What reads input from outside, as the fuzz targets call it: each function must come back from any input, and what it would show must be
//! harmless. Not part of the program.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::SystemTime;

use carto_plugin_api::manifest::Manifest;
use carto_plugin_api::{Secret, is_harmful};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde_json::Value;

use crate::account::profiles;
use crate::auth::browser::Answer;
use crate::auth::client::Client;
use crate::auth::metadata::Metadata;
use crate::auth::{Authority, SecretPlace, discovery, id_token};
use crate::commands::credentials;
use crate::kinds::{Kind, section};
use crate::output::{Format, View, record, table, variables, verification};
use crate::{address, cli, policy, run, service, settings};

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

/// What a kind says of a credential that it tried, one of its texts being a secret of the user's.
pub fn tried(text: &str) {
    const SECRET: &str = "hunter2hunter2";
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let manifest = Manifest::parse(include_str!("../../tests/fixtures/marker/kind.toml")).expect("it is a manifest");
    let Ok(tried) = credentials::verification(&kind(manifest), value) else { return };
    let clean = verification::cleaned(tried, &[SECRET.to_owned()]);
    for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
        let shown = verification::text(&clean, &View { format, ..View::default() });
        harmless(&shown);
        assert!(!shown.contains(SECRET), "{shown:?}");
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

/// The credentials file. What is put into one that can be read can be read, and taken out again, and nothing else changes.
pub fn credentials_file(text: &str) {
    const BEARER: &str = "b";
    let before = match profiles::parse(text) {
        Ok(profiles) => profiles,
        Err(message) => return harmless(&message),
    };
    let bearers = |profiles: &profiles::Profiles, but: &str| -> Vec<(String, Option<Secret>)> {
        let others = profiles.by_name.iter().filter(|(name, _)| *name != but);
        others.map(|(name, profile)| (name.clone(), profile.bearer.clone())).collect()
    };
    for name in before.by_name.keys().map(String::as_str).take(3).chain(["a \"new\" one"]) {
        let [with, without] = profiles::with_and_without(text, name, BEARER).expect("it could be read");
        let read = |text: &str| profiles::parse(text).expect("it was written here");
        let (with, without) = (read(&with), read(&without));
        let put = with.by_name[name].bearer.as_ref().map(|bearer| bearer.expose().as_str());
        assert_eq!((put, without.by_name.contains_key(name)), (Some(BEARER), false), "{name:?}");
        assert!(bearers(&before, name) == bearers(&with, name) && bearers(&with, name) == bearers(&without, name));
        assert_eq!(with.current, before.current);
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

/// A file with the id and the secret of a client.
pub fn client_file(text: &str) {
    let place = SecretPlace::Value(Secret::new(String::new()));
    match Client::in_text(text, "FILE", place) {
        Ok(client) => assert!(!client.id.is_empty() && !client.secret.expose().is_empty()),
        Err(error) => harmless(&error.message),
    }
}

/// A tenant's `config.yaml`, and the domain that says where it is.
pub fn account(text: &str) {
    let _ = discovery::base_url_in(text).map(|url| address::read(&url));
    if let Some(url) = discovery::config_url(text) {
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        assert!(plain && url.fragment().is_none() && url.path() == "/config.yaml", "{url}");
    }
}

/// What an authority says of itself, and what a browser brings back from it: as the query of a request, and as an address that was copied.
pub fn sign_in(text: &str) {
    const ISSUER: &str = "https://auth.example.com/";
    let _ = Answer::from_address(text).map_err(|error| harmless(&error.message));
    if let Some(answer) = Answer::read(text) {
        for named in [false, true] {
            let error = answer.code("`auth.example.com`", ISSUER, named).err();
            assert!(error.is_none_or(|error| !error.message.contains('\u{1b}')));
        }
    }
    if let Ok(document) = serde_json::from_str::<Value>(text) {
        let authority = Authority::new(ISSUER.parse().expect("it is an address"), "api".to_owned());
        let _ = Metadata::read(&authority, &document);
    }
}

/// An id token, and in the lines below it the keys of the authority. Nobody here can sign one: whatever it is, it is refused.
pub fn id_token(text: &str) {
    let (token, keys) = text.split_once('\n').unwrap_or((text, ""));
    let expected = id_token::Expected {
        issuer: "https://auth.example.com/",
        client_id: "c",
        nonce: "n",
        algorithms: &[Algorithm::RS256, Algorithm::PS512, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA],
        now: Timestamp::UNIX_EPOCH,
    };
    let keys = serde_json::from_str(keys).unwrap_or_default();
    let refused = id_token::verify(token, &keys, &expected).expect_err("it isn't signed");
    harmless(&refused.message);
}

/// The value of a `Retry-After`.
pub fn retry_after(text: &str) {
    let _ = service::retry_after(text, SystemTime::UNIX_EPOCH);
}

/// No control character but line breaks reaches a terminal.
fn harmless(text: &str) {
    assert!(!text.contains(|c| c != '\n' && is_harmful(c)), "{text:?}");
}
