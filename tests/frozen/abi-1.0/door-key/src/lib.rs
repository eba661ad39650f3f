//! A kind whose manifest uses every key of schema 1.0. Create sends what it was given, so that a test sees what a host makes of options.

use carto_plugin_api::{
    CredentialKind, Error, ErrorCode, Host, Listing, NoInput, Page, Request, Result, Secret, export_kind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The kind.
pub struct Kind;

/// What the user sees.
#[derive(Serialize)]
pub struct Key {
    id: String,
    label: String,
    key: Option<Secret>,
    pin: Option<Secret>,
    echo: Value,
    now: String,
    options: Map<String, Value>,
}

/// What the service answers.
#[derive(Deserialize)]
struct Wire {
    key_id: String,
    label: String,
    key: Option<Secret>,
    pin: Option<Secret>,
    #[serde(default)]
    echo: Value,
}

impl Wire {
    fn shown(self, host: &Host<'_>) -> Key {
        let Wire { key_id, label, key, pin, echo } = self;
        Key { id: key_id, label, key, pin, echo, now: host.now().to_owned(), options: host.options().clone() }
    }
}

#[derive(Deserialize)]
struct Wires {
    keys: Vec<Wire>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Only {
    floor: Option<i64>,
}

impl CredentialKind for Kind {
    type Record = Key;
    type Create = Map<String, Value>;
    type Update = NoInput;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<Key>> {
        let Only { floor } = host.args()?;
        let request = Request::get(["v3", "door-keys"])
            .query("type", "door")
            .query_if("floor", floor.map(|floor| floor.to_string()))
            .query_if("cursor", page.cursor);
        let Wires { keys, next } = host.call("api", request)?.ok()?.json()?;
        Ok(Listing { items: keys.into_iter().map(|key| key.shown(host)).collect(), next })
    }

    fn create(host: &Host<'_>, args: Map<String, Value>) -> Result<Key> {
        if args.contains_key("old_door") {
            return Err(Error::argument("old_door", "doors have another option now").hint("use `--door`"));
        }
        let request = Request::post(["v3", "door-keys"])
            .query("type", "door")
            .header("idempotency-key", host.now())
            .json(&json!({ "label": args.get("label"), "echo": args }));
        let made: Wire = host.call("api", request)?.ok()?.json()?;
        Ok(made.shown(host))
    }

    fn get(host: &Host<'_>, id: &str) -> Result<Key> {
        let request = match id {
            "bearer" | "header" | "query" | "open" => return own(host, id),
            _ => Request::get(["v3", "door-keys"]).segment(id).query("type", "door"),
        };
        let key: Wire = host.call("api", request)?.ok()?.json()?;
        Ok(key.shown(host))
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<Key>> {
        let list = Request::get(["v3", "door-keys"]).query("type", "door");
        let Wires { keys, .. } = host.call("api", list)?.ok()?.json()?;
        let Some(key) = keys.into_iter().find(|key| key.key_id == id || key.label == id) else {
            return Err(Error::new(ErrorCode::NotFound, format!("no door key `{id}`")).hint("look at the list"));
        };
        let request = Request::delete(["v3", "door-keys"])
            .secret_segment(Secret::new(key.key_id.clone()))
            .query("type", "door");
        host.call("api", request)?.ok()?;
        Ok(Some(key.shown(host)))
    }
}

/// A key of one of the kind's own services.
fn own(host: &Host<'_>, service: &str) -> Result<Key> {
    let key: Wire = host.call(service, Request::get(["keys", service]))?.ok()?.json()?;
    Ok(key.shown(host))
}

export_kind!(Kind);
