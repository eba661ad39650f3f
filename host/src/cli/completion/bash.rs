//! Bash splits words at `=`, `:` and `@` too, for completion only, and replaces what comes after the last of these. Here such words are put
//! together again, and answers are cut where bash cuts.

use std::ffi::OsString;
use std::path::Path;

use clap_complete::engine;

use super::{Question, Shell, unquoted};

/// What bash puts between two answers, as the library's script says it to itself.
const SEPARATOR: &str = "\u{b}";

/// The words as the program would get them, and which of them is being typed.
pub(super) fn question(words: &[OsString], at: usize) -> Question {
    let mut whole: Vec<String> = Vec::with_capacity(words.len());
    let mut question = Question { shell: Shell::Bash, words: Vec::new(), at, kept: String::new(), quote: None };
    let mut glue = false;
    for (i, word) in words.iter().enumerate() {
        let word = word.to_string_lossy();
        let is_break = !word.is_empty() && word.chars().all(|c| "=:@".contains(c));
        // After an option without its value only `=` belongs to it: `@FILE` is a word of its own.
        let is_bare_option = whole.last().is_some_and(|last| last.starts_with('-') && !last.contains('='));
        let follows = is_break && whole.len() > 1 && (word.starts_with('=') || !is_bare_option);
        match whole.last_mut().filter(|_| glue || follows) {
            Some(last) => {
                // An `@` that the word being typed begins with is handed over twice.
                if i == at && !is_break && word.starts_with('@') && last.ends_with('@') {
                    last.pop();
                }
                if i == at {
                    question.kept = unquoted(last);
                }
                last.push_str(&word);
            }
            None => whole.push(word.to_string()),
        }
        if i == at {
            if is_break {
                // It stands, but for an `@` at its end.
                question.kept += word.strip_suffix('@').unwrap_or(&word);
            }
            question.at = whole.len() - 1;
            question.quote = open_quote(&word);
        }
        glue = is_break;
    }
    question.words = whole.iter().map(|word| unquoted(word).into()).collect();
    question
}

/// What could stand next, as the script of bash reads it.
pub(super) fn answer(tree: &mut clap::Command, question: Question, here: Option<&Path>) -> Option<String> {
    let Question { words, at, kept, quote, .. } = question;
    let candidates = engine::complete(tree, words, at, here).ok()?;
    let answers: Vec<String> = candidates
        .iter()
        .filter_map(|candidate| {
            let word = candidate.get_value().to_string_lossy();
            escaped(word.strip_prefix(kept.as_str())?, quote)
        })
        .collect();
    Some(answers.join(SEPARATOR))
}

/// The quote that a word leaves open.
fn open_quote(word: &str) -> Option<char> {
    let (mut quote, mut letters) = (None, word.chars());
    while let Some(c) = letters.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => drop(letters.next()),
            _ => {}
        }
    }
    quote
}

/// A word as it has to stand on the line, behind the quote that is open: bash puts there what it is told, and runs what is left bare. Nothing if
/// it can't stand there.
fn escaped(word: &str, quote: Option<char>) -> Option<String> {
    if word.contains(char::is_control) {
        return None;
    }
    let special = match quote {
        // The history is looked at in these quotes too, and no backslash is taken away that keeps it from that.
        Some('"') if word.contains('!') => return None,
        Some('"') => "\\\"`$",
        Some(_) => return Some(word.replace('\'', r"'\''")),
        None => " \t\\'\"`$&|;<>()*?[]{}~^#!",
    };
    let mut text = String::new();
    for c in word.chars() {
        if special.contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_run_is_escaped() {
        const WORD: &str = "a$(touch x)`y`\"z'&{b,c} ~";
        for (word, quote, expected) in [
            (WORD, None, Some("a\\$\\(touch\\ x\\)\\`y\\`\\\"z\\'\\&\\{b,c\\}\\ \\~")),
            (WORD, Some('"'), Some("a\\$(touch x)\\`y\\`\\\"z'&{b,c} ~")),
            (WORD, Some('\''), Some("a$(touch x)`y`\"z'\\''&{b,c} ~")),
            ("a!b", Some('"'), None),
            ("a\nb", None, None),
            ("a\nb", Some('\''), None),
            ("carto.shared.table", None, Some("carto.shared.table")),
        ] {
            assert_eq!(escaped(word, quote).as_deref(), expected, "{word} {quote:?}");
        }
        for (word, expected) in
            [("\"a", Some('"')), ("'a'", None), ("a\"b", Some('"')), ("a\\\"b", None), ("\"a\\\"", Some('"'))]
        {
            assert_eq!(open_quote(word), expected, "{word}");
        }
    }
}
