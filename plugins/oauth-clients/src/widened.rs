//! What the service stored, held against what was sent: a URL that nobody asked for is somebody else's way in.

use serde_json::Value;

/// What the answer has beyond the body, as text for a message: more items in a list, or a text where the body said `null`. A field that
/// either side leaves out says nothing.
pub(crate) fn fields(body: &Value, answer: &Value) -> Vec<String> {
    let Some(fields) = body.as_object() else { return Vec::new() };
    let mut wider = Vec::new();
    for (field, asked) in fields {
        let extra: Vec<&Value> = match (asked, answer.get(field)) {
            (Value::Array(asked), Some(Value::Array(given))) => {
                given.iter().filter(|item| !asked.contains(item)).collect()
            }
            (Value::Null, Some(given @ Value::String(_))) => vec![given],
            _ => Vec::new(),
        };
        wider.extend(extra.into_iter().map(|item| format!("`{}` in {field}", item.as_str().unwrap_or("?"))));
    }
    wider
}
