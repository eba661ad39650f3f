//! `carto`'s command line written by hand, and nothing behind it: the program that `carto … --help` is measured against.
//!
//! Its help must be `carto`'s letter by letter; the benchmark says if it isn't. The fixed part is derived, as in the host; what the host
//! builds from manifests stands in `kinds`.

mod globals;
mod kinds;

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
    /// Show the libraries that serve kinds of credentials
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
}

#[derive(Subcommand)]
enum PluginCommand {
    /// List the kinds, and files that were refused, without running any
    List,
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

/// Parses, which prints help, and does nothing more.
fn main() {
    Cli::command().mut_subcommand("credentials", kinds::below).get_matches();
}
