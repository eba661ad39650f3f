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
    let mut question = Question { shell: Shell::Bash, words: Vec::new(), at, kept: String::new(), in_quotes: false };
    let mut glue = false;
    for (i, word) in words.iter().enumerate() {
        let word = word.to_string_lossy();
        let is_break = !word.is_empty() && word.chars().all(|c| "=:@".contains(c));
        // After an option without its value only `=` belongs to it: `@FILE` is a word of its own.
        let is_bare_option = whole.last().is_some_and(|last| last.starts_with('-') && !last.contains('='));
        let follows = is_break && whole.len() > 1 && (word.starts_with('=') || !is_bare_option);
        match whole.last_mut().filter(|_| glue || follows) {
            Some(last) => {
                if i == at {
                    // An `@` that the word being typed begins with is handed over twice.
                    if word.starts_with('@') && last.ends_with('@') {
                        last.pop();
                    }
                    question.kept.clone_from(last);
                }
                last.push_str(&word);
            }
            None => whole.push(word.to_string()),
        }
        if i == at {
            question.at = whole.len() - 1;
            question.in_quotes = word.starts_with(['"', '\'']);
        }
        glue = is_break;
    }
    question.words = whole.iter().map(|word| unquoted(word).into()).collect();
    question
}

/// What could stand next, as the script of bash reads it.
pub(super) fn answer(tree: &mut clap::Command, question: Question, here: Option<&Path>) -> Option<String> {
    let Question { words, at, kept, in_quotes, .. } = question;
    let candidates = engine::complete(tree, words, at, here).ok()?;
    let answers: Vec<String> = candidates
        .iter()
        .map(|candidate| {
            let word = candidate.get_value().to_string_lossy();
            let rest = word.strip_prefix(kept.as_str()).unwrap_or(&word);
            if in_quotes { rest.to_owned() } else { escaped(rest) }
        })
        .collect();
    Some(answers.join(SEPARATOR))
}

/// A word as it has to stand on the line, where it isn't in quotes: bash puts there what it is told.
fn escaped(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if " \t\\'\"`$&|;<>()*?[]#!".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
