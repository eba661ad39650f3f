//! The format of a policy, version 1: what a file may say, and what of that makes no sense. docs/policy.md explains it to administrators.

use std::collections::BTreeSet;
use std::path::PathBuf;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::is_kind_name;
use regex_lite::Regex;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use url::Url;

use crate::digest;
use crate::input::date;
use crate::run::Level;
use crate::toml_text;

/// One file, understood.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    version: u32,
    pub(super) mode: Spanned<Mode>,
    #[serde(default)]
    pub(super) contact: Option<String>,
    #[serde(default)]
    kinds_path: Option<bool>,
    #[serde(default)]
    service_paths: Option<bool>,
    #[serde(default)]
    pub(super) allow: Vec<Spanned<Rule>>,
    #[serde(default)]
    pub(super) deny: Vec<Spanned<Rule>>,
    #[serde(default)]
    pub(super) limit: Vec<Spanned<Limit>>,
    #[serde(default)]
    pub(super) audit: Option<Audit>,
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
    #[serde(default)]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "verbs")]
    pub(super) verbs: Option<Vec<Verb>>,
    #[serde(default, deserialize_with = "one_or_more")]
    pub(super) sha256: Option<Vec<String>>,
    #[serde(default)]
    pub(super) folder: Option<PathBuf>,
    #[serde(default)]
    pub(super) services: Option<Vec<String>>,
    #[serde(default)]
    pub(super) levels: Option<Vec<Level>>,
    #[serde(default)]
    pub(super) vendor: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What the values of one option may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) kind: String,
    pub(super) argument: String,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) forbidden: Vec<String>,
    #[serde(default, deserialize_with = "pattern")]
    pub(super) pattern: Option<Pattern>,
    #[serde(default)]
    pub(super) at_most: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// Where records go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    /// Lines of JSON are added to this file; an absolute path.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
    /// The system's log has them.
    #[serde(default)]
    pub(crate) syslog: bool,
    /// Where the system's log listens.
    #[serde(default)]
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
    pub(super) fn matches(&self, value: &str) -> bool {
        self.whole.is_match(value)
    }
}

impl File {
    /// Reads a file's text. What is wrong with it comes with its place.
    pub(super) fn parse(text: &str) -> Result<File, String> {
        let file: File = toml_text::parse(text)?;
        if file.version != 1 {
            return Err(format!("`version` is 1 in this carto, not {}", file.version));
        }
        file.check().map_err(|(offset, message)| toml_text::at(text, offset, &message))?;
        Ok(file)
    }

    /// Whether other folders of kinds may be named.
    pub(super) fn kinds_path(&self) -> bool {
        self.kinds_path.unwrap_or(*self.mode.get_ref() == Mode::AllowAll)
    }

    /// Whether the settings may say that the service has its routes elsewhere.
    pub(super) fn service_paths(&self) -> bool {
        self.service_paths.unwrap_or(*self.mode.get_ref() == Mode::AllowAll)
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
        for (rules, may_allow) in [(&self.allow, true), (&self.deny, false)] {
            for rule in rules {
                rule.get_ref().check(may_allow).map_err(|why| (rule.span().start, why))?;
            }
        }
        for limit in &self.limit {
            limit.get_ref().check().map_err(|why| (limit.span().start, why))?;
        }
        let audit = self.audit.iter();
        audit.map(Audit::check).find_map(Result::err).map_or(Ok(()), |why| Err((0, format!("in `[audit]`: {why}"))))
    }
}

impl Rule {
    fn check(&self, may_allow: bool) -> Result<(), String> {
        if let Some(kind) = self.kind.iter().find(|kind| !is_kind_name(kind)) {
            return Err(format!("`{}` can't be the name of a kind", kind.escape_debug()));
        }
        let empty = [
            ("verbs", self.verbs.as_ref().is_some_and(Vec::is_empty)),
            ("sha256", self.sha256.as_ref().is_some_and(Vec::is_empty)),
            ("services", self.services.as_ref().is_some_and(Vec::is_empty)),
            ("levels", self.levels.as_ref().is_some_and(Vec::is_empty)),
        ];
        if let Some((key, _)) = empty.iter().find(|(_, empty)| *empty) {
            return Err(format!("`{key}` is empty: name some, or leave it out"));
        }
        if let Some(text) = self.sha256.iter().flatten().find(|text| !digest::is_one(text)) {
            return Err(format!("`{}` isn't a SHA-256 in 64 small hexadecimal digits", text.escape_debug()));
        }
        if self.folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
            return Err("`folder` has to be an absolute path".to_owned());
        }
        if let Some(service) = self.services.iter().flatten().find(|service| !is_service(service)) {
            let service = service.escape_debug();
            return Err(format!("`{service}` isn't a service: `api`, or an origin like `https://robots.example.com`"));
        }
        if may_allow && self.vendor.is_some() {
            return Err("a `vendor` is what a library says of itself: it can be denied, and not allowed".to_owned());
        }
        Ok(())
    }
}

/// `api`, or an origin: nothing behind the host and its port.
fn is_service(text: &str) -> bool {
    text == "api" || Url::parse(text).is_ok_and(|url| url.has_host() && url.origin().ascii_serialization() == text)
}

impl Limit {
    fn check(&self) -> Result<(), String> {
        if let Some(word) = [&self.kind, &self.argument].into_iter().find(|word| !is_kind_name(word)) {
            return Err(format!("`{}` can't be the name of a kind or an option", word.escape_debug()));
        }
        if let Some(time) = self.at_most.iter().find(|time| date::from_now(time, jiff::Timestamp::UNIX_EPOCH).is_none())
        {
            return Err(format!("`{}` isn't a time like 90d, 12w, 6m or 1y", time.escape_debug()));
        }
        if !self.required && self.forbidden.is_empty() && self.pattern.is_none() && self.at_most.is_none() {
            return Err("a limit needs `required`, `forbidden`, `pattern` or `at_most`".to_owned());
        }
        Ok(())
    }
}

impl Audit {
    fn check(&self) -> Result<(), String> {
        if self.file.is_none() && !self.syslog {
            return Err("it needs a `file`, or `syslog = true`".to_owned());
        }
        if [&self.file, &self.socket].into_iter().flatten().any(|path| !path.is_absolute()) {
            return Err("a path has to be absolute".to_owned());
        }
        if self.socket.is_some() && !self.syslog {
            return Err("`socket` has an effect with `syslog = true` only".to_owned());
        }
        Ok(())
    }
}

fn verbs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Verb>>, D::Error> {
    let verbs = Vec::<String>::deserialize(deserializer)?.into_iter().map(|word| {
        word.parse().map_err(|()| {
            let word = word.escape_debug();
            serde::de::Error::custom(format!(
                "`{word}` isn't one of list, get, create, update, delete; a kind's own word for one is that verb"
            ))
        })
    });
    let verbs = verbs.collect::<Result<Vec<Verb>, _>>()?;
    if verbs.iter().collect::<BTreeSet<_>>().len() < verbs.len() {
        return Err(serde::de::Error::custom("a verb is there twice"));
    }
    Ok(Some(verbs))
}

/// `"…"` or `["…", "…"]`.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(Some(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more,
    }))
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // `\A` and `\z`, not `^` and `$`: those could be told to mean lines.
    let whole = Regex::new(&format!(r"\A(?:{text})\z"))
        // What closes the group would open the pattern.
        .and_then(|whole| Regex::new(&text).map(|_| whole))
        .map_err(|e| serde::de::Error::custom(format!("`{}` isn't a pattern: {e}", text.escape_debug())))?;
    Ok(Some(Pattern { text, whole }))
}
