//! What a token opens: four rules, each asked by itself, in the order of their place here. Nothing here reads a request or the database;
//! what a refusal is called over HTTP is `mod.rs`'s.

use jiff::Timestamp;
use regex_lite::Regex;

use crate::sandbox::tokens::source::Source;
use crate::sandbox::tokens::{Api, Grant};

/// Why a token doesn't open what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// Its time is over.
    Expired,
    /// It isn't for this API.
    Api,
    /// No grant of this connection reaches the source.
    Source,
    /// It isn't for pages from there.
    Referer,
}

/// What a request reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// A table or a tileset, by its full name.
    Name(String),
    /// A statement.
    Statement(String),
}

/// Which page a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page<'a> {
    /// None: a program that isn't a browser sends no `Origin`.
    None,
    /// This one: the full `Referer`, or the `Origin` where there is no `Referer`.
    At(&'a str),
    /// One that can't be read.
    Unreadable,
}

/// A token's end is not part of its time.
pub(super) fn in_time(expiration_date: Option<&str>, now: Timestamp) -> Result<(), Denied> {
    match expiration_date.map(str::parse::<Timestamp>) {
        None => Ok(()),
        Some(Ok(end)) if now < end => Ok(()),
        Some(_) => Err(Denied::Expired),
    }
}

/// APIs and grants are independent: a request needs both.
pub(super) fn for_api(allowed: &[Api], api: Api) -> Result<(), Denied> {
    if allowed.contains(&api) { Ok(()) } else { Err(Denied::Api) }
}

/// Everything that is asked has to be reached, each by some grant of the connection.
pub(super) fn reaches(grants: &[Grant], connection: &str, asked: &[Asked]) -> Result<(), Denied> {
    let sources: Vec<Source> = grants
        .iter()
        .filter(|grant| grant.connection_name == connection)
        // What can't be read reaches nothing.
        .filter_map(|grant| Source::parse(&grant.source).ok())
        .collect();
    if asked.iter().all(|one| sources.iter().any(|source| covers(source, one))) { Ok(()) } else { Err(Denied::Source) }
}

/// Only what comes from a page is held against the referers, and no referer means any.
pub(super) fn from_page(referers: &[String], page: Page<'_>) -> Result<(), Denied> {
    match page {
        Page::None => Ok(()),
        _ if referers.is_empty() => Ok(()),
        Page::At(page) if referers.iter().any(|referer| fits(referer, page, in_a_referer)) => Ok(()),
        Page::At(_) | Page::Unreadable => Err(Denied::Referer),
    }
}

/// A name is reached by names and patterns, a statement by the same statement, and both by everything.
fn covers(source: &Source, asked: &Asked) -> bool {
    match (source, asked) {
        (Source::All, _) => true,
        (Source::Name(pattern), Asked::Name(name)) => is_name_of(pattern, name),
        (Source::Sql(granted), Asked::Statement(text)) => *granted == Source::folded(text),
        (Source::Name(_), Asked::Statement(_)) | (Source::Sql(_), Asked::Name(_)) => false,
    }
}

/// Segment by segment, so that a wildcard never crosses a dot.
fn is_name_of(pattern: &str, name: &str) -> bool {
    let (patterns, names): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), name.split('.').collect());
    let fits = |(pattern, name): (&&str, &&str)| !name.is_empty() && fits(pattern, name, in_a_segment);
    patterns.len() == names.len() && patterns.iter().zip(&names).all(fits)
}

fn in_a_segment(letter: char) -> Option<&'static str> {
    (letter == '*').then_some(".*")
}

fn in_a_referer(letter: char) -> Option<&'static str> {
    match letter {
        '*' => Some(".+"),
        '?' => Some("."),
        _ => None,
    }
}

/// Whether a pattern is that of a whole text. Its letters stand for themselves, but for those that `wildcard` knows.
fn fits(pattern: &str, text: &str, wildcard: fn(char) -> Option<&'static str>) -> bool {
    let expression: String = pattern
        .chars()
        .map(|letter| wildcard(letter).map_or_else(|| regex_lite::escape(&letter.to_string()), str::to_owned))
        .collect();
    // A pattern too large to be matched fits nothing.
    Regex::new(&format!(r"(?s)\A{expression}\z")).is_ok_and(|expression| expression.is_match(text))
}

#[cfg(test)]
mod tests;
