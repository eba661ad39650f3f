//! The least change that would allow a request, as a command that does it when it is pasted: what `update` would refuse, or what would allow
//! more than that, isn't suggested.

use carto_plugin_api::shell_word;

use super::one_line::one_line;
use super::rules::Asked;
use super::{HINT, Record};
use crate::grants;
use crate::referers::{self, is_bare_origin};

/// A longer command would be cut where it is shown.
const LONGEST: usize = 1500;

/// One API more.
pub(super) fn allow_api(record: &Record, api: &str) -> String {
    if api == "imports" || record.allows("imports") {
        return format!(
            "imports stands beside no other API: make a token of its own, with `carto credentials create token --apis {api} …`"
        );
    }
    let all: Vec<&str> = record.apis.iter().map(String::as_str).chain([api]).collect();
    update(record, &format!("--apis {}", shell_word(&all.join(","))))
}

/// The grant that would do.
pub(super) fn grant(record: &Record, connection: Option<&str>, asked: Asked<'_>) -> String {
    let mut names = record.grants.iter().map(|grant| grant.connection_name.as_str());
    let only = names.next().filter(|only| names.all(|name| name == *only));
    let text = asked.text();
    if matches!(asked, Asked::Statement(_)) && !grants::is_sql(text) {
        let statement = shell_word(&format!("SELECT * FROM {text}"));
        return format!(
            "the SQL API takes a statement: name one, like `--source {statement}`, or ask maps for the table"
        );
    }
    let Some(connection) = connection.or(only) else {
        return "name its `--connection` too, to be told the command that grants it".to_owned();
    };
    if connection.contains(',') || connection.trim() != connection {
        return format!("no option can name the connection `{connection}`: ask whoever made that grant");
    }
    let line = if grants::is_sql(text) { one_line(text) } else { Some(text.to_owned()) };
    let in_file = || {
        let file = format!("--add-grant {}\"$(cat FILE)\"", shell_word(&format!("{connection},")));
        format!("{}, with the statement in FILE: it doesn't fit in one line", update(record, &file))
    };
    let Some(line) = line.filter(|line| line.len() < LONGEST) else { return in_file() };
    let words = format!("{connection},{line}");
    match grants::parse(&words, "add-grant") {
        Ok(_) => {
            let hint = update(record, &format!("--add-grant {}", shell_word(&words)));
            if grants::is_sql(text) && hint.chars().count() > HINT { in_file() } else { hint }
        }
        Err(error) => format!("no token can be granted that: {}", error.message),
    }
}

/// The referers with what browsers send for that page. They are replaced as a whole, so all are there.
pub(super) fn page(record: &Record, page: &str) -> String {
    let slash = is_bare_origin(page).then(|| format!("{page}/"));
    let mut all: Vec<String> = Vec::new();
    for referer in record.referers.iter().cloned().chain([page.to_owned()]).chain(slash) {
        if !all.contains(&referer) {
            all.push(referer);
        }
    }
    if !referers::collect(&all, None).is_ok_and(|read| read.as_ref() == Some(&all)) {
        return "no option can name all its referers: make a token of its own for that page".to_owned();
    }
    let words: Vec<String> = all.iter().map(|referer| format!("--referer {}", shell_word(referer))).collect();
    let words = words.join(" ");
    if words.len() > LONGEST {
        return format!(
            "`carto credentials update token --referer …` with `{page}` beside all its referers would allow it"
        );
    }
    let hint = update(record, &words);
    let origin = page.strip_suffix('/').unwrap_or(page);
    if !is_bare_origin(origin) {
        return hint;
    }
    // Its pages send no more than their origin to another (Referrer Policy: `strict-origin-when-cross-origin`), if they aren't told to.
    let pages = shell_word(&format!("{origin}/*"));
    format!("{hint}; `--referer {pages}` beside it allows pages there that send their whole address")
}

fn update(record: &Record, options: &str) -> String {
    format!("`carto credentials update token {} {options}` would allow it", shell_word(&record.id))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::grants::Grant;
    use crate::verify::rules;

    fn record(grants: Vec<Grant>, referers: Vec<String>) -> Record {
        let apis = vec!["sql".to_owned()];
        Record { id: "tok_1".to_owned(), grants, apis, referers, ends: None, now: Timestamp::UNIX_EPOCH }
    }

    /// The options of a suggested command with their values, as a shell reads them; nothing if no command is suggested.
    fn options(hint: &str) -> Option<Vec<(String, String)>> {
        let (command, _) =
            hint.strip_prefix("`carto credentials update token tok_1 ")?.split_once("` would allow it")?;
        let mut words = vec![String::new()];
        let mut quoted = false;
        let mut letters = command.chars();
        while let Some(c) = letters.next() {
            let last = words.last_mut().unwrap();
            match c {
                '\'' => quoted = !quoted,
                '\\' if !quoted => last.extend(letters.next()),
                ' ' if !quoted => words.push(String::new()),
                c => last.push(c),
            }
        }
        assert!(!quoted && !command.contains(['\n', '\t']), "{command}");
        Some(words.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
    }

    /// The referers after what is suggested for a page.
    fn pasted(referers: &[String], from: &str) -> Option<Vec<String>> {
        let hint = page(&record(Vec::new(), referers.to_vec()), from);
        let values: Vec<String> = options(&hint)?
            .into_iter()
            .map(|(option, value)| {
                assert_eq!(option, "--referer");
                value
            })
            .collect();
        Some(referers::collect(&values, None).unwrap().unwrap())
    }

    #[test]
    fn no_more_is_allowed_than_was_asked_for() {
        let with = |page: &str| pasted(&["https://kept.example.com/*".to_owned()], page).unwrap()[1..].to_vec();
        assert_eq!(with("https://evil.com/"), ["https://evil.com/"]);
        assert_eq!(with("https://evil.com"), ["https://evil.com", "https://evil.com/"]);
        assert_eq!(with("http://localhost:5173/a?b=1"), ["http://localhost:5173/a?b=1"]);
        let hint = page(&record(Vec::new(), vec!["http://localhost:5173".to_owned()]), "http://localhost:5173/");
        assert_eq!(
            hint,
            "`carto credentials update token tok_1 --referer http://localhost:5173 --referer http://localhost:5173/` would allow it; \
             `--referer 'http://localhost:5173/*'` beside it allows pages there that send their whole address"
        );
        // What `update` wouldn't take, or nobody would see whole.
        assert!(options(&page(&record(Vec::new(), vec!["a b".to_owned()]), "https://a.example/")).is_none());
        let many: Vec<String> = (0..200).map(|nth| format!("https://{nth}.example.com/*")).collect();
        assert!(options(&page(&record(Vec::new(), many), "https://a.example/")).is_none());
        let mut other = record(Vec::new(), Vec::new());
        other.apis.clear();
        assert_eq!(options(&allow_api(&other, "maps")).unwrap(), [("--apis".to_owned(), "maps".to_owned())]);
    }

    #[test]
    fn what_cant_be_granted_is_no_command() {
        let told = |name: &str, asked| grant(&record(Vec::new(), Vec::new()), Some(name), asked);
        for (name, asked, part) in [
            ("dw", Asked::Name("a..b"), "has an empty segment"),
            ("dw", Asked::Name("a.b,c.d"), "several sources in one"),
            ("dw", Asked::Name("*.*"), "nothing but wildcards"),
            ("d,w", Asked::Name("a.b"), "no option can name"),
        ] {
            let hint = told(name, asked);
            assert!(hint.contains(part) && options(&hint).is_none(), "{hint}");
        }
        let file = "`carto credentials update token tok_1 --add-grant 'it'\\''s,'\"$(cat FILE)\"` would allow it, with the statement in FILE: it doesn't fit in one line";
        assert_eq!(told("it's", Asked::Statement("SELECT a -- all\nFROM t")), file);
        let [long, longer] = [60, 1000].map(|times| format!("SELECT {}", "a, ".repeat(times)));
        for hint in [told("dw", Asked::Statement(&long)), told("dw", Asked::Statement(&longer))] {
            assert!(hint.contains("$(cat FILE)") && hint.len() <= HINT, "{hint}");
        }
        assert_eq!(
            options(&told("dw", Asked::Statement("SELECT a\n\tFROM t"))).unwrap(),
            [("--add-grant".to_owned(), "dw,SELECT a FROM t".to_owned())]
        );
    }

    /// Addresses of few hosts, some of which begin as others do.
    fn address() -> impl Strategy<Value = String> {
        ("https?", "a[.]b(c|[.]b)?", "(:5173|:51730)?", "(/[a-b*?]{0,3})?")
            .prop_map(|(scheme, host, port, path)| format!("{scheme}://{host}{port}{path}"))
    }

    fn origin(page: &str) -> String {
        page.split('/').take(3).collect::<Vec<_>>().join("/")
    }

    proptest! {
        #[test]
        fn what_is_pasted_allows_the_page_and_no_other_host(
            referers in proptest::collection::vec(address(), 1..4),
            page in address(),
            others in proptest::collection::vec(address(), 20),
        ) {
            let after = pasted(&referers, &page).unwrap();
            prop_assert!(rules::referer(&after, &page).is_some());
            if is_bare_origin(&page) {
                let first = format!("{page}/");
                prop_assert!(rules::referer(&after, &first).is_some());
            }
            prop_assert!(after.iter().enumerate().all(|(nth, referer)| !after[..nth].contains(referer)));
            for other in others.iter().filter(|other| origin(other) != origin(&page)) {
                let (before, now) = (rules::referer(&referers, other), rules::referer(&after, other));
                prop_assert_eq!(before.is_some(), now.is_some(), "{} by {:?}", other, after);
            }
        }

        #[test]
        fn what_is_pasted_grants_what_was_asked(
            source in "[a-b*']{1,3}([.][a-b*,]{0,2}){0,2}|SELECT [a-b'\"`;,$\n\t -]{1,12}",
            connection in "[a-b' ]{1,4}",
            sql in any::<bool>(),
        ) {
            let (source, connection) = (source.trim(), connection.trim());
            prop_assume!(!connection.is_empty());
            let asked = Asked::of(sql.then_some("sql"), source);
            let hint = grant(&record(Vec::new(), Vec::new()), Some(connection), asked);
            // A file is a person's to write.
            if hint.contains("$(cat FILE)") {
                return Ok(());
            }
            if let Some(options) = options(&hint) {
                let added = grants::parse(&options[0].1, "add-grant").unwrap();
                prop_assert!(rules::grant(&[added], Some(connection), asked).is_some(), "{}", hint);
            }
        }
    }
}
