//! `carto credentials verify spa <id>`: asks the authority about each URL of the client, and about one that isn't registered. Nobody signs in:
//! what is asked ends before a person would be.

use carto_plugin_api::{AUTH_SERVICE, Check, Host, Request, Response, Result, Verification, shell_word};
use serde_json::json;
use url::Url;

use crate::{CLIENTS, Record, urls};

/// How many URLs of each list are tried.
const MOST: usize = 10;

/// What nobody registers: no name server may know such a name.
const FOREIGN: &str = "https://carto-verify.invalid";

/// A challenge of which nobody here has the verifier (RFC 7636, appendix B): no code comes of it.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A longer command would be cut where it is shown.
const LONGEST: usize = 1500;

/// A longer hint than this is no hint where the list is as it should be.
const HINT: usize = 200;

/// What scripts know the lists by: the names of their options.
mod rule {
    pub(super) const LOGIN_URI: &str = "login-uri";
    pub(super) const CALLBACK: &str = "callback";
    pub(super) const LOGOUT_URL: &str = "logout-url";
    pub(super) const WEB_ORIGIN: &str = "web-origin";
    pub(super) const ALLOWED_ORIGIN: &str = "allowed-origin";
}

/// What an answer says of a URL.
enum Answer {
    Accepted(String),
    Refused(String),
    /// That there is no such route, say.
    Unclear(String),
}

/// Whether the authority knows the URLs of the client that `id` means, and no others.
pub(crate) fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
    let client: Record = CLIENTS.get(host, id)?;
    let mut verification = Verification::new(client.client_id.as_str());
    verification.fact("title", client.title.as_str());
    let trial = Trial { host, client: &client };
    let mut checks = trial.callbacks()?;
    checks.extend(trial.logouts()?);
    checks.extend(trial.silent()?);
    checks.extend(trial.origins()?);
    checks.extend(client.login_uri.as_deref().map(login));
    verification.checks = checks;
    Ok(verification)
}

/// Where the application begins its sign-in is the application's own.
fn login(uri: &str) -> Check {
    let fault = urls::check(rule::LOGIN_URI, uri).err();
    let found = fault.as_ref().map_or("well-formed; not asked, since it isn't CARTO's", |error| error.message.as_str());
    let check =
        Check::compare(format!("login URI `{uri}`"), "well-formed", found, fault.is_none()).rule(rule::LOGIN_URI);
    fault.and_then(|error| error.hint).into_iter().fold(check, Check::hint)
}

struct Trial<'a> {
    host: &'a Host<'a>,
    client: &'a Record,
}

impl Trial<'_> {
    /// A sign-in that comes back at once, with an error or without, comes back to a callback that is known.
    fn callbacks(&self) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for callback in self.client.callbacks.iter().take(MOST) {
            let answer = Answer::redirect(&self.authorize(callback, None)?, callback);
            checks.push(
                answer.accepted(format!("callback `{callback}`"), self.again(rule::CALLBACK)).rule(rule::CALLBACK),
            );
        }
        if self.client.callbacks.is_empty() {
            let why = "there is none: nobody can sign in";
            let hint = "`carto credentials update spa --help` shows how to add one";
            checks.push(Check::skipped("callbacks", "accepted", why).rule(rule::CALLBACK).hint(hint));
        }
        let callback = format!("{FOREIGN}/callback");
        let answer = Answer::redirect(&self.authorize(&callback, None)?, &callback);
        checks.push(answer.refused(format!("callback `{callback}` (not registered)")).rule(rule::CALLBACK));
        Ok(checks)
    }

    fn logouts(&self) -> Result<Vec<Check>> {
        let ask = |to: &str| {
            let request = Request::get(["v2", "logout"]).query("client_id", self.client.client_id.as_str());
            Ok(Answer::redirect(&self.host.call(AUTH_SERVICE, request.query("returnTo", to))?, to))
        };
        let mut checks = Vec::new();
        for url in self.client.logout_urls.iter().take(MOST) {
            checks.push(
                ask(url)?.accepted(format!("logout URL `{url}`"), self.again(rule::LOGOUT_URL)).rule(rule::LOGOUT_URL),
            );
        }
        let foreign = format!("{FOREIGN}/");
        let asked = format!("logout URL `{foreign}` (not registered)");
        checks.push(ask(&foreign)?.refused(asked).rule(rule::LOGOUT_URL));
        Ok(checks)
    }

    /// A silent sign-in answers a page of a web origin, by a message. It needs a callback there.
    fn silent(&self) -> Result<Vec<Check>> {
        let Record { web_origins, callbacks, .. } = self.client;
        let mut checks = Vec::new();
        // What isn't an origin is said to be none in `origins`.
        for origin in web_origins.iter().take(MOST).filter(|origin| urls::sent_for(origin).is_none()) {
            let asked = format!("web origin `{origin}`, silently");
            let check = match callbacks.iter().find(|callback| origin_of(callback).as_deref() == Some(origin)) {
                Some(callback) => {
                    let answer = Answer::page(&self.authorize(callback, Some("web_message"))?);
                    answer.accepted(asked, self.again(rule::WEB_ORIGIN))
                }
                None => Check::skipped(asked, "accepted", "not asked: no callback is of that origin"),
            };
            checks.push(check.rule(rule::WEB_ORIGIN));
        }
        let foreign = |callback: &&String| origin_of(callback).is_some_and(|origin| !web_origins.contains(&origin));
        if let Some(callback) = callbacks.iter().find(foreign) {
            let answer = Answer::page(&self.authorize(callback, Some("web_message"))?);
            let origin = origin_of(callback).unwrap_or_default();
            checks.push(answer.refused(format!("`{origin}`, silently (no web origin)")).rule(rule::WEB_ORIGIN));
        }
        Ok(checks)
    }

    /// What a page of an origin may read of a token's endpoint. A code that nobody gave is refused, but the page is told.
    fn origins(&self) -> Result<Vec<Check>> {
        let Record { client_id, web_origins, allowed_origins, callbacks, .. } = self.client;
        let ask = |origin: &str| {
            let body = json!({
                "grant_type": "authorization_code", "client_id": client_id, "code": "carto-verify",
                "code_verifier": "carto-verify".repeat(4), "redirect_uri": callbacks.first(),
            });
            let request = Request::post(["oauth", "token"]).header("origin", origin).json(&body);
            Ok(Answer::shared(&self.host.call(AUTH_SERVICE, request)?, origin))
        };
        let mut checks = Vec::new();
        let own = |origin: &&String| !web_origins.contains(origin);
        let web = web_origins.iter().take(MOST).map(|origin| (origin, rule::WEB_ORIGIN));
        let allowed = allowed_origins.iter().filter(own).take(MOST).map(|origin| (origin, rule::ALLOWED_ORIGIN));
        for (origin, rule) in web.chain(allowed) {
            if let Some(sent) = urls::sent_for(origin) {
                checks.push(self.no_origin(rule, origin, &sent));
                continue;
            }
            // A subdomain may be a wildcard.
            let page = origin.replace('*', "x");
            checks.push(ask(&page)?.accepted(format!("token request from `{page}`"), self.again(rule)).rule(rule));
        }
        let asked = format!("token request from `{FOREIGN}` (not registered)");
        checks.push(ask(FOREIGN)?.refused(asked).rule(rule::ALLOWED_ORIGIN));
        Ok(checks)
    }

    /// One that no page has, with the whole list as it should be: `update` replaces it.
    fn no_origin(&self, option: &str, origin: &str, sent: &str) -> Check {
        let (list, field) = self.list(option);
        let mut mended: Vec<String> = Vec::new();
        for origin in list.iter().map(|origin| urls::sent_for(origin).unwrap_or_else(|| origin.clone())) {
            if !mended.contains(&origin) {
                mended.push(origin);
            }
        }
        let command = self.update(option, &mended);
        let hint = match urls::check_list(option, &mended) {
            Ok(()) if command.len() < LONGEST => format!("browsers send no path: `{command}` mends it"),
            _ => format!(
                "browsers send `--{option} {sent}`, without a path; give all of `carto credentials get spa {} --field {field}` like that",
                shell_word(&self.client.client_id)
            ),
        };
        let asked = format!("{} `{origin}`", option.replace('-', " "));
        let found = format!("no browser will match it: browsers send `{sent}`");
        Check::compare(asked, "an origin", found, false).rule(option).hint(hint)
    }

    /// A list of the client, and the field that shows it.
    fn list(&self, option: &str) -> (&[String], &str) {
        match option {
            rule::CALLBACK => (&self.client.callbacks, "callbacks"),
            rule::LOGOUT_URL => (&self.client.logout_urls, "logoutUrls"),
            rule::WEB_ORIGIN => (&self.client.web_origins, "webOrigins"),
            _ => (&self.client.allowed_origins, "allowedOrigins"),
        }
    }

    /// The command that gives a list.
    fn update(&self, option: &str, list: &[String]) -> String {
        let words: String = list.iter().map(|url| format!(" --{option} {}", shell_word(url))).collect();
        format!("carto credentials update spa {}{words}", shell_word(&self.client.client_id))
    }

    /// What to do where the authority doesn't know what the service lists: the list once more, which is a whole one.
    fn again(&self, option: &str) -> String {
        let (list, field) = self.list(option);
        let hint = format!(
            "it may take a little to be known there; else `{}` gives the list again",
            self.update(option, list)
        );
        if hint.len() < HINT && urls::check_list(option, list).is_ok() {
            return hint;
        }
        let id = shell_word(&self.client.client_id);
        format!(
            "it may take a little to be known there; else give all of `carto credentials get spa {id} --field {field}` again, each with `--{option}`"
        )
    }

    fn authorize(&self, callback: &str, mode: Option<&str>) -> Result<Response> {
        let request = Request::get(["authorize"])
            .query("prompt", "none")
            .query("response_type", "code")
            .query("client_id", self.client.client_id.as_str())
            .query("redirect_uri", callback)
            .query("scope", "openid")
            .query("state", "carto-verify")
            .query("code_challenge", CHALLENGE)
            .query("code_challenge_method", "S256")
            .query_if("response_mode", mode.map(str::to_owned));
        self.host.call(AUTH_SERVICE, request)
    }
}

impl Answer {
    /// An answer that sends the browser to a URL, or doesn't.
    fn redirect(response: &Response, url: &str) -> Answer {
        let status = response.status();
        let location = response.header("location").and_then(|location| Url::parse(location).ok());
        let asked = Url::parse(url).ok();
        match (status, location) {
            (301..=303 | 307 | 308, Some(location)) => {
                let place = |url: &Url| (url.origin(), url.path().to_owned());
                let error =
                    location.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| error.into_owned());
                let error = error.map(|error| format!(", {error}")).unwrap_or_default();
                match asked.as_ref().is_some_and(|asked| place(asked) == place(&location)) {
                    true => Answer::Accepted(format!("accepted ({status}{error})")),
                    // The authority's own page, say.
                    false => {
                        let origin = location.origin().ascii_serialization();
                        Answer::Refused(format!("refused ({status} to `{origin}`{error})"))
                    }
                }
            }
            _ => Answer::of_refusal(response),
        }
    }

    /// An answer that is a page with a message, or isn't.
    fn page(response: &Response) -> Answer {
        match response.status() {
            200 => Answer::Accepted("accepted (200)".to_owned()),
            _ => Answer::of_refusal(response),
        }
    }

    /// An answer that a page of that origin may read, or may not.
    fn shared(response: &Response, origin: &str) -> Answer {
        let status = response.status();
        match response.header("access-control-allow-origin") {
            Some(allowed) if allowed == origin || allowed == "*" => {
                Answer::Accepted(format!("may read the answer ({status})"))
            }
            _ if matches!(status, 404 | 405) => Answer::of_refusal(response),
            _ => Answer::Refused(format!("may not read the answer ({status})")),
        }
    }

    fn of_refusal(response: &Response) -> Answer {
        let status = response.status();
        let words: String = response.problem().map(|words| format!(": {words}")).unwrap_or_default();
        let words: String = words.chars().take(200).collect();
        match status {
            400 | 401 | 403 => Answer::Refused(format!("refused ({status}){words}")),
            _ => Answer::Unclear(format!("the answer tells nothing ({status}){words}")),
        }
    }

    /// `again`: what to do if it isn't.
    fn accepted(self, asked: String, again: String) -> Check {
        match self {
            Answer::Accepted(found) => Check::compare(asked, "accepted", found, true),
            Answer::Refused(found) => Check::compare(asked, "accepted", found, false).hint(again),
            Answer::Unclear(why) => Check::skipped(asked, "accepted", why),
        }
    }

    fn refused(self, asked: String) -> Check {
        match self {
            Answer::Refused(found) => Check::compare(asked, "refused", found, true),
            Answer::Accepted(found) => Check::compare(asked, "refused", found, false)
                .hint("the authority takes more than is registered: don't use this client, and tell CARTO"),
            Answer::Unclear(why) => Check::skipped(asked, "refused", why),
        }
    }
}

fn origin_of(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.origin().ascii_serialization())
}
