//! `carto auth status`: which bearer a command would use, whose it is, how long it lasts, and where each of that comes from. Nothing is sent.

use std::process::ExitCode;

use serde_json::json;

use super::report::Report;
use crate::account::{self, Choice, Named, Sources};
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
    let choice = context.globals.choice(&mut Stdin::default())?;
    let sources = match super::named(context, positional)?.filter(|_| positional.is_some()) {
        Some(name) => Sources::read(Choice { profile: Some(name), ..choice }, true)?.named_by("the command line"),
        None => Sources::read(choice, true)?,
    };
    if let Some(Named { name, profile: None }) = sources.profile() {
        return Err(sources.no_profile(&name.value).into());
    }
    let report = Report::of_sources(&sources);
    if let Some(field) = &context.globals.view().field {
        stdout::write(&super::field(&report.json(), field)?)?;
        return report.ended();
    }
    sources.warn();
    if is_json {
        stdout::write(&json_text::pretty(&report.json()))?;
    } else if !report.is_empty() {
        stdout::write(&report.text(positional.is_none()))?;
    }
    report.ended()
}
