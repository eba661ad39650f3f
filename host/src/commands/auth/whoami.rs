//! `carto auth whoami`: asks CARTO who the bearer belongs to. Where that is asked isn't documented; `/users/me` below the account's address
//! is ours, so that `[services.api.paths]` can say where it really is.

use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, WireResponse, problem};
use serde_json::Value;

use crate::account;
use crate::commands::Context;
use crate::error::{Error, Result};
use crate::input::Stdin;
use crate::output::{Format, Record, json as json_text, stdout, table};
use crate::redact;
use crate::service::Session;
use crate::settings;

/// Where it is asked.
const PATH: [&str; 2] = ["users", "me"];

/// Asks.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let choice = context.globals.choice(&mut Stdin::default())?;
    let deadline = choice.deadline;
    let account = account::resolve(choice)?;
    let settings = settings::read()?;
    if settings.moves_routes() && !account.is_sandbox() {
        // What this route is moved to could be one that no verb may ask.
        context.catalog.policy().permit_service_paths().map_err(|(error, _)| error)?;
    }
    let place = account.place();
    let session = Session::new(Some(Ok(account)), settings, deadline.rest(), context.globals.debug);
    let response = super::attended("Asking", session.deadline(), super::UNCHANGED, session.read(&PATH))?;
    let json = judged(response, &place)?;
    let view = context.globals.view();
    let text = match (&json, view.format) {
        _ if view.field.is_some() => super::field(&json, &view.field.unwrap_or_default())?,
        (_, Format::Jsonl) => json_text::line(&json),
        (Value::Object(fields), Format::Table) => table::fields(&labelled(fields), &[]),
        _ => json_text::pretty(&json),
    };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// With words for labels: `user_id` is `user id`, and `id` of the object `account` is `account id`.
fn labelled(fields: &Record) -> Record {
    let mut all = Record::new();
    for (key, value) in fields {
        let label = key.replace('_', " ");
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                all.extend(labelled(inner).into_iter().map(|(key, value)| (format!("{label} {key}"), value)));
            }
            _ => drop(all.insert(label, value.clone())),
        }
    }
    all
}

/// The answer, if it is one: a session has judged what isn't an answer at all.
fn judged(response: WireResponse, place: &str) -> Result<Value> {
    let asked = format!("{place} answered GET /{}", PATH.join("/"));
    let (code, what) = match response.status {
        200..=299 => match response.body {
            Some(json) if json.is_object() => return Ok(json),
            _ => (ErrorCode::UnexpectedAnswer, "something that isn't a JSON object".to_owned()),
        },
        status => {
            let code = if status == 403 { ErrorCode::Forbidden } else { ErrorCode::UnexpectedAnswer };
            let words = response.body.and_then(|body| body.as_str().map(str::to_owned).or_else(|| problem(&body)));
            (code, status.to_string() + &words.map(|words| format!(": {}", redact::redact(&words))).unwrap_or_default())
        }
    };
    Err(Error::new(code, format!("{asked} with {what}")).hint("`carto auth status` says what is known without asking"))
}
