//! What a token opens when it is tried: each grant with each API that it allows, and beside them what has to be refused. Every request reads
//! as little as it can; what can't be tried without doing something is said to be left out.

use carto_plugin_api::{Check, DATA_SERVICE, ErrorCode, Host, Request, Response, Result, Secret, shell_word};

use super::one_line::one_line;
use super::reads::only_reads;
use super::rules::{self, Asked, rule};
use super::{HINT, Record};
use crate::grants::{self, Grant};
use crate::referers::is_bare_origin;

/// How many grants, and how many referers, are tried.
const MOST: usize = 10;

/// A statement that reads nothing.
const NOTHING: &str = "SELECT 1";
/// What no token is for: a statement, a table, a connection and a page.
const FOREIGN_STATEMENT: &str = "SELECT 1 AS not_granted";
const FOREIGN_TABLE: &str = "carto_verify.not_granted.table";
const FOREIGN_CONNECTION: &str = "carto-verify-not-granted";
const FOREIGN_PAGE: &str = "https://carto-verify.invalid/";

/// A request to a data API.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Probe {
    api: &'static str,
    connection: String,
    source: String,
}

impl Probe {
    fn new(api: &'static str, connection: &str, source: &str) -> Probe {
        Probe { api, connection: connection.to_owned(), source: source.to_owned() }
    }

    fn request(&self) -> Request {
        let path = |api: &'static str, what: &'static str| {
            let request = if api == "sql" { Request::post(["v3", api]) } else { Request::get(["v3", api]) };
            request.segment(self.connection.as_str()).segment(what)
        };
        match (self.api, grants::is_sql(&self.source)) {
            ("sql", _) => path("sql", "query").json(&serde_json::json!({ "q": self.source })),
            (_, true) => path("maps", "query").query("q", self.source.as_str()),
            (_, false) => path("maps", "table").query("name", self.source.as_str()),
        }
    }

    fn words(&self) -> String {
        format!("{} of `{}`: `{}`", self.api, self.connection, self.source)
    }
}

/// What an answer says of the token.
enum Answer {
    Allowed(String),
    Refused(String),
    /// That there is nothing of that name, say.
    Unclear(String),
}

/// Everything that is tried, in order. The host's own errors end it: what they say is about no token.
pub(super) fn probe(host: &Host<'_>, record: &Record, token: &Secret) -> Result<Vec<Check>> {
    let trial = Trial { host, record, token };
    let (opening, mut checks) = openings(record);
    if record.is_over() {
        let probe = opening
            .first()
            .cloned()
            .unwrap_or_else(|| foreign(record, record.apis.first().map_or("sql", String::as_str)));
        let ended = format!("{}, after its end", probe.words());
        return Ok(vec![trial.refused(&probe, None, ended)?.rule(rule::EXPIRY)]);
    }
    let mut tried = Vec::new();
    for probe in &opening {
        tried.push(trial.allowed(probe, None, probe.words())?.rule(rule::GRANT));
    }
    tried.append(&mut checks);
    let mut checks = tried;
    for (probe, rule, why) in closed(record) {
        checks.push(trial.refused(&probe, None, format!("{} ({why})", probe.words()))?.rule(rule));
    }
    if record.grants.iter().all(|grant| grant.source == "*") {
        let why = "there is none: each grant is of a whole connection";
        checks.push(Check::skipped("a source that isn't granted", "refused", why).rule(rule::GRANT));
    }
    checks.extend(trial.pages(opening.first())?);
    Ok(checks)
}

/// What has to be allowed, and what of that can't be tried.
fn openings(record: &Record) -> (Vec<Probe>, Vec<Check>) {
    let (mut probes, mut checks) = (Vec::new(), Vec::new());
    let mut skip = |rule: &str, asked: String, why: &str| checks.push(Check::skipped(asked, "allowed", why).rule(rule));
    for grant in record.grants.iter().take(MOST) {
        for api in ["sql", "maps"].into_iter().filter(|api| record.allows(api)) {
            let Grant { connection_name, source } = grant;
            match (api, grants::is_sql(source)) {
                ("sql", false) if source == "*" => probes.push(Probe::new(api, connection_name, NOTHING)),
                // A table grant opens nothing there, and shows with maps.
                ("sql", false) if record.allows("maps") => {}
                ("sql", false) => skip(
                    rule::GRANT,
                    format!("sql with `{grant}`"),
                    "not asked: this API compares whole statements, and no statement is a table's name (observed)",
                ),
                (_, true) if !only_reads(source) => skip(
                    rule::GRANT,
                    format!("{api} with `{grant}`"),
                    "not asked: it isn't one plain SELECT, and asking runs it",
                ),
                ("maps", false) if source.contains('*') => {
                    skip(
                        rule::GRANT,
                        format!("maps with `{grant}`"),
                        "not asked: a pattern names no table; `--api maps --source NAME` explains one",
                    );
                }
                _ => probes.push(Probe::new(api, connection_name, source)),
            }
        }
    }
    if record.grants.len() > MOST {
        skip(rule::GRANT, format!("{} grants more", record.grants.len() - MOST), "not asked: ten are tried");
    }
    for (api, why) in [
        ("imports", "not asked: it would import something"),
        ("lds", "not asked: no request of it is known here that reads nothing"),
    ] {
        if record.allows(api) {
            skip(rule::API, api.to_owned(), why);
        }
    }
    (probes, checks)
}

/// What has to be refused, and by which rule.
fn closed(record: &Record) -> Vec<(Probe, &'static str, &'static str)> {
    let mut probes = Vec::new();
    let allowed: Vec<&'static str> = ["sql", "maps"].into_iter().filter(|api| record.allows(api)).collect();
    for api in ["sql", "maps"].into_iter().filter(|api| !allowed.contains(api)) {
        probes.push((granted(record, api), rule::API, "an API that isn't allowed"));
    }
    let reaches = |probe: &Probe| {
        rules::grant(&record.grants, Some(&probe.connection), Asked::of(Some(probe.api), &probe.source)).is_some()
    };
    for api in allowed {
        let mut connections =
            record.grants.iter().map(|grant| Probe::new(api, &grant.connection_name, foreign_source(api)));
        let unreached = connections.find(|probe| !reaches(probe));
        probes.extend(unreached.map(|probe| (probe, rule::GRANT, "a source that isn't granted")));
        let elsewhere = foreign(record, api);
        if !reaches(&elsewhere) {
            probes.push((elsewhere, rule::GRANT, "a connection that isn't granted"));
        }
    }
    probes
}

/// A request that the grants would allow, of an API: so that only the API can be the reason.
fn granted(record: &Record, api: &'static str) -> Probe {
    let plain = |grant: &&Grant| match (api, grants::is_sql(&grant.source)) {
        (_, true) => only_reads(&grant.source),
        ("sql", false) => grant.source == "*",
        (_, false) => !grant.source.contains('*'),
    };
    // One that is of everything leaves no other reason.
    let first = record.grants.iter().find(|grant| grant.source == "*").or(record.grants.first());
    match record.grants.iter().find(plain) {
        Some(grant) if grant.source == "*" => Probe::new(api, &grant.connection_name, NOTHING),
        Some(grant) => Probe::new(api, &grant.connection_name, &grant.source),
        None => Probe::new(api, first.map_or(FOREIGN_CONNECTION, |grant| &grant.connection_name), foreign_source(api)),
    }
}

fn foreign(record: &Record, api: &str) -> Probe {
    let api = if api == "maps" { "maps" } else { "sql" };
    let source = record
        .grants
        .iter()
        .find(|grant| api == "maps" && !grants::is_sql(&grant.source) && !grant.source.contains('*'));
    Probe::new(api, FOREIGN_CONNECTION, source.map_or(foreign_source(api), |grant| &grant.source))
}

fn foreign_source(api: &str) -> &'static str {
    if api == "maps" { FOREIGN_TABLE } else { FOREIGN_STATEMENT }
}

/// The token, and what it is tried against.
struct Trial<'a> {
    host: &'a Host<'a>,
    record: &'a Record,
    token: &'a Secret,
}

impl Trial<'_> {
    /// Asks, as a page would if there is one.
    fn ask(&self, probe: &Probe, page: Option<&str>) -> Result<Answer> {
        let mut request = probe.request().bearer(self.token.clone());
        if let Some(page) = page {
            request = request.header("referer", page).header("origin", origin(page));
        }
        match self.host.call(DATA_SERVICE, request) {
            Ok(response) => Ok(Answer::of(&response)),
            // The rows of a granted statement can be more than anybody wants.
            Err(error) if error.code == ErrorCode::UnexpectedAnswer => Ok(Answer::Unclear(error.message)),
            Err(error) => Err(error),
        }
    }

    fn allowed(&self, probe: &Probe, page: Option<&str>, asked: String) -> Result<Check> {
        Ok(match self.ask(probe, page)? {
            Answer::Allowed(found) => Check::compare(asked, "allowed", found, true),
            Answer::Refused(found) => {
                Check::compare(asked, "allowed", found, false).hint(self.explanation(probe, page))
            }
            Answer::Unclear(why) => Check::skipped(asked, "allowed", why),
        })
    }

    /// The command that explains a request.
    fn explanation(&self, probe: &Probe, page: Option<&str>) -> String {
        let Probe { api, connection, source } = probe;
        let hint = |source: &str| {
            let mut words = format!("--api {api} --connection {} --source {source}", shell_word(connection));
            words.extend(page.map(|page| format!(" --referer {}", shell_word(page))));
            let id = shell_word(&self.record.id);
            format!("`carto credentials verify token {id} {words}` says what the record allows")
        };
        // What isn't written in one line that somebody would read isn't pasted as it is.
        let whole = one_line(source).map(|line| hint(&shell_word(&line)));
        whole.filter(|hint| hint.chars().count() <= HINT).unwrap_or_else(|| hint("@FILE"))
    }

    fn refused(&self, probe: &Probe, page: Option<&str>, asked: String) -> Result<Check> {
        Ok(match self.ask(probe, page)? {
            Answer::Refused(found) => Check::compare(asked, "refused", found, true),
            Answer::Allowed(found) => {
                let hint = format!(
                    "it opens more than its record says: `carto credentials delete token {}` ends it; tell CARTO",
                    shell_word(&self.record.id)
                );
                Check::compare(asked, "refused", found, false).hint(hint)
            }
            Answer::Unclear(why) => Check::skipped(asked, "refused", why),
        })
    }

    /// Pages that each referer means, and one that none does, with a request that is allowed otherwise.
    fn pages(&self, probe: Option<&Probe>) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        if self.record.referers.is_empty() {
            return Ok(checks);
        }
        let Some(probe) = probe else {
            let why = "not asked: there is no request that is allowed otherwise";
            return Ok(vec![Check::skipped("pages", "as the referers say", why).rule(rule::REFERER)]);
        };
        for referer in self.record.referers.iter().take(MOST) {
            let filled: String =
                referer.chars().map(|letter| if "*?".contains(letter) { 'x' } else { letter }).collect();
            // What a browser sends for a page there.
            let page = if is_bare_origin(referer) { format!("{filled}/") } else { filled };
            checks.push(self.allowed(probe, Some(&page), format!("page `{page}`"))?.rule(rule::REFERER));
        }
        if rules::referer(&self.record.referers, FOREIGN_PAGE).is_none() {
            let asked = format!("page `{FOREIGN_PAGE}` (a referer that isn't allowed)");
            checks.push(self.refused(probe, Some(FOREIGN_PAGE), asked)?.rule(rule::REFERER));
        }
        Ok(checks)
    }
}

impl Answer {
    fn of(response: &Response) -> Answer {
        let status = response.status();
        let words: String =
            response.problem().map(|words| format!(": {words}")).unwrap_or_default().chars().take(200).collect();
        match status {
            200..300 => Answer::Allowed(format!("allowed ({status})")),
            401 | 403 => Answer::Refused(format!("refused ({status}){words}")),
            _ => Answer::Unclear(format!("the answer tells nothing of the token ({status}){words}")),
        }
    }
}

/// The origin of a page, as browsers say it.
fn origin(page: &str) -> String {
    match page.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
        None => page.to_owned(),
    }
}
