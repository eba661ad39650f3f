//! Whether a granted statement can be run to try it: one that makes or changes nothing by itself.

/// Words with which a statement makes or changes something, also inside a WITH.
const MAKING: [&str; 9] = ["into", "insert", "update", "delete", "merge", "create", "drop", "alter", "call"];

/// Whether a statement is one SELECT, perhaps behind a WITH, that makes nothing by itself. What can't be told counts as one that does; what the
/// functions that it calls do can't be seen.
pub(super) fn only_reads(statement: &str) -> bool {
    let statement = statement.trim().trim_end_matches(';').to_lowercase();
    let words: Vec<&str> = statement.split(|c: char| !c.is_alphanumeric() && !"_$".contains(c)).collect();
    let reads = match words[..] {
        // `words` has an empty one first where it begins with anything else.
        ["select", ..] => true,
        ["with", ..] => words.contains(&"select"),
        _ => false,
    };
    let makes = |word: &&str| MAKING.contains(word);
    reads && !statement.contains(';') && !words.iter().any(makes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_only_reads_begins_with_the_word() {
        for (statement, reads) in [
            ("SELECT 1", true),
            (" select\n*\nfrom a.b.c ; ", true),
            ("SELECT(1) FROM t", true),
            ("SELECT* FROM t", true),
            ("select\"a\" from t", true),
            ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", true),
            ("select updated_at, created FROM t", true),
            ("selection FROM t", false),
            ("select_all(t) FROM t", false),
            ("select$x FROM t", false),
            ("selectSELECT 1", false),
            ("(SELECT 1) UNION DROP", false),
            ("-- SELECT\nDROP TABLE t", false),
            ("/* SELECT */ TRUNCATE t", false),
            ("EXPLAIN ANALYZE SELECT 1", false),
            ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", false),
            ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", false),
            ("without a SELECT", false),
            ("with t", false),
            ("SELECT 1 INTO t", false),
            ("SELECT 1; SELECT 2", false),
            ("SELECT * FROM t FOR UPDATE", false),
            ("", false),
            ("CALL f()", false),
        ] {
            assert_eq!(only_reads(statement), reads, "{statement}");
        }
    }
}
