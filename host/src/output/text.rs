//! Makes text from a plugin, the service or the user harmless to a terminal: no control characters, no escape sequences, no
//! characters that hide or reorder others.

use std::fmt::Write;

use carto_plugin_api::is_harmful;

/// The text with each such character written as `\u{…}`. Line breaks count as such.
pub(crate) fn harmless(text: &str) -> String {
    if !text.contains(is_harmful) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a string can't fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same, with line breaks left as they are.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// The same for JSON: the characters become `\uXXXX`, which every reader turns back. They occur only inside strings.
pub(crate) fn harmless_json(json: &str) -> String {
    if !json.contains(|c| c != '\n' && is_harmful(c)) {
        return json.to_owned();
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c != '\n' && is_harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn escapes_and_overrides_are_spelled_out() {
        assert_eq!(harmless("a\u{1b}[31mb\u{202e}c\nd"), "a\\u{1b}[31mb\\u{202e}c\\u{a}d");
        assert_eq!(harmless("Zürich 東京 🗺"), "Zürich 東京 🗺");
    }

    proptest! {
        #[test]
        fn json_keeps_its_meaning(text in any::<String>()) {
            let json = serde_json::to_string_pretty(&vec![Value::String(text)]).unwrap();
            let shown = harmless_json(&json);
            prop_assert!(!shown.contains(|c| c != '\n' && is_harmful(c)));
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), serde_json::from_str::<Value>(&json).unwrap());
        }
    }
}
