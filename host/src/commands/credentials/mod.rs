//! `carto credentials`: one file a shape of verb. `work` runs a verb of a kind, `outcome` says what its end means; the others decide what
//! is asked and shown.

mod delete;
mod delivery;
mod dry_run;
mod guard;
mod hand_over;
mod list;
mod outcome;
mod show;
mod verify;
mod work;

#[cfg(feature = "fuzzing")]
pub(crate) use list::page;
pub(crate) use verify::read as verification;
pub(crate) use work::record;

pub(crate) use guard::refused;

use std::process::ExitCode;

use carto_plugin_api::Verb;
use clap::ArgMatches;

use super::Context;
use crate::cli::ID;
use crate::error::usage;
use crate::kinds::Kind;

/// Runs a verb, of one kind or (list) of all.
pub(crate) fn run(
    context: &Context,
    word: &str,
    kind: Option<&Kind>,
    matches: &ArgMatches,
) -> anyhow::Result<ExitCode> {
    let Some(kind) = kind else {
        return list::all(context, matches);
    };
    // The tree only has verbs that the kind has.
    let verb = kind.manifest.verb(word).ok_or_else(|| usage(format!("`{}` has no verb `{word}`", kind.name())))?;
    match verb {
        Verb::List => list::one(context, kind.clone(), matches),
        Verb::Delete => delete::run(context, kind, matches),
        Verb::Verify => verify::run(context, kind, matches),
        _ => show::run(context, kind, verb, matches),
    }
}

/// The `<ID>` of the command line.
fn typed_id(matches: &ArgMatches) -> &str {
    matches.get_one::<String>(ID).map(String::as_str).unwrap_or_default()
}
