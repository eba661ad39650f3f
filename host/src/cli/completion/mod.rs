//! Completion: a shell's script calls this program with the words typed so far, and is told what could stand next. Files are read for
//! it, and nothing of a library runs. How each shell is answered, and what is offered in a tree of clap's, is a library's (`clap_complete`).

mod bash;
mod offer;
mod script;
pub(super) mod values;

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use clap_complete::env::{self, EnvCompleter};

pub(crate) use script::script;

use super::Scan;
use crate::environment;
use crate::kinds::Catalog;

/// A shell that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Shell::Bash => &env::Bash,
            Shell::Zsh => &env::Zsh,
            Shell::Fish => &env::Fish,
            Shell::Powershell => &env::Powershell,
        }
    }

    /// The shell of that name, or at that path.
    fn called(name: &Path) -> Option<Shell> {
        let name = name.file_stem()?.to_str()?;
        Shell::value_variants().iter().copied().find(|shell| shell.completer().is(name))
    }
}

/// The answer to a shell, if one asks: what could stand next, or its script if it says no words. Whatever is wrong is no reason to say
/// anything: it would land on the prompt of somebody who is typing.
pub(crate) fn answer(args: &[OsString]) -> Option<String> {
    let shell = Shell::called(Path::new(&environment::raw(environment::COMPLETE)?))?;
    match args {
        [program] => Some(script(shell, program)),
        [_, separator, words @ ..] if separator == "--" && !words.is_empty() => {
            Some(Question::new(shell, words.to_vec()).answer().unwrap_or_default())
        }
        // The variable is set, and yet it's a command.
        _ => None,
    }
}

/// What a shell wants to know.
struct Question {
    shell: Shell,
    /// All words of the line, the program's name first.
    words: Vec<OsString>,
    /// Which one is being typed.
    at: usize,
    /// The beginning of that word that the shell keeps.
    kept: String,
    /// Whether the shell has a quote before it that is still open.
    quote: Option<char>,
}

impl Question {
    fn new(shell: Shell, words: Vec<OsString>) -> Question {
        let last = words.len() - 1;
        let at = match shell {
            // These hand over the words after it, too.
            Shell::Bash | Shell::Zsh => environment::number(environment::COMPLETE_INDEX).unwrap_or(last),
            Shell::Fish | Shell::Powershell => last,
        };
        // Bash, zsh and fish give words as they stand on the line.
        let bare = |word: &OsString| word.to_str().map_or_else(|| word.clone(), |text| unquoted(text).into());
        let words = match shell {
            Shell::Bash => return bash::question(&words, at),
            Shell::Zsh | Shell::Fish => words.iter().map(bare).collect(),
            Shell::Powershell => words,
        };
        Question { shell, words, at, kept: String::new(), quote: None }
    }

    fn answer(self) -> Option<String> {
        let text = |word: &OsString| word.to_string_lossy().into_owned();
        let before: Vec<String> = self.words.get(..self.at)?.iter().map(text).collect();
        let typed = self.words.get(self.at).map(text).unwrap_or_default();
        let scan = Scan::of(&before);
        let folders = scan.kinds_path.as_deref().map(from_home);
        let mut tree = offer::tree(&before, &typed, &scan, &Catalog::new(folders.as_deref()));
        let here = std::env::current_dir().ok();
        let mut answer = Vec::new();
        match self.shell {
            Shell::Bash => return bash::answer(&mut tree, self, here.as_deref()),
            shell => shell.completer().write_complete(&mut tree, self.words, here.as_deref(), &mut answer).ok()?,
        }
        let answer = String::from_utf8(answer).ok()?;
        Some(if self.shell == Shell::Powershell { bare_words(&answer) } else { answer })
    }
}

/// The answers whose word PowerShell would run nothing of: it puts them on the line as they are. Zsh and fish escape them.
fn bare_words(answer: &str) -> String {
    let is_bare = |line: &&str| {
        let word = line.split('\t').next().unwrap_or_default();
        !word.contains(|c: char| "$`;|&(){}'\"<># ".contains(c))
    };
    answer.lines().filter(is_bare).collect::<Vec<_>>().join("\n")
}

/// A word without its quotes, as the shell hands it over when the line is done. Variables stay what they are.
fn unquoted(word: &str) -> String {
    let (mut bare, mut quote, mut letters) = (String::new(), None, word.chars());
    while let Some(c) = letters.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => bare.extend(letters.next()),
            _ => bare.push(c),
        }
    }
    bare
}

/// A path that begins in the home folder, in full.
fn from_home(path: &str) -> String {
    match (path.strip_prefix("~/"), environment::home()) {
        (Some(rest), Ok(home)) => home.join(rest).display().to_string(),
        _ => path.to_owned(),
    }
}
