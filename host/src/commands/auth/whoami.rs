//! `carto auth whoami`: asks CARTO who the bearer belongs to. Where that is asked isn't documented; `/users/me` below the account's address
//! is ours.

use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, Secret};
use serde_json::Value;
use url::Url;

use crate::account;
use crate::auth::Http;
use crate::auth::http::{self, Answer};
use crate::commands::Context;
use crate::error::{Error, Result};
use crate::input::Stdin;
use crate::output::{Format, Record, json as json_text, stdout, table};
use crate::service::Hidden;
use crate::settings;

/// Asks.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let account = context.globals.choice(&mut Stdin::default()).and_then(account::resolve)?;
    let settings = settings::read()?;
    let mut http = Http::new(settings.network.clone(), context.globals.timeout, context.globals.debug);
    if account.is_sandbox() {
        http = http.into_sandbox(account.transport(&settings.network)?);
    }
    let url = below(account.base_url());
    let bearer = Secret::new(account.bearer().to_owned());
    let answer = super::attended("Asking", context.globals.timeout, http.get(&url, Some(&bearer)))?;
    if answer.status().as_u16() == 401 {
        let words = http::words(&answer);
        return Err(account.rejected(words.strip_prefix(": ")).into());
    }
    let mut json = judged(&answer, &account.place(), &url)?;
    Hidden::new(account.bearer()).value(&mut json);
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

/// With words for labels: `user_id` is `user id`.
fn labelled(fields: &Record) -> Record {
    fields.iter().map(|(key, value)| (key.replace('_', " "), value.clone())).collect()
}

fn below(base_url: &Url) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/users/me", base_url.path().trim_end_matches('/')));
    url
}

fn judged(answer: &Answer, place: &str, url: &Url) -> Result<Value> {
    let (status, words) = (answer.status().as_u16(), http::words(answer));
    let known = "`carto auth status` says what is known without asking";
    let code = match status {
        200..=299 => {
            let json = http::json(answer).filter(Value::is_object);
            return json.ok_or_else(|| {
                Error::new(
                    ErrorCode::UnexpectedAnswer,
                    format!("{place} answered GET {} with something that isn't a JSON object", url.path()),
                )
                .hint(known)
            });
        }
        403 => ErrorCode::Forbidden,
        _ => ErrorCode::UnexpectedAnswer,
    };
    Err(Error::new(code, format!("{place} answered GET {} with {status}{words}", url.path())).hint(known))
}
