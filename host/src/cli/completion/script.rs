//! The scripts that make a shell ask this program.

use std::ffi::OsStr;
use std::path::Path;

use super::Shell;
use crate::environment;
use crate::error::shell_word;

/// The script for a shell, for a program that was started by this word: a plain name is looked for where the shell looks for programs,
/// each time; of a path, the file that is there now is asked.
pub(crate) fn script(shell: Shell, program: &OsStr) -> String {
    let path = Path::new(program);
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or("carto");
    let is_path = path.components().count() > 1;
    let completer = if is_path { std::path::absolute(path).ok() } else { None };
    let completer = completer.map_or_else(|| name.to_owned(), |path| path.to_string_lossy().into_owned());
    let identifier: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let written = |command: &str, completer: &str| {
        let mut text = Vec::new();
        // It writes to memory, which doesn't fail.
        let _ = shell.completer().write_registration(environment::COMPLETE, &identifier, command, completer, &mut text);
        String::from_utf8_lossy(&text).trim_start().to_owned()
    };
    match shell {
        // The library doesn't quote the command, and the completer twice.
        Shell::Bash => written(&shell_word(name), PLACE)
            .replace(&format!("\"{PLACE}\""), &shell_word(&completer))
            .replace(BARE_WORD, WORD_WITH_QUOTE),
        Shell::Zsh => written(name, &completer) + &at_first_use(name, &identifier),
        Shell::Fish | Shell::Powershell => written(name, &completer),
    }
}

/// Where the program stands in the script, for a moment.
const PLACE: &str = "__program__";

/// Bash says the word that is being typed without the quote that it begins with, and takes the answer as it is: what is in quotes must not
/// be escaped. Of a word that ends where bash splits it (`x:`), it says nothing at all.
const BARE_WORD: &str = r#"words[COMP_CWORD]="$2""#;
const WORD_WITH_QUOTE: &str = r#"words[COMP_CWORD]="$2"
        if [[ "${COMP_WORDS[COMP_CWORD]}" == [\"\']* ]]; then
            words[COMP_CWORD]="${COMP_WORDS[COMP_CWORD]:0:1}$2"
        elif [[ "${COMP_WORDS[COMP_CWORD]}" != *[^=:@]* ]]; then
            words[COMP_CWORD]="${COMP_WORDS[COMP_CWORD]}"
        fi"#;

/// In a folder of `fpath`, the whole script is what zsh runs for the first completion, which would otherwise come to nothing.
fn at_first_use(name: &str, identifier: &str) -> String {
    let file = shell_word(&format!("_{name}"));
    format!("\nif [[ \"${{funcstack[1]}}\" == {file} ]]; then\n    _clap_dynamic_completer_{identifier} \"$@\"\nfi\n")
}
