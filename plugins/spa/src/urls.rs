//! The URLs of a client: absolute, https except on this machine, without fragment or white space, and kept exactly as given, since the
//! service compares them letter by letter.

use carto_plugin_api::{Error, Host, Result};
use url::{Host as UrlHost, Url};

/// Refuses a URL that a sign-in could never use, or not safely.
pub(crate) fn check(argument: &str, text: &str) -> Result<()> {
    let error = |message: String, hint: &str| Err(Error::argument(argument, message).hint(hint));
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return error(
            format!("the URL `{}` has white space in it", text.escape_debug()),
            "repeat the option for each URL",
        );
    }
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() && is_in_full(text, &url) => url,
        _ => {
            return error(
                format!("`{text}` isn't an absolute URL"),
                "write it in full, like `https://app.example.com/callback`",
            );
        }
    };
    // Before any message that quotes the URL.
    if !url.username().is_empty() || url.password().is_some() {
        return error("the URL holds a user name or a password".to_owned(), "leave out what stands before the `@`");
    }
    if url.fragment().is_some() {
        return error(
            format!("the URL `{text}` has a fragment"),
            "leave out the `#` and what follows: browsers don't send it",
        );
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => error(
            format!("the URL `{text}` isn't https"),
            "use https; plain http is for this machine only, like `http://localhost:5173`",
        ),
        other => error(format!("the URL `{text}` has the scheme `{other}`"), "use https, or http on localhost"),
    }
}

/// Whether scheme, `://` and host stand there as they would be sent. A parser mends `https:host`, `https:///host` and backslashes, and a
/// service that compares letters never matches them.
fn is_in_full(text: &str, url: &Url) -> bool {
    let after_scheme = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    after_scheme.is_some_and(|rest| !rest.starts_with('/')) && !text.contains('\\')
}

/// Checks each of a list, and that none is there twice.
pub(crate) fn check_list(argument: &str, list: &[String]) -> Result<()> {
    for (i, text) in list.iter().enumerate() {
        check(argument, text)?;
        if list[..i].contains(text) {
            return Err(Error::argument(argument, format!("`{text}` is there twice")).hint("leave one of them out"));
        }
    }
    Ok(())
}

/// Warns of origins that no browser sends: an `Origin` header has no path, not even a slash at the end.
pub(crate) fn warn_of_paths(host: &Host<'_>, argument: &str, list: &[String]) {
    for (text, origin) in list.iter().filter_map(|text| Some((text, sent_for(text)?))) {
        host.warn(
            &format!("no browser will match the origin `{text}`"),
            Some(&format!("browsers send `--{argument} {origin}`")),
        );
    }
}

/// What browsers send for an origin that isn't written so; nothing if it is.
pub(crate) fn sent_for(text: &str) -> Option<String> {
    let origin = Url::parse(text).ok()?.origin().ascii_serialization();
    (text != origin).then_some(origin)
}

/// Judged by the parsed host, so that `http://127.0.0.1.example.com` isn't this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Domain(name)) => name == "localhost",
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
