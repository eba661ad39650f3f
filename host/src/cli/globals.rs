//! The options that every command takes. A kind can't declare one of these names, and none of their values reaches a kind.

use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};

use super::completion::values;
use crate::account::Choice;
use crate::environment;
use crate::error::{Result, usage};
use crate::input::{Stdin, Until};
use crate::output::{Format, View};
use crate::service::Deadline;
use crate::settings;

#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// Use the sandbox: no account, no network [env: CARTO_SANDBOX]
    #[arg(long, global = true, help_heading = "Account")]
    pub(crate) sandbox: bool,

    /// Use this profile of ~/.carto_credentials.json [env: CARTO_PROFILE]
    #[arg(long, global = true, value_name = "NAME", add = values::profiles(), help_heading = "Account")]
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
    pub(crate) debug: bool,

    /// Show the first change that would be made instead of making it
    #[arg(long, global = true, help_heading = "Behaviour")]
    pub(crate) dry_run: bool,

    /// Don't ask before something is destroyed
    #[arg(short, long, global = true, help_heading = "Behaviour")]
    pub(crate) yes: bool,

    /// Never ask; fail where a question would be
    #[arg(long, global = true, help_heading = "Behaviour")]
    pub(crate) no_input: bool,

    /// Give up after this time, like 30s or 2m
    #[arg(long, global = true, value_name = "D", value_parser = settings::duration, help_heading = "Behaviour")]
    pub(crate) timeout: Option<Duration>,

    /// Look for kinds here instead of the usual folders [env: CARTO_KINDS_PATH]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Behaviour")]
    kinds_path: Option<String>,

    /// Print the version
    #[arg(short = 'v', long, action = ArgAction::Version, global = true, help_heading = "Behaviour")]
    version: Option<bool>,
}

impl Globals {
    /// Refuses options that contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        if self.json && self.output.is_some_and(|format| format != Format::Json) {
            return Err(usage("`--json` and `-o` name different formats").hint("leave one of the two out"));
        }
        if self.field.is_some() && (self.json || self.output.is_some()) {
            return Err(usage("`--field` writes a value alone, so no format can stand beside it")
                .hint("leave one of the two out"));
        }
        Ok(())
    }

    /// An option of these that only means something to a command that asks an account or shows a result.
    pub(crate) fn for_another_command(&self) -> Option<&'static str> {
        let given = [
            ("--profile", self.profile.is_some()),
            ("--token", self.bearer.is_some()),
            ("--base-url", self.base_url.is_some()),
            ("-o", self.output.is_some()),
            ("--field", self.field.is_some()),
            ("--reveal", self.reveal),
            ("--timeout", self.timeout.is_some()),
        ];
        given.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// How results are to be shown.
    pub(crate) fn view(&self) -> View {
        let format = if self.json { Format::Json } else { self.output.unwrap_or_default() };
        View { format, reveal: self.reveal, field: self.field.clone(), to_file: false }
    }

    /// The profile that is named, and what names it.
    pub(crate) fn profile(&self) -> Result<Option<(String, &'static str)>> {
        Ok(match &self.profile {
            Some(name) => Some((name.clone(), "--profile")),
            None => environment::text(environment::PROFILE)?.map(|name| (name, environment::PROFILE)),
        })
    }

    /// The account's address that is given, and what gives it.
    pub(crate) fn base_url(&self) -> Result<Option<(String, String)>> {
        Ok(match &self.base_url {
            Some(text) => Some((text.clone(), "`--base-url`".to_owned())),
            None => {
                environment::text(environment::BASE_URL)?.map(|text| (text, format!("`{}`", environment::BASE_URL)))
            }
        })
    }

    /// Whether the command line gives a bearer.
    pub(crate) fn gives_bearer(&self) -> bool {
        self.bearer.is_some()
    }

    /// What the options say about the account.
    pub(crate) fn choice(&self, stdin: &mut Stdin) -> Result<Choice> {
        let bearer = match self.bearer.as_deref() {
            Some("-") if stdin.is_watched() => {
                Some(stdin.secret("--token", "Bearer", Until::Line, self.no_input)?.into_exposed())
            }
            Some("-") => Some(stdin.line("--token")?.trim().to_owned()),
            given => given.map(str::to_owned),
        };
        Ok(Choice {
            sandbox: self.sandbox,
            profile: self.profile.clone(),
            bearer,
            base_url: self.base_url.clone(),
            deadline: Deadline::new(self.timeout),
            debug: self.debug,
        })
    }
}
