//! `carto auth status`: which bearer a command would use, whose it is, how long it lasts, and where each of that comes from. Nothing is sent.

use std::process::ExitCode;

use serde_json::json;

use super::report::{self, Report};
use crate::account::{self, Sources, profiles};
use crate::commands::Context;
use crate::input::Stdin;
use crate::output::{json as json_text, stdout};

/// Says it.
pub(super) fn run(context: &Context, positional: Option<&str>) -> anyhow::Result<ExitCode> {
    let is_json = context.globals.view().format.is_json();
    if let Some(asked_by) = account::sandbox_asked_by(context.globals.sandbox)? {
        let text = match is_json {
            true => json_text::pretty(
                &json!({ "authenticated": true, "sandbox": true, "sources": { "sandbox": asked_by } }),
            ),
            false => {
                format!("The sandbox is used, as `{asked_by}` says: it has its own account, and signs itself in.\n")
            }
        };
        stdout::write(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = match positional {
        Some(_) => {
            let name = super::named(context, positional)?.unwrap_or_default();
            let file = profiles::read()?;
            let profile = file.as_ref().and_then(|file| file.by_name.get(&name).cloned());
            let Some(profile) = profile else { return Err(account::no_profile(&name, file.as_ref()).into()) };
            Report::of_profile(&name, profile, file.as_ref())
        }
        None => Report::of_sources(&Sources::read(context.globals.choice(&mut Stdin::default())?, true)?),
    };
    if is_json {
        stdout::write(&json_text::pretty(&report.json()))?;
    } else if !report.is_empty() {
        stdout::write(&report.text(positional.is_none()))?;
    }
    match report.fault {
        Some(error) => Err(report::as_signed_out(error).into()),
        None => Ok(ExitCode::SUCCESS),
    }
}
