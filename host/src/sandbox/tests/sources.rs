//! The rule of sources, by cases and by property.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::{Fixture, grant, token_body, with};
use crate::sandbox::tokens::source::Source;

#[test]
fn sources_that_are_accepted() {
    let good = [
        "*",
        "table",
        "a.b.c",
        "carto.shared.CARTO_*",
        "a.*",
        "*.a",
        "*.*.a",
        "a.b*.c*d",
        "a.**",
        "\"a b\".c",
        "SELECT * FROM t",
        "select 1;",
        "* *",
        "**\n",
        "a..b c",
        "émoji.🌍",
    ];
    for source in good {
        assert!(Source::parse(source).is_ok(), "{source:?}");
    }
}

#[test]
fn sources_that_are_refused() {
    let wide = |source: &str| {
        format!(
            "is too wide a wildcard: `{source}`; it needs at least two dot-separated segments that are not all \
             wildcards, or use `*` for all sources instead"
        )
    };
    for source in ["**", "a*", "*a", "t_*_x", "*.*", "**.*", "*.**.*"] {
        assert_eq!(Source::parse(source), Err(wide(source)));
    }
    for source in ["", " ", "\n\t"] {
        assert_eq!(Source::parse(source), Err("must not be empty".to_owned()));
    }
    for source in [".", "a.", ".a", "a..b", "*.", "a.*."] {
        assert_eq!(Source::parse(source), Err(format!("has an empty segment between its dots: `{source}`")));
    }
}

#[test]
fn statements_that_are_the_same() {
    let same = [
        "SELECT 'a' FROM t WHERE x = 1",
        "select \"a\" from t where x = 1;",
        "  Select\n`a`\tFROM  t  WHERE x = 1 ; ;\n",
    ];
    let other =
        ["SELECT 'b' FROM t WHERE x = 1", "SELECT 'a' FROM t WHERE x = 1 LIMIT 1", "SELECT 'a'FROM t WHERE x=1"];
    for text in same {
        assert_eq!(Source::parse(text), Source::parse(same[0]), "{text:?}");
    }
    for text in other {
        assert_ne!(Source::parse(text), Source::parse(same[0]), "{text:?}");
    }
}

#[test]
fn one_refused_grant_refuses_the_token() {
    let it = Fixture::new();
    it.call("POST", "/v3/tokens", with(token_body(), "grants", json!([grant("a.b"), grant("*.*")]))).refused(
        400,
        "`grants[1].source` is too wide a wildcard: `*.*`; it needs at least two dot-separated segments that are not \
         all wildcards, or use `*` for all sources instead",
    );
    let twice = json!([grant("SELECT 1"), grant("select  1;")]);
    it.call("POST", "/v3/tokens", with(token_body(), "grants", twice))
        .refused(400, "`grants[1].source` repeats a grant of the same connection");
}

proptest! {
    /// The rule as the documentation puts it, over every short pattern.
    #[test]
    fn wildcards_need_two_segments_and_a_name(source in "[ab*.]{1,9}") {
        let segments: Vec<&str> = source.split('.').collect();
        let named = segments.iter().any(|segment| segment.contains(['a', 'b']));
        let whole = segments.iter().all(|segment| !segment.is_empty());
        let narrow = !source.contains('*') || segments.len() >= 2 && named;
        prop_assert_eq!(Source::parse(&source).is_ok(), source == "*" || whole && narrow);
    }

    #[test]
    fn white_space_makes_a_statement(before in ".{0,6}", space in "[ \t\n\u{a0}]", after in ".{0,6}") {
        let source = format!("{before}{space}{after}");
        let is_statement = matches!(Source::parse(&source), Ok(Source::Sql(_)));
        prop_assert_eq!(is_statement, !source.trim().is_empty());
    }

    #[test]
    fn names_are_compared_exactly(one in "[aAb]{1,2}[.][ab*]", other in "[aAb]{1,2}[.][ab*]") {
        prop_assert_eq!(Source::parse(&one) == Source::parse(&other), one == other);
    }
}

/// What a token was created with is what it shows, whatever the text.
#[test]
fn sources_come_back_as_written() {
    let it = Fixture::new();
    let texts = "\\PC{0,20}|[a-z \"';.*\n]{0,20}";
    let outcome = TestRunner::default().run(&texts, |source| {
        let reply = it.call("POST", "/v3/tokens", with(token_body(), "grants", json!([grant(&source)])));
        if Source::parse(&source).is_ok() {
            prop_assert_eq!(&reply.ok()["grants"], &json!([grant(&source)]));
        } else {
            prop_assert_eq!(reply.status.as_u16(), 400);
        }
        Ok(())
    });
    outcome.unwrap();
}
