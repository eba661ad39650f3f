//! The rules through the router, on a database of each test's own. Here are the means; the rules are in the files.

mod authority;
mod clients;
mod data;
mod database;
mod faults;
mod paging;
mod races;
mod routes;
mod serve;
mod sources;
mod switches;
mod tokens;

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::{Sandbox, Switches};

/// The now of every test that doesn't switch another one.
const CLOCK: &str = "clock=2026-11-23T10:00:00Z";

struct Fixture {
    folder: TempDir,
    sandbox: Sandbox,
    router: Router,
    runtime: Runtime,
}

#[must_use]
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with(CLOCK)
    }

    fn with(switches: &str) -> Fixture {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("carto/sandbox.db");
        let sandbox = Sandbox::open(&database, Switches::parse(switches).unwrap()).unwrap();
        Fixture { folder, router: sandbox.router(), sandbox, runtime: runtime() }
    }

    /// The same database, in a sandbox of its own.
    fn reopened(self) -> Fixture {
        let sandbox = Sandbox::open(&self.database(), Switches::parse(CLOCK).unwrap()).unwrap();
        Fixture { router: sandbox.router(), sandbox, ..self }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("carto/sandbox.db")
    }

    /// Sends `request` as it is.
    fn send(&self, request: Request<Body>) -> Reply {
        self.runtime.block_on(send(&self.router, request))
    }

    /// Sends with the bearer, and with `body` as JSON.
    fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.send(request(&self.sandbox, method, path, Some(body), None))
    }

    fn get(&self, path: &str) -> Reply {
        self.send(request(&self.sandbox, "GET", path, None, None))
    }

    fn delete(&self, path: &str) -> Reply {
        self.send(request(&self.sandbox, "DELETE", path, None, None))
    }

    fn if_match(&self, method: &str, path: &str, body: Option<Value>, tag: &str) -> Reply {
        self.send(request(&self.sandbox, method, path, body, Some(tag)))
    }

    fn token(&self, body: Value) -> Value {
        self.call("POST", "/v3/tokens", body).ok()
    }

    fn spa(&self, body: Value) -> Value {
        self.call("POST", "/v3/oauth-clients?type=spa", body).ok()
    }
}

async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Reply { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn request(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>, if_match: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header("authorization", format!("Bearer {}", sandbox.bearer()));
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

impl Reply {
    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    /// Checks the one shape that every refusal has, and the message.
    #[track_caller]
    fn refused(self, status: u16, message: &str) {
        assert_eq!(self.json(), json!({ "error": message, "status": status }));
        assert_eq!(self.status.as_u16(), status);
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }
}

fn grant(source: &str) -> Value {
    json!({ "connection_name": "carto_dw", "source": source })
}

/// A body that is accepted.
fn token_body() -> Value {
    json!({ "grants": [grant("carto.shared.demo")], "allowed_apis": ["sql", "maps"] })
}

/// `body` with one more field, or with another value for it.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn keys(record: &Value) -> Vec<&str> {
    record.as_object().unwrap().keys().map(String::as_str).collect()
}
