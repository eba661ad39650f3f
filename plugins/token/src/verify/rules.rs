//! What a token opens by its record: four rules, each asked by itself. Nothing here asks anybody.
//!
//! Documented: grants by segment, APIs and grants independent, referer patterns. Observed by others: a table grant opens no statement, and
//! referers are held only against requests that a page sends.

use jiff::Timestamp;

use crate::grants::{self, Grant};

/// What scripts know the rules by.
pub(crate) mod rule {
    pub(crate) const EXPIRY: &str = "expiry";
    pub(crate) const API: &str = "api";
    pub(crate) const GRANT: &str = "grant";
    pub(crate) const REFERER: &str = "referer";
}

/// What a request reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    /// A table or a tileset, by its full name.
    Name(&'a str),
    /// A statement.
    Statement(&'a str),
}

impl<'a> Asked<'a> {
    /// A source as it is asked of an API: the SQL API takes statements only, and what has white space is one everywhere.
    pub(crate) fn of(api: Option<&str>, source: &'a str) -> Asked<'a> {
        if api == Some("sql") || grants::is_sql(source) { Asked::Statement(source) } else { Asked::Name(source) }
    }

    pub(crate) fn text(self) -> &'a str {
        match self {
            Asked::Name(text) | Asked::Statement(text) => text,
        }
    }
}

/// How a grant reaches what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Its source is everything.
    All,
    /// The same name.
    Name,
    /// A pattern of names.
    Wildcard,
    /// The same statement, as the service compares it.
    Statement,
}

/// Whether, and how, a granted source covers what is asked.
pub(crate) fn covers(granted: &str, asked: Asked<'_>) -> Option<Reach> {
    match asked {
        _ if granted == "*" => Some(Reach::All),
        Asked::Statement(text) if grants::is_sql(granted) => {
            (grants::folded(granted) == grants::statement(text)).then_some(Reach::Statement)
        }
        Asked::Name(name) if !grants::is_sql(granted) => {
            let is_there = granted.split('.').count() == name.split('.').count()
                && granted.split('.').zip(name.split('.')).all(|(pattern, part)| {
                    !part.is_empty() && fits(pattern, part, |letter| (letter == '*').then_some(Wild::Any))
                });
            is_there.then_some(if granted.contains('*') { Reach::Wildcard } else { Reach::Name })
        }
        _ => None,
    }
}

/// The first grant that reaches what is asked of a connection (of any, if none is named), by its place.
pub(crate) fn grant(grants: &[Grant], connection: Option<&str>, asked: Asked<'_>) -> Option<(usize, Reach)> {
    let of_it = |grant: &Grant| connection.is_none_or(|connection| grant.connection_name == connection);
    grants
        .iter()
        .enumerate()
        .filter(|(_, grant)| of_it(grant))
        .find_map(|(nth, grant)| Some((nth, covers(&grant.source, asked)?)))
}

/// The first referer pattern that a page fits, by its place.
pub(crate) fn referer(patterns: &[String], page: &str) -> Option<usize> {
    patterns.iter().position(|pattern| {
        fits(pattern, page, |letter| match letter {
            '*' => Some(Wild::Some),
            '?' => Some(Wild::One),
            _ => None,
        })
    })
}

/// Whether a token's time is over. Its end isn't part of it; one that can't be read counts as over.
pub(crate) fn is_over(expiration_date: Option<&str>, now: Timestamp) -> bool {
    expiration_date.is_some_and(|end| !end.parse::<Timestamp>().is_ok_and(|end| now < end))
}

/// What a letter of a pattern stands for, if not for itself.
#[derive(Clone, Copy)]
enum Wild {
    /// Any text, none too.
    Any,
    /// One letter or more.
    Some,
    /// One letter.
    One,
}

/// Whether a pattern is that of a whole text: letter by letter it keeps all the places in the text that it could have come to.
fn fits(pattern: &str, text: &str, wild: impl Fn(char) -> Option<Wild>) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut places = vec![false; text.len() + 1];
    places[0] = true;
    for letter in pattern.chars() {
        let came = std::mem::replace(&mut places, vec![false; text.len() + 1]);
        let mut earlier = false;
        for at in 0..=text.len() {
            places[at] = match wild(letter) {
                Some(Wild::Any) => earlier || came[at],
                Some(Wild::Some) => earlier,
                Some(Wild::One) => at > 0 && came[at - 1],
                None => at > 0 && came[at - 1] && text[at - 1] == letter,
            };
            earlier |= came[at];
        }
        if !places.contains(&true) {
            return false;
        }
    }
    places[text.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_source_covers_what_it_says() {
        use Reach::{All, Name, Statement, Wildcard};
        let name = |text| Asked::of(Some("maps"), text);
        let sql = |text| Asked::of(Some("sql"), text);
        for (granted, asked, reach) in [
            ("*", name("a.b.c"), Some(All)),
            ("*", sql("SELECT 1"), Some(All)),
            ("a.b.c", name("a.b.c"), Some(Name)),
            ("a.b.c", name("a.b.C"), None),
            ("a.b.c", name("a.b.c.d"), None),
            ("a.b.c", sql("SELECT * FROM a.b.c"), None),
            ("a.b.c", sql("a.b.c"), None),
            ("a.*", name("a.b.c"), None),
            ("a.*", name("a.b"), Some(Wildcard)),
            ("a.*", name("a."), None),
            ("a.b.C_*", name("a.b.C_"), Some(Wildcard)),
            ("a.b.C_*", name("a.b.D_1"), None),
            ("a.*.c", name("a.x.y.c"), None),
            ("a.*b*.c", name("a.abba.c"), Some(Wildcard)),
            ("SELECT 1", sql("select  1 ;"), Some(Statement)),
            ("select a from `x.y`", sql("SELECT a\nFROM \"x.y\""), Some(Statement)),
            ("select a from x", name("select a from x"), Some(Statement)),
            ("select 1", sql("select 2"), None),
            ("select 1", name("a.b"), None),
        ] {
            assert_eq!(covers(granted, asked), reach, "{granted} {asked:?}");
        }
    }

    #[test]
    fn a_referer_fits_whole_and_by_letters() {
        for (pattern, page, fits) in [
            ("http://localhost:5173", "http://localhost:5173/", false),
            ("http://localhost:5173*", "http://localhost:5173/", true),
            ("http://localhost:5173*", "http://localhost:5173", false),
            ("https://*.example.com/*", "https://a.example.com/x", true),
            ("https://*.example.com/*", "https://.example.com/x", false),
            ("https://app.example.com/?", "https://app.example.com/x", true),
            ("https://app.example.com/?", "https://app.example.com/", false),
            ("https://app.example.com/?", "https://app.example.com/xy", false),
            ("https://APP.example.com/", "https://app.example.com/", false),
        ] {
            assert_eq!(
                referer(&["nothing".to_owned(), pattern.to_owned()], page),
                fits.then_some(1),
                "{pattern} {page}"
            );
        }
    }

    #[test]
    fn time_ends_when_it_is_said() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for (end, over) in [
            (None, false),
            (Some("2026-11-23T10:00:01Z"), false),
            (Some("2026-11-23T10:00:00Z"), true),
            (Some("2020-01-01T00:00:00Z"), true),
            (Some("soon"), true),
        ] {
            assert_eq!(is_over(end, now), over, "{end:?}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_is_filled_with(parts in proptest::collection::vec("[a-c]{0,3}", 1..5), fill in "[a-c.]{1,4}") {
            let pattern = parts.join("*");
            let page = parts.join(&fill);
            prop_assert_eq!(referer(&[pattern], &page), Some(0));
        }

        #[test]
        fn it_fits_as_a_slow_search_says(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            fn slow(pattern: &[char], text: &[char]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some(('*', rest)) => (1..=text.len()).any(|taken| slow(rest, &text[taken..])),
                    Some((letter, rest)) => {
                        text.split_first().is_some_and(|(first, more)| (*letter == '?' || letter == first) && slow(rest, more))
                    }
                }
            }
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(referer(std::slice::from_ref(&pattern), &text).is_some(), slow(&letters(&pattern), &letters(&text)));
        }

        #[test]
        fn a_wildcard_never_crosses_a_dot(name in "[a-c]{1,3}([.][a-c]{1,3}){0,4}") {
            let reached = covers("a*.b*", Asked::Name(&name)).is_some();
            prop_assert!(!reached || name.matches('.').count() == 1);
        }

        #[test]
        fn what_is_granted_is_reached(source in "[a-z]{1,4}([.][a-z]{1,4}){1,3}") {
            prop_assert_eq!(covers(&source, Asked::Name(&source)), Some(Reach::Name));
        }
    }
}
