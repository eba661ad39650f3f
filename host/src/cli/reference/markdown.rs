//! The reference page.

use clap::{Arg, Command};

use super::{Entry, about, help, value};
use crate::kinds::Kind;

const BEGINNING: &str = "\
# Reference

Every command with what it takes, written from the same definitions as `--help` and the man pages (`man carto-plugin-why`). Types are
those that come with carto; `carto credentials create --help` lists the ones that are installed. Statuses: [errors.md](errors.md);
variables, files, formats, and what values look like: [configuration.md](configuration.md).
";

/// The page for a tree with these kinds.
pub(crate) fn markdown(kinds: &[Kind]) -> String {
    let root = Entry::root(kinds);
    let mut page = BEGINNING.to_owned();
    page.push_str(&contents(&root));
    page.push_str("\n## Options of every command\n");
    page.push_str(&by_heading(&root.command));
    for entry in &root.below {
        section(entry, 2, &mut page);
    }
    page
}

/// A list of the commands, with links.
fn contents(root: &Entry) -> String {
    let link = |entry: &Entry| format!("[`{}`](#{})", entry.command.get_name(), entry.words.join("-"));
    let mut text = "\n| command | | |\n|---|---|---|\n".to_owned();
    for entry in &root.below {
        let inner: Vec<String> = entry.below.iter().map(link).collect();
        text.push_str(&format!("| {} | {} | {} |\n", link(entry), entry.summary, inner.join(", ")));
    }
    text
}

/// The options of a command, a table for each heading; what has none stands in the last.
fn by_heading(command: &Command) -> String {
    let mut built = command.clone();
    built.build();
    let args: Vec<&Arg> = built.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    let mut headings: Vec<&str> = args.iter().filter_map(|arg| arg.get_help_heading()).collect();
    headings.dedup();
    let last = headings.last().copied();
    let tables = headings.iter().map(|heading| {
        let own = args.iter().filter(|arg| arg.get_help_heading().or(last) == Some(heading));
        format!("\n**{heading}**\n\n{}", table(own.copied()))
    });
    tables.collect()
}

fn section(entry: &Entry, level: usize, page: &mut String) {
    let what = entry.command.get_before_help().map_or_else(|| entry.summary.clone(), ToString::to_string);
    page.push_str(&format!("\n{} {}\n\n{what}.\n", "#".repeat(level), entry.words.join(" ")));
    let arguments = entry.arguments();
    // A command that only holds others says what there is by holding them.
    if entry.below.is_empty() || !arguments.is_empty() {
        page.push_str(&format!("\n```text\n{}\n```\n", entry.usage()));
    }
    if !arguments.is_empty() {
        page.push_str(&format!("\n{}", table(arguments.into_iter())));
    }
    if let Some(more) = entry.command.get_after_help().filter(|_| entry.below.is_empty()) {
        page.push_str(&format!("\n```text\n{more}\n```\n"));
    }
    // Below a verb stand types: only those that take something of their own have a section.
    let is_verb = level == 3 && !entry.below.is_empty();
    if is_verb {
        page.push_str(&types(entry));
        page.push_str(&ids(entry));
    }
    for inner in entry.below.iter().filter(|inner| !is_verb || takes_more(inner, entry)) {
        section(inner, level + 1, page);
    }
}

/// Whether a type has options beside those of its verb.
fn takes_more(entry: &Entry, verb: &Entry) -> bool {
    let inherited = |arg: &&Arg| verb.command.get_arguments().any(|known| known.get_id() == arg.get_id());
    entry.arguments().iter().any(|arg| !arg.is_positional() && !inherited(arg))
}

fn types(verb: &Entry) -> String {
    let mut text = "\n| type | what it is | usage |\n|---|---|---|\n".to_owned();
    for entry in &verb.below {
        let names = std::iter::once(entry.command.get_name()).chain(entry.command.get_visible_aliases());
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        text.push_str(&format!("| {} | {} | `{}` |\n", names.join(", "), cell(&about(&entry.command)), entry.usage()));
    }
    text
}

/// What stands after the types of a verb that have no section, which may differ between them.
fn ids(verb: &Entry) -> String {
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    for entry in verb.below.iter().filter(|entry| !takes_more(entry, verb)) {
        for arg in entry.arguments().into_iter().filter(|arg| arg.is_positional()) {
            let (name, help, kind) = (name(arg), help(arg), format!("`{}`", entry.command.get_name()));
            match rows.iter_mut().find(|row| row.0 == name && row.1 == help) {
                Some(row) => row.2.push(kind),
                None => rows.push((name, help, vec![kind])),
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let rows = rows.iter().map(|(name, help, kinds)| format!("| {name} | {} | {} |\n", kinds.join(", "), cell(help)));
    "\n| | of | |\n|---|---|---|\n".to_owned() + &rows.collect::<String>()
}

fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let rows = args.map(|arg| format!("| {} | {} |\n", name(arg), cell(&help(arg))));
    "| | |\n|---|---|\n".to_owned() + &rows.collect::<String>()
}

/// An argument as it is typed.
fn name(arg: &Arg) -> String {
    let value = value(arg).map(|value| if arg.is_positional() { format!("<{value}>") } else { value });
    let names = arg.get_short().map(|short| format!("-{short}")).into_iter();
    let names: Vec<String> = names.chain(arg.get_long().map(|long| format!("--{long}"))).collect();
    match (value, names.as_slice()) {
        (Some(value), []) => format!("`{value}`"),
        (Some(value), names) => format!("`{} {value}`", names.join("`, `")),
        (None, names) => format!("`{}`", names.join("`, `")),
    }
}

/// Text that can stand in a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
