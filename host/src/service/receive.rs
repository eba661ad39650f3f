//! An answer, read into memory: no more of it than a limit, and without what is to be hidden in it.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::hidden::Hidden;
use super::retry::Told;
use crate::transport::{Body, BodyError, Failure};

/// The most that an answer may hold, unpacked.
const LIMIT: usize = 16 * 1024 * 1024;
/// The most of a service's own words that a message takes.
const WORDS: usize = 500;

/// An answer in memory.
pub(super) struct Received {
    pub(super) status: StatusCode,
    /// Names in lower case; those that are text.
    headers: Vec<(String, String)>,
    pub(super) content: Content,
}

/// What an answer holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    /// Anything else, as text.
    Other(String),
}

/// Reads an answer to its end, and hides what is to be hidden in it.
pub(super) async fn receive(response: Response<Body>, hidden: &Hidden) -> Result<Received, Failure> {
    let (head, body) = response.into_parts();
    let failure = match Limited::new(body, LIMIT).collect().await {
        Ok(body) => return Ok(Received::new(head.status, &head.headers, &body.to_bytes(), hidden)),
        // Its status says all that matters; what was lost are words.
        Err(_) if head.status.is_client_error() || head.status.is_server_error() => {
            return Ok(Received::new(head.status, &head.headers, b"", hidden));
        }
        Err(e) if e.is::<LengthLimitError>() => Failure::TooLarge,
        Err(e) => Failure::Lost(e.downcast_ref::<BodyError>().map_or_else(|| e.to_string(), ToString::to_string)),
    };
    Err(failure)
}

impl Received {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8], hidden: &Hidden) -> Received {
        let text = |(name, value): (&HeaderName, &http::HeaderValue)| {
            Some((name.as_str().to_owned(), hidden.text(value.to_str().ok()?).into_owned()))
        };
        let content = match serde_json::from_slice(body) {
            _ if body.is_empty() => Content::Nothing,
            Ok(mut json) => {
                hidden.value(&mut json);
                Content::Json(json)
            }
            Err(_) => Content::Other(hidden.text(&String::from_utf8_lossy(body)).into_owned()),
        };
        Received { status, headers: headers.iter().filter_map(text).collect(), content }
    }

    /// Every header.
    pub(super) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name.as_str()).map(|(_, value)| value.as_str())
    }

    /// `text/html`, without parameters.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE)?.split(';').next().map(str::trim).filter(|kind| !kind.is_empty())
    }

    /// What the service says in words: its JSON's, or plain text.
    pub(super) fn words(&self) -> Option<String> {
        let text = match &self.content {
            Content::Json(json) => carto_plugin_api::problem(json)?,
            Content::Other(text) if self.content_type() == Some("text/plain") => text.trim().to_owned(),
            Content::Nothing | Content::Other(_) => return None,
        };
        Some(text.chars().take(WORDS).collect()).filter(|text: &String| !text.is_empty())
    }
}

impl Told for Received {
    fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn retry_after(&self) -> Option<&str> {
        self.header(RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_bearer_is_hidden_however_it_is_written() {
        let bearer = "opaque/secret+value==";
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "text/plain".parse().unwrap());
        headers.insert("x-echo", format!("Bearer {bearer}").parse().unwrap());
        for body in [
            r#"{"error": "bad opaque\/secret+value=="}"#.as_bytes(),
            br#"{"error": {"message": "opaque\u002fsecret+value\u003d="}}"#,
            b"it was opaque/secret+value==, and \xff",
            br#"{"error": "upstream said {\"t\":\"opaque\\/secret+value==\"}"}"#,
            b"opaque%2Fsecret%2Bvalue%3D%3D",
            br"opaque\/secret+value==",
        ] {
            let received = Received::new(StatusCode::BAD_REQUEST, &headers, body, &Hidden::new(bearer));
            let words = received.words().unwrap();
            assert!(words.contains("[hidden]") && !words.contains("secret"), "{words}");
            assert_eq!(received.headers()[1].1, "Bearer [hidden]");
        }
    }
}
