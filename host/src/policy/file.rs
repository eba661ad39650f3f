//! The format of a policy, version 1: what a file may say, and what of that makes no sense. docs/policy.md explains it to administrators.

use std::path::PathBuf;

use carto_plugin_api::Verb;
use regex_lite::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::keys;
use crate::run::Level;
use crate::toml_text;

/// One file, understood.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[allow(dead_code)] // it was looked at when it was read
    #[serde(deserialize_with = "keys::version")]
    version: u64,
    pub(super) mode: Spanned<Mode>,
    #[serde(default)]
    pub(super) contact: Option<String>,
    #[serde(default)]
    kinds_path: Option<Spanned<bool>>,
    #[serde(default)]
    service_paths: Option<Spanned<bool>>,
    #[serde(default, deserialize_with = "keys::tables")]
    pub(super) allow: Vec<Spanned<Rule>>,
    #[serde(default, deserialize_with = "keys::tables")]
    pub(super) deny: Vec<Spanned<Rule>>,
    #[serde(default, deserialize_with = "keys::tables")]
    pub(super) limit: Vec<Spanned<Limit>>,
    #[serde(default)]
    pub(super) audit: Option<Spanned<Audit>>,
}

/// What holds where no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    AllowAll,
    AllowList,
    DenyAll,
}

/// A permission or a denial: conditions that all have to hold, each one of several.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default, deserialize_with = "keys::name")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "keys::verbs")]
    pub(super) verbs: Option<Vec<Verb>>,
    #[serde(default, deserialize_with = "keys::digests")]
    pub(super) sha256: Option<Vec<String>>,
    #[serde(default, deserialize_with = "keys::path")]
    pub(super) folder: Option<PathBuf>,
    #[serde(default, deserialize_with = "keys::services")]
    pub(super) services: Option<Vec<String>>,
    #[serde(default, deserialize_with = "keys::levels")]
    pub(super) levels: Option<Vec<Level>>,
    #[serde(default)]
    pub(super) vendor: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What the values of one option may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    #[serde(deserialize_with = "keys::needed_name")]
    pub(super) kind: String,
    #[serde(deserialize_with = "keys::needed_name")]
    pub(super) argument: String,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) forbidden: Vec<String>,
    #[serde(default, deserialize_with = "keys::pattern")]
    pub(super) pattern: Option<Pattern>,
    #[serde(default, deserialize_with = "keys::time")]
    pub(super) at_most: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// Where records go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    /// Lines of JSON are added to this file; an absolute path.
    #[serde(default, deserialize_with = "keys::path")]
    pub(crate) file: Option<PathBuf>,
    /// The system's log has them.
    #[serde(default)]
    pub(crate) syslog: bool,
    /// Where the system's log listens.
    #[serde(default, deserialize_with = "keys::path")]
    pub(crate) socket: Option<PathBuf>,
    /// Nothing is done that can't be recorded.
    #[serde(default)]
    pub(crate) required: bool,
}

/// A regular expression that a whole value has to match.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    whole: Regex,
}

impl Pattern {
    pub(super) fn new(text: String) -> Result<Pattern, regex_lite::Error> {
        // What closes the group would open the pattern: alone, it has to be one as well.
        Regex::new(&text)?;
        // `\A` and `\z`, not `^` and `$`: those could be told to mean lines.
        let whole = Regex::new(&format!(r"\A(?:{text})\z"))?;
        Ok(Pattern { text, whole })
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        self.whole.is_match(value)
    }
}

impl File {
    /// Reads a file's text. What is wrong with it comes with its place.
    pub(super) fn parse(text: &str) -> Result<File, String> {
        let file: File = toml_text::parse(text).map_err(|why| {
            // Behind a table's head a key belongs to that table.
            let misplaced = FIRST.iter().find(|key| why.contains(&format!("unknown field `{key}`")));
            misplaced.map_or(why.clone(), |key| format!("{why}; `{key}` has to stand before the first table"))
        })?;
        file.check().map_err(|(offset, message)| toml_text::at(text, offset, &message))?;
        Ok(file)
    }

    /// Whether other folders of kinds may be named, and the place that says so.
    pub(super) fn kinds_path(&self) -> (bool, usize) {
        self.or_by_mode(self.kinds_path.as_ref())
    }

    /// Whether the settings may say that the service has its routes elsewhere, and the place that says so.
    pub(super) fn service_paths(&self) -> (bool, usize) {
        self.or_by_mode(self.service_paths.as_ref())
    }

    fn or_by_mode(&self, key: Option<&Spanned<bool>>) -> (bool, usize) {
        let by_mode = || (*self.mode.get_ref() == Mode::AllowAll, self.mode.span().start);
        key.map_or_else(by_mode, |key| (*key.get_ref(), key.span().start))
    }

    fn check(&self) -> Result<(), (usize, String)> {
        let mode = *self.mode.get_ref();
        let at_mode = |why: &str| Err((self.mode.span().start, why.to_owned()));
        match (mode, self.allow.first()) {
            (Mode::AllowList, None) => return at_mode("`allow-list` needs an `[[allow]]`, or `mode` is \"deny-all\""),
            (Mode::AllowAll | Mode::DenyAll, Some(rule)) => {
                return Err((
                    rule.span().start,
                    "an `[[allow]]` has an effect in `mode = \"allow-list\"` only".to_owned(),
                ));
            }
            _ => {}
        }
        if let Some(vendor) = self.allow.iter().find_map(|rule| rule.get_ref().vendor.as_ref()) {
            let why = "a `vendor` is what a library says of itself: it can be denied, and not allowed";
            return Err((vendor.span().start, why.to_owned()));
        }
        for limit in &self.limit {
            let Limit { required, forbidden, pattern, at_most, .. } = limit.get_ref();
            if !required && forbidden.is_empty() && pattern.is_none() && at_most.is_none() {
                let why = "a limit needs `required`, `forbidden`, `pattern` or `at_most`";
                return Err((limit.span().start, why.to_owned()));
            }
        }
        let Some(audit) = &self.audit else { return Ok(()) };
        match audit.get_ref() {
            Audit { file: None, syslog: false, .. } => {
                Err((audit.span().start, "`[audit]` needs a `file`, or `syslog = true`".to_owned()))
            }
            Audit { socket: Some(_), syslog: false, .. } => {
                Err((audit.span().start, "`socket` has an effect with `syslog = true` only".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The keys that come before all tables.
const FIRST: [&str; 5] = ["version", "mode", "contact", "kinds_path", "service_paths"];
