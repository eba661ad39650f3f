//! Which redirects are followed: those of a read, to the same origin, a few times. Anything else ends the request: the bearer isn't taken
//! to another origin, and nobody knows what a redirected write has done.

use http::StatusCode;
use url::Url;

/// More than a front end needs, and few enough to end a circle that never comes back to the same place.
const MOST: usize = 5;

/// Whether a status sends a client somewhere else.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The way of one request.
pub(super) struct Redirects {
    reads: bool,
    passed: Vec<Url>,
}

/// What a redirect comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask there.
    To(Url),
    /// It leads to another origin, which is safe to show.
    Elsewhere(String),
    /// It leads back to where it came from, or on and on.
    Circle,
    /// A redirect of a write.
    Write,
    /// It says where to in no way that is understood.
    Nowhere,
}

impl Redirects {
    pub(super) fn new(reads: bool) -> Redirects {
        Redirects { reads, passed: Vec::new() }
    }

    /// Judges a redirect that was met at `from`.
    pub(super) fn turn(&mut self, from: &Url, status: StatusCode, location: Option<&str>) -> Turn {
        let Some(to) = location.filter(|_| is_redirect(status)).and_then(|location| from.join(location).ok()) else {
            return Turn::Nowhere;
        };
        if to.origin() != from.origin() {
            return Turn::Elsewhere(to.origin().ascii_serialization());
        }
        if !self.reads {
            return Turn::Write;
        }
        self.passed.push(from.clone());
        if self.passed.contains(&to) || self.passed.len() > MOST { Turn::Circle } else { Turn::To(to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(redirects: &mut Redirects, status: u16, location: Option<&str>) -> Turn {
        let from = Url::parse("https://api.example.com/base/v3/tokens?limit=100").unwrap();
        redirects.turn(&from, StatusCode::from_u16(status).unwrap(), location)
    }

    #[test]
    fn only_a_read_to_the_same_origin_is_followed() {
        let read = |status, location| turn(&mut Redirects::new(true), status, Some(location));
        let to = |url: &str| Turn::To(Url::parse(url).unwrap());
        assert_eq!(read(308, "/v4/tokens"), to("https://api.example.com/v4/tokens"));
        assert_eq!(read(302, "https://api.example.com:443/x"), to("https://api.example.com/x"));
        assert_eq!(read(301, "tokens/?limit=100"), to("https://api.example.com/base/v3/tokens/?limit=100"));
        for (location, origin) in [
            ("https://evil.example.com/?token=s3cr3t", "https://evil.example.com"),
            ("//evil.example.com/v3/tokens", "https://evil.example.com"),
            ("http://api.example.com/v3/tokens", "http://api.example.com"),
            ("https://api.example.com:8443/", "https://api.example.com:8443"),
            ("https://api.example.com@evil.example.com/", "https://evil.example.com"),
            ("javascript:alert(1)", "null"),
        ] {
            assert_eq!(read(302, location), Turn::Elsewhere(origin.to_owned()), "{location}");
        }
        assert_eq!(turn(&mut Redirects::new(false), 307, Some("/v4/tokens")), Turn::Write);
        assert_eq!(turn(&mut Redirects::new(true), 302, None), Turn::Nowhere);
        assert_eq!(read(302, "https://[broken"), Turn::Nowhere);
        assert_eq!(read(304, "/v4"), Turn::Nowhere);
    }

    #[test]
    fn circles_end() {
        let mut redirects = Redirects::new(true);
        let mut at = Url::parse("https://api.example.com/0").unwrap();
        let mut steps = 0;
        while let Turn::To(next) = redirects.turn(&at, StatusCode::FOUND, Some(&format!("/{}", steps + 1))) {
            at = next;
            steps += 1;
        }
        assert_eq!(steps, MOST);
        let at = Url::parse("https://api.example.com/x").unwrap();
        assert_eq!(Redirects::new(true).turn(&at, StatusCode::FOUND, Some("/x")), Turn::Circle);
    }
}
