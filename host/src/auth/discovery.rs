//! Which account a bearer belongs to, and where its API is. Documented: the accounts' service names the tenant's domain, whose
//! `config.yaml` names the API. The bearer goes to the first and not to the second.

use std::borrow::Cow;

use carto_plugin_api::{ErrorCode, Secret};
use saphyr_parser::{Event, Parser};
use serde_json::Value;
use url::Url;

use super::Http;
use super::http::{self, Answer};
use crate::address::{self, is_here, is_loopback};
use crate::error::{Error, Result};
use crate::redact::{self, HIDDEN};
use crate::service::Hidden;

/// What can be found out of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) base_url: Option<Url>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) tenant_domain: Option<String>,
    pub(crate) organization_id: Option<String>,
    pub(crate) organization_name: Option<String>,
    pub(crate) user_email: Option<String>,
}

/// Asks for the account of a bearer.
pub(crate) async fn find(http: &Http, accounts_url: &Url, bearer: &Secret) -> Result<Found> {
    // Whoever was sent the bearer can have handed it on: nobody's words show it.
    let hidden = Hidden::new(bearer.expose());
    let mut found = account(http, accounts_url, bearer, &hidden).await?;
    let domain = found.tenant_domain.clone().unwrap_or_default();
    // Somebody elsewhere has no say in what is asked on this machine.
    let is_near = |config: &Url| is_loopback(accounts_url) || !is_here(config);
    let config = config_url(&domain).filter(is_near).ok_or_else(|| {
        let (place, domain) = (address::place(accounts_url), redact::redact(&domain));
        without(Error::new(
            ErrorCode::UnexpectedAnswer,
            format!(
                "{place} names `{domain}` as the tenant's domain, which isn't the name of a host that may be asked"
            ),
        ))
    })?;
    let answer = http.get(&config, None).await.map_err(|e| step(e, "looking for the account's address", &hidden))?;
    let answer = answer.map(|body| match String::from_utf8(body) {
        Ok(text) => hidden.text(&text).into_owned().into_bytes(),
        Err(other) => other.into_bytes(),
    });
    let place = address::place(&config);
    let unexpected = |why: &str| {
        let message = format!("looking for the account's address: {place} answered GET /config.yaml with {why}");
        without(Error::new(ErrorCode::UnexpectedAnswer, message))
    };
    if !answer.status().is_success() {
        return Err(refused(&answer, &config, "looking for the account's address"));
    }
    let text = std::str::from_utf8(answer.body()).map_err(|_| unexpected("something that isn't text"))?;
    let is_whole = |url: &String| !url.contains(HIDDEN);
    let url = base_url_in(text)
        .filter(is_whole)
        .ok_or_else(|| unexpected("something in which there is no `apis.baseUrl`"))?;
    let url = address::read(&url)
        .map_err(|refusal| unexpected(&format!("an `apis.baseUrl` that {}", redact::redact(&refusal.cause))))?;
    if is_here(&url) && !is_loopback(&config) {
        return Err(unexpected("an `apis.baseUrl` on this machine"));
    }
    found.base_url = Some(url);
    Ok(found)
}

/// The step at which the bearer is sent.
const ACCOUNT: &str = "looking for the account";

/// What the accounts' service says. Documented: `tenant_domain`; the rest is taken where it is there.
async fn account(http: &Http, url: &Url, bearer: &Secret, hidden: &Hidden) -> Result<Found> {
    let answer = http.get(url, Some(bearer)).await.map_err(|e| step(e, ACCOUNT, hidden))?;
    if !answer.status().is_success() {
        return Err(refused(&answer, url, ACCOUNT));
    }
    let found = read(&http::json(&answer).unwrap_or_default(), hidden);
    if found.tenant_domain.is_none() {
        let message =
            format!("{ACCOUNT}: {} answered with nothing in which there is a `tenant_domain`", address::place(url));
        return Err(without(Error::new(ErrorCode::UnexpectedAnswer, message)));
    }
    Ok(found)
}

fn read(json: &Value, hidden: &Hidden) -> Found {
    // A name that is the bearer or could be a credential is none, and neither is one that a terminal would have trouble with.
    let is_plain = |text: &&str| {
        !text.is_empty()
            && text.len() <= 256
            && !text.contains(carto_plugin_api::is_harmful)
            && redact::redact(text) == **text
            && hidden.text(text) == **text
    };
    let text = |keys: &[&str]| {
        let mut there = keys.iter().filter_map(|key| json.get(*key)?.as_str());
        there.find(is_plain).map(str::to_owned)
    };
    Found {
        base_url: None,
        tenant_id: text(&["tenant_id"]),
        tenant_domain: text(&["tenant_domain"]),
        organization_id: text(&["organization_id", "account_id"]),
        organization_name: text(&["organization_name", "account_name"]),
        user_email: text(&["user_email", "email"]),
    }
}

/// Where a tenant's `config.yaml` is: its domain is a host and nothing more, with https, or on this machine with http.
pub(crate) fn config_url(domain: &str) -> Option<Url> {
    let url = Url::parse(&format!("https://{domain}/config.yaml")).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    if !domain.eq_ignore_ascii_case(&format!("{}{port}", url.host_str()?)) {
        return None;
    }
    match is_loopback(&url) {
        true => Url::parse(&format!("http://{domain}/config.yaml")).ok(),
        false => address::read(url.as_str()).ok(),
    }
}

/// The text at `apis.baseUrl`. Only events are read: no alias is followed, and no depth takes memory.
pub(crate) fn base_url_in(text: &str) -> Option<String> {
    let (mut depth, mut in_apis) = (0_usize, false);
    // The key whose value comes next, at the two depths that count; a key that is no text has no name.
    let mut keys: [Option<Option<Cow<'_, str>>>; 2] = [None, None];
    for event in Parser::new_from_str(text) {
        let event = event.ok()?.0;
        let counts = depth == 1 || depth == 2 && in_apis;
        match event {
            Event::SequenceStart(..) if depth == 0 => return None,
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if counts {
                    let key = keys[depth - 1].take();
                    let is_mapping = matches!(event, Event::MappingStart(..));
                    in_apis |= is_mapping && key.as_ref().is_some_and(|key| key.as_deref() == Some("apis"));
                    keys[depth - 1] = key.is_none().then_some(None);
                }
                depth += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                in_apis &= depth > 1;
            }
            Event::Scalar(text, ..) if counts => match keys[depth - 1].take() {
                Some(key) if depth == 2 && key.as_deref() == Some("baseUrl") => return Some(text.into_owned()),
                Some(_) => {}
                None => keys[depth - 1] = Some(Some(text)),
            },
            Event::Alias(_) if counts => {
                let was_key = keys[depth - 1].take().is_none();
                keys[depth - 1] = was_key.then_some(None);
            }
            Event::DocumentEnd => return None,
            _ => {}
        }
    }
    None
}

fn step(error: Error, doing: &str, hidden: &Hidden) -> Error {
    let message = format!("{doing}: {}", hidden.text(&error.message));
    without(error.with_message(message))
}

fn refused(answer: &Answer, url: &Url, doing: &str) -> Error {
    let (place, status, words) = (address::place(url), answer.status().as_u16(), http::words(answer));
    let code = match status {
        401 if doing == ACCOUNT => {
            let message = format!("{doing}: {place} doesn't accept the bearer (401){words}; nothing was kept");
            let hint =
                "give another bearer; or look whether `CARTO_ACCOUNTS_URL` belongs to the authority that gave it";
            return without(Error::new(ErrorCode::NotSignedIn, message).hint(hint));
        }
        401 => ErrorCode::NotSignedIn,
        403 => ErrorCode::Forbidden,
        _ => ErrorCode::UnexpectedAnswer,
    };
    without(Error::new(code, format!("{doing}: {place} answered GET {} with {status}{words}", url.path())))
}

/// The way around all this.
fn without(error: Error) -> Error {
    let instead = "`--base-url https://TENANT.api.carto.com` says where the account is";
    let hint = match &error.hint {
        Some(hint) => format!("{hint}; or {instead}"),
        None => instead.to_owned(),
    };
    error.hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_is_where_it_is_documented() {
        for (yaml, expected) in [
            ("apis:\n  baseUrl: https://a.api.carto.com\n", Some("https://a.api.carto.com")),
            (
                "x: 1\nlist: [baseUrl, {baseUrl: no}]\napis: {other: {baseUrl: no}, baseUrl: 'https://a'}\n",
                Some("https://a"),
            ),
            ("{\"apis\": {\"baseUrl\": \"https://a\"}}", Some("https://a")),
            ("apis:\n  - baseUrl\n  - https://no\n", None),
            ("baseUrl: https://no\n", None),
            ("other:\n  apis:\n    baseUrl: https://no\n", None),
            ("apis: https://no\n", None),
            ("a: &a https://no\napis:\n  baseUrl: *a\n", None),
            ("apis:\n  x: baseUrl\n  y: https://no\n", None),
            ("apis:\n  ? [a, b]\n  : baseUrl\n  z: https://no\n", None),
            ("- apis\n- baseUrl: https://no\n", None),
            ("x: apis\ny: {baseUrl: https://no}\n", None),
            ("? *a\n: apis\ny: {baseUrl: https://no}\n", None),
            ("? {apis: {baseUrl: https://no}}\n: 1\n", None),
            ("apis: {x: 1}\n---\napis: {baseUrl: https://no}\n", None),
            ("apis: {x: {y: 1}, baseUrl: https://a}\n", Some("https://a")),
            ("", None),
            ("\u{0}", None),
            ("apis:\n  baseUrl: [", None),
        ] {
            assert_eq!(base_url_in(yaml).as_deref(), expected, "{yaml}");
        }
    }

    #[test]
    fn neither_depth_nor_aliases_make_it_large() {
        assert_eq!(base_url_in(&"[".repeat(300_000)), None);
        assert_eq!(base_url_in(&"- ".repeat(100_000)), None);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for nth in 1..60 {
            let before = format!("*a{}, ", nth - 1).repeat(9);
            bomb.push_str(&format!("a{nth}: &a{nth} [{before}]\n"));
        }
        assert_eq!(base_url_in(&(bomb + "apis: {baseUrl: https://a}")).as_deref(), Some("https://a"));
    }

    #[test]
    fn a_domain_is_a_host_and_nothing_more() {
        for (domain, expected) in [
            ("app.carto.com", Some("https://app.carto.com/config.yaml")),
            ("127.0.0.1:81", Some("http://127.0.0.1:81/config.yaml")),
            ("[::1]:81", Some("http://[::1]:81/config.yaml")),
            ("app.carto.com/x", None),
            ("app.carto.com?", None),
            ("app.carto.com#", None),
            ("u:p@app.carto.com", None),
            ("u@app.carto.com", None),
            ("app.carto.com.", None),
            ("/evil.example.com", None),
            ("", None),
        ] {
            assert_eq!(config_url(domain).as_ref().map(Url::as_str), expected, "{domain}");
        }
    }

    #[test]
    fn what_cant_be_a_name_isnt_one() {
        let found = read(
            &json!({ "tenant_domain": "app.carto.com", "tenant_id": 7, "email": "a\u{1b}[31m", "account_name": "x" }),
            &Hidden::new(""),
        );
        let expected = Found {
            tenant_domain: Some("app.carto.com".to_owned()),
            organization_name: Some("x".to_owned()),
            ..Found::default()
        };
        assert_eq!(found, expected);
        assert_eq!(read(&json!([]), &Hidden::new("")), Found::default());
    }

    /// An opaque one too, which nothing else would take for a credential.
    #[test]
    fn a_name_that_holds_the_bearer_isnt_one() {
        let hidden = Hidden::new("an-opaque.bearer");
        let json = json!({
            "tenant_domain": "an-opaque.bearer", "tenant_id": "x/an-opaque.bearer", "organization_name": "an-opaque.bearer",
            "account_name": "Acme", "user_email": "an-opaque.bearer@example.com",
        });
        let expected = Found { organization_name: Some("Acme".to_owned()), ..Found::default() };
        assert_eq!(read(&json, &hidden), expected);
    }
}
