//! The command line: which words mean what. A scan finds verb and kind, only that kind's manifest is read, and one tree is built and
//! parsed. What a command does is `commands`'.

mod auth;
pub(crate) mod completion;
mod globals;
mod plugin;
pub(crate) mod reference;
mod scan;
mod tree;
mod usage;

use carto_plugin_api::{ErrorCode, Verb};
use clap::{ArgMatches, FromArgMatches};

pub(crate) use auth::{AuthCommand, LoginArgs};
pub(crate) use completion::Shell;
pub(crate) use globals::Globals;
pub(crate) use plugin::PluginCommand;
pub(crate) use scan::Scan;
pub(crate) use tree::{Command, ENV_FILE, ID, LIMIT, ReferenceCommand, SandboxCommand};

use crate::error::{Error, Result, usage as misuse};
use crate::kinds::{Catalog, Kind};

/// Builds the whole tree of these kinds, for a fuzzer: a kind that could break it has to be refused before.
#[cfg(feature = "fuzzing")]
pub(crate) fn build(kinds: &[Kind]) {
    tree::command(kinds).build();
}

/// What a command line comes to.
pub(crate) enum Parsed {
    /// Help or the version: the result itself.
    Print(String),
    /// Help that shows what is missing.
    Incomplete(String),
    /// Something to do.
    Do(Box<Line>),
}

/// A command with its options.
pub(crate) struct Line {
    pub(crate) globals: Globals,
    pub(crate) command: Command,
    matches: ArgMatches,
    kinds: Vec<Kind>,
}

/// Parses a command line, with the kinds below `credentials` that it needs.
pub(crate) fn parse(words: &[String], scan: &Scan, catalog: &Catalog) -> Result<Parsed> {
    let kinds = kinds_for(scan, catalog)?;
    let mut tree = tree::command(&kinds);
    let matches = match tree.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => return usage::explain(&error, scan, &tree),
    };
    let tree::Cli { globals, command } =
        tree::Cli::from_arg_matches(&matches).map_err(|e| usage::as_error(&e, scan, &tree))?;
    globals.check()?;
    Ok(Parsed::Do(Box::new(Line { globals, command, matches, kinds })))
}

impl Line {
    /// The verb, the kind and the options of `credentials VERB [KIND]`.
    pub(crate) fn credentials(&self) -> (&str, Option<&Kind>, &ArgMatches) {
        let mut at = &self.matches;
        let mut words = Vec::new();
        while let Some((word, inner)) = at.subcommand() {
            words.push(word);
            at = inner;
        }
        let kind = words.get(2).and_then(|name| self.kinds.iter().find(|kind| kind.name() == *name));
        (words.get(1).copied().unwrap_or_default(), kind, at)
    }
}

/// The kinds that the tree needs: the one that is named; all that may be used, for help that lists them; none otherwise.
fn kinds_for(scan: &Scan, catalog: &Catalog) -> Result<Vec<Kind>> {
    match scan.credentials() {
        None => Ok(Vec::new()),
        Some((Some(verb), Some(word))) => {
            let kind = catalog.find(word).map_err(|error| swapped(verb, word, catalog).unwrap_or(error))?;
            let policy = catalog.policy();
            match kind.manifest.verb(verb) {
                Some(meant) => policy.permit_file(&kind, meant)?,
                None => return Err(no_verb(&policy.narrow(&kind).unwrap_or(kind), verb)),
            }
            Ok(vec![kind])
        }
        Some(_) => Ok(catalog.permitted()?),
    }
}

/// `credentials robots list`: the kind stands where the verb belongs.
fn swapped(verb: &str, word: &str, catalog: &Catalog) -> Option<Error> {
    word.parse::<Verb>().ok()?;
    Some(match catalog.find(verb) {
        Ok(kind) => misuse("the verb comes before the kind")
            .hint(format!("write `carto credentials {word} {}`", kind.manifest.plural)),
        Err(error) => error,
    })
}

fn no_verb(kind: &Kind, word: &str) -> Error {
    let verbs: Vec<&str> = kind
        .manifest
        .verbs
        .iter()
        .flat_map(|(verb, spec)| [verb.as_str()].into_iter().chain(spec.aliases.iter().map(String::as_str)))
        .collect();
    let error = Error::new(
        ErrorCode::UnknownVerb,
        format!("the kind `{}` has no verb `{word}`; verbs: {}", kind.name(), verbs.join(", ")),
    );
    let close = verbs.iter().map(|verb| (strsim::jaro_winkler(word, verb), verb)).max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((likeness, verb)) if likeness > 0.8 => error.hint(format!("did you mean `{verb}`?")),
        _ => error.hint(format!("`carto credentials --help` lists the verbs; `{}` has those above", kind.name())),
    }
}
