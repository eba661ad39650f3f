//! A first look at the words, before any tree is built: which command, verb and kind are meant, and how errors are to be written.
//!
//! It knows which options take a value, so that a value is never taken for a word. A test holds its lists against the real options.

use std::path::Path;

use crate::error::shell_word;
use crate::output::stderr::Invocation;

/// Options that take a value, as far as they can stand before the kind.
pub(super) const WITH_VALUE: [&str; 10] =
    ["base-url", "env-file", "field", "kinds-path", "limit", "port", "profile", "timeout", "token", "o"];
/// Options that don't.
pub(super) const FLAGS: [&str; 12] =
    ["debug", "dry-run", "help", "json", "no-input", "reveal", "sandbox", "version", "yes", "h", "v", "y"];

/// What a first look finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The words that aren't options, up to the kind; without a leading `help`.
    pub(crate) words: Vec<String>,
    /// Whether errors are to be JSON.
    pub(crate) json: bool,
    /// The options that say where things are, as they would be typed again. Never the bearer.
    pub(crate) place: Vec<String>,
    /// The value of `--kinds-path`.
    pub(crate) kinds_path: Option<String>,
}

impl Scan {
    /// Looks at a whole command line, program name included.
    pub(crate) fn of(args: &[String]) -> Scan {
        let mut scan = Scan::default();
        let mut args = args.iter().skip(1).map(String::as_str).peekable();
        let mut wants_words = true;
        while let Some(arg) = args.next() {
            if arg == "--" {
                break;
            }
            let Some((name, inline)) = option(arg) else {
                if wants_words && !(arg == "help" && scan.words.len() < 2) {
                    scan.words.push(arg.to_owned());
                    wants_words = scan.words.len() < 3;
                }
                continue;
            };
            if WITH_VALUE.contains(&name) {
                let value = match inline {
                    Some(value) => Some(value),
                    None => args.next(),
                };
                scan.take(name, value);
            } else if name == "json" {
                scan.json = true;
            } else if name == "sandbox" {
                scan.place.push("--sandbox".to_owned());
            } else if !FLAGS.contains(&name) {
                // An option of a kind, which may take a value: what follows can't be told apart, and clap will judge it.
                wants_words = false;
            }
        }
        scan
    }

    fn take(&mut self, name: &str, value: Option<&str>) {
        match (name, value) {
            ("o", Some("json" | "jsonl")) => self.json = true,
            ("kinds-path", Some(path)) => self.kinds_path = Some(path.to_owned()),
            _ => {}
        }
        if let ("kinds-path" | "profile" | "base-url", Some(value)) = (name, value) {
            self.place.push(format!("--{name} {}", shell_word(value)));
        }
    }

    /// How a command of this program is typed here.
    pub(crate) fn invocation(&self, program: Option<&String>) -> Invocation {
        let name = program.and_then(|path| Path::new(path).file_name()?.to_str()).unwrap_or("carto");
        let words = |is_meant: fn(&str) -> bool| {
            let place = self.place.iter().map(String::as_str).filter(|option| is_meant(option));
            std::iter::once(name).chain(place).collect::<Vec<_>>().join(" ")
        };
        Invocation { whole: words(|_| true), without_profile: words(|option| !option.starts_with("--profile ")) }
    }

    /// Verb and kind, if this is a command on credentials.
    pub(crate) fn credentials(&self) -> Option<(Option<&str>, Option<&str>)> {
        (self.words.first()? == "credentials").then(|| {
            let word = |i: usize| self.words.get(i).map(String::as_str);
            (word(1), word(2))
        })
    }
}

/// The name of an option and the value inside the same word. Several short flags in one word count as the last of them.
fn option(arg: &str) -> Option<(&str, Option<&str>)> {
    if let Some(long) = arg.strip_prefix("--") {
        return Some(match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        });
    }
    let short = arg.strip_prefix('-').filter(|short| !short.is_empty())?;
    match short.find('o') {
        Some(at) if short[..at].chars().all(|c| "hvy".contains(c)) => {
            let value = &short[at + 1..];
            Some(("o", (!value.is_empty()).then(|| value.strip_prefix('=').unwrap_or(value))))
        }
        _ => {
            let (last, _) = short.char_indices().last()?;
            Some((&short[last..], None))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory};

    use super::*;
    use crate::cli::tree::Cli;

    fn scan(line: &str) -> Scan {
        Scan::of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_found_between_options() {
        for line in [
            "carto credentials create robot --name x",
            "carto --token list credentials --json -y create robot",
            "carto -o json credentials --profile=get create robot get",
            "carto credentials create -yojson robot",
            "carto help credentials create robot",
            "carto credentials help create robot",
            "carto credentials create --limit 5 robot",
        ] {
            assert_eq!(scan(line).words, ["credentials", "create", "robot"], "{line}");
        }
        assert_eq!(scan("carto credentials create --name robot").words, ["credentials", "create"]);
        assert_eq!(scan("carto credentials list").credentials(), Some((Some("list"), None)));
        assert_eq!(scan("carto plugin list").credentials(), None);
        assert_eq!(scan("carto").credentials(), None);
    }

    #[test]
    fn errors_know_their_format_whatever_else_is_wrong() {
        for line in
            ["carto credentials create robot --bad x --json", "carto -ojsonl x", "carto x -o json", "carto -o=json"]
        {
            assert!(scan(line).json, "{line}");
        }
        for line in ["carto credentials get robot -- --json", "carto -o table", "carto --field json"] {
            assert!(!scan(line).json, "{line}");
        }
        assert_eq!(scan("carto --kinds-path /x plugin list").kinds_path.as_deref(), Some("/x"));
    }

    #[test]
    fn the_lists_are_those_of_the_options() {
        let mut command = Cli::command();
        command.build();
        let mut with_value = vec!["env-file", "limit", "port"];
        let mut flags = vec!["help", "h", "version", "v"];
        for arg in command.get_arguments() {
            let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
            let names = arg.get_long().into_iter().map(str::to_owned).chain(arg.get_short().map(String::from));
            for name in names {
                let known =
                    if takes_value { WITH_VALUE.contains(&name.as_str()) } else { FLAGS.contains(&name.as_str()) };
                assert!(known, "`{name}` is missing");
                let list = if takes_value { &mut with_value } else { &mut flags };
                list.push(WITH_VALUE.iter().chain(&FLAGS).find(|known| **known == name).unwrap());
            }
        }
        for name in WITH_VALUE.iter().chain(&FLAGS) {
            assert!(with_value.contains(name) || flags.contains(name), "`{name}` is no option");
        }
    }
}
