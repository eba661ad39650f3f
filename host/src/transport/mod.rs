//! One request in, one response with a body stream out: over the network, or into the sandbox's router in this process.
//!
//! What is sent, with which bearer, and what an answer means is `service`'s.

mod http_client;

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower::ServiceExt;

use crate::error::Result;

/// A body as it comes.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body that broke off. What broke it can name the URL, so it isn't shown.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct BodyError;

/// A way to a service. Cheap to clone; connections are shared.
#[derive(Clone)]
pub(crate) enum Transport {
    /// Over the network.
    Http(reqwest::Client),
    /// Into a router in this process.
    Router(axum::Router),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was sent.
    Unsent(String),
    /// Something was sent, and no whole answer came.
    Lost(String),
    /// The answer is larger than anything the API sends.
    TooLarge,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unsent(why) => write!(f, "not sent: {why}"),
            Failure::Lost(why) => f.write_str(why),
            Failure::TooLarge => f.write_str("too large an answer"),
        }
    }
}

impl Transport {
    /// A client for one address.
    pub(crate) fn http(base_url: &url::Url, loopback: bool) -> Result<Transport> {
        http_client::client(base_url, loopback).map(Transport::Http)
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> std::result::Result<Response<Body>, Failure> {
        match self {
            Transport::Http(client) => http_client::send(client, request).await,
            Transport::Router(router) => {
                let answered = router.clone().oneshot(request.map(axum::body::Body::from)).await;
                let response = answered.unwrap_or_else(|never| match never {});
                Ok(response.map(|body| body.map_err(|_| BodyError).boxed_unsync()))
            }
        }
    }
}
