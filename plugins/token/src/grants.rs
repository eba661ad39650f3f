//! Grants: a connection and a source. How the two options pair, and what a source may be.

use std::fmt;

use carto_plugin_api::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a token reaches: one source of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) connection_name: String,
    pub(crate) source: String,
}

impl Grant {
    /// Whether two grants reach the same: the same words, or the same SQL as the service compares it.
    pub(crate) fn same_as(&self, other: &Grant) -> bool {
        self.connection_name == other.connection_name && folded(&self.source) == folded(&other.source)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.connection_name, self.source)
    }
}

/// A source with white space is SQL (documented).
pub(crate) fn is_sql(source: &str) -> bool {
    source.contains(char::is_whitespace)
}

/// The form in which the service compares SQL: white space, the kind of quotes, a trailing `;` and case don't count. Other sources stay as they are.
pub(crate) fn folded(source: &str) -> String {
    if is_sql(source) { statement(source) } else { source.to_owned() }
}

/// The same for what is a statement, whatever it looks like.
pub(crate) fn statement(text: &str) -> String {
    let text: String = text.chars().map(|c| if matches!(c, '"' | '`') { '\'' } else { c }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches([';', ' ']).to_lowercase()
}

/// Pairs `--connection` and `--source` by position, adds the `--grant`s, and checks all. One connection may serve several sources; any
/// other difference in number is an error, so that nothing is granted that wasn't written.
pub(crate) fn collect(connections: &[String], sources: &[String], grants: &[String]) -> Result<Vec<Grant>> {
    let mut all = match (connections.len(), sources.len()) {
        (0, 0) if grants.is_empty() => {
            return Err(Error::argument("connection", "a token needs at least one grant").hint(
                "add `--connection NAME --source TABLE`; `--source '*'` grants all that the connection reaches",
            ));
        }
        (0, 0) => Vec::new(),
        (0, given) => {
            return Err(Error::argument("connection", format!("{} but no connection", count(given, "source")))
                .hint("add one `--connection NAME`, or one for each `--source`"));
        }
        (given, 0) => {
            return Err(Error::argument("source", format!("{} but no source", count(given, "connection")))
                .hint("add `--source TABLE`; `--source '*'` grants all that the connection reaches"));
        }
        (1, _) => sources.iter().map(|source| grant(&connections[0], source, "source")).collect::<Result<_>>()?,
        (a, b) if a == b => {
            connections.iter().zip(sources).map(|(c, s)| grant(c, s, "source")).collect::<Result<_>>()?
        }
        (a, b) => {
            let message = format!("{} and {} don't pair", count(a, "connection"), count(b, "source"));
            return Err(Error::argument("source", message)
                .hint("give one `--connection` for all sources, or one for each `--source`, in the same order"));
        }
    };
    for text in grants {
        all.push(parse(text, "grant")?);
    }
    refuse_repeats(&all)?;
    Ok(all)
}

/// Reads `CONNECTION,SOURCE`, split at the first comma, since SQL has commas.
pub(crate) fn parse(text: &str, argument: &str) -> Result<Grant> {
    let (connection, source) = text.split_once(',').ok_or_else(|| {
        Error::argument(argument, format!("`{text}` isn't a connection and a source")).hint(format!(
            "write `--{argument} CONNECTION,SOURCE`, like `--{argument} carto_dw,carto.shared.demo_table`"
        ))
    })?;
    grant(connection, source, argument)
}

fn grant(connection: &str, source: &str, argument: &str) -> Result<Grant> {
    let (connection, source) = (connection.trim(), source.trim());
    if connection.is_empty() {
        return Err(Error::argument(
            if argument == "source" { "connection" } else { argument },
            "the connection's name is empty",
        )
        .hint("name a connection of the account, like `carto_dw`"));
    }
    check_source(source).map_err(|mut error| {
        error.argument = Some(argument.to_owned());
        error
    })?;
    Ok(Grant { connection_name: connection.to_owned(), source: source.to_owned() })
}

/// What a source may be: SQL text, `*` alone, or a name whose wildcards leave something fixed (documented: at least two segments, and
/// not wildcards alone).
fn check_source(source: &str) -> Result<()> {
    const ALL: &str =
        "`*` alone grants all that the connection reaches; otherwise fix at least a part, like `carto.shared.CARTO_*`";
    let error = |message: String| Err(Error::argument("source", message));
    if source.is_empty() {
        return error("the source is empty".to_owned()).map_err(|e| {
            e.hint("name a table like `carto.shared.demo_table`, or `*` for all that the connection reaches")
        });
    }
    if source == "*" || is_sql(source) {
        return Ok(());
    }
    if source.contains(',') {
        return error(format!("`{source}` is several sources in one"))
            .map_err(|e| e.hint("repeat the option for each source"));
    }
    let segments: Vec<&str> = source.split('.').collect();
    if segments.contains(&"") {
        return error(format!("`{source}` has an empty segment"))
            .map_err(|e| e.hint("write the full name, like `carto.shared.demo_table`"));
    }
    if source.contains('*') {
        if segments.iter().all(|segment| segment.bytes().all(|b| b == b'*')) {
            return error(format!("`{source}` is nothing but wildcards")).map_err(|e| e.hint(ALL));
        }
        if segments.len() < 2 {
            return error(format!("the wildcard `{source}` has one segment, and the service wants at least two"))
                .map_err(|e| e.hint(ALL));
        }
    }
    Ok(())
}

pub(crate) fn refuse_repeats(grants: &[Grant]) -> Result<()> {
    for (i, grant) in grants.iter().enumerate() {
        if grants[..i].iter().any(|earlier| earlier.same_as(grant)) {
            return Err(Error::argument("source", format!("`{grant}` is granted twice")).hint("leave one of them out"));
        }
    }
    Ok(())
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
