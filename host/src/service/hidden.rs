//! Takes a bearer or a secret out of what a service answers: neither a message nor a kind may get it from a service that echoes it.

use std::borrow::Cow;
use std::cmp::Reverse;

use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use url::form_urlencoded;

use super::request::IN_SEGMENT;

/// A shorter secret than this is none, and its letters would be everywhere.
const SHORTEST: usize = 8;

/// The spellings in which a secret may come back.
pub(crate) struct Hidden {
    spellings: Vec<String>,
}

impl Hidden {
    pub(crate) fn new(secret: &str) -> Hidden {
        if secret.len() < SHORTEST {
            return Hidden { spellings: Vec::new() };
        }
        let percent = utf8_percent_encode(secret, IN_SEGMENT).to_string();
        // As in a query.
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        // JSON inside a text, and JSON inside that.
        let inside = [in_json(secret), in_json(secret).replace('/', r"\/")];
        let twice = inside.each_ref().map(|text| in_json(text));
        let mut spellings = vec![secret.to_owned(), small_escapes(&percent), percent, small_escapes(&form), form];
        spellings.extend(inside.into_iter().chain(twice));
        // Of most secrets they are all the same.
        spellings.sort();
        spellings.dedup();
        // One can hold another.
        spellings.sort_by_key(|spelling| Reverse(spelling.len()));
        Hidden { spellings }
    }

    /// The text without it.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let there = self.spellings.iter().filter(|spelling| text.contains(spelling.as_str()));
        there.fold(Cow::Borrowed(text), |text, spelling| Cow::Owned(text.replace(spelling, "[hidden]")))
    }

    /// Every text of a value without it: behind JSON's escapes, where none can hide it.
    pub(crate) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.text(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                if fields.keys().any(|key| matches!(self.text(key), Cow::Owned(_))) {
                    let shown = std::mem::take(fields);
                    fields.extend(shown.into_iter().map(|(key, value)| (self.text(&key).into_owned(), value)));
                }
                fields.values_mut().for_each(|value| self.value(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The text as it stands in a JSON text.
fn in_json(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#)
}

/// `%2F` as `%2f`.
fn small_escapes(percent: &str) -> String {
    let mut parts = percent.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    // Behind each percent sign stand two digits.
    parts.fold(first, |text, part| format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_of_a_value_is_looked_at() {
        let hidden = Hidden::new("opaque/secret+value==");
        let mut value = json!({ "a": ["x opaque/secret+value==", 7, null], "opaque/secret+value==": { "b": r"opaque\/secret+value==" } });
        hidden.value(&mut value);
        assert_eq!(value, json!({ "a": ["x [hidden]", 7, null], "[hidden]": { "b": "[hidden]" } }));
        assert_eq!(hidden.text("opaque%2Fsecret%2Bvalue%3D%3D opaque%2fsecret%2bvalue%3d%3d"), "[hidden] [hidden]");
        let odd = Hidden::new(r#"od"d\key~ *1"#);
        for text in [
            r#"od"d\key~ *1"#,
            r#"od\"d\\key~ *1"#,
            r#"od\\\"d\\\\key~ *1"#,
            "od%22d%5Ckey~%20%2A1",
            "od%22d%5Ckey%7E+*1",
            "od%22d%5ckey%7e+*1",
        ] {
            assert_eq!(odd.text(text), "[hidden]", "{text}");
        }
        assert_eq!(Hidden::new("eyJhbGciOi.eyJqdGki.c2ln-_").spellings.len(), 1);
        assert_eq!(Hidden::new("short").text("short"), "short");
    }
}
