//! What may be done here: the policies of the organisation and of the user, asked before a verb runs and again when its library is sealed.
//!
//! `places` finds and believes files, `file` (with `keys`) reads them, `rule` says what one matches, `limit` holds values against them, `ask` asks about a kind
//! as its file is. Each file has to allow what is done, so a later
//! one only narrows; one that can't be used refuses everything.

mod ask;
mod file;
mod keys;
mod limit;
mod places;
mod rule;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carto_plugin_api::{ErrorCode, Input, Verb};
use jiff::Timestamp;
use url::Url;

pub(crate) use ask::{OfFile, refused_whole};
pub(crate) use file::Audit;
use file::{File, Mode, Rule};

use crate::environment;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::run::Level;
use crate::service::{ACCOUNT_SERVICE, approved};
use crate::settings::Settings;
use crate::toml_text;

/// Whether a text is a policy, for a fuzzer.
#[cfg(feature = "fuzzing")]
pub(crate) fn parse(text: &str) -> std::result::Result<(), String> {
    File::parse(text).map(drop)
}

/// The policies in force.
#[derive(Debug)]
pub(crate) struct Policy {
    layers: Vec<Layer>,
}

/// One file.
#[derive(Debug)]
struct Layer {
    path: PathBuf,
    text: String,
    /// What it says, or why it can't be used and what mends it.
    file: std::result::Result<File, (String, String)>,
}

/// A verb that is asked about. What takes time to find out is found out if a rule wants to know it.
pub(crate) struct Asked<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) verb: Verb,
    /// The digest of its library.
    pub(crate) sha256: &'a dyn Fn() -> Option<String>,
    /// The user's settings: at which level kinds run, and where their own services are approved.
    pub(crate) settings: &'a dyn Fn() -> Option<Arc<Settings>>,
}

/// What decided, in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Because {
    pub(crate) path: PathBuf,
    pub(crate) line: Option<usize>,
    /// As the rest of a sentence that begins with the file.
    pub(crate) what: String,
    pub(crate) reason: Option<String>,
    pub(crate) contact: Option<String>,
}

impl Because {
    /// `` `/etc/carto/policy.toml`, line 7, denies it``.
    pub(crate) fn sentence(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{} {}{reason}", self.place(), self.what)
    }

    /// `` `/etc/carto/policy.toml`, line 7,``.
    fn place(&self) -> String {
        let line = self.line.map(|line| format!(", line {line},")).unwrap_or_default();
        format!("`{}`{line}", self.path.display())
    }

    /// `/etc/carto/policy.toml:7`, as editors take it.
    pub(crate) fn address(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", self.path.display())
    }
}

/// What each file says of a verb, up to the first that refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    pub(crate) because: Vec<Because>,
}

impl Verdict {
    /// The error for a verb that is refused.
    pub(crate) fn permit(&self, kind: &Kind, verb: Verb) -> Result<()> {
        match self.decisive() {
            Some(because) if !self.allowed => Err(refusal(kind.name(), Some(verb), because, None)),
            _ => Ok(()),
        }
    }

    /// What decided: the file that refuses, or the last that allows.
    pub(crate) fn decisive(&self) -> Option<&Because> {
        self.because.last()
    }
}

impl Policy {
    /// Reads what is there. It can't fail: a file that can't be used refuses everything.
    pub(crate) fn read() -> Policy {
        let layers = places::all().into_iter().filter_map(|place| {
            let (text, file) = match place.read() {
                Ok(None) => return None,
                Ok(Some(text)) => {
                    let remedy = || format!("mend the file: {} explains it", environment::document("policy.md"));
                    let file = File::parse(&text).map_err(|why| (format!("can't be used: {why}"), remedy()));
                    (text, file)
                }
                Err(fault) => (String::new(), Err(fault)),
            };
            Some(Layer { path: place.path, text, file })
        });
        Policy { layers: layers.collect() }
    }

    /// Whether there is any.
    pub(crate) fn is_in_force(&self) -> bool {
        !self.layers.is_empty()
    }

    /// The files, for people.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.layers.iter().map(|layer| layer.path.as_path())
    }

    /// The files that can't be used: why, and what mends it.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (&Path, &str, &str)> {
        self.layers.iter().filter_map(|layer| match &layer.file {
            Ok(_) => None,
            Err((why, remedy)) => Some((layer.path.as_path(), why.as_str(), remedy.as_str())),
        })
    }

    /// Rules and limits of kinds that aren't there, which may be misspelt: a permission goes by the name, the others by the plural too.
    pub(crate) fn without_effect(
        &self,
        is_named: impl Fn(&str) -> bool,
        is_there: impl Fn(&str) -> bool,
    ) -> Vec<Because> {
        let mut found = Vec::new();
        for layer in &self.layers {
            let Ok(file) = &layer.file else { continue };
            let of = |rule: &toml::Spanned<Rule>| Some((rule.span().start, rule.get_ref().kind.clone()?));
            let allow = file.allow.iter().filter_map(of).filter(|(_, kind)| !is_named(kind));
            let limits = file.limit.iter().map(|limit| (limit.span().start, limit.get_ref().kind.clone()));
            let others = file.deny.iter().filter_map(of).chain(limits).filter(|(_, kind)| !is_there(kind));
            for (offset, kind) in allow.chain(others) {
                let what = format!("is about `{kind}`, and no such kind is here");
                found.push(layer.because(file, Some(offset), what, None));
            }
        }
        found
    }

    /// Whether a verb may run, and what says so.
    pub(crate) fn decide(&self, asked: &Asked<'_>) -> Verdict {
        let mut because = Vec::new();
        for layer in &self.layers {
            let (allowed, cause) = layer.decide(asked);
            because.push(cause);
            if !allowed {
                return Verdict { allowed: false, because };
            }
        }
        Verdict { allowed: true, because }
    }

    /// Whether the values that a verb is given may be given; else the error, and the limit's address.
    pub(crate) fn limit(
        &self,
        kind: &Kind,
        verb: Verb,
        input: &Input,
        now: Timestamp,
    ) -> std::result::Result<(), (Error, String)> {
        for layer in &self.layers {
            let Ok(file) = &layer.file else { continue };
            for spanned in &file.limit {
                let limit = spanned.get_ref();
                if !limit.is_about(&kind.manifest, verb) {
                    continue;
                }
                limit.hold(&kind.manifest, verb, input, now).map_err(|(what, argument)| {
                    let because = layer.because(file, Some(spanned.span().start), what, limit.reason.as_ref());
                    (refusal(kind.name(), Some(verb), &because, argument), because.address())
                })?;
            }
        }
        Ok(())
    }

    /// The limits that can't do what they say for this kind, and refuse the verb whatever it is given.
    pub(crate) fn never(&self, kind: &Kind, verb: Verb) -> Vec<Because> {
        let mut found = Vec::new();
        for layer in &self.layers {
            let Ok(file) = &layer.file else { continue };
            let about = file.limit.iter().filter(|limit| limit.get_ref().is_about(&kind.manifest, verb));
            found.extend(about.filter_map(|spanned| {
                let limit = spanned.get_ref();
                let why = limit.never(&kind.manifest)?;
                Some(layer.because(file, Some(spanned.span().start), why, limit.reason.as_ref()))
            }));
        }
        found
    }

    /// The limits on a verb of a kind, for people: where they stand and what they say.
    pub(crate) fn limits(&self, kind: &Kind, verb: Verb) -> Vec<(String, Because)> {
        let mut limits = Vec::new();
        for layer in &self.layers {
            let Ok(file) = &layer.file else { continue };
            for spanned in &file.limit {
                let limit = spanned.get_ref();
                if limit.is_about(&kind.manifest, verb) {
                    let because = layer.because(file, Some(spanned.span().start), limit.words(), limit.reason.as_ref());
                    limits.push((limit.argument.clone(), because));
                }
            }
        }
        limits
    }

    /// Whether other folders of kinds may be named by `source`, an option or a variable.
    pub(crate) fn permit_kinds_path(&self, source: &str) -> Result<()> {
        self.permit_key(source, File::kinds_path, "doesn't allow other folders of kinds").map_err(|(error, _)| error)
    }

    /// Whether the settings may say that the service has its routes elsewhere: a verb that is allowed would be another one there. Else the
    /// error, and the address of what says so.
    pub(crate) fn permit_service_paths(&self) -> std::result::Result<(), (Error, String)> {
        self.permit_key("[services.api.paths]", File::service_paths, "doesn't allow other routes of the service")
    }

    fn permit_key(
        &self,
        source: &str,
        allows: fn(&File) -> (bool, usize),
        what: &str,
    ) -> std::result::Result<(), (Error, String)> {
        for layer in &self.layers {
            let because = match layer.file.as_ref().map(|file| (file, allows(file))) {
                Ok((_, (true, _))) => continue,
                Ok((file, (false, place))) => layer.because(file, Some(place), what.to_owned(), None),
                Err(fault) => layer.broken(fault),
            };
            let message = format!("`{source}` is refused by policy: {}", because.sentence());
            let error = Error::new(ErrorCode::RefusedByPolicy, message);
            let error = error.hint(ask(&because, &format!("leave `{source}` out, or unset it")));
            return Err((error, because.address()));
        }
        Ok(())
    }

    /// Where records go, and the file that says so.
    pub(crate) fn audits(&self) -> impl Iterator<Item = (&Audit, &Path)> {
        self.layers
            .iter()
            .filter_map(|layer| Some((layer.file.as_ref().ok()?.audit.as_ref()?.get_ref(), layer.path.as_path())))
    }
}

impl Layer {
    fn because(&self, file: &File, offset: Option<usize>, what: String, reason: Option<&String>) -> Because {
        Because {
            path: self.path.clone(),
            line: offset.map(|offset| toml_text::line(&self.text, offset)),
            what,
            reason: reason.cloned(),
            contact: file.contact.clone(),
        }
    }

    fn broken(&self, (why, remedy): &(String, String)) -> Because {
        // Whom to ask can't be read. What to do can be said.
        Because { path: self.path.clone(), line: None, what: format!("{why}; {remedy}"), reason: None, contact: None }
    }

    fn decide(&self, asked: &Asked<'_>) -> (bool, Because) {
        let file = match &self.file {
            Ok(file) => file,
            Err(fault) => return (false, self.broken(fault)),
        };
        let because = |rule: &toml::Spanned<Rule>, verb: &str| {
            let what = format!("{verb} {}", rule.get_ref().words());
            self.because(file, Some(rule.span().start), what, rule.get_ref().reason.as_ref())
        };
        if let Some(rule) = file.deny.iter().find(|rule| rule.get_ref().denies(asked)) {
            return (false, because(rule, "denies"));
        }
        let mode = |what: &str| self.because(file, Some(file.mode.span().start), what.to_owned(), None);
        match file.mode.get_ref() {
            Mode::AllowAll => (true, mode("allows all")),
            Mode::DenyAll => (false, mode("denies all")),
            Mode::AllowList => match file.allow.iter().find(|rule| rule.get_ref().allows(asked)) {
                Some(rule) => (true, because(rule, "allows")),
                None => {
                    // The one that comes nearest tells most.
                    let near = file.allow.iter().find(|rule| rule.get_ref().kind.as_deref() == Some(asked.kind.name()));
                    (
                        false,
                        near.map_or_else(
                            || mode("allows what it lists, and not this"),
                            |rule| because(rule, "allows only"),
                        ),
                    )
                }
            },
        }
    }
}

impl Asked<'_> {
    fn level(&self) -> Option<Level> {
        (self.settings)().map(|settings| settings.plugins.level)
    }

    /// What the verb asks: `api`, or the origin of a service of the kind's own, where the manifest says that it is and where the user says;
    /// nothing if that can't be read.
    fn services(&self) -> Option<BTreeSet<String>> {
        let settings = (self.settings)()?;
        let mut services = BTreeSet::new();
        for call in self.kind.calls(self.verb) {
            let name = &call.service;
            // Where a credential is tried is the account's, too.
            if call.tries(self.verb) {
                services.insert(ACCOUNT_SERVICE.to_owned());
                continue;
            }
            let declared = self.kind.manifest.services.get(name).and_then(|service| service.base_url.as_deref());
            let declared = declared.map(|text| Url::parse(text).map_or_else(|_| text.to_owned(), |url| origin(&url)));
            services.insert(declared.unwrap_or_else(|| name.clone()));
            services.extend(approved(&settings, self.kind.name(), name).map(origin));
        }
        Some(services)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The error for something that a policy refuses.
pub(crate) fn refusal(kind: &str, verb: Option<Verb>, because: &Because, argument: Option<String>) -> Error {
    let what = verb.map_or_else(|| kind.to_owned(), |verb| format!("{kind} {verb}"));
    let message = format!("`{what}` is refused by policy: {}", because.sentence());
    let error = Error::new(ErrorCode::RefusedByPolicy, message);
    let mut error = error.hint(ask(because, &format!("`carto plugin why {what}` says more")));
    error.argument = argument;
    error
}

/// Whom to ask, and what else to do.
fn ask(because: &Because, more: &str) -> String {
    because.contact.as_ref().map_or_else(|| more.to_owned(), |contact| format!("ask {contact}; {more}"))
}

#[cfg(test)]
mod tests;
