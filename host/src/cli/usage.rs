//! What clap has to say, in this program's words: one message, one hint, literals in backticks, no credential echoed.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Parsed;
use super::scan::Scan;
use crate::error::{Error, Result, quoted, usage};

/// Prints help and version; anything else is an error.
pub(super) fn explain(error: &clap::Error, scan: &Scan, tree: &clap::Command) -> Result<Parsed> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Print(error.render().to_string())),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !scan.json => {
            Ok(Parsed::Incomplete(error.render().to_string()))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(usage("the command is incomplete").hint(help_hint(scan, tree)))
        }
        _ => Err(as_error(error, scan, tree)),
    }
}

/// clap's error as one message and one hint.
pub(super) fn as_error(error: &clap::Error, scan: &Scan, tree: &clap::Command) -> Error {
    let text = error.render().to_string();
    let tip = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
        // This one would turn a misspelt option into a value.
        .find(|tip| !tip.starts_with("to pass"))
        .filter(|_| suggests_well(error));
    let message =
        match (error.kind(), named(error, ContextKind::InvalidSubcommand), named(error, ContextKind::InvalidArg)) {
            (ErrorKind::InvalidSubcommand, Some(word), _) => format!("there is no command {word}"),
            (ErrorKind::MissingRequiredArgument, _, Some(missing)) => format!("missing: {missing}"),
            _ => first_paragraph(&text),
        };
    usage(message).hint(tip.map_or_else(|| help_hint(scan, tree), backticks))
}

/// How alike a word and a command have to be. clap's own measure takes `login` for `plugin`.
const ALIKE: f64 = 0.85;

/// Whether a command that clap suggests is one that can have been meant. What it suggests for anything else is.
fn suggests_well(error: &clap::Error) -> bool {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return true };
    let is_close = |command: &String| strsim::jaro_winkler(word, command) > ALIKE;
    match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::String(command)) => is_close(command),
        Some(ContextValue::Strings(commands)) => commands.iter().any(is_close),
        _ => true,
    }
}

/// What clap knows of an error beside its text.
fn named(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(quoted([word])),
        ContextValue::Strings(words) => Some(quoted(words)),
        _ => None,
    }
}

/// clap's text has a message up to the first empty line, then tips, usage, and a pointer to the help.
fn first_paragraph(text: &str) -> String {
    let lines = text.strip_prefix("error: ").unwrap_or(text).lines().take_while(|line| !line.is_empty());
    backticks(&lines.map(str::trim).collect::<Vec<_>>().join(" "))
}

/// The help of the innermost command that the words reach.
fn help_hint(scan: &Scan, tree: &clap::Command) -> String {
    let mut at = tree;
    let mut words = vec!["carto"];
    for word in &scan.words {
        let Some(inner) = at.find_subcommand(word) else { break };
        words.push(inner.get_name());
        at = inner;
    }
    format!("`{} --help` shows how it is used", words.join(" "))
}

/// `'word'` as `` `word` ``: clap quotes at word boundaries, and an apostrophe inside a word stays.
fn backticks(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let edge = |i: Option<&char>| i.is_none_or(|c| !c.is_alphanumeric());
    letters
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let before = i.checked_sub(1).and_then(|i| letters.get(i));
            if *c == '\'' && (edge(before) || edge(letters.get(i + 1))) { '`' } else { *c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_become_backticks() {
        assert_eq!(backticks("unexpected argument '--foo' found"), "unexpected argument `--foo` found");
        assert_eq!(backticks("invalid value 'don't' for '--name <NAME>'"), "invalid value `don't` for `--name <NAME>`");
    }
}
