//! Which addresses may be asked: https, or plain http on this machine. One rule for an account's and for a kind's own service; asking is
//! `transport`'s.

use url::{Host, Url};

/// Judged by the parsed host: `127.0.0.1.example.com` isn't this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an address leads to this machine by any of the ways in which its host can be written. Broader than `is_loopback`, which says
/// what may be asked: this says what somebody elsewhere may not name.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let inside = address.to_ipv4_mapped().is_some_and(|inside| inside.is_loopback() || inside.is_unspecified());
            address.is_loopback() || address.is_unspecified() || inside
        }
        None => false,
    }
}

/// What messages call who answers at an address: `` `api.example.com` ``.
pub(crate) fn place(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("`{host}:{port}`"),
        (host, _) => format!("`{}`", host.unwrap_or_default()),
    }
}

/// Why a text can't be the address of a service.
pub(crate) struct Refusal {
    /// What is wrong with it, as the end of a sentence about it.
    pub(crate) cause: String,
    /// What to do, if that isn't to write it like an example.
    pub(crate) remedy: Option<&'static str>,
}

/// Reads the address of a service: https, or http on this machine; a host; nothing that would be lost or leak.
pub(crate) fn read(text: &str) -> Result<Url, Refusal> {
    let bad = |cause: &str| Err(Refusal { cause: cause.to_owned(), remedy: None });
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        _ => return bad(&format!("isn't an address: `{text}`")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return bad("holds a user name or a password");
    }
    // Another spelling of the same host, which a list of hosts wouldn't know.
    if url.host_str().is_some_and(|host| host.ends_with('.')) {
        return bad("has a host that ends with a dot");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("has a query or a fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(Refusal {
            cause: format!("isn't https: `{text}`"),
            remedy: Some("a bearer goes over https only; plain http is for this machine, like `http://127.0.0.1:8080`"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for here in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "x.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:2]",
            "[::ffff:0.0.0.0]",
        ] {
            assert!(is_here(&Url::parse(&format!("https://{here}/x")).unwrap()), "{here}");
        }
        for elsewhere in ["localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "[::2]", "[::ffff:10.0.0.1]"] {
            assert!(!is_here(&Url::parse(&format!("https://{elsewhere}/x")).unwrap()), "{elsewhere}");
        }
    }

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for good in [
            "https://gcp-us-east1.api.carto.com",
            "https://carto.example.com/api/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:3",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "gcp-us-east1",
            "http://api.carto.com",
            "http://127.0.0.1.evil.com",
            "http://localhost.evil.com",
            "ftp://localhost",
            "https://u:p@api.carto.com",
            "https://api.carto.com?x=1",
            "https://api.carto.com#x",
            "file:///etc/passwd",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
