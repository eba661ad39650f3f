//! The rules by tables, and against a second, slower way to say the same.

use proptest::prelude::*;

use super::*;

fn grant(connection_name: &str, source: &str) -> Grant {
    Grant { connection_name: connection_name.to_owned(), source: source.to_owned() }
}

fn name(text: &str) -> Asked {
    Asked::Name(text.to_owned())
}

fn statement(text: &str) -> Asked {
    Asked::Statement(text.to_owned())
}

#[test]
fn which_names_a_grant_reaches() {
    let cases = [
        ("a.b.c", "a.b.c", true),
        ("a.b.c", "a.b.C", false),
        ("a.b.c", "a.b", false),
        ("a.b", "a.b.c", false),
        ("*", "a", true),
        ("*", "a.b.c", true),
        ("a.*", "a.b", true),
        ("a.*", "a.b.c", false),
        ("a.*.c", "a.b.c", true),
        ("a.*.c", "a..c", false),
        ("a.*", "a.", false),
        ("a.**", "a.b", true),
        ("carto.shared.CARTO_*", "carto.shared.CARTO_x", true),
        ("carto.shared.CARTO_*", "carto.shared.CARTO_", true),
        ("carto.shared.CARTO_*", "carto.shared.carto_x", false),
        ("carto.shared.CARTO_*", "carto.other.CARTO_x", false),
        ("*.b", "a.b", true),
        ("a.b*c*d", "a.bxcyd", true),
        ("a.b*c*d", "a.bxc", false),
        ("a.b?", "a.bx", false),
        ("a.b?", "a.b?", true),
        ("a.b+", "a.bb", false),
        ("a.(b)", "a.b", false),
        ("a.*", "a.\n", true),
        ("SELECT 1 AS one", "SELECT 1 AS one", false),
    ];
    for (source, asked, expected) in cases {
        let reached = reaches(&[grant("dw", source)], "dw", &[name(asked)]).is_ok();
        assert_eq!(reached, expected, "`{source}` and `{asked}`");
    }
}

#[test]
fn which_statements_a_grant_reaches() {
    let granted = "SELECT a, 'x' FROM \"t\"";
    let cases = [
        (granted, "SELECT a, 'x' FROM \"t\"", true),
        (granted, " select  a,\n'x' from `t` ; ", true),
        (granted, "SELECT a, 'x' FROM t", false),
        (granted, "SELECT a, 'x' FROM \"t\" LIMIT 1", false),
        (granted, "SELECT a, 'x' FROM \"t\"; DROP TABLE t", false),
        ("SELECT * FROM t", "SELECT a FROM t", false),
        ("a.b.t", "SELECT * FROM a.b.t", false),
        ("a.b.t", "a.b.t", false),
        ("*", "DROP TABLE t", true),
    ];
    for (source, asked, expected) in cases {
        let reached = reaches(&[grant("dw", source)], "dw", &[statement(asked)]).is_ok();
        assert_eq!(reached, expected, "`{source}` and `{asked}`");
    }
}

#[test]
fn a_grant_is_of_one_connection_and_all_that_is_asked_needs_one() {
    let grants = [grant("dw", "a.*"), grant("dw", "SELECT 1 AS one"), grant("bq", "*")];
    let cases: [(&str, &[Asked], bool); 7] = [
        ("dw", &[name("a.b")], true),
        ("dw", &[name("a.b"), statement("select 1 as one")], true),
        ("dw", &[name("a.b"), statement("select 2")], false),
        ("dw", &[name("x.y"), statement("select 1 as one")], false),
        ("bq", &[name("x.y"), statement("select 2")], true),
        ("DW", &[name("a.b")], false),
        ("", &[name("a.b")], false),
    ];
    for (connection, asked, expected) in cases {
        assert_eq!(reaches(&grants, connection, asked).is_ok(), expected, "{connection} {asked:?}");
    }
    assert_eq!(reaches(&[], "dw", &[name("a.b")]), Err(Denied::Source));
}

#[test]
fn which_pages_a_referer_lets_in() {
    let cases = [
        ("http://localhost:5173/", "http://localhost:5173/", true),
        // What people write, and what a browser sends.
        ("http://localhost:5173", "http://localhost:5173/", false),
        ("http://localhost:5173*", "http://localhost:5173/", true),
        ("http://localhost:5173*", "http://localhost:5173", false),
        ("https://app.example.com/*", "https://app.example.com/maps?x=1", true),
        ("https://app.example.com/*", "https://app.example.com/", false),
        ("https://app.example.com/*", "https://app.example.com.evil.com/x", false),
        ("https://*.example.com/", "https://a.b.example.com/", true),
        ("https://*.example.com/", "https://.example.com/", false),
        ("https://app?.example.com/", "https://app1.example.com/", true),
        ("https://app?.example.com/", "https://app.example.com/", false),
        ("https://app?.example.com/", "https://app12.example.com/", false),
        ("https://APP.example.com/", "https://app.example.com/", false),
        ("https://a.example.com/", "https://aXexample.com/", false),
        ("*", "x", true),
        ("?*", "x", false),
        ("**", "xy", true),
    ];
    for (referer, page, expected) in cases {
        let allowed = from_page(&[referer.to_owned()], Page::At(page)).is_ok();
        assert_eq!(allowed, expected, "`{referer}` and `{page}`");
    }
}

#[test]
fn only_pages_are_held_against_referers() {
    let one = ["https://a/".to_owned()];
    let two = ["https://a/".to_owned(), "https://b/".to_owned()];
    assert_eq!(from_page(&one, Page::None), Ok(()));
    assert_eq!(from_page(&[], Page::At("https://c/")), Ok(()));
    assert_eq!(from_page(&[], Page::Unreadable), Ok(()));
    assert_eq!(from_page(&two, Page::At("https://b/")), Ok(()));
    assert_eq!(from_page(&one, Page::At("https://b/")), Err(Denied::Referer));
    assert_eq!(from_page(&one, Page::Unreadable), Err(Denied::Referer));
}

#[test]
fn a_token_ends_at_its_second() {
    let end = Some("2026-11-23T10:00:00Z");
    let at = |time: &str| in_time(end, time.parse().unwrap());
    assert_eq!(at("2026-11-23T09:59:59Z"), Ok(()));
    assert_eq!(at("2026-11-23T10:00:00Z"), Err(Denied::Expired));
    assert_eq!(at("2026-11-23T10:02:00Z"), Err(Denied::Expired));
    assert_eq!(in_time(None, Timestamp::MAX), Ok(()));
    assert_eq!(in_time(Some("soon"), Timestamp::MIN), Err(Denied::Expired));
}

#[test]
fn an_api_is_named() {
    assert_eq!(for_api(&[Api::Maps, Api::Sql], Api::Sql), Ok(()));
    assert_eq!(for_api(&[Api::Maps, Api::Lds], Api::Sql), Err(Denied::Api));
}

/// The same by hand, one letter at a time.
fn fits_by_hand(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], [_, left @ ..]) => fits_by_hand(rest, left) || fits_by_hand(pattern, left),
        (['?', rest @ ..], [_, left @ ..]) => fits_by_hand(rest, left),
        ([letter, rest @ ..], [other, left @ ..]) => letter == other && fits_by_hand(rest, left),
        _ => false,
    }
}

proptest! {
    #[test]
    fn referers_are_what_they_are_by_hand(pattern in "[ab.+*?\n]{0,8}", page in "[ab.+*?\n]{0,8}") {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = fits_by_hand(&letters(&pattern), &letters(&page));
        prop_assert_eq!(from_page(&[pattern], Page::At(&page)).is_ok(), expected);
    }

    /// A wildcard in place of any part of a segment reaches at least what was there.
    #[test]
    fn a_wildcard_reaches_what_it_stands_for(
        segments in proptest::collection::vec("[a-zé_+$()]{1,6}", 2..5),
        which in any::<proptest::sample::Index>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let asked = segments.join(".");
        let mut pattern = segments.clone();
        let which = which.index(segments.len());
        let letters: Vec<char> = segments[which].chars().collect();
        pattern[which] = letters[..cut.index(letters.len() + 1)].iter().collect::<String>() + "*";
        prop_assert_eq!(reaches(&[grant("dw", &pattern.join("."))], "dw", &[name(&asked)]), Ok(()));
    }

    /// A pattern reaches no name of another length, and no statement.
    #[test]
    fn nothing_crosses_a_dot(pattern in "[a*]{1,3}(\\.[a*]{1,3}){1,3}", asked in "a{1,3}(\\.a{1,3}){0,4}") {
        let one = [grant("dw", &pattern)];
        if pattern.split('.').count() != asked.split('.').count() {
            prop_assert_eq!(reaches(&one, "dw", &[name(&asked)]), Err(Denied::Source));
        }
        prop_assert_eq!(reaches(&one, "dw", &[statement(&asked)]), Err(Denied::Source));
    }

    /// A statement reaches itself however it is spaced, and no statement reaches more than itself.
    #[test]
    fn a_statement_is_the_same_in_any_space(words in proptest::collection::vec("[a-z0-9=,(]{1,5}", 2..6), more in "[a-z]{1,5}") {
        let one = [grant("dw", &words.join(" "))];
        let spaced = format!("\n{};\t;", words.join(" \n\t")).to_uppercase();
        prop_assert_eq!(reaches(&one, "dw", &[statement(&spaced)]), Ok(()));
        let longer = format!("{spaced}{more}");
        prop_assert_eq!(reaches(&one, "dw", &[statement(&longer)]), Err(Denied::Source));
    }
}
