//! The options that every command takes, as in `host/src/cli/globals.rs`. Nobody reads their values.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

#[derive(Args)]
pub(crate) struct Globals {
    /// Use the sandbox: no account, no network [env: CARTO_SANDBOX]
    #[arg(long, global = true, help_heading = "Account")]
    sandbox: bool,

    /// Use this profile of ~/.carto_credentials.json [env: CARTO_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Account")]
    profile: Option<String>,

    /// Use this OAuth access token; `-` reads it from standard input [env: CARTO_API_TOKEN]
    #[arg(long = "token", global = true, value_name = "T", help_heading = "Account")]
    bearer: Option<String>,

    /// Use the API at this address [env: CARTO_BASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Account")]
    base_url: Option<String>,

    /// Write JSON, errors too; the same as `-o json`
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Write in this format
    #[arg(
        short = 'o',
        global = true,
        value_name = "FORMAT",
        value_enum,
        help_heading = "Output",
        hide_possible_values = false
    )]
    output: Option<Format>,

    /// Write this one field alone
    #[arg(long, global = true, value_name = "NAME", help_heading = "Output")]
    field: Option<String>,

    /// Show secrets that are otherwise hidden
    #[arg(long, global = true, help_heading = "Output")]
    reveal: bool,

    /// Say on standard error what is asked of the service
    #[arg(long, global = true, help_heading = "Output")]
    debug: bool,

    /// Show the first change that would be made instead of making it
    #[arg(long, global = true, help_heading = "Behaviour")]
    dry_run: bool,

    /// Don't ask before something is destroyed
    #[arg(short, long, global = true, help_heading = "Behaviour")]
    yes: bool,

    /// Never ask; fail where a question would be
    #[arg(long, global = true, help_heading = "Behaviour")]
    no_input: bool,

    /// Give up after this time, like 30s or 2m
    #[arg(long, global = true, value_name = "D", value_parser = duration, help_heading = "Behaviour")]
    timeout: Option<Duration>,

    /// Look for kinds here instead of the usual folders [env: CARTO_KINDS_PATH]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Behaviour")]
    kinds_path: Option<String>,

    /// Print the version
    #[arg(short = 'v', long, action = ArgAction::Version, global = true, help_heading = "Behaviour")]
    version: Option<bool>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
    Env,
}

/// Seconds: help never comes here.
fn duration(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "a time is like 30".to_owned())
}
