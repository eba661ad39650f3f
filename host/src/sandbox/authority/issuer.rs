//! The address that the sandbox is asked at, which is its name as an issuer. Only names of this machine are answered:
//! a page whose own name was made to lead here must not reach an authority.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::sandbox::answer::Refusal;

/// Loopback, and the name that the sandbox has within this process, which no name server knows.
const NAMES: [&str; 4] = ["127.0.0.1", "localhost", "[::1]", "sandbox.invalid"];

/// An address such as `127.0.0.1:4000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Issuer {
    address: String,
}

impl Issuer {
    /// The issuer, with the slash at its end that CARTO's has.
    pub(super) fn url(&self) -> String {
        format!("{}/", self.origin())
    }

    /// The same as an origin: the start of every endpoint, and what browsers call pages from here.
    pub(in crate::sandbox) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port alone.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Reads the one address of a request; `None` if it has none, several, or another one than this machine's.
    fn read(uri: &Uri, headers: &HeaderMap) -> Option<Issuer> {
        let mut values = headers.get_all(HOST).iter();
        let authority: Authority = match (uri.authority(), values.next(), values.next()) {
            (Some(authority), _, None) => authority.clone(),
            (None, Some(value), None) => value.to_str().ok()?.parse().ok()?,
            _ => return None,
        };
        let name = authority.host().to_ascii_lowercase();
        let address = match authority.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        // A user's name before the host, or a port that is no number, would be missing here.
        let whole = authority.as_str().eq_ignore_ascii_case(&address);
        (whole && NAMES.contains(&name.as_str())).then_some(Issuer { address })
    }
}

/// The middleware of the authority's routes, and of all whose answers hold addresses: it refuses other names, and gives the handlers an [`Issuer`].
pub(in crate::sandbox) async fn require(mut request: Request, next: Next) -> Result<Response, Refusal> {
    let Some(issuer) = Issuer::read(request.uri(), request.headers()) else {
        return Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "The sandbox answers this at `127.0.0.1`, `localhost` and `[::1]` only",
        ));
    };
    request.extensions_mut().insert(issuer);
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        Issuer::read(&Uri::from_static("/authorize"), &headers).map(|issuer| issuer.url())
    }

    #[test]
    fn only_names_of_this_machine_are_an_issuer() {
        let good = [
            ("127.0.0.1:4000", "http://127.0.0.1:4000/"),
            ("localhost", "http://localhost/"),
            ("LocalHost:1", "http://localhost:1/"),
            ("[::1]:4000", "http://[::1]:4000/"),
            ("sandbox.invalid", "http://sandbox.invalid/"),
        ];
        for (host, url) in good {
            assert_eq!(read(host).as_deref(), Some(url), "{host}");
        }
        let bad = [
            "",
            "evil.example",
            "evil.example:4000",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0:4000",
            "2130706433",
            "[::2]:4000",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost:",
            "localhost:port",
            "localhost/",
        ];
        for host in bad {
            assert_eq!(read(host), None, "{host}");
        }
    }

    #[test]
    fn an_address_is_one_address() {
        let mut headers = HeaderMap::new();
        assert_eq!(Issuer::read(&Uri::from_static("/"), &headers), None);
        let inside = Issuer::read(&Uri::from_static("http://sandbox.invalid/"), &headers).unwrap();
        assert_eq!(inside.address(), "sandbox.invalid");
        headers.append(HOST, "localhost".parse().unwrap());
        headers.append(HOST, "localhost".parse().unwrap());
        assert_eq!(Issuer::read(&Uri::from_static("/"), &headers), None);
    }
}
