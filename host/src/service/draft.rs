//! A request that is shown instead of sent, with everything in it hidden that could be a secret.

use carto_plugin_api::{Segment, WireRequest};
use serde_json::{Map, Value};

use crate::redact::{self, HIDDEN, hide as hide_text};

/// A request as a dry run shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) method: String,
    /// Of a service of the kind's own.
    pub(crate) base_url: Option<String>,
    /// Below the base URL, with the query.
    pub(crate) path: String,
    /// Those that the kind sets; to a service of its own also the one that authorises.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

impl Draft {
    pub(super) fn of(request: &WireRequest, path: Vec<Segment>) -> Draft {
        let mut shown = WireRequest::new(request.method.as_str(), path).shown();
        for (i, (key, value)) in request.query.iter().enumerate() {
            shown.push_str(&format!("{}{key}={value}", if i == 0 { '?' } else { '&' }));
        }
        // The method stands in front.
        let path = shown.strip_prefix(&format!("{} ", request.method)).unwrap_or(&shown);
        Draft {
            method: request.method.clone(),
            base_url: None,
            path: redact::redact(path),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }

    /// Hides the values of these fields, whatever their spelling (`clientSecret`, `client_secret`), every text that holds one of these
    /// secrets, and what looks like a credential.
    pub(super) fn hide(self, fields: &[String], secrets: &[String]) -> Draft {
        let fields: Vec<String> = fields.iter().map(|field| plain(field)).collect();
        let hidden = |text: &str| hide_text(text, secrets);
        Draft {
            path: hidden(&self.path),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), hidden(value))).collect(),
            body: self.body.map(|body| hide(body, &fields, secrets)),
            ..self
        }
    }
}

fn plain(field: &str) -> String {
    field.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn hide(value: Value, fields: &[String], secrets: &[String]) -> Value {
    match value {
        Value::String(text) => Value::String(hide_text(&text, secrets)),
        Value::Array(items) => items.into_iter().map(|item| hide(item, fields, secrets)).collect(),
        Value::Object(object) => {
            let hidden = object.into_iter().map(|(key, value)| match value {
                Value::Null => (key, Value::Null),
                _ if fields.contains(&plain(&key)) => (key, HIDDEN.into()),
                value => (key, hide(value, fields, secrets)),
            });
            Value::Object(hidden.collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use carto_plugin_api::Secret;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let secret = Segment::Secret { secret: Secret::new("s3cr3t".to_owned()) };
        let mut request = WireRequest::new("POST", ["v3".into(), "things".into(), secret]);
        request.query = vec![("type".to_owned(), "x".to_owned()), ("key".to_owned(), "hunter2".to_owned())];
        request.headers = vec![("if-match".to_owned(), "\"hunter2\"".to_owned())];
        request.body = Some(json!({
            "name": "a", "clientSecret": "b", "api-key": {"deep": "c"}, "key": null,
            "list": ["say hunter2", {"API_KEY": "d"}], "number": 7
        }));
        let fields = ["client_secret".to_owned(), "apiKey".to_owned()];
        let draft = Draft::of(&request, request.path.clone()).hide(&fields, &["hunter2".to_owned(), String::new()]);
        assert_eq!((draft.method.as_str(), draft.path.as_str()), ("POST", "/v3/things/…?type=x&key=[hidden]"));
        assert_eq!(draft.headers[0].1, "\"[hidden]\"");
        assert_eq!(
            draft.body.unwrap(),
            json!({
                "name": "a", "clientSecret": "[hidden]", "api-key": "[hidden]", "key": null,
                "list": ["say [hidden]", {"API_KEY": "[hidden]"}], "number": 7
            })
        );
    }
}
