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
