//! Variables as lines that a shell reads back as they are: `NAME='value'`. Within single quotes a shell, dotenv (for Node and Python, tried)
//! and Compose (documented) agree on every value but one that holds a quote, a backslash, a line break, or `${`, which Python's expands.

/// A variable's name and value.
pub(crate) type Variable = (String, String);

/// `NAME='value'`, a line of it.
pub(super) fn line(variable: &Variable) -> String {
    assignment(variable) + "\n"
}

fn assignment((name, value): &Variable) -> String {
    format!("{name}='{}'", value.replace('\'', r"'\''"))
}

/// Whether dotenv or Compose would read a value otherwise than a shell.
pub(crate) fn is_for_shells_only(value: &str) -> bool {
    value.contains(['\'', '\\', '\n', '\r']) || value.contains("${")
}

/// The text of a file with these variables set: wherever they stood already, else at its end. Everything else stays as it is.
pub(crate) fn merged(text: &str, variables: &[Variable]) -> String {
    let mut merged = String::with_capacity(text.len() + 256);
    let mut left: Vec<&Variable> = variables.iter().collect();
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for statement in statements(text) {
        let (before, name) = assigned(statement);
        let variable = variables.iter().find(|(own, _)| Some(own.as_str()) == name);
        match variable.zip(value_end(statement)) {
            None => merged.push_str(statement),
            Some((variable, end)) => {
                left.retain(|own| *own != variable);
                merged.push_str(before);
                merged.push_str(&assignment(variable));
                merged.push_str(&statement[end..]);
            }
        }
    }
    if !left.is_empty() && !merged.is_empty() && !merged.ends_with('\n') {
        merged.push_str(line_end);
    }
    merged.extend(left.into_iter().map(|variable| assignment(variable) + line_end));
    merged
}

/// The first line that is in the way of setting these variables, and why: one that sets one of them in a way that can't be replaced without
/// harm to what stands beside it, or that may be inside the value of another.
pub(crate) fn obstacle(text: &str, names: &[&str]) -> Option<(usize, String)> {
    let (mut line, mut open) = (1, false);
    for statement in statements(text) {
        match assigned(statement).1.filter(|name| names.contains(name)) {
            Some(name) if open || value_end(statement).is_none() => {
                return Some((line, format!("sets `{name}` in a way that can't be replaced safely")));
            }
            Some(_) => {}
            None => open |= !is_balanced(statement),
        }
        line += statement.matches('\n').count();
    }
    None
}

/// Where the value of a statement ends: one quoted or plain word, with nothing behind it but a comment or, after a semicolon, something
/// else. Nothing for anything else.
fn value_end(statement: &str) -> Option<usize> {
    let start = value(statement)?;
    let end = if statement[start..].starts_with(['\'', '"']) {
        quoted(statement, start)?
    } else {
        let ends = |c: char| c.is_whitespace() || r##";#&|"'\$`()<>"##.contains(c);
        start + statement[start..].find(ends).unwrap_or(statement.len() - start)
    };
    let behind = &statement[end..];
    let next = behind.trim_start_matches([' ', '\t']);
    let name = assigned(statement).1?;
    let harmless = next.trim_end_matches(['\r', '\n']).is_empty()
        || next.starts_with('#') && next.len() < behind.len()
        || next.starts_with(';') && is_balanced(next) && !next.contains(&format!("{name}="));
    harmless.then_some(end)
}

/// The value that a text gives a variable, if it is one quoted or plain word; the last counts.
pub(crate) fn value_of(text: &str, name: &str) -> Option<String> {
    let sets = |statement: &&str| assigned(statement).1 == Some(name);
    let statement = statements(text).filter(sets).last()?;
    let word = statement[value(statement)?..value_end(statement)?].trim_end();
    match word.chars().next() {
        Some('\'') => Some(word.get(1..word.len() - 1)?.replace(r"'\''", "'")),
        Some('"') => Some(word.get(1..word.len() - 1)?.replace("\\\"", "\"").replace(r"\\", "\\")),
        _ => Some(word.to_owned()),
    }
}

/// Whether every quote is closed in a piece of a file, comments aside, as a shell sees it.
fn is_balanced(text: &str) -> bool {
    let (mut quote, mut escaped, mut before) = (None, false, ' ');
    for c in text.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '#') if before.is_whitespace() => quote = Some('\n'),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        before = c;
    }
    quote.is_none_or(|open| open == '\n')
}

/// What stands before the name (spaces, `export`), and the name that a statement sets, if it sets one.
fn assigned(statement: &str) -> (&str, Option<&str>) {
    let start = statement.trim_start();
    let start = start.strip_prefix("export ").unwrap_or(start).trim_start();
    let before = &statement[..statement.len() - start.len()];
    let name = start.split('=').next().filter(|name| name.len() < start.len()).map(str::trim_end);
    (before, name.filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')))
}

/// The line at which a statement begins that has no end, since a quote is never closed or a backslash takes the line break away: what is
/// added after it would become part of it.
pub(crate) fn unfinished(text: &str) -> Option<usize> {
    let mut line = 1;
    for statement in statements(text) {
        if extent(statement).is_none() {
            return Some(line);
        }
        line += statement.matches('\n').count();
    }
    None
}

/// The statements of a file, each with its line break: a line, or several where a value goes on.
fn statements(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (statement, rest) = text.split_at(extent(text).unwrap_or_else(|| line_end(text, 0)));
        text = rest;
        Some(statement)
    })
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at + 1)
}

/// Where a line ends that a backslash at its end can continue.
fn rest_of_line(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let end = line_end(text, from);
        let line = text[from..end].trim_end_matches('\n');
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes.is_multiple_of(2) {
            return Some(end);
        }
        if end == text.len() {
            return None;
        }
        from = end;
    }
}

/// Where the first statement ends; nothing if it has no end.
fn extent(text: &str) -> Option<usize> {
    match value(text) {
        None => Some(line_end(text, 0)),
        Some(value) => rest_of_line(text, quoted(text, value)?),
    }
}

/// Where the value of the first line begins, if that sets a variable.
fn value(text: &str) -> Option<usize> {
    let first = line_end(text, 0);
    let (before, name) = assigned(&text[..first]);
    let name_end = before.len() + name?.len();
    let value = name_end + text[name_end..].find('=')? + 1;
    Some(first - text[value..first].trim_start_matches([' ', '\t']).len())
}

/// Where the quoted parts of a value end that begins at `at`; there itself if it has none, nothing if one isn't closed. They follow each
/// other without a space, or with an escaped character between: `'it'\''s'`.
fn quoted(text: &str, mut at: usize) -> Option<usize> {
    let start = at;
    loop {
        match text[at..].chars().next() {
            Some(quote @ ('\'' | '"')) => at += closing(&text[at + 1..], quote)? + 2,
            Some('\\') if at > start && !matches!(text[at + 1..].chars().next(), None | Some('\n')) => {
                at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
            }
            _ => return Some(at),
        }
    }
}

/// How far it is to the closing quote; a backslash escapes in double quotes only.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = quote == '"' && *c == '\\' && !escaped;
        closes
    });
    end.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str, name: &str, value: &str) -> String {
        merged(text, &[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_value_is_read_back() {
        for (text, expected) in [
            ("A='x'", Some("x")),
            ("export A=x # y\n", Some("x")),
            ("A=\"x y\"\n", Some("x y")),
            ("A=1\nB=2\nA=3", Some("3")),
            ("AA=1\n", None),
            ("A=$(x)\n", None),
            ("A='x", None),
            ("A=\n", Some("")),
        ] {
            assert_eq!(value_of(text, "A").as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in "[^\0]{0,20}") {
            prop_assert_eq!(value_of(&set("B=1", "A", &value), "A"), Some(value));
        }
    }

    #[test]
    fn a_variable_is_set_where_it_stood() {
        for (before, after) in [
            ("", "A='new'\n"),
            ("B=1", "B=1\nA='new'\n"),
            ("A=old\nB=1\n", "A='new'\nB=1\n"),
            ("export A=old # why\nB=1\n", "export A='new' # why\nB=1\n"),
            ("A='old' # why\n", "A='new' # why\n"),
            ("A='old'; export A; B=1\n", "A='new'; export A; B=1\n"),
            ("A=old; export A\n", "A='new'; export A\n"),
            ("A=1\r\nB=2\r\n", "A='new'\r\nB=2\r\n"),
            ("B=2\r\n", "B=2\r\nA='new'\r\n"),
            ("B=1\nA='old'\\''er'\n\n# end", "B=1\nA='new'\n\n# end"),
            ("A=1\nB=2\nA=3; C=4\n", "A='new'\nB=2\nA='new'; C=4\n"),
            ("A=\"two\nlines\"\nB=1\n", "A='new'\nB=1\n"),
            ("A=\"a \\\" quote\nB=2\"\nB=1\n", "A='new'\nB=1\n"),
            // Inside another variable's value stands no variable.
            ("B='\nA=old\n'\n", "B='\nA=old\n'\nA='new'\n"),
            ("# A=old\nAA=1\nA_=2\n", "# A=old\nAA=1\nA_=2\nA='new'\n"),
            ("B=don't\n", "B=don't\nA='new'\n"),
            ("  A = old\n", "  A='new'\n"),
            ("A=\n", "A='new'\n"),
            ("B=\nA=1\n", "B=\nA='new'\n"),
        ] {
            assert_eq!(obstacle(before, &["A"]), None, "{before:?}");
            assert_eq!(set(before, "A", "new"), after, "{before:?}");
        }
    }

    #[test]
    fn what_cannot_be_replaced_safely_is_found() {
        for (text, line) in [
            ("A=ab\"c;d\"\n", 1),
            ("B=1\nA=$(echo a; echo b)\n", 2),
            ("A=`date`\n", 1),
            ("A='a'b\n", 1),
            ("A=\"a\"#x\n", 1),
            ("A=old#1\n", 1),
            ("A=old B=1\n", 1),
            ("export A=old B=1\n", 1),
            ("A=old && B=1\n", 1),
            ("A=1; A=2\n", 1),
            ("A=one\\\ntwo\n", 1),
            ("B=1 C=\"x\nA=old\n\"\n", 2),
            ("B=don't\nA=old\n", 2),
        ] {
            assert_eq!(obstacle(text, &["A"]).map(|(line, _)| line), Some(line), "{text:?}");
        }
    }

    #[test]
    fn a_statement_without_an_end_is_found() {
        for (text, line) in [
            ("", None),
            ("A=1\nB=don't\n", None),
            ("A='\n\n'\nB=\"x\nC=1\n", Some(4)),
            ("A='x'\\'", None),
            ("# don't\nA='", Some(2)),
            ("A='x'\\", Some(1)),
            ("A='x'\\\n", Some(1)),
            ("B=1\nA=x\\\ny\\\n", Some(2)),
            ("A=x\\\\\n# x\\", None),
        ] {
            assert_eq!(unfinished(text), line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_what_is_not_set(text in "([ABx ='\"\\\\#;$()\n]|A=|B=|export ){0,30}") {
            prop_assume!(unfinished(&text).is_none() && obstacle(&text, &["A"]).is_none());
            // Set twice, the same as once; and what isn't about `A` stays.
            let once = set(&text, "A", "it's");
            prop_assert_eq!(set(&once, "A", "it's"), once.clone());
            let others = |text: &str| {
                statements(text).filter(|one| assigned(one).1 != Some("A")).map(|one| one.trim_end().to_owned()).collect::<Vec<_>>()
            };
            prop_assert_eq!(others(&text), others(&once));
        }
    }
}
