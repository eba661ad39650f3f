//! The tree of commands: the fixed part is derived, the part below `credentials` is built from manifests.

use std::ffi::OsString;
use std::path::PathBuf;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::{Arg as KindArg, ArgType, VerbSpec};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, CommandFactory, Parser, Subcommand, ValueHint};

use super::{AuthCommand, Globals, PluginCommand, Shell, completion};
use crate::input;
use crate::kinds::Kind;

/// The clap id of the positional argument.
pub(crate) const ID: &str = "carto:id";
/// The clap id of `--env-file`.
pub(crate) const ENV_FILE: &str = "carto:env-file";
/// The clap id of `--limit`.
pub(crate) const LIMIT: &str = "carto:limit";

/// Manage CARTO application credentials
#[derive(Debug, Parser)]
#[command(
    name = "carto",
    version,
    propagate_version = true,
    disable_version_flag = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List, create, get, update, delete and verify credentials
    #[command(
        arg_required_else_help = true,
        subcommand_required = true,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Credentials,
    /// Sign in to CARTO, and say who is signed in
    #[command(arg_required_else_help = true)]
    Auth {
        #[command(subcommand)]
        command: AuthCommand,
    },
    /// Show, restrict, install and make the libraries that serve kinds of credentials
    #[command(arg_required_else_help = true)]
    Plugin {
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Run the sandbox, a double of CARTO's credentials API
    #[command(arg_required_else_help = true)]
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Print the script that makes a shell complete commands, kinds and options
    #[command(after_help = WHERE_SCRIPTS_GO)]
    Completion {
        /// Shell that the script is for
        shell: Shell,
    },
    /// Write the reference page or the man pages, with the kinds that are installed
    #[command(hide = true, arg_required_else_help = true)]
    Reference {
        #[command(subcommand)]
        command: ReferenceCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReferenceCommand {
    /// Print the reference page
    Markdown,
    /// Write the man pages
    Man {
        /// Folder for them
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
        /// Date that they show, like 2026-11-23
        #[arg(long)]
        date: Option<String>,
    },
}

const WHERE_SCRIPTS_GO: &str = "\
Packages of carto bring the scripts along. Otherwise:
  bash        carto completion bash >
                ~/.local/share/bash-completion/completions/carto
              or in ~/.bashrc: source <(carto completion bash)
  zsh         carto completion zsh > _carto
                in a folder that `fpath` names before `compinit`
              or in ~/.zshrc, after `compinit`: source <(carto completion zsh)
  fish        carto completion fish > ~/.config/fish/completions/carto.fish
  powershell  in $PROFILE:
                carto completion powershell | Out-String | Invoke-Expression
The script asks carto itself, so it needn't be renewed when kinds change.";

const WHAT_A_COMMAND_GETS: &str = "\
The command finds CARTO_BASE_URL, CARTO_API_TOKEN, CARTO_AUTH_ISSUER and
CARTO_ACCOUNTS_URL in its environment, and the address once more as
CARTO_API_BASE_URL and VITE_API_BASE_URL. For example:
  carto sandbox exec -- npm test
  carto sandbox exec -- carto credentials list";

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve the sandbox on a port of this machine, for any HTTP client
    Serve {
        /// Port; 0 takes a free one
        #[arg(long, value_name = "N", default_value_t = 8765)]
        port: u16,
    },
    /// Serve the sandbox while a command runs, with the variables that clients read, and end as it ended
    #[command(after_help = WHAT_A_COMMAND_GETS)]
    Exec {
        /// Command with its arguments
        #[arg(required = true, last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
        command: Vec<OsString>,
    },
    /// Delete everything in the sandbox
    Reset,
    /// Print where the sandbox is kept
    Path,
}

/// The whole tree, with these kinds below `credentials`.
pub(super) fn command(kinds: &[Kind]) -> clap::Command {
    Cli::command().mut_subcommand("credentials", |credentials| {
        let mut credentials =
            Verb::ALL.iter().fold(credentials, |command, verb| command.subcommand(verb_command(*verb, kinds)));
        for (alias, verb) in aliases(kinds) {
            let own: Vec<Kind> = kinds.iter().filter(|kind| kind.manifest.verb(alias) == Some(verb)).cloned().collect();
            let names: Vec<&str> = own.iter().map(Kind::name).collect();
            let command = verb_command(verb, &own)
                .name(alias.to_owned())
                .about(format!("The same as {verb}, for {}", names.join(", ")));
            credentials = credentials.subcommand(command);
        }
        let types: String =
            kinds.iter().map(|kind| format!("\n  {:<8} {}", kind.name(), kind.manifest.title)).collect();
        match kinds {
            [] => credentials.after_help("There are no kinds to use here: `carto plugin list` says why."),
            _ => credentials.after_help(format!("Types:{types}")),
        }
    })
}

/// Every alias that a kind declares and that is no verb, once.
fn aliases(kinds: &[Kind]) -> Vec<(&str, Verb)> {
    let mut aliases = Vec::new();
    for kind in kinds {
        for (verb, spec) in &kind.manifest.verbs {
            for alias in &spec.aliases {
                let is_known = alias.parse::<Verb>().is_ok() || aliases.iter().any(|(known, _)| known == alias);
                if !is_known {
                    aliases.push((alias.as_str(), *verb));
                }
            }
        }
    }
    aliases
}

fn verb_command(verb: Verb, kinds: &[Kind]) -> clap::Command {
    let about = match verb {
        Verb::List => "List credentials, of every kind or of one",
        Verb::Create => "Create a credential",
        Verb::Get => "Show one credential",
        Verb::Update => "Change a credential",
        Verb::Delete => "Delete a credential",
        Verb::Verify => "Try what a credential opens",
        later => later.as_str(),
    };
    let command = clap::Command::new(verb.as_str())
        .about(about)
        .disable_help_subcommand(true)
        .subcommand_value_name("TYPE")
        .subcommand_help_heading("Types");
    let command = match verb {
        Verb::List => command.arg(
            Arg::new(LIMIT)
                .long("limit")
                .value_name("N")
                .value_parser(limit)
                .global(true)
                .help("Show at most N of each kind"),
        ),
        _ => command.subcommand_required(true).arg_required_else_help(true),
    };
    let command = match verb {
        Verb::Create => command.arg(
            Arg::new(ENV_FILE)
                .long("env-file")
                .value_name("PATH")
                .value_hint(ValueHint::FilePath)
                .global(true)
                // After the kind's own.
                .display_order(900)
                .help("Write the credential's variables into this file, and its secrets nowhere else"),
        ),
        _ => command,
    };
    kinds
        .iter()
        .filter_map(|kind| {
            // A kind of before this verb may have its word for another.
            let meant = kind.manifest.verb(verb.as_str())?;
            Some((kind, meant, kind.manifest.verbs.get(&meant)?))
        })
        .fold(command, |command, (kind, meant, spec)| command.subcommand(kind_command(kind, meant, spec)))
}

fn limit(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|limit| *limit > 0).ok_or("a limit is a number from 1")
}

fn kind_command(kind: &Kind, verb: Verb, spec: &VerbSpec) -> clap::Command {
    let manifest = &kind.manifest;
    let mut command =
        clap::Command::new(manifest.name.clone()).about(format!("{}: {}", manifest.title, manifest.about));
    command = command.before_help(match verb {
        Verb::List => "List credentials of this type",
        Verb::Create => "Create a credential; its secrets are shown now, and later only with `--reveal`, if at all",
        Verb::Get => "Show one credential; secrets are hidden unless `--reveal` is given",
        Verb::Update => "Change a credential; what isn't named stays as it is",
        Verb::Delete => "Delete a credential, after asking for the word `delete`; `--yes` doesn't ask",
        Verb::Verify => "Try whether a credential opens what it should, and nothing else; no credential is changed",
        later => later.as_str(),
    });
    if manifest.plural != manifest.name {
        command = command.visible_alias(manifest.plural.clone());
    }
    if verb.takes_id() {
        let help = match &manifest.record.label {
            Some(label) => format!("Its id or {label}; `-` reads it from standard input"),
            None => "Its id; `-` reads it from standard input".to_owned(),
        };
        command = command.arg(Arg::new(ID).value_name("ID").required(true).help(help));
    }
    let ways: Vec<String> = spec.args.iter().filter(|arg| !arg.hidden).filter_map(way).collect();
    if !ways.is_empty() {
        command = command.after_help(ways.join("\n"));
    }
    command.args(spec.args.iter().map(option))
}

/// How an option is given, if the name of its value doesn't say. Below the host's own options: what is above is the kind's to word.
fn way(arg: &KindArg) -> Option<String> {
    match arg.kind {
        ArgType::Secret => Some(format!("`--{}` takes `-` (standard input), `@FILE` or `env:NAME`.", arg.name)),
        ArgType::File if !arg.placeholder().contains("FILE") => {
            Some(format!("`--{}` takes the name of a file.", arg.name))
        }
        _ => None,
    }
}

fn option(arg: &KindArg) -> Arg {
    let help = match &arg.example {
        Some(example) => format!("{} [example: {example}]", arg.help),
        None => arg.help.clone(),
    };
    let option =
        Arg::new(input::clap_id(arg)).long(arg.name.clone()).help(help).hide(arg.hidden).required(arg.required);
    let option = match arg.kind {
        ArgType::Bool => option.action(ArgAction::SetTrue),
        _ => option.value_name(arg.placeholder().to_owned()).action(if arg.many {
            ArgAction::Append
        } else {
            ArgAction::Set
        }),
    };
    let option = match arg.kind {
        ArgType::Enum => option.value_parser(PossibleValuesParser::new(arg.values.clone())),
        ArgType::Int => option.allow_negative_numbers(true),
        ArgType::File => option.value_hint(ValueHint::FilePath),
        ArgType::Secret => option.add(completion::values::secret()),
        ArgType::String if arg.at_file => option.add(completion::values::text_or_file()),
        _ => option,
    };
    option.conflicts_with_all(arg.conflicts.iter().map(|other| format!("arg:{other}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap takes an argument of a command for the global option of the same id, which that command then lacks.
    #[test]
    fn every_command_takes_the_global_options() {
        fn look(command: &clap::Command, globals: &[String]) {
            for id in globals {
                let found = command.get_arguments().find(|arg| arg.get_id() == id.as_str());
                assert!(found.is_some_and(|arg| arg.is_global_set()), "`{}` has another `{id}`", command.get_name());
            }
            command.get_subcommands().filter(|inner| inner.get_name() != "help").for_each(|inner| look(inner, globals));
        }
        let mut command = Cli::command();
        let globals = command.get_arguments().filter(|arg| arg.is_global_set());
        let globals: Vec<String> = globals.map(|arg| arg.get_id().to_string()).collect();
        command.build();
        look(&command, &globals);
    }

    /// A later verb would be called what it is: the compiler finds no place that lacks its words.
    #[test]
    fn every_verb_has_words_of_its_own() {
        for verb in Verb::ALL.iter().copied() {
            let about = verb_command(verb, &[]).get_about().unwrap().to_string();
            assert_ne!(about, verb.as_str());
        }
    }
}
