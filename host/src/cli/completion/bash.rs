//! Bash splits words at `=`, `:` and `@` too, for completion only, and replaces what comes after the last of these. Here such words are put
//! together again, and answers are cut where bash cuts.

use std::ffi::OsString;
use std::path::Path;

use clap_complete::engine;

use super::{Question, Shell};

/// What bash puts between two answers, as the library's script says it to itself.
const SEPARATOR: &str = "\u{b}";

/// The words as the program would get them, and which of them is being typed.
pub(super) fn question(words: Vec<OsString>, at: usize) -> Question {
    let mut whole: Vec<OsString> = Vec::with_capacity(words.len());
    let (mut whole_at, mut kept) = (at, String::new());
    let mut glue = false;
    for (i, word) in words.into_iter().enumerate() {
        let text = word.to_string_lossy();
        let is_break = !text.is_empty() && text.chars().all(|c| "=:@".contains(c));
        // After an option without its value only `=` belongs to it: `@FILE` is a word of its own.
        let is_bare_option = whole.last().is_some_and(|last| {
            let last = last.to_string_lossy();
            last.starts_with('-') && !last.contains('=')
        });
        let follows = is_break && whole.len() > 1 && (text.starts_with('=') || !is_bare_option);
        match whole.last_mut().filter(|_| glue || follows) {
            Some(last) => {
                let so_far = last.to_string_lossy().into_owned();
                // An `@` that the word being typed begins with is handed over twice.
                let so_far = match so_far.strip_suffix('@') {
                    Some(rest) if i == at && text.starts_with('@') => rest.to_owned(),
                    _ => so_far,
                };
                *last = format!("{so_far}{text}").into();
                if i == at {
                    kept = so_far;
                }
            }
            None => whole.push(word),
        }
        if i == at {
            whole_at = whole.len() - 1;
        }
        glue = is_break;
    }
    Question { shell: Shell::Bash, words: whole, at: whole_at, kept }
}

/// What could stand next, as the script of bash reads it.
pub(super) fn answer(tree: &mut clap::Command, question: Question, here: Option<&Path>) -> Option<String> {
    let Question { words, at, kept, .. } = question;
    let candidates = engine::complete(tree, words, at, here).ok()?;
    let answers: Vec<String> = candidates
        .iter()
        .map(|candidate| {
            let word = candidate.get_value().to_string_lossy();
            word.strip_prefix(kept.as_str()).unwrap_or(&word).to_owned()
        })
        .collect();
    Some(answers.join(SEPARATOR))
}
