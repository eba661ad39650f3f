//! A statement in one line, as a command that is shown in one can hold it: white space between words is one space.

/// The statement in one line; nothing where it means something else then, or where that can't be told: a comment that ends with its line, a line
/// break in quotes, and quotes that only one dialect knows.
pub(super) fn one_line(statement: &str) -> Option<String> {
    if !statement.contains(|c: char| c.is_ascii_whitespace() && c != ' ') {
        return is_plain(statement).then(|| statement.to_owned());
    }
    if ["'''", "\"\"\"", "$", "\\", "--", "#", "//", "/*"].iter().any(|odd| statement.contains(odd)) {
        return None;
    }
    let mut line = String::new();
    let mut quote = None;
    for c in statement.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None if c.is_ascii_whitespace() => {
                if !line.ends_with(' ') {
                    line.push(' ');
                }
                continue;
            }
            _ => {}
        }
        line.push(c);
    }
    // A quote that stays open was read wrongly.
    (quote.is_none() && is_plain(&line)).then_some(line)
}

/// Whether it is shown as it is: what could disturb a terminal is written out in another way.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || (!c.is_ascii() && !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grants;

    #[test]
    fn a_line_break_between_words_is_a_space() {
        for (statement, line) in [
            ("SELECT 1", Some("SELECT 1")),
            ("SELECT a,\n\t  b\r\nFROM t", Some("SELECT a, b FROM t")),
            ("SELECT 'a  b'\nFROM \"x  y\"", Some("SELECT 'a  b' FROM \"x  y\"")),
            ("SELECT 'it''s'\nFROM t", Some("SELECT 'it''s' FROM t")),
            ("SELECT a -- all\nFROM t", None),
            ("SELECT a # all\nFROM t", None),
            ("SELECT a // all\nFROM t", None),
            ("SELECT a /* -- */\nFROM t", None),
            ("SELECT 'a\nb'", None),
            ("SELECT 'a\\'b'\nFROM t", None),
            ("SELECT '''it's\nthat's'''", None),
            ("SELECT $$a\nb$$", None),
            ("SELECT it's\nopen", None),
            // One line already, and nothing is lost of it.
            ("SELECT a -- all", Some("SELECT a -- all")),
            ("SELECT '\u{202e}'", None),
            ("SELECT 'ñ'\nFROM t", Some("SELECT 'ñ' FROM t")),
        ] {
            assert_eq!(one_line(statement).as_deref(), line, "{statement:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_same_statement_to_the_service(statement in "[a-c'\"`,;* \n\t-]{1,20}") {
            if let Some(line) = one_line(&statement) {
                prop_assert!(!line.contains(['\n', '\t']));
                prop_assert_eq!(grants::statement(&line), grants::statement(&statement));
            }
        }
    }
}
