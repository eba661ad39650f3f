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

/// A name that somebody gives to a new profile. A command would take one that begins like an option for that.
pub(super) fn checked_new(name: &str) -> Result<()> {
    if name.starts_with('-') {
        return Err(usage(format!("a new profile's name can't begin with `-`: `{name}`")).hint("choose another name"));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.trim() == name && !name.is_empty() && name.len() <= LONGEST && !name.contains(carto_plugin_api::is_harmful)
}

/// A name of these parts, as CARTO's command line makes one of tenant, organisation and user. What no name may hold is left out.
pub(super) fn made_up<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().map(|part| part.replace(carto_plugin_api::is_harmful, ""));
    let whole = parts.filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("/");
    // A command would take it for an option.
    let whole = whole.trim().trim_start_matches(|c: char| c == '-' || c.is_whitespace());
    let end = (0..=LONGEST.min(whole.len())).rfind(|at| whole.is_char_boundary(*at)).unwrap_or_default();
    let name = whole[..end].trim_end();
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
            (vec!["-- -acme", "-x"], "acme/-x".to_owned()),
            (vec!["-"], "default".to_owned()),
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
            let name = made_up(parts);
            prop_assert!(checked(&name).is_ok() && checked_new(&name).is_ok());
        }
    }
}
