//! The kind `{{name}}`: its record, its options and its five verbs.
//!
//! Output, confirmation, masking, the network and the user's secret are carto's. What is here: what to
//! ask the service for, and what its answers mean.

mod find;
#[cfg(test)]
mod tests;

use carto_plugin_api::{
    CredentialKind, Error, ErrorCode, Host, Listing, Page, Request, Result, Secret, export_kind,
    shell_word,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind's name, for messages.
const KIND: &str = "{{name}}";
/// The service in `kind.toml`, and where it has its keys.
const SERVICE: &str = "example";
const KEYS: [&str; 2] = ["v1", "keys"];

/// One credential: the fields of `[record]`. The service's JSON has the same here; where it differs,
/// give it a type of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    id: String,
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    /// A `Secret` prints itself nowhere, not even with `{:?}`.
    secret: Option<Secret>,
    expires_at: Option<String>,
    created_at: Option<String>,
}

/// One page, as the service answers.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
    next: Option<String>,
}

/// The options of create, with `_` for `-`. What wasn't given is absent. That others are refused is
/// for tests: an option of `kind.toml` that the code forgets would otherwise have no effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    name: String,
    #[serde(default)]
    scope: Vec<String>,
    expires: Option<String>,
}

/// The options of update.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    name: Option<String>,
    #[serde(default)]
    scope: Vec<String>,
}

/// What the service is told. A field that isn't there stays as it is.
#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// What `export_kind!` makes a library of.
pub struct Kind;

impl CredentialKind for Kind {
    type Record = Record;
    type Create = Create;
    type Update = Update;

    /// One page; carto asks for the next with the cursor of this one. If list has options, they are
    /// read here, with `host.args()`.
    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Record>> {
        one_page(host, page)
    }

    /// Rules first, then the request, then what came of it held against what was asked.
    fn create(host: &Host<'_>, input: Create) -> Result<Record> {
        let mut scopes = input.scope;
        if scopes.is_empty() {
            scopes.push("read".to_owned());
        }
        let body = Body {
            name: Some(checked(input.name)?),
            scopes,
            expires_at: input.expires,
        };
        let request = Request::post(KEYS).json(&body);
        let made: Record = host.call(SERVICE, request)?.ok()?.json()?;
        narrow(&made, &body)?;
        Ok(made)
    }

    fn get(host: &Host<'_>, id: &str) -> Result<Record> {
        find::find(host, id)
    }

    fn update(host: &Host<'_>, id: &str, input: Update) -> Result<Record> {
        let name = input.name.map(checked).transpose()?;
        if name.is_none() && input.scope.is_empty() {
            return Err(Error::new(ErrorCode::Usage, "nothing is to be changed")
                .hint("name what should change: `--name`, `--scope`"));
        }
        let key = find::find(host, id)?;
        let body = Body {
            name,
            scopes: input.scope,
            expires_at: None,
        };
        let request = Request::patch(KEYS).segment(key.id).json(&body);
        let changed: Record = host.call(SERVICE, request)?.ok()?.json()?;
        narrow(&changed, &body)?;
        Ok(changed)
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<Record>> {
        let key = find::find(host, id)?;
        let request = Request::delete(KEYS).segment(key.id.as_str());
        host.call(SERVICE, request)?.ok()?;
        Ok(Some(key))
    }
}

/// One page of the service, for list and for whoever looks for a name. `host.args()` isn't for here:
/// it has the options of the verb that runs, and that can be any.
fn one_page(host: &Host<'_>, page: Page) -> Result<Listing<Record>> {
    let request = Request::get(KEYS).query_if("cursor", page.cursor);
    // `?` passes on what carto says (not signed in, unreachable …), `ok()` makes an error of 4xx,
    // `json()` of an answer in another shape.
    let Keys { keys, next } = host.call(SERVICE, request)?.ok()?.json()?;
    let items = readable(host, keys);
    Ok(Listing::new(items, next))
}

/// One that can't be read hides no other.
fn readable(host: &Host<'_>, keys: Vec<Value>) -> Vec<Record> {
    let count = keys.len();
    let keys = keys.into_iter().map(Record::deserialize);
    let items: Vec<Record> = keys.filter_map(std::result::Result::ok).collect();
    let lost = count - items.len();
    if lost > 0 {
        let message = format!("{lost} of those there are can't be read, and aren't listed");
        host.warn(&message, Some("a newer plugin may know them"));
    }
    items
}

/// A rule of the kind, so that the message names the option and shows a way.
fn checked(name: String) -> Result<String> {
    if name.trim().is_empty() {
        return Err(Error::argument("name", "the name is empty")
            .hint("give a name that says what it is for"));
    }
    Ok(name)
}

/// A credential that can do more, or lives longer, than was asked for is no success.
fn narrow(made: &Record, asked: &Body) -> Result<()> {
    let asked_scopes = asked.scopes.as_slice();
    let wider = !asked_scopes.is_empty() && made.scopes.iter().any(|s| !asked_scopes.contains(s));
    let longer = asked.expires_at.is_some() && made.expires_at.is_none();
    if !wider && !longer {
        return Ok(());
    }
    let message = format!("the service granted more than was asked, to `{}`", made.id);
    let id = shell_word(&made.id);
    let hint = format!("`carto credentials delete {KIND} {id}` takes it back");
    Err(Error::new(ErrorCode::WiderThanAsked, message).hint(hint))
}

export_kind!(Kind);
