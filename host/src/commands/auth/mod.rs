//! `carto auth`: one file a command. What signing in is stands in `auth`, what is kept in `account`.

mod browser;
mod keep;
mod login;
mod logout;
mod name;
mod person;
mod report;
mod status;
mod switch;
mod whoami;

use std::process::ExitCode;

use serde_json::Value;

use super::Context;
use crate::account;
use crate::auth::{UNCHANGED, UNKEPT, attended};
use crate::cli::AuthCommand;
use crate::error::{Result, quoted, usage};
use crate::output::{Format, View, record};

/// Runs one of them.
pub(crate) fn run(context: &Context, command: &AuthCommand) -> anyhow::Result<ExitCode> {
    let one_value = match command {
        AuthCommand::Status { .. } | AuthCommand::Whoami => true,
        AuthCommand::Login(args) => args.no_launch_browser,
        AuthCommand::Logout { .. } | AuthCommand::Use { .. } => false,
    };
    match context.globals.view() {
        View { field: Some(_), .. } if one_value => {}
        View { format: Format::Jsonl, .. } if matches!(command, AuthCommand::Whoami) => {}
        _ => super::text_or_json(context).map_err(|error| match command {
            AuthCommand::Login(args) => login::unread(context, args, error),
            _ => error,
        })?,
    }
    match command {
        AuthCommand::Login(args) => login::run(context, args),
        AuthCommand::Logout { profile } => logout::run(context, profile.as_deref()),
        AuthCommand::Status { profile } => status::run(context, profile.as_deref()),
        AuthCommand::Use { profile } => switch::run(context, profile.as_deref()),
        AuthCommand::Whoami => whoami::run(context),
    }
}

/// One value of an answer, alone.
fn field(answer: &Value, name: &str) -> Result<String> {
    let fields = answer.as_object().cloned().unwrap_or_default();
    if !fields.contains_key(name) {
        return Err(usage(format!("there is no field `{name}`")).hint(format!("fields: {}", quoted(fields.keys()))));
    }
    Ok(record::field_text(&fields, name))
}

/// Refuses what changes profiles where the sandbox is used, which has none.
fn outside_the_sandbox(context: &Context, command: &str) -> Result<()> {
    match account::sandbox_asked_by(context.globals.sandbox)? {
        None => Ok(()),
        Some(asked_by) => Err(usage(format!(
            "`carto auth {command}` can't stand beside `{asked_by}`: the sandbox signs itself in, and has no profiles"
        ))
        .hint("leave the sandbox out; `carto sandbox exec -- COMMAND` runs another program that is signed in to it")),
    }
}

/// The name of a profile that a command is given: its own word, or the option or the variable that every command has.
fn named(context: &Context, positional: Option<&str>) -> Result<Option<String>> {
    match (positional, context.globals.profile()?) {
        (Some(one), Some((other, source))) if source == "--profile" && one != other => {
            Err(usage(format!("`{one}` and `{source} {other}` name different profiles"))
                .hint("leave one of the two out"))
        }
        (Some(name), _) => name::checked(name).map(Some),
        (None, Some((name, _))) => name::checked(&name).map(Some),
        (None, None) => Ok(None),
    }
}
