//! What a grant may name as its source: everything, a table, a pattern of table names, or the text of a statement.

/// A source as CARTO tells one from another.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::sandbox) enum Source {
    /// `*`: all that the connection reaches.
    All,
    /// A table, a tileset or a pattern: dot-separated segments.
    Name(String),
    /// A statement in the form in which two of them are compared. Whatever has white space is one, never a pattern.
    Sql(String),
}

impl Source {
    /// What is wrong with `text`, where it is no source.
    pub(in crate::sandbox) fn parse(text: &str) -> Result<Source, String> {
        if text.trim().is_empty() {
            return Err("must not be empty".to_owned());
        }
        if text.contains(char::is_whitespace) {
            return Ok(Source::Sql(Source::folded(text)));
        }
        if text == "*" {
            return Ok(Source::All);
        }
        let segments: Vec<&str> = text.split('.').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(format!("has an empty segment between its dots: `{text}`"));
        }
        let only_wildcards = segments.iter().all(|segment| segment.chars().all(|c| c == '*'));
        if text.contains('*') && (segments.len() < 2 || only_wildcards) {
            return Err(format!(
                "is too wide a wildcard: `{text}`; it needs at least two dot-separated segments that are not all \
                 wildcards, or use `*` for all sources instead"
            ));
        }
        Ok(Source::Name(text.to_owned()))
    }
    /// Statements that differ in white space, kind of quotes, case or a semicolon at their end are one and the same.
    pub(in crate::sandbox) fn folded(statement: &str) -> String {
        let trimmed = statement.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        let words: Vec<&str> = trimmed.split_whitespace().collect();
        words.join(" ").replace(['"', '`'], "'").to_lowercase()
    }
}
