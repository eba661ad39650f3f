//! What a browser shows after it came back: plain text in plain HTML, which loads nothing, runs nothing, and holds nothing of the sign-in.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The answer was taken; the browser is sent on, so that the code leaves its address bar.
    Taken,
    SignedIn,
    Failed,
    /// Nothing is known yet of how it ended.
    Unknown,
    /// An answer to something else.
    Foreign,
    /// An answer that can't be read.
    Unreadable,
    /// There was an answer already.
    Late,
    NotFound,
    WrongMethod,
    /// A name that isn't this machine's.
    WrongHost,
}

/// Where the browser is sent on to.
pub(super) const DONE: &str = "/done";

impl Page {
    fn text(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Page::Taken => (StatusCode::SEE_OTHER, "Signing in", "One moment."),
            Page::SignedIn => {
                (StatusCode::OK, "You are signed in", "You can close this page and go on in the terminal.")
            }
            Page::Failed => (StatusCode::OK, "You aren't signed in", "The terminal says why. You can close this page."),
            Page::Unknown => (StatusCode::OK, "Signing in", "The terminal says how it ended. You can close this page."),
            Page::Foreign => (
                StatusCode::BAD_REQUEST,
                "Not the sign-in that is waiting",
                "This answer belongs to another sign-in. Open the address that the terminal shows now.",
            ),
            Page::Unreadable => (
                StatusCode::BAD_REQUEST,
                "Not an answer",
                "This isn't what an authority sends. Open the address that the terminal shows.",
            ),
            Page::Late => (
                StatusCode::BAD_REQUEST,
                "Answered already",
                "This sign-in had its answer before. The terminal says how it ended.",
            ),
            Page::NotFound => {
                (StatusCode::NOT_FOUND, "Nothing here", "This port waits for one sign-in, and for nothing else.")
            }
            Page::WrongMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "Not so", "This port waits for one sign-in, and for nothing else.")
            }
            Page::WrongHost => {
                (StatusCode::MISDIRECTED_REQUEST, "Not here", "This port answers at `127.0.0.1` and at no other name.")
            }
        }
    }

    /// The page as it goes to the browser.
    pub(super) fn response(self) -> Response<String> {
        let (status, title, text) = self.text();
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>carto: {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n</html>\n"
        );
        let mut response = Response::new(html);
        *response.status_mut() = status;
        let mut header = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        header(CONTENT_TYPE, "text/html; charset=utf-8");
        header(CACHE_CONTROL, "no-store");
        header(REFERRER_POLICY, "no-referrer");
        header(X_CONTENT_TYPE_OPTIONS, "nosniff");
        header(X_FRAME_OPTIONS, "DENY");
        let nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        header(CONTENT_SECURITY_POLICY, nothing);
        match self {
            Page::Taken => header(LOCATION, DONE),
            Page::WrongMethod => header(http::header::ALLOW, "GET"),
            _ => None,
        };
        response
    }
}
