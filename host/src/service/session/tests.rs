//! Requests against a router that fails on purpose, with a clock that stands still until everybody waits: hours pass in no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use carto_plugin_api::ErrorCode;
use tokio::time::sleep;

use super::*;

/// A session, a service behind a router that gives these answers in turn, the last of them for ever, and the count of its requests.
fn session(timeout: Option<Duration>, answers: Vec<Answer>) -> (Session, Endpoint, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let answers = Arc::new(answers);
    let router = Router::new().fallback(move || {
        let at = count.fetch_add(1, Ordering::Relaxed);
        let answers = Arc::clone(&answers);
        async move { answers[at.min(answers.len() - 1)].give().await }
    });
    (Session::new(None, Settings::default(), Deadline::new(timeout).rest(), false), Endpoint::of_router(router), seen)
}

#[derive(Clone)]
struct Answer {
    after: Duration,
    status: u16,
    header: Option<(&'static str, &'static str)>,
}

impl Answer {
    async fn give(&self) -> Response {
        sleep(self.after).await;
        let status = StatusCode::from_u16(self.status).unwrap();
        match self.header {
            Some(header) => (status, [header], "{}").into_response(),
            None => (status, "{}").into_response(),
        }
    }
}

fn status(status: u16) -> Answer {
    Answer { after: Duration::ZERO, status, header: None }
}

fn limited(retry_after: &'static str) -> Answer {
    Answer { header: Some(("retry-after", retry_after)), ..status(429) }
}

fn silent() -> Answer {
    Answer { after: Duration::from_secs(86_400), ..status(200) }
}

fn request(method: &str) -> WireRequest {
    WireRequest::new(method, ["v3", "things"])
}

/// What comes of a request: the status or the code, the requests that were made, the whole seconds that passed.
async fn outcome(method: &str, timeout: Option<u64>, answers: Vec<Answer>) -> (String, usize, u64) {
    let (session, endpoint, seen) = session(timeout.map(Duration::from_secs), answers);
    let started = Instant::now();
    let told = match session.send(&endpoint, request(method), |_| {}).await {
        Ok(response) => response.status.to_string(),
        Err(error) => error.code.to_string(),
    };
    (told, seen.load(Ordering::Relaxed), started.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_and_writes_are_not() {
    let (told, seen, _) = outcome("GET", None, vec![status(503), status(502), status(200)]).await;
    assert_eq!((told.as_str(), seen), ("200", 3));
    let (told, seen, _) = outcome("GET", None, vec![status(503)]).await;
    assert_eq!((told.as_str(), seen), ("unavailable", 4));
    for (code, method, told) in [
        (501, "POST", "unavailable"),
        (503, "POST", "outcome_unknown"),
        (502, "PATCH", "outcome_unknown"),
        (500, "DELETE", "outcome_unknown"),
    ] {
        assert_eq!(outcome(method, None, vec![status(code), status(200)]).await, (told.to_owned(), 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_for_up_to_the_deadline() {
    for method in ["GET", "POST"] {
        let (told, seen, seconds) = outcome(method, None, vec![limited("30"), status(200)]).await;
        assert_eq!((told.as_str(), seen), ("200", 2));
        assert!((30..=38).contains(&seconds), "{seconds}");
        // Longer than a request may take: not begun.
        assert_eq!(outcome(method, None, vec![limited("90")]).await, ("rate_limited".to_owned(), 1, 0));
        // Unless it is given the time.
        let (told, _, seconds) = outcome(method, Some(3600), vec![limited("900"), status(200)]).await;
        assert_eq!(told, "200");
        assert!((900..=1125).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_for_all_attempts() {
    assert_eq!(outcome("GET", None, vec![silent()]).await, ("unreachable".to_owned(), 1, 60));
    assert_eq!(outcome("POST", None, vec![silent()]).await, ("outcome_unknown".to_owned(), 1, 60));
    assert_eq!(outcome("GET", Some(7), vec![status(503), silent()]).await, ("unreachable".to_owned(), 2, 7));
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_for_the_whole_command() {
    let slow = Answer { after: Duration::from_secs(40), ..status(200) };
    let (session, endpoint, seen) = session(Some(Duration::from_secs(100)), vec![slow]);
    assert!(session.send(&endpoint, request("GET"), |_| {}).await.is_ok());
    assert!(session.send(&endpoint, request("GET"), |_| {}).await.is_ok());
    assert_eq!(session.send(&endpoint, request("POST"), |_| {}).await.unwrap_err().code, ErrorCode::OutcomeUnknown);
    // Nothing more is sent when the time is over, and so nothing is unknown.
    let error = session.send(&endpoint, request("POST"), |_| {}).await.unwrap_err();
    assert_eq!((error.code, seen.load(Ordering::Relaxed)), (ErrorCode::Unreachable, 3));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_followed_within_the_origin() {
    let moved = |location| Answer { header: Some(("location", location)), ..status(308) };
    assert_eq!(outcome("GET", None, vec![moved("/v4/things"), status(200)]).await.0, "200");
    assert_eq!(
        outcome("GET", None, vec![moved("https://evil.example.com/")]).await,
        ("unexpected_answer".to_owned(), 1, 0)
    );
    assert_eq!(outcome("POST", None, vec![moved("/v4/things")]).await, ("outcome_unknown".to_owned(), 1, 0));
}
