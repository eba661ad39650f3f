//! The manifest of a kind: `kind.toml`, schema 1.1.
//!
//! The types here are the schema. [`Manifest::parse`] reads and checks; what it accepts, a host can show and serve. Reading the
//! section out of a library is the host's.

mod auth;
mod call;
mod check;
mod parse;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use auth::Auth;
pub use call::{Call, Method};
pub use check::{RESERVED_OPTIONS, RESERVED_WORDS, is_kind_name};

use crate::Verb;

/// The schema version that this crate reads: (major, minor).
pub const SCHEMA: (u32, u32) = (1, 1);

/// The most arguments that one verb may declare.
pub const MAX_ARGS: usize = 64;

/// Why a manifest is refused: one line, without a full stop, as the end of a sentence about the manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ManifestError {
    message: String,
    /// Whether it is made for a later version of the contract, which a newer `carto` would read.
    pub carto_is_older: bool,
    /// Whether it is made for an earlier version, which this `carto` doesn't serve any more. If neither is older, the manifest is wrong.
    pub plugin_is_older: bool,
}

impl ManifestError {
    /// The two are of different versions: theirs compared with ours.
    fn versions<T: Ord>(message: String, theirs: T, ours: T) -> ManifestError {
        ManifestError { message, carto_is_older: theirs > ours, plugin_is_older: theirs < ours }
    }
}

impl From<String> for ManifestError {
    fn from(message: String) -> ManifestError {
        ManifestError { message, carto_is_older: false, plugin_is_older: false }
    }
}

/// What a kind says of itself. Everything in it may be shown: it holds no control characters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The schema that it is written in, like `1.0`.
    pub schema: String,
    /// Keys of a later minor schema, as dotted paths, without which the kind makes no sense.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The ABI of the library: [`crate::abi::VERSION`].
    pub abi: u32,
    /// The kind's name: `[a-z][a-z0-9]*(-[a-z0-9]+)*`. Part of the file's name.
    pub name: String,
    /// The key of its list in JSON, and a second name on the command line. May be the name itself.
    pub plural: String,
    /// What a person calls one of these: `API Access Token`.
    pub title: String,
    /// One line for help.
    pub about: String,
    /// Who made it: self-declared, so shown but never trusted.
    #[serde(default)]
    pub vendor: Option<String>,
    /// The services that its verbs ask. `api` is the account's CARTO API. The two that only verify asks, [`crate::DATA_SERVICE`] and
    /// [`crate::AUTH_SERVICE`], are named in its `calls` without a table here.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// The shape of a record.
    pub record: Record,
    /// The verbs that it has, in the order of [`Verb::ALL`].
    #[serde(deserialize_with = "parse::verbs")]
    pub verbs: BTreeMap<Verb, VerbSpec>,
    /// Added by `export_kind!` from the crate's `Cargo.toml`.
    #[serde(default)]
    pub package: Option<Package>,
}

/// A service that a kind asks: a table `[services.NAME]`.
///
/// `[services.api]` is the account's CARTO API and is empty: where it is, and with which bearer, is the account's. Any other name is a service
/// of the kind's own, and such a kind needs no CARTO at all:
///
/// ```
/// # let manifest = carto_plugin_api::manifest::Manifest::parse(r#"
/// # schema = "1.0"
/// # abi = 1
/// # name = "robot"
/// # plural = "robots"
/// # title = "Robot"
/// # about = "Things that move by themselves"
/// [services.fleet]
/// base_url = "https://robots.example.com/v1"
/// auth = "header:X-Robot-Key"
/// # [record]
/// # fields = ["id"]
/// # id = "id"
/// # columns = ["id"]
///
/// [verbs.list]
/// calls = ["fleet GET /robots"] # GET https://robots.example.com/v1/robots
/// # "#).unwrap();
/// # assert_eq!(manifest.services["fleet"].auth.as_ref().unwrap().to_string(), "header:X-Robot-Key");
/// ```
///
/// Such a service is off until the user, or the organisation, approves it: with the address that requests then go to, whatever a later
/// version of the manifest says. Its secret is the user's: `carto` takes it from the variable `CARTO_KIND_<NAME>_SECRET` (`NAME` is the
/// kind's, `-` as `_`; one for all services of the kind), puts it where `auth` says, and takes it out of every answer. The kind never gets it,
/// and a request that sets that header or pair of the query itself is a breach.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[non_exhaustive]
pub struct Service {
    /// For a service of the kind's own: where its vendor has it. https, or http on the user's own machine. `api` has none, since that is the
    /// account's.
    #[serde(default)]
    pub base_url: Option<String>,
    /// For a service of the kind's own: `bearer`, `header:NAME`, `query:NAME` or `none`.
    #[serde(default)]
    pub auth: Option<Auth>,
}

/// The shape of a record: which field is which.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Every field of a record, in order: what `--field` takes and what a CSV's header is.
    pub fields: Vec<String>,
    /// The field that identifies a credential. Never itself a credential: it is shown everywhere.
    pub id: String,
    /// What the service's own JSON calls the id, where that differs: so that the host can name what a write made, whatever happens to the
    /// kind afterwards.
    #[serde(default)]
    pub wire_id: Option<String>,
    /// The field that a person gave it: a name or a title.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether no two credentials of an account can have the same label, so that it can be asked for by it.
    #[serde(default)]
    pub unique_label: bool,
    /// Fields that are masked except at creation and under `--reveal`.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Those secrets that the service gives at creation and never again.
    #[serde(default)]
    pub once: Vec<String>,
    /// The fields of a table, in order.
    pub columns: Vec<String>,
    /// Field to variable, for `-o env`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// One verb.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct VerbSpec {
    /// All that the verb may ask of the host. What only reads may ask by GET alone; verify may also POST to the services that try a
    /// credential.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Other words for it, for this kind only.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its options.
    #[serde(default)]
    pub args: Vec<Arg>,
}

/// One option of a verb.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Arg {
    /// The option without its dashes. In the input, `-` becomes `_`.
    pub name: String,
    /// What stands for its value in help: `NAME`. Derived from the type when left out.
    #[serde(default)]
    pub value: Option<String>,
    /// What it takes.
    #[serde(default, rename = "type")]
    pub kind: ArgType,
    /// The words of an enum.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether it may be given more than once; its value is then a list.
    #[serde(default)]
    pub many: bool,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Options of the same verb that can't stand beside it.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// For a string: its value is a list, separated by commas. Limits of a policy hold for each item.
    #[serde(default)]
    pub list: bool,
    /// For a string: its value is another way to write the values of these options of the kind, joined by commas; the last one takes the rest.
    /// In a list each item is, of one option. So that a limit of a policy on one of them holds however it is written.
    #[serde(default)]
    pub parts: Vec<String>,
    /// For a string: `@FILE` stands for the file's text, `@-` for standard input, `@@…` for a text that begins with `@`.
    #[serde(default)]
    pub at_file: bool,
    /// Accepted but not shown in help: for an option whose only use is a message that shows the right way.
    #[serde(default)]
    pub hidden: bool,
    /// One line for help: imperative or noun phrase, without a full stop.
    pub help: String,
    /// A value that works, for help.
    #[serde(default)]
    pub example: Option<String>,
}

impl Arg {
    /// The key of its value in the input: the name with `_` for `-`.
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// What stands for its value in help.
    pub fn placeholder(&self) -> &str {
        self.value.as_deref().unwrap_or(match self.kind {
            ArgType::String | ArgType::Bool => "TEXT",
            ArgType::Int => "N",
            ArgType::Date => "DATE",
            ArgType::Url => "URL",
            ArgType::Enum => "WORD",
            ArgType::File => "FILE",
            ArgType::Secret => "SOURCE",
        })
    }
}

/// What an option takes, and what reaches the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ArgType {
    /// Any text.
    #[default]
    String,
    /// A whole number: a JSON number.
    Int,
    /// No value; present means `true`.
    Bool,
    /// `2027-01-01` (midnight UTC), an RFC 3339 time, or a time from now: `7d`, `2w`, `6m`, `1y`, by the calendar.
    /// Reaches the kind as RFC 3339 in UTC to the second.
    Date,
    /// An absolute URL, which reaches the kind exactly as it was typed.
    Url,
    /// One of `values`.
    Enum,
    /// The path of a text file; its content reaches the kind.
    File,
    /// A secret: `-` (standard input), `@FILE` or `env:NAME`, never the value itself. The content reaches the kind.
    Secret,
}

/// Where a library comes from, as its crate says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Package {
    /// The crate's version.
    pub version: String,
    /// The crate's licence.
    #[serde(default)]
    pub license: String,
    /// The version of this crate that it was built with.
    #[serde(default)]
    pub plugin_api: String,
}

impl Manifest {
    /// Whether `word` means this kind on the command line.
    pub fn answers_to(&self, word: &str) -> bool {
        self.name == word || self.plural == word
    }

    /// The verb that `word` means for this kind: a verb that it has, or one of its aliases.
    pub fn verb(&self, word: &str) -> Option<Verb> {
        self.verbs
            .iter()
            .find(|(verb, spec)| verb.as_str() == word || spec.aliases.iter().any(|alias| alias == word))
            .map(|(verb, _)| *verb)
    }
}

#[cfg(test)]
mod tests;
