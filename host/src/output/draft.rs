//! A request that isn't sent, as text: like it would stand on the wire, with its body easy to read.

use serde_json::Value;

use super::json;
use super::text::harmless;

pub(crate) fn draft_text(method: &str, path: &str, headers: &[(String, String)], body: Option<&Value>) -> String {
    let mut text = format!("{method} {}\n", harmless(path));
    for (name, value) in headers {
        text.push_str(&format!("{}: {}\n", harmless(name), harmless(value)));
    }
    if let Some(body) = body {
        text.push('\n');
        text.push_str(&json::pretty(body));
    }
    text
}
