//! `carto`'s command line written by hand, and nothing behind it: the program that `carto … --help` is measured against.
//!
//! Its help must be `carto`'s letter by letter; the benchmark says if it isn't. The fixed part is derived, as in the host; what the host
//! builds from manifests stands in `kinds`.

mod globals;
mod kinds;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

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
        _command: AuthCommand,
    },
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
enum AuthCommand {
    /// Sign in, in a browser or as a machine, and keep the bearer in a profile
    Login(LoginArgs),
    /// Remove a profile, and end its bearer at the authority where that is possible
    Logout(ProfileArgs),
    /// Say which bearer would be used, whose it is, how long it lasts, and where each of that comes from
    Status(ProfileArgs),
    /// Make a profile the current one
    Use(ProfileArgs),
    /// Ask CARTO who the bearer belongs to
    Whoami,
}

#[derive(Args)]
struct ProfileArgs {
    /// Profile; the current one if none is named
    #[arg(id = "carto:profile", value_name = "PROFILE")]
    _profile: Option<String>,
}

#[derive(Args)]
struct LoginArgs {
    /// Name of the profile; made of tenant, organisation and user if none is given
    #[arg(id = "carto:profile", value_name = "PROFILE")]
    _profile: Option<String>,
    /// Sign in as a machine, with the id and the secret of an M2M client
    #[arg(id = "m2m", long, help_heading = "Machines")]
    _m2m: bool,
    /// File with the client's id and secret
    #[arg(id = "client_file", long, value_name = "FILE", requires = "m2m", help_heading = "Machines")]
    _client_file: Option<String>,
    /// Secret of the M2M client
    #[arg(id = "client_secret", long, value_name = "SECRET", requires = "m2m", help_heading = "Machines")]
    _client_secret: Option<String>,
    /// Keep a bearer that you have: it is read from standard input
    #[arg(id = "with_token", long, help_heading = "Machines")]
    _with_token: bool,
    /// OAuth client to sign in as
    #[arg(id = "client_id", long, value_name = "ID", help_heading = "Authority")]
    _client_id: Option<String>,
    /// Authority that signs bearers
    #[arg(id = "issuer", long, value_name = "URL", help_heading = "Authority")]
    _issuer: Option<String>,
    /// Organisation to sign in to, by its name
    #[arg(id = "organization_name", long, value_name = "NAME", help_heading = "Authority")]
    _organization_name: Option<String>,
    #[arg(id = "organization_id", long, value_name = "ID", hide = true)]
    _organization_id: Option<String>,
    #[arg(id = "env", long, value_name = "NAME", hide = true)]
    _env: Option<String>,
    /// Print the address to open, and end
    #[arg(id = "no_launch_browser", long, help_heading = "Browser")]
    _no_launch_browser: bool,
    /// Finish what `--no-launch-browser` began
    #[arg(id = "callback", long, value_name = "URL", help_heading = "Browser")]
    _callback: Option<String>,
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Serve the sandbox on a port of this machine, for any HTTP client
    Serve {
        /// Port; 0 takes a free one
        #[arg(id = "port", long, value_name = "N", default_value_t = 8765)]
        _port: u16,
    },
    /// Serve the sandbox while a command runs, with the variables that clients read, and end as it ended
    Exec {
        /// Command with its arguments
        #[arg(id = "command", required = true, last = true, value_name = "COMMAND")]
        _command: Vec<OsString>,
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
