//! The tree of commands as far as the next word needs it: of kinds, the named one, or those that the word could name.

use std::collections::BTreeSet;

use carto_plugin_api::Verb;
use clap::{Arg, Command};
use clap_complete::engine::SubcommandCandidates;
use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::cli::{Scan, kinds_for, tree};
use crate::kinds::{Catalog, Kind};
use crate::output::verification;

/// The most manifests that are read to offer kinds. Each takes a tenth of a millisecond or two, and more than ten would be felt.
const MOST_MANIFESTS: usize = 32;

/// The tree for the word that comes after these, as far as it is typed.
pub(super) fn tree(before: &[String], typed: &str, scan: &Scan, catalog: &Catalog) -> Command {
    let tree = needed(before, typed, scan, catalog);
    if !leads_on(&scan.words, &tree) {
        return Command::new("carto").disable_help_flag(true);
    }
    if typed.starts_with('-') {
        return tree;
    }
    // What every command takes would bury what this one takes: it is offered when there is nothing else, or when a word begins with `-`.
    tree.disable_help_flag(true).mut_args(|global| global.hide(true))
}

/// Whether words are commands of a tree, as far as it has commands. A word that is none has nothing after it.
fn leads_on(words: &[String], tree: &Command) -> bool {
    let Some((word, rest)) = words.split_first().filter(|_| tree.has_subcommands()) else { return true };
    tree.find_subcommand(word).is_some_and(|inner| leads_on(rest, inner))
}

fn needed(before: &[String], typed: &str, scan: &Scan, catalog: &Catalog) -> Command {
    let words: Vec<&str> = scan.words.iter().map(String::as_str).collect();
    match words[..] {
        ["credentials"] => tree::command(&one_for_each_verb(catalog)),
        ["credentials", verb] => kinds_of(verb, typed, catalog),
        ["credentials", _, kind] => options_of(kind, before, scan, catalog),
        ["plugin", command @ ("info" | "why")] => names_for(command, "kind", catalog),
        ["plugin", "remove"] => offer("remove", "kind", &Catalog::own_names()),
        ["plugin", "install"] if before.iter().any(|word| word == "--rollback") => {
            offer("install", "what", &Catalog::own_names())
        }
        ["plugin", "lock", ..] => names_for("lock", "kinds", catalog),
        ["plugin", "why", kind] => verbs_to_ask_about(kind, catalog),
        _ => tree::command(&[]),
    }
}

/// Kinds with no more than it takes to know all verbs and the other words for them; none if it would take long to find out.
fn one_for_each_verb(catalog: &Catalog) -> Vec<Kind> {
    let mut kinds = kinds_like("", catalog).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for kind in &mut kinds {
        kind.manifest.verbs.retain(|verb, spec| seen.insert(*verb) || !spec.aliases.is_empty());
        without_options(kind);
    }
    kinds
}

fn without_options(kind: &mut Kind) {
    kind.manifest.verbs.values_mut().for_each(|spec| spec.args.clear());
}

/// Kinds for a verb: those that have it, or any file's if it would take long to find out.
fn kinds_of(word: &str, typed: &str, catalog: &Catalog) -> Command {
    let Some(mut kinds) = kinds_like(typed, catalog) else {
        return match word.parse::<Verb>() {
            Ok(verb) => below_verb(verb, names_like(typed, catalog)),
            Err(_) => tree::command(&[]),
        };
    };
    for kind in &mut kinds {
        let verb = kind.manifest.verb(word);
        kind.manifest.verbs.retain(|own, _| Some(*own) == verb);
        without_options(kind);
    }
    tree::command(&kinds)
}

/// A tree that offers names of kinds below a verb, and nothing below them.
fn below_verb(verb: Verb, names: Vec<String>) -> Command {
    let names = SubcommandCandidates::new(move || names.iter().map(CompletionCandidate::new).collect());
    tree::command(&[]).mut_subcommand("credentials", |credentials| {
        credentials.mut_subcommand(verb.as_str(), |verb| verb.allow_external_subcommands(true).add(names))
    })
}

/// The tree with the kind that is named, without what can't be given again, and with the names of its fields for `--field`.
fn options_of(word: &str, before: &[String], scan: &Scan, catalog: &Catalog) -> Command {
    // A word that is the name of no file could be any kind's plural, which only its manifest knows.
    let names = names_like(word, catalog);
    let is_named = names.iter().any(|name| name == word || is_regular_plural(word, name));
    let kinds = if is_named || catalog.names().len() <= MOST_MANIFESTS { kinds_for(scan, catalog) } else { Ok(vec![]) };
    let mut kinds = kinds.unwrap_or_default();
    for spec in kinds.iter_mut().flat_map(|kind| kind.manifest.verbs.values_mut()) {
        // Those that help doesn't show aren't meant to be found.
        spec.args.retain(|arg| !arg.hidden);
        for arg in spec.args.iter_mut().filter(|arg| !arg.many) {
            arg.hidden = before.iter().any(|word| is_option(word, &arg.name));
        }
    }
    let verb = scan.credentials().and_then(|(verb, _)| verb);
    let fields = |kind: &Kind| match verb.and_then(|verb| kind.manifest.verb(verb)) {
        Some(Verb::Verify) => verification::FIELDS.map(str::to_owned).to_vec(),
        _ => kind.manifest.record.fields.clone(),
    };
    let fields: Vec<String> = kinds.iter().flat_map(fields).collect();
    tree::command(&kinds).mut_args(|arg| with_values(arg, "field", &fields))
}

fn is_option(word: &str, name: &str) -> bool {
    let rest = word.strip_prefix("--").and_then(|option| option.strip_prefix(name));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// A command on plugins with the names of all files: one that is refused is a reason to ask.
fn names_for(command: &str, id: &str, catalog: &Catalog) -> Command {
    offer(command, id, &catalog.names().iter().cloned().collect::<Vec<_>>())
}

/// Verbs for `plugin why`, also those that the kind hasn't.
fn verbs_to_ask_about(word: &str, catalog: &Catalog) -> Command {
    let kind = if catalog.names().contains(word) { catalog.find(word).ok() } else { None };
    let aliases = kind.iter().flat_map(|kind| kind.manifest.verbs.values()).flat_map(|spec| spec.aliases.clone());
    let verbs = Verb::ALL.iter().map(|verb| verb.as_str().to_owned());
    offer("why", "verb", &verbs.chain(aliases).collect::<Vec<_>>())
}

fn offer(command: &str, id: &str, words: &[String]) -> Command {
    tree::command(&[]).mut_subcommand("plugin", |plugin| {
        plugin.mut_subcommand(command, |command| command.mut_args(|arg| with_values(arg, id, words)))
    })
}

/// An argument with these words to choose from, if it is the one of that id.
fn with_values(arg: Arg, id: &str, words: &[String]) -> Arg {
    if arg.get_id() != id {
        return arg;
    }
    let words = words.to_vec();
    arg.add(ArgValueCandidates::new(move || words.iter().map(CompletionCandidate::new).collect()))
}

/// The kinds that a word could name, as far as it is typed; nothing if more manifests would have to be read than somebody waits for.
fn kinds_like(typed: &str, catalog: &Catalog) -> Option<Vec<Kind>> {
    if catalog.names().len() <= MOST_MANIFESTS {
        return catalog.permitted().ok();
    }
    let names: BTreeSet<String> = names_like(typed, catalog).into_iter().collect();
    let permitted = |kinds: Vec<Kind>| kinds.iter().filter_map(|kind| catalog.policy().narrow(kind)).collect();
    match names.len() {
        ..=MOST_MANIFESTS => catalog.some(&names).ok().map(|found| permitted(found.kinds)),
        // Of a kind of which only the name is known nobody can say whether it may be used.
        _ if catalog.policy().is_in_force() => Some(Vec::new()),
        _ => None,
    }
}

/// The names of files that a word could become, or is the plural of.
fn names_like(typed: &str, catalog: &Catalog) -> Vec<String> {
    let fits = |name: &&String| name.starts_with(typed) || is_regular_plural(typed, name);
    catalog.names().iter().filter(fits).cloned().collect()
}

fn is_regular_plural(word: &str, name: &str) -> bool {
    word.strip_suffix('s') == Some(name)
}
