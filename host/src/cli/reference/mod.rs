//! The command line as documents: man pages and one page of Markdown, both from the tree that is parsed with.

mod man;
mod markdown;
mod notes;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

pub(crate) use man::pages;
pub(crate) use markdown::markdown;

use super::tree;
use crate::kinds::Kind;

/// A command of the tree, with all that it takes beside what every command takes.
struct Entry {
    /// The words that lead to it, the program's name first.
    words: Vec<String>,
    /// What it does, in one line.
    summary: String,
    command: Command,
    /// Those below it, which a reader may know about.
    below: Vec<Entry>,
}

impl Entry {
    /// The whole tree of these kinds.
    fn root(kinds: &[Kind]) -> Entry {
        let tree = tree::command(kinds).disable_help_subcommand(true);
        Entry::new(&tree, Vec::new(), about(&tree), &[], kinds)
    }

    fn new(command: &Command, mut words: Vec<String>, summary: String, inherited: &[Arg], kinds: &[Kind]) -> Entry {
        words.push(command.get_name().to_owned());
        let is_root = words.len() == 1;
        let command = command.clone().args(inherited).bin_name(words.join(" ")).display_name(words.join("-"));
        // What every command takes is described once.
        let passed_on: Vec<Arg> = match is_root {
            true => Vec::new(),
            false => command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect(),
        };
        let mut inner: Vec<&Command> = command.get_subcommands().filter(|inner| !inner.is_hide_set()).collect();
        // As help has them.
        inner.sort_by_key(|inner| inner.get_display_order());
        let below = inner
            .into_iter()
            .map(|inner| {
                // A kind says what it is; what is done is the verb's to say.
                let kind = kinds.iter().find(|kind| words.len() == 3 && kind.name() == inner.get_name());
                let summary = match kind {
                    Some(kind) => format!("{}: {}", about(&command), kind.manifest.title),
                    None => about(inner),
                };
                Entry::new(inner, words.clone(), summary, &passed_on, kinds)
            })
            .collect();
        let command = if is_root { command } else { command.disable_help_flag(true) };
        Entry { words, summary, command: command.disable_help_subcommand(true), below }
    }

    /// How it is typed.
    fn usage(&self) -> String {
        let usage = self.command.clone().render_usage().to_string();
        usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join(" ")
    }

    /// The arguments that a reader may know about, those without a name first.
    fn arguments(&self) -> Vec<&Arg> {
        let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
            self.command.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| arg.is_positional());
        positional.into_iter().chain(options).collect()
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// The help of an argument, with what else is to be known of it.
fn help(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string);
    help.into_iter().chain(facts(arg)).collect::<Vec<_>>().join("; ")
}

/// The value that an argument takes, as it stands in a usage; nothing for a switch.
fn value(arg: &Arg) -> Option<String> {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    takes_value.then(|| match arg.get_value_names() {
        Some(names) => names.join(" "),
        None => arg.get_id().as_str().to_uppercase(),
    })
}

/// What a help doesn't say itself: whether it has to be there, what it may be.
fn facts(arg: &Arg) -> Vec<String> {
    let mut facts = Vec::new();
    if arg.is_required_set() && !arg.is_positional() {
        facts.push("required".to_owned());
    }
    // Some help says it in its own way.
    let says_so = |help: &StyledStr| help.to_string().contains("may be repeated");
    if matches!(arg.get_action(), ArgAction::Append) && !arg.get_help().is_some_and(says_so) {
        facts.push("may be repeated".to_owned());
    }
    let values: Vec<String> = match value(arg) {
        Some(_) => arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect(),
        None => Vec::new(),
    };
    if !values.is_empty() {
        facts.push(format!("one of {}", values.join(", ")));
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if !defaults.is_empty() && value(arg).is_some() {
        facts.push(format!("{} if left out", defaults.join(", ")));
    }
    facts
}
