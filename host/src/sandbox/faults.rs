//! Makes requests fail or wait as the switches say. How switches are written is in `switches.rs`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::Sandbox;
use super::answer::Refusal;

/// What happens to the requests that a condition fits, at most so many times in the life of this sandbox.
#[derive(Debug)]
pub(super) struct Fault {
    condition: Condition,
    left: Option<AtomicU32>,
    actions: Vec<Action>,
}

#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) method: Option<Method>,
    /// The start of the path.
    pub(super) path: Option<String>,
}

/// One thing that a fault does. The first that answers ends the request.
#[derive(Debug)]
pub(super) enum Action {
    Delay(Duration),
    Answer { status: StatusCode, retry_after: Option<HeaderValue>, body: Option<String> },
}

impl Fault {
    pub(super) fn new(condition: Condition, times: Option<u32>, actions: Vec<Action>) -> Fault {
        Fault { condition, left: times.map(AtomicU32::new), actions }
    }

    /// Whether it hits this request; if so, that counts as one of its times.
    fn hits(&self, request: &Request) -> bool {
        let Condition { method, path } = &self.condition;
        if method.as_ref().is_some_and(|method| method != request.method())
            || path.as_ref().is_some_and(|path| !request.uri().path().starts_with(path))
        {
            return false;
        }
        let one_less = |left: u32| left.checked_sub(1);
        self.left.as_ref().is_none_or(|left| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok())
    }
}

/// The outermost middleware: what it answers, nobody else has seen.
pub(super) async fn inject(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    for fault in &sandbox.inner.switches.faults {
        if !fault.hits(&request) {
            continue;
        }
        for action in &fault.actions {
            match action {
                Action::Delay(duration) => tokio::time::sleep(*duration).await,
                Action::Answer { status, retry_after, body } => {
                    return answer(*status, retry_after.as_ref(), body.as_deref());
                }
            }
        }
    }
    next.run(request).await
}

fn answer(status: StatusCode, retry_after: Option<&HeaderValue>, body: Option<&str>) -> Response {
    let mut response = match body {
        None => Refusal::new(status, status.canonical_reason().unwrap_or("Fault")).into_response(),
        Some(body) => {
            let is_json = serde_json::from_str::<Value>(body).is_ok();
            let content_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            (status, [(CONTENT_TYPE, content_type)], body.to_owned()).into_response()
        }
    };
    if let Some(value) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, value.clone());
    }
    response
}
