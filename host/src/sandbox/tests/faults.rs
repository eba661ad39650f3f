//! What faults and the clock do to requests.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::{Fixture, token_body, with};

#[test]
fn a_fault_comes_before_the_bearer_is_looked_at() {
    let it = Fixture::with("status=503");
    for path in ["/v3/tokens", "/oauth/token", "/nowhere"] {
        it.send(Request::get(path).body(Body::empty()).unwrap()).refused(503, "Service Unavailable");
    }
}

#[test]
fn a_fault_has_the_body_and_header_that_it_was_given() {
    let default = Fixture::with("status=429,retry-after=7").get("/v3/tokens");
    assert_eq!(default.header("retry-after"), Some("7"));
    default.refused(429, "Too Many Requests");

    let date = Fixture::with("status=503,retry-after=Wed%2C 21 Oct 2026 07:28:00 GMT").get("/v3/tokens");
    assert_eq!(date.header("retry-after"), Some("Wed, 21 Oct 2026 07:28:00 GMT"));
    date.refused(503, "Service Unavailable");

    let json = Fixture::with(r#"status=418,body={"error":"a%2C b%3B c"}"#).get("/v3/tokens");
    assert_eq!(json.json(), json!({ "error": "a, b; c" }));
    let text = Fixture::with("status=502,body=<h1>Bad gateway</h1>").get("/v3/tokens");
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!((text.status.as_u16(), text.text.as_str()), (502, "<h1>Bad gateway</h1>"));
    Fixture::with("status=599").get("/v3/tokens").refused(599, "Fault");
}

#[test]
fn a_fault_hits_where_its_conditions_fit() {
    let it = Fixture::with("status=500,method=POST,path=/v3/tokens");
    let error = "Internal Server Error";
    it.call("POST", "/v3/tokens", token_body()).refused(500, error);
    it.call("POST", "/v3/tokens/x", json!({})).refused(500, error);
    it.get("/v3/tokens").ok();
    it.spa(json!({ "title": "App" }));
}

#[test]
fn a_fault_hits_as_often_as_it_may() {
    let it = Fixture::with("status=503,method=GET,times=2");
    it.call("POST", "/v3/tokens", token_body()).ok();
    for _ in 0..2 {
        it.get("/v3/tokens").refused(503, "Service Unavailable");
    }
    it.get("/v3/tokens").ok();
    it.get("/v3/tokens").ok();
}

#[test]
fn faults_follow_one_another() {
    let it = Fixture::with("status=503,times=1;status=429,times=1");
    it.get("/v3/tokens").refused(503, "Service Unavailable");
    it.get("/v3/tokens").refused(429, "Too Many Requests");
    it.get("/v3/tokens").ok();
}

#[test]
fn latency_delays_and_goes_on() {
    let it = Fixture::with("latency=30ms;latency=20ms,path=/v3/tokens");
    let start = Instant::now();
    it.get("/v3/tokens").ok();
    assert!(start.elapsed() >= Duration::from_millis(50));
    let it = Fixture::with("latency=30ms,status=503");
    let start = Instant::now();
    it.get("/v3/tokens").refused(503, "Service Unavailable");
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_write_that_a_fault_answers_was_not_done() {
    let it = Fixture::with("status=503,times=1");
    it.call("POST", "/v3/tokens", token_body()).refused(503, "Service Unavailable");
    assert_eq!(it.get("/v3/tokens").ok()["tokens"], json!([]));
}

#[test]
fn the_clock_decides_what_is_in_the_future() {
    let it = Fixture::with("clock=2030-05-06T07:08:09.5Z");
    assert_eq!(it.sandbox.now().to_string(), "2030-05-06T07:08:09Z");
    let body = |time: &str| with(token_body(), "expiration_date", json!(time));
    it.call("POST", "/v3/tokens", body("2030-05-06T07:08:09Z")).refused(400, "`expiration_date` must be in the future");
    assert_eq!(it.token(body("2030-05-06T07:08:10Z"))["created_at"], json!("2030-05-06T07:08:09Z"));

    let real = Fixture::with("").sandbox.now();
    assert_eq!(real.subsec_nanosecond(), 0);
    let now = jiff::Timestamp::now();
    assert!((now.as_second() - real.as_second()).abs() <= 1);
}
