//! `carto`'s command line written by hand, and nothing behind it: the program that `carto … --help` is measured against.
//!
//! Its help must be `carto`'s letter by letter; the benchmark says if it isn't. The fixed part is derived, as in the host; what the host
//! builds from manifests stands in `kinds`.

mod globals;
mod kinds;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use globals::Globals;

/// Manage CARTO application credentials
#[derive(Parser)]
#[command(
    name = "carto",
    bin_name = "carto",
    version,
    propagate_version = true,
    disable_version_flag = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    _globals: Globals,

    #[command(subcommand)]
    _command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List, create, get, update and delete credentials
    #[command(
        arg_required_else_help = true,
        subcommand_required = true,
        subcommand_value_name = "VERB",
        subcommand_help_heading = "Verbs"
    )]
    Credentials,
    /// Show, restrict, install and make the libraries that serve kinds of credentials
    #[command(arg_required_else_help = true)]
    Plugin {
        #[command(subcommand)]
        _command: PluginCommand,
    },
    /// Run the sandbox, a double of CARTO's credentials API
    #[command(arg_required_else_help = true)]
    Sandbox {
        #[command(subcommand)]
        _command: SandboxCommand,
    },
    /// Print the script that makes a shell complete commands, kinds and options
    Completion {
        /// Shell that the script is for
        #[arg(id = "shell", value_name = "SHELL", value_parser = ["bash", "zsh", "fish", "powershell"])]
        _shell: String,
    },
    /// Write the reference page or the man pages, with the kinds that are installed
    #[command(hide = true, arg_required_else_help = true)]
    Reference {
        #[command(subcommand)]
        _command: ReferenceCommand,
    },
}

#[derive(Subcommand)]
enum PluginCommand {
    /// List the kinds, and files that aren't used, without running any
    List,
    /// Show what one kind is and what it may do, without running it
    Info {
        /// Name or plural of the kind
        #[arg(id = "kind", value_name = "KIND")]
        _kind: String,
    },
    /// Look for what is wrong with plugins, and say how to mend it
    Doctor {
        /// Also load each kind in a process of its own, and report time and memory
        #[arg(id = "run", long)]
        _run: bool,
    },
    /// Say why a kind, or a verb of it, can or can't be used: the rule that decides
    Why {
        /// Name or plural of the kind
        #[arg(id = "kind", value_name = "KIND")]
        _kind: String,
        /// Verb, or another word that the kind has for it
        #[arg(id = "verb", value_name = "VERB")]
        _verb: Option<String>,
    },
    /// Install a plugin for yourself, or go back to the version before
    Install {
        /// Library to install; with `--rollback`, the name of an installed kind
        #[arg(id = "what", value_name = "FILE")]
        _what: String,
        /// Refuse the file unless this is its SHA-256
        #[arg(id = "sha256", long, value_name = "HEX", conflicts_with = "rollback")]
        _sha256: Option<String>,
        /// Go back to the version that was replaced last
        #[arg(id = "rollback", long)]
        _rollback: bool,
    },
    /// Remove a plugin that you installed
    Remove {
        /// Name of the kind
        #[arg(id = "kind", value_name = "KIND")]
        _kind: String,
    },
    /// Accept the plugins as they are now, and refuse them if they change
    Lock {
        /// Names of kinds; all if none is named
        #[arg(id = "kinds", value_name = "KIND")]
        _kinds: Vec<String>,
        /// Accept any version again
        #[arg(id = "forget", long)]
        _forget: bool,
    },
    /// Make a crate for a new kind of credential
    New {
        /// Name of the kind
        #[arg(id = "name", value_name = "NAME")]
        _name: String,
        /// Folder of the crate `carto-plugin-api`, instead of the one that came with carto
        #[arg(id = "plugin_api", long = "plugin-api", value_name = "PATH")]
        _plugin_api: Option<PathBuf>,
    },
    /// Test a finished plugin against the contract
    Check {
        /// Library to test
        #[arg(id = "file", value_name = "FILE")]
        _file: PathBuf,
        /// What the kind's service answers, instead of a service that is derived from the manifest
        #[arg(id = "script", long, value_name = "FILE")]
        _script: Option<PathBuf>,
        /// Write the results here too, in JUnit's format
        #[arg(id = "junit", long, value_name = "FILE")]
        _junit: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Serve the sandbox on a port of this machine, for any HTTP client
    Serve {
        /// Port; 0 takes a free one
        #[arg(id = "port", long, value_name = "N", default_value_t = 8765)]
        _port: u16,
    },
    /// Delete everything in the sandbox
    Reset,
    /// Print where the sandbox is kept
    Path,
}

#[derive(Subcommand)]
enum ReferenceCommand {
    /// Print the reference page
    Markdown,
    /// Write the man pages
    Man {
        /// Folder for them
        #[arg(id = "folder", value_name = "DIR")]
        _folder: PathBuf,
        /// Date that they show, like 2026-11-23
        #[arg(id = "date", long, value_name = "DATE")]
        _date: Option<String>,
    },
}

/// Parses, which prints help, and does nothing more.
fn main() {
    Cli::command().mut_subcommand("credentials", kinds::below).get_matches();
}
