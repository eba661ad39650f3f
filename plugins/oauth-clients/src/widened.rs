//! What the service stored, held against what was sent: a URL that nobody asked for is somebody else's way in.

use serde_json::Value;

/// The items of the answer's lists that the body didn't have, as text for a message. A list that either side leaves out says nothing.
pub(crate) fn lists(body: &Value, answer: &Value) -> Vec<String> {
    let Some(fields) = body.as_object() else { return Vec::new() };
    fields
        .iter()
        .filter_map(|(field, asked)| Some((field, asked.as_array()?, answer.get(field)?.as_array()?)))
        .flat_map(|(field, asked, given)| {
            let extra = given.iter().filter(|item| !asked.contains(item));
            extra.map(move |item| format!("`{}` in {field}", item.as_str().unwrap_or("?")))
        })
        .collect()
}
