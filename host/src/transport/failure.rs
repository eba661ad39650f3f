//! Why there is no answer, in words for a user, and whether anything can have arrived. The client's own text is never shown whole: it
//! holds the URL, and a URL can hold a token.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use jiff::Timestamp;
use rustls::CertificateError;

/// What of a body the client doesn't get to see.
pub(super) const BROKEN_OFF: &str = "the answer broke off in the middle";
const UNREADABLE: &str = "the answer's compression can't be read";

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection came about: nothing was sent.
    Unsent(Obstacle),
    /// Something was sent, and no whole answer came.
    Lost(String),
    /// The answer is larger than anything the API sends.
    TooLarge,
}

/// What stood in the way of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// The end of a sentence that begins with the place: `` cannot reach `api.example.com`: connection refused ``.
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) remedy: String,
    /// Whether it would be the same a moment later.
    pub(crate) lasting: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unsent(obstacle) => write!(f, "not sent{}", obstacle.why),
            Failure::Lost(why) => f.write_str(why),
            Failure::TooLarge => f.write_str("too large an answer"),
        }
    }
}

/// Where requests go, as far as messages name it.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) host: String,
    pub(super) proxy: Option<String>,
}

impl Route {
    pub(super) fn failure(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() {
            return Failure::Unsent(self.obstacle(&error));
        }
        let http = chain(&error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
        Failure::Lost(match http {
            Some(http) if http.is_parse() => "what answers there doesn't speak HTTP".to_owned(),
            Some(http) if http.is_incomplete_message() => "it ended before there was an answer".to_owned(),
            _ => innermost(&error),
        })
    }

    fn obstacle(&self, error: &reqwest::Error) -> Obstacle {
        if let Some(tls) = tls_error(error) {
            return self.distrust(tls);
        }
        let through = self.proxy.as_ref().map(|proxy| format!(" through the proxy `{proxy}`")).unwrap_or_default();
        let remedy = match self.proxy {
            Some(_) => "look at the proxy variables (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`)",
            None => "look at the network and the address, then try again",
        };
        let unresolved = chain(error).any(|cause| cause.to_string() == "dns error");
        let why = match (unresolved, &self.proxy) {
            (true, None) => "its name doesn't resolve".to_owned(),
            (true, Some(_)) => "the proxy's name doesn't resolve".to_owned(),
            _ if error.is_timeout() => "no connection came about within 10s".to_owned(),
            _ => innermost(error),
        };
        // What the client says of its own accord, as a user would.
        let told = match why.as_str() {
            "tls handshake eof" => Some((NO_TLS, PLAIN)),
            "tunnel error: proxy authorization required" => Some((
                "it wants a user name and a password",
                "write the variable like `http://NAME:PASSWORD@proxy.example.com:8080`",
            )),
            "tunnel error: unsuccessful" => Some(("it refuses to connect there", remedy)),
            _ => None,
        };
        if let Some((why, remedy)) = told {
            return Obstacle { why: format!("{through}: {why}"), remedy: remedy.to_owned(), lasting: true };
        }
        Obstacle { why: format!("{through}: {why}"), remedy: remedy.to_owned(), lasting: unresolved }
    }

    /// A server that isn't believed, or that doesn't speak TLS.
    fn distrust(&self, error: &rustls::Error) -> Obstacle {
        let (why, remedy) = match error {
            rustls::Error::InvalidCertificate(CertificateError::Expired) => {
                ("its certificate has expired".to_owned(), EXPIRED)
            }
            rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
                let seconds = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
                let when = Timestamp::from_second(seconds).map(|when| format!(" on {}", when.strftime("%Y-%m-%d")));
                (format!("its certificate expired{}", when.unwrap_or_default()), EXPIRED)
            }
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => ("its certificate isn't valid yet".to_owned(), "look whether this machine's clock is right"),
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => (
                format!("its certificate is for another name than `{}`", self.host),
                "look at the base URL: somebody else may be answering there",
            ),
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
                "its certificate is signed by nobody that this system trusts".to_owned(),
                "if that is your organisation's own authority, name its certificate as `ca_file` below `[network]` in \
                 the settings",
            ),
            rustls::Error::InvalidCertificate(_) => {
                (format!("its certificate isn't accepted: {error}"), "ask who runs the service")
            }
            rustls::Error::InvalidMessage(_) => (NO_TLS.to_owned(), PLAIN),
            _ => (format!("TLS failed: {error}"), "look at the base URL, and ask who runs the service"),
        };
        Obstacle { why: format!(": {why}"), remedy: remedy.to_owned(), lasting: true }
    }
}

const NO_TLS: &str = "what answers there doesn't speak TLS";
const PLAIN: &str = "look at the base URL: the port may be one for plain http";
const EXPIRED: &str = "look whether this machine's clock is right; if it is, who runs the service has to renew it";

/// What is wrong with a body.
pub(super) fn of_body(error: &reqwest::Error) -> &'static str {
    let unpacking = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let mut kinds = unpacking.map(io::Error::kind);
    if kinds.any(|kind| matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) {
        UNREADABLE
    } else {
        BROKEN_OFF
    }
}

/// An error and what caused it, outermost first.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| inside(*error))
}

/// What caused an error. An `io::Error` skips the error that it wraps.
fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    }
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

/// The innermost cause, in one line, without the system's number.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let text = chain(error).last().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // `Connection refused` in the middle of a sentence.
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().collect::<String>() + letters.as_str()
        }
        _ => text.to_owned(),
    }
}
