//! A refusal in the shape of OAuth, `{"error": …, "error_description": …}`, for the endpoints where clients expect it.

use aws_lc_rs::error::Unspecified;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinError;

use super::cors::ForeignOrigin;
use crate::sandbox::answer::Refusal;

/// An error of RFC 6749, 5.2, or of the RFCs beside it.
#[derive(Debug)]
pub(super) struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    challenge: Option<&'static str>,
    foreign: bool,
}

impl OauthError {
    /// One that is answered with 400.
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> OauthError {
        OauthError {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.into(),
            challenge: None,
            foreign: false,
        }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> OauthError {
        OauthError::new("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: impl Into<String>) -> OauthError {
        OauthError::new("invalid_grant", description)
    }

    /// A client that isn't who it says. One that came with the `Basic` scheme is told that there is this scheme.
    pub(super) fn invalid_client(description: impl Into<String>, basic: bool) -> OauthError {
        OauthError {
            status: StatusCode::UNAUTHORIZED,
            challenge: basic.then_some("Basic realm=\"sandbox\""),
            ..OauthError::new("invalid_client", description)
        }
    }

    /// A page that this client didn't register; it isn't let read the answer either.
    pub(super) fn foreign_origin(origin: &str) -> OauthError {
        OauthError {
            status: StatusCode::FORBIDDEN,
            foreign: true,
            ..OauthError::new(
                "access_denied",
                format!("The origin `{origin}` is not among the client's web origins or allowed origins"),
            )
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description }).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.foreign {
            response.extensions_mut().insert(ForeignOrigin);
        }
        response
    }
}

/// What went wrong here and not with the client.
impl From<Refusal> for OauthError {
    fn from(refusal: Refusal) -> OauthError {
        let (status, description) = refusal.into_parts();
        let error = match status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        OauthError { status, ..OauthError::new(error, description) }
    }
}

impl From<rusqlite::Error> for OauthError {
    fn from(error: rusqlite::Error) -> OauthError {
        Refusal::from(error).into()
    }
}

impl From<JoinError> for OauthError {
    fn from(error: JoinError) -> OauthError {
        Refusal::from(error).into()
    }
}

impl From<Unspecified> for OauthError {
    fn from(error: Unspecified) -> OauthError {
        Refusal::from(error).into()
    }
}
