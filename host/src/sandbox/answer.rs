//! What a request is answered with: a JSON value, or a refusal in the one shape that every error body has,
//! `{"error": …, "status": …}`.

use aws_lc_rs::error::Unspecified;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rusqlite::ErrorCode;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinError;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// 200 with `value` as its body.
pub(super) fn ok(value: &impl Serialize) -> Result<Response, Refusal> {
    Ok(with_json(StatusCode::OK, serde_json::to_vec(value)?))
}

fn with_json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// A request that gets an error as its answer; nothing was changed by it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: &str) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// The status and the message, for an answer of another shape.
    pub(super) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.message, "status": self.status.as_u16() });
        with_json(self.status, body.to_string().into_bytes())
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        match error.sqlite_error_code() {
            // Nothing was done yet, so that the request can be repeated.
            Some(ErrorCode::DatabaseBusy) => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "The sandbox database is busy")
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Refusal::internal(format!(
                "The sandbox database is damaged ({error}); `carto sandbox reset` starts a new one"
            )),
            _ => Refusal::internal(format!("The sandbox database failed: {error}")),
        }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Refusal {
        Refusal::internal(format!("The sandbox cannot write its answer: {error}"))
    }
}

impl From<JoinError> for Refusal {
    fn from(_: JoinError) -> Refusal {
        Refusal::internal("The sandbox stopped in the middle of the request")
    }
}

impl From<Unspecified> for Refusal {
    fn from(_: Unspecified) -> Refusal {
        Refusal::internal("The system gives the sandbox no random numbers")
    }
}
