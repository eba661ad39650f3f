//! What became of a verb's requests, as the host saw it. Whatever a kind says afterwards, this is what happened.

use carto_plugin_api::is_harmful;
use carto_plugin_api::manifest::Record;
use serde_json::Value;

use super::Draft;
use crate::error::Error;
use crate::redact;

/// What one run of a verb has done so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate {
    /// The write that was sent and isn't answered yet.
    pub(crate) under_way: Option<String>,
    /// The writes that the service accepted.
    pub(crate) accepted: Vec<Accepted>,
    /// What was sent to try a credential and may have done something, whatever came of it.
    pub(crate) tried: Vec<String>,
    /// How often the user was warned.
    pub(crate) warnings: usize,
    /// The last write, if it wasn't done.
    pub(crate) refused: Option<String>,
    /// A write of which nobody knows whether it was done.
    pub(crate) unknown: Option<Error>,
    /// In a dry run, the first write or trial, which would have been sent.
    pub(crate) drafted: Option<Draft>,
    /// The breach of the manifest that decides the outcome.
    pub(crate) violation: Option<Error>,
}

/// A write that a service accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// `POST /v3/things`.
    pub(crate) request: String,
    /// Whether that is a `DELETE`.
    pub(crate) deletes: bool,
    /// What the service's answer calls the credential.
    pub(crate) id: Option<String>,
}

impl Accepted {
    pub(super) fn new(request: String, deletes: bool, answer: Option<&Value>, shape: &Record) -> Accepted {
        Accepted { request, deletes, id: answer.and_then(|answer| id(answer, shape)) }
    }
}

/// No id that anybody could type is longer.
const LONGEST: usize = 128;

/// The id in a service's answer, where the manifest says that it is; else the public handle inside a secret that came. Never a credential.
fn id(answer: &Value, shape: &Record) -> Option<String> {
    let text = |field: &String| answer.get(field).and_then(Value::as_str);
    let own = text(shape.wire_id.as_ref().unwrap_or(&shape.id)).map(redact::handle);
    let inside = || shape.secrets.iter().filter_map(text).find_map(redact::jti);
    own.or_else(inside)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST && !id.contains(is_harmful) && redact::redact(id) == *id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_of_an_answer_is_never_a_credential() {
        let shape = |wire_id: Option<&str>| -> Record {
            let shape = json!({ "fields": ["id", "key"], "id": "id", "secrets": ["key"], "columns": ["id"] });
            let mut shape: Record = serde_json::from_value(shape).unwrap();
            shape.wire_id = wire_id.map(str::to_owned);
            shape
        };
        // {"jti":"1a2b3c4d"}
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxYTJiM2M0ZCJ9.c2ln";
        let cases = [
            (None, json!({ "id": "r_1", "key": jwt }), Some("r_1")),
            (Some("robot_id"), json!({ "robot_id": "r_1", "id": "other" }), Some("r_1")),
            (None, json!({ "key": jwt }), Some("1a2b3c4d")),
            (None, json!({ "id": jwt }), Some("1a2b3c4d")),
            (None, json!({ "id": "aB3".repeat(20) }), None),
            (None, json!({ "id": "\u{1b}[31m" }), None),
            (None, json!({ "id": 7, "key": "opaque" }), None),
            (None, json!(["id"]), None),
        ];
        for (wire_id, answer, expected) in cases {
            assert_eq!(id(&answer, &shape(wire_id)).as_deref(), expected, "{answer}");
        }
    }
}
