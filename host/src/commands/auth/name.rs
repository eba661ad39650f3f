//! Names of profiles: what a person gives is one or is refused, and what is made up of an account is made to be one.

use crate::error::{Result, usage};

/// The most bytes that a name has.
const LONGEST: usize = 256;

/// A name that somebody gives.
pub(super) fn checked(name: &str) -> Result<String> {
    if !is_name(name) {
        return Err(usage("a profile's name is a text in one line, with nothing that a terminal can't show")
            .hint(format!("choose another name, of at most {LONGEST} bytes")));
    }
    Ok(name.to_owned())
}

fn is_name(name: &str) -> bool {
    name.trim() == name && !name.is_empty() && name.len() <= LONGEST && !name.contains(carto_plugin_api::is_harmful)
}

/// A name of these parts, as CARTO's command line makes one of tenant, organisation and user. What no name may hold is left out.
pub(super) fn made_up<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().map(|part| part.replace(carto_plugin_api::is_harmful, ""));
    let whole = parts.filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("/");
    let whole = whole.trim();
    let name = whole[..whole.floor_char_boundary(LONGEST)].trim_end();
    if name.is_empty() { "default".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_made_of_what_there_is() {
        for (parts, expected) in [
            (vec!["acme", "ACME, Inc.", "ada@example.com"], "acme/ACME, Inc./ada@example.com".to_owned()),
            (vec!["acme", " ", "\u{1b}\u{200b}"], "acme".to_owned()),
            (vec![" acme", "a\u{1b}[31mb\n "], "acme/a[31mb".to_owned()),
            (vec!["acme", &"é".repeat(300)], format!("acme/{}", "é".repeat(125))),
            (vec![&"a".repeat(255), " b"], "a".repeat(255) + "/"),
            (vec![], "default".to_owned()),
        ] {
            assert_eq!(made_up(parts), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_made_up_could_be_given(parts in prop::collection::vec(any::<String>(), 0..4), length in 0..300_usize) {
            let long = "ß ".repeat(length);
            let parts = parts.iter().map(String::as_str).chain([long.as_str()]);
            prop_assert!(checked(&made_up(parts)).is_ok());
        }
    }
}
