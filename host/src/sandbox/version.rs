//! Row versions as strong entity tags, and the `If-Match` that makes a change depend on one. The check itself has
//! to run in the transaction that makes the change: see the callers.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};

use super::answer::Refusal;

/// The header that goes with a single record.
pub(super) fn etag(version: i64) -> [(HeaderName, String); 1] {
    [(ETAG, tag(version))]
}

fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// What the request expects to change; nothing, where it doesn't say.
pub(super) struct IfMatch {
    expected: Option<String>,
}

impl IfMatch {
    /// Refuses unless `version` is what the request expects. A weak or unreadable tag matches nothing.
    pub(super) fn check(&self, version: i64) -> Result<(), Refusal> {
        let Some(expected) = &self.expected else { return Ok(()) };
        let current = tag(version);
        if expected.split(',').map(str::trim).any(|one| one == "*" || one == current) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            format!("It was changed in between: its version is {current}, not {expected}"),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Refusal> {
        let lines: Vec<_> =
            parts.headers.get_all(IF_MATCH).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        Ok(IfMatch { expected: (!lines.is_empty()).then(|| lines.join(", ")) })
    }
}
