//! What clap has to say, in this program's words: one message, one hint, literals in backticks, no credential echoed.

use std::process::ExitCode;

use clap::error::ErrorKind;

use super::scan::Scan;
use crate::error::{Error, Result, usage};
use crate::output::stderr;

/// Prints help and version; anything else is an error.
pub(super) fn explain(error: &clap::Error, scan: &Scan) -> Result<ExitCode> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => super::print(&error.render().to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !scan.json => {
            stderr::help(&error.render().to_string());
            Ok(ExitCode::from(2))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(usage("the command is incomplete").hint(help_hint(scan)))
        }
        _ => Err(as_error(error, scan)),
    }
}

/// clap's text has a message up to the first empty line, then tips, usage, and a pointer to the help.
pub(super) fn as_error(error: &clap::Error, scan: &Scan) -> Error {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let tip = rest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
        // This one would turn a misspelt option into a value.
        .find(|tip| !tip.starts_with("to pass"));
    let hint = match tip {
        Some(tip) => backticks(tip),
        None => help_hint(scan),
    };
    usage(backticks(message.trim_end_matches(':'))).hint(hint)
}

fn help_hint(scan: &Scan) -> String {
    let words: Vec<&str> = std::iter::once("carto").chain(scan.words.iter().map(String::as_str)).collect();
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
