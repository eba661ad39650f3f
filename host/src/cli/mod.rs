//! The command line: which words mean what. A scan finds verb and kind, only that kind's manifest is read, and one tree is built and
//! parsed. What a command does is `commands`'.

mod globals;
mod scan;
mod tree;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, Verb};
use clap::{ArgMatches, FromArgMatches};

pub(crate) use globals::Globals;
pub(crate) use tree::{ID, LIMIT};

use crate::commands::{self, Context};
use crate::error::{Error, Result, usage as misuse};
use crate::kinds::{Catalog, Kind};
use crate::output::{stderr, stdout};
use scan::Scan;
use tree::{Command, PluginCommand, SandboxCommand};

/// Runs the program on its own arguments.
pub fn run() -> ExitCode {
    let words: std::result::Result<Vec<String>, OsString> = std::env::args_os().map(OsString::into_string).collect();
    let outcome = match words {
        Ok(words) => {
            let scan = Scan::of(&words);
            stderr::speak_json(scan.json);
            run_words(&words, &scan)
        }
        Err(_) => Err(misuse("an argument isn't UTF-8")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            stderr::error(&error);
            ExitCode::from(error.code.exit_status())
        }
    }
}

fn run_words(words: &[String], scan: &Scan) -> Result<ExitCode> {
    let catalog = Catalog::new(scan.kinds_path.as_deref())?;
    let kinds = kinds_for(scan, &catalog)?;
    let matches = match tree::command(&kinds).try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return usage::explain(&error, scan),
    };
    let cli = tree::Cli::from_arg_matches(&matches).map_err(|e| usage::as_error(&e, scan))?;
    let context = Context { globals: cli.globals, catalog };
    context.globals.check()?;
    match cli.command {
        Command::Credentials => {
            let (verb, kind, matches) = credentials_leaf(&matches);
            let kind = kind.and_then(|name| kinds.into_iter().find(|kind| kind.name() == name));
            commands::credentials::run(&context, verb, kind, matches)
        }
        Command::Plugin { command: PluginCommand::List } => commands::plugin::list(&context),
        Command::Sandbox { command } => match command {
            SandboxCommand::Serve { port } => commands::sandbox::serve(&context, port),
            SandboxCommand::Reset => commands::sandbox::reset(),
            SandboxCommand::Path => commands::sandbox::path(&context),
        },
    }
}

/// The kinds that the tree needs: the one that is named; all of them for help that lists them; none otherwise.
fn kinds_for(scan: &Scan, catalog: &Catalog) -> Result<Vec<Kind>> {
    match scan.credentials() {
        None => Ok(Vec::new()),
        Some((Some(verb), Some(word))) => {
            let kind = catalog.find(word).map_err(|error| swapped(verb, word, catalog).unwrap_or(error))?;
            if kind.manifest.verb(verb).is_none() {
                return Err(no_verb(&kind, verb));
            }
            Ok(vec![kind])
        }
        Some(_) => Ok(catalog.all().kinds),
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

/// The verb, the kind and the innermost matches of `credentials VERB [KIND]`.
fn credentials_leaf(matches: &ArgMatches) -> (&str, Option<&str>, &ArgMatches) {
    let mut at = matches;
    let mut words = Vec::new();
    while let Some((word, inner)) = at.subcommand() {
        words.push(word);
        at = inner;
    }
    (words.get(1).copied().unwrap_or_default(), words.get(2).copied(), at)
}

/// Help and version, which are a command's result and not an error.
fn print(text: &str) -> Result<ExitCode> {
    stdout::settle(stdout::write(text)).map(|()| ExitCode::SUCCESS)
}
