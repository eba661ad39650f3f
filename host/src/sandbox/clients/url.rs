//! What may stand in an OAuth client's lists of URLs.

use std::net::Ipv6Addr;

use url::{Host, Url};

/// What is wrong with `text`, where it is no URL that a client may have. The URL is stored as it was written, so that
/// nothing is accepted that another reader might take for another host.
pub(in crate::sandbox) fn problem(text: &str) -> Option<&'static str> {
    // Before the parser sees it: the parser would drop some of these.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some("must not contain white space or control characters");
    }
    if !has_prefix(text, "https://") && !has_prefix(text, "http://") {
        return Some("must be an absolute `https://` URL");
    }
    if text.contains('\\') {
        return Some("must not contain a backslash");
    }
    let Ok(url) = Url::parse(text) else { return Some("is not a valid URL") };
    if url.fragment().is_some() {
        return Some("must not have a fragment");
    }
    if url.scheme() == "http" && !url.host().is_some_and(is_loopback) {
        return Some("must be `https://`; `http://` is for loopback hosts only");
    }
    None
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address == Ipv6Addr::LOCALHOST,
    }
}
