//! What a source may be, and when two grants are one.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{assert_argument, posted, refused_create, refused_update};

fn granting(sources: &[&str]) -> Value {
    json!({ "connection": ["dw"], "source": sources, "apis": "sql" })
}

#[test]
fn good_sources_are_sent_as_they_are() {
    let sources = [
        "*",
        "demo_table",
        "carto.shared.demo_table",
        "carto.shared.CARTO_*",
        "carto.*",
        "*.shared",
        "*.*.demo",
        "a.b*c.d",
        "SELECT * FROM a.b WHERE c = 'x, y';",
        "select 1\n  from a..b -- not a name, so no name's rules",
    ];
    for source in sources {
        assert_eq!(posted(granting(&[source]))["grants"][0]["source"], source);
    }
}

#[test]
fn white_space_around_a_source_and_a_connection_is_cut_off() {
    let body = posted(json!({ "connection": [" dw "], "source": ["\ta.b ", "\n select 1\n  as a \n"], "apis": "sql" }));
    assert_eq!(body["grants"][0], super::grant("dw", "a.b"));
    assert_eq!(body["grants"][1], super::grant("dw", "select 1\n  as a"));
}

#[test]
fn bad_sources_are_refused_by_every_option_that_takes_one() {
    let wildcards = "`*` alone grants all that the connection reaches; otherwise fix at least a part";
    let full = "write the full name, like `carto.shared.demo_table`";
    let cases = [
        ("", "the source is empty", "name a table"),
        (" \n ", "the source is empty", "name a table"),
        ("a..b", "`a..b` has an empty segment", full),
        (".b", "`.b` has an empty segment", full),
        ("a.", "`a.` has an empty segment", full),
        ("*.", "`*.` has an empty segment", full),
        ("**", "`**` is nothing but wildcards", wildcards),
        ("*.*", "`*.*` is nothing but wildcards", wildcards),
        ("*.**.*", "`*.**.*` is nothing but wildcards", wildcards),
        ("CARTO_*", "the wildcard `CARTO_*` has one segment, and the service wants at least two", wildcards),
        ("a.b,c.d", "`a.b,c.d` is several sources in one", "repeat the option for each source"),
    ];
    for (source, message, hint) in cases {
        let whole = format!("dw,{source}");
        assert_argument(&refused_create(granting(&["a.b", source])), "source", message, hint);
        assert_argument(&refused_create(json!({ "grant": [whole], "apis": "sql" })), "grant", message, hint);
        assert_argument(&refused_update(json!({ "add_grant": [whole] })), "add-grant", message, hint);
        assert_argument(&refused_update(json!({ "remove_grant": [whole] })), "remove-grant", message, hint);
    }
}

#[test]
fn the_same_grant_twice_is_refused() {
    let cases = [
        ("a.b.c", "a.b.c"),
        ("*", "*"),
        ("select 1", "SELECT  1"),
        ("select 1", "select\n\t1 ;"),
        ("select a from \"b\"", "select a from 'b';"),
        ("select 'x' as 'a'", "select \"x\" as `a`"),
    ];
    for (one, other) in cases {
        let error = refused_create(granting(&[one, other]));
        assert_argument(&error, "source", &format!("`dw,{other}` is granted twice"), "leave one of them out");
    }
    let beside = json!({ "connection": ["dw"], "source": ["a.b"], "grant": ["dw,a.b"], "apis": "sql" });
    assert_argument(&refused_create(beside), "source", "`dw,a.b` is granted twice", "leave one of them out");
}

#[test]
fn grants_that_only_look_alike_are_two() {
    let cases = [
        ("a.b.c", "a.b.C"), // a name counts letter by letter
        ("a.b", "a.*"),
        ("a.b", "*"),
        ("select a", "select b"),
        ("select a b", "select ab"),
        ("select a from b where c = d", "select a from b where c = 'd'"), // a column, and a text
    ];
    for (one, other) in cases {
        assert_eq!(posted(granting(&[one, other]))["grants"].as_array().unwrap().len(), 2, "{one} and {other}");
    }
    let connections = json!({ "connection": ["dw", "DW"], "source": ["a.b", "a.b"], "apis": "sql" });
    assert_eq!(posted(connections)["grants"].as_array().unwrap().len(), 2, "two connections");
}

proptest! {
    /// Documented: SQL is compared after folding white space, kinds of quotes, a trailing `;` and case.
    #[test]
    fn sql_written_another_way_is_the_same_grant(
        words in proptest::collection::vec("[a-z0-9_.=*()]{1,6}", 2..6),
        space in "[ \t\n]{1,3}",
        quote in "[\"'`]",
        end in "[ \n]{0,2};?[ \n]{0,2}",
    ) {
        let plain = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let quoted: Vec<String> = words.iter().map(|word| format!("{quote}{}{quote}", word.to_uppercase())).collect();
        let other = quoted.join(&space) + &end;
        let error = refused_create(granting(&[&plain, &other]));
        prop_assert!(error.message.ends_with("is granted twice"), "{}", error.message);
    }

    /// Whatever is accepted fixes something, unless it is the one word that says otherwise.
    #[test]
    fn a_wildcard_never_reaches_everything(source in "[a*.]{1,6}") {
        let host = super::creating();
        if super::tokens().create(&host, granting(&[&source])).is_ok() {
            prop_assert!(source == "*" || source.contains('a'), "{source}");
            prop_assert!(!source.contains('*') || source == "*" || source.contains('.'), "{source}");
            prop_assert_eq!(&super::last_body(&host)["grants"][0]["source"], &source);
        } else {
            prop_assert!(host.seen().is_empty());
        }
    }
}
