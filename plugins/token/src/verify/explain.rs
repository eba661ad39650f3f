//! What becomes of a request by a token's record: allowed or refused, by which rule, and the least change that would allow it. Nobody is asked.

use carto_plugin_api::Check;

use super::input::Input;
use super::rules::{self, Asked, Reach, rule};
use super::{Record, suggest};
use crate::grants::{self, Grant};
use crate::referers::is_bare_origin;

/// A check for each rule that the named parts of the request meet.
pub(super) fn explain(record: &Record, input: &Input) -> Vec<Check> {
    let mut checks = vec![time(record)];
    checks.extend(input.api.as_deref().map(|api| self::api(record, api)));
    if input.connection.is_some() || input.source.is_some() {
        checks.push(source(record, input));
    }
    match input.referer.as_deref() {
        Some(page) => checks.push(referer(record, page)),
        None if !record.referers.is_empty() => checks.push(any_page(record)),
        None => {}
    }
    checks
}

/// One rule's word, with the way out if it refuses.
fn judged(rule: &str, asked: String, allowed: bool, why: &str, hint: Option<String>) -> Check {
    let found = format!("{}: {why}", if allowed { "allowed" } else { "refused" });
    let check = Check::compare(asked, "allowed", found, allowed).rule(rule);
    hint.into_iter().fold(check, Check::hint)
}

fn time(record: &Record) -> Check {
    let (over, asked) = (record.is_over(), "time".to_owned());
    match &record.ends {
        None => judged(rule::EXPIRY, asked, true, "it never ends", None),
        Some(end) if !over => judged(rule::EXPIRY, asked, true, &format!("it ends {end}"), None),
        Some(end) => {
            let hint = "an expiry is never changed: `carto credentials create token --help` shows how to make another";
            judged(rule::EXPIRY, asked, false, &format!("it ended {end}"), Some(hint.to_owned()))
        }
    }
}

fn api(record: &Record, api: &str) -> Check {
    let allowed = record.allows(api);
    let all = record.apis.join(", ");
    let why = if allowed { format!("one of {all}") } else { format!("it is for {all}") };
    let hint = (!allowed).then(|| suggest::allow_api(record, api));
    judged(rule::API, format!("API {api}"), allowed, &why, hint)
}

fn source(record: &Record, input: &Input) -> Check {
    let connection = input.connection.as_deref();
    let of_it = |grant: &&Grant| connection.is_none_or(|connection| grant.connection_name == connection);
    let count = record.grants.iter().filter(of_it).count();
    let place = connection.map(|connection| format!("connection `{connection}`"));
    let Some(source) = input.source.as_deref() else {
        let place = place.unwrap_or_default();
        let why = if count == 0 { "no grant is of it".to_owned() } else { format!("{} of it", grants_in_words(count)) };
        let hint = (count == 0).then(|| {
            let connection = connection.unwrap_or_default();
            format!("name a `--source` of `{connection}` too, to be told what would allow it")
        });
        return judged(rule::GRANT, place, count > 0, &why, hint);
    };
    let asked = Asked::of(input.api.as_deref(), source);
    let what = format!("{} `{source}`", if matches!(asked, Asked::Name(_)) { "source" } else { "statement" });
    let what = place.map_or_else(|| what.clone(), |place| format!("{what} of {place}"));
    if let Some((nth, reach)) = rules::grant(&record.grants, connection, asked) {
        let grant = &record.grants[nth];
        let how = match reach {
            Reach::All => "everything that the connection reaches",
            Reach::Name => "that name",
            Reach::Wildcard => "a pattern that it fits, segment by segment",
            Reach::Statement => "that statement, as the service compares it",
        };
        return judged(rule::GRANT, what, true, &format!("grant {}, `{grant}`: {how}", nth + 1), None);
    }
    let why = match (count, near(record, connection, asked)) {
        (0, _) => "no grant is of that connection".to_owned(),
        (_, Some(near)) => near,
        (1, None) => "the one grant there is doesn't reach it".to_owned(),
        (count, None) => format!("none of {} reaches it", grants_in_words(count)),
    };
    judged(rule::GRANT, what, false, &why, Some(suggest::grant(record, connection, asked)))
}

fn grants_in_words(count: usize) -> String {
    format!("{count} grant{}", if count == 1 { "" } else { "s" })
}

/// Why a grant that looks as if it reached it doesn't.
fn near(record: &Record, connection: Option<&str>, asked: Asked<'_>) -> Option<String> {
    let of_it = record.grants.iter().filter(|grant| connection.is_none_or(|name| grant.connection_name == name));
    let is_name = |grant: &&Grant| !grants::is_sql(&grant.source);
    let mut names = of_it.filter(is_name);
    match asked {
        Asked::Statement(text) => {
            let table = names.find(|grant| text.contains(&grant.source))?;
            Some(format!("`{table}` grants a table to maps, and statements are compared as a whole"))
        }
        Asked::Name(name) => {
            let parts = name.split('.').count();
            let other = names.find(|grant| {
                let start = grant.source.split('*').next().unwrap_or_default();
                grant.source.contains('*') && name.starts_with(start) && grant.source.split('.').count() != parts
            })?;
            let segments = other.source.split('.').count();
            Some(format!("`{other}` has {segments} segments, and `{name}` has {parts}: a wildcard stays in its own"))
        }
    }
}

fn referer(record: &Record, page: &str) -> Check {
    let asked = format!("page `{page}`");
    let fits = rules::referer(&record.referers, page);
    let sent = is_bare_origin(page).then(|| format!("{page}/"));
    // Whoever types an origin means its first page.
    let unlike = sent.filter(|sent| fits.is_some() != rules::referer(&record.referers, sent).is_some());
    let but = |told: &str| unlike.as_ref().map(|sent| format!("; but a browser sends `{sent}`, which is {told}"));
    if record.referers.is_empty() {
        return judged(rule::REFERER, asked, true, "it names no referers, so any page may use it", None);
    }
    match fits {
        Some(nth) => {
            let why = format!("it fits the referer `{}`{}", record.referers[nth], but("refused").unwrap_or_default());
            let hint = unlike.as_ref().map(|_| suggest::page(record, page));
            judged(rule::REFERER, asked, true, &why, hint)
        }
        None => {
            let trap = record.referers.iter().find(|referer| is_bare_origin(referer) && page == format!("{referer}/"));
            let why = match trap {
                Some(referer) => {
                    format!("browsers send `{page}`, and the referer `{referer}` fits only a text without the slash")
                }
                None => format!("it fits none of {}{}", listed(&record.referers), but("allowed").unwrap_or_default()),
            };
            judged(rule::REFERER, asked, false, &why, Some(suggest::page(record, page)))
        }
    }
}

/// What isn't explained of a request from a page, where none is named.
fn any_page(record: &Record) -> Check {
    let found = format!("not asked: pages are limited to {}; `--referer` explains one", listed(&record.referers));
    Check::skipped("any page", "allowed", found).rule(rule::REFERER)
}

fn listed(referers: &[String]) -> String {
    referers.iter().map(|referer| format!("`{referer}`")).collect::<Vec<_>>().join(", ")
}
