//! One request in, one response with a body stream out: over the network, or into the sandbox's router in this process.
//!
//! `http_client` makes connections, with the `proxy` and the `trust` that they need; `failure` says why there is no answer. Which request
//! is sent, with which bearer, how often, and what an answer means is `service`'s.

mod failure;
mod http_client;
mod proxy;
mod trust;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower::ServiceExt;
use url::Url;

pub(crate) use failure::{Failure, Obstacle};
use http_client::HttpClient;

use crate::error::Result;
use crate::settings::Network;

/// A body as it comes.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body that broke off, or that isn't what its head said. What broke it can name the URL, so it isn't shown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BodyError(&'static str);

/// A way to a service. Cheap to clone; connections are shared.
#[derive(Clone)]
pub(crate) enum Transport {
    /// Over the network.
    Http(HttpClient),
    /// Into a router in this process.
    Router(axum::Router),
}

impl Transport {
    /// A client for one address.
    pub(crate) fn http(base_url: &Url, network: &Network) -> Result<Transport> {
        HttpClient::new(base_url, network).map(Transport::Http)
    }

    /// The same way without its connections: one that has been idle may be closed by the other side at the moment when it is used.
    pub(crate) fn fresh(&self, base_url: &Url, network: &Network) -> Result<Transport> {
        match self {
            Transport::Http(_) => Transport::http(base_url, network),
            Transport::Router(router) => Ok(Transport::Router(router.clone())),
        }
    }

    /// Whether a connection has ever come about: without one, nothing was sent.
    pub(crate) fn has_connected(&self) -> bool {
        match self {
            Transport::Http(client) => client.has_connected(),
            Transport::Router(_) => true,
        }
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> std::result::Result<Response<Body>, Failure> {
        match self {
            Transport::Http(client) => client.send(request).await,
            Transport::Router(router) => {
                let mut request = request;
                // As it comes over the network.
                if let Some(host) = request.uri().authority().and_then(|place| place.as_str().parse().ok()) {
                    request.headers_mut().entry(HOST).or_insert(host);
                }
                let answered = router.clone().oneshot(request.map(axum::body::Body::from)).await;
                let response = answered.unwrap_or_else(|never| match never {});
                Ok(response.map(|body| body.map_err(|_| BodyError(failure::BROKEN_OFF)).boxed_unsync()))
            }
        }
    }
}
