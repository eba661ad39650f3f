//! The network: reqwest over rustls with the system's trust store. Redirects are never followed, and loopback never goes through a proxy.

use bytes::Bytes;
use carto_plugin_api::ErrorCode;
use http::{Request, Response};
use http_body_util::BodyExt;

use super::{Body, BodyError, Failure};
use crate::error::{Error, Result};

pub(super) fn client(base_url: &url::Url, loopback: bool) -> Result<reqwest::Client> {
    // The provider of the process; a second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(10));
    if loopback {
        // Otherwise `HTTP_PROXY` would be handed the bearer of a service on this machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| {
        let host = base_url.host_str().unwrap_or_default();
        Error::new(ErrorCode::Unreachable, format!("cannot prepare a connection to `{host}`: {}", reason(e)))
            .hint("nothing was changed; look at the system's certificates and proxy variables")
    })
}

pub(super) async fn send(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> std::result::Result<Response<Body>, Failure> {
    let request = reqwest::Request::try_from(request).map_err(|e| Failure::Unsent(reason(e)))?;
    match client.execute(request).await {
        Ok(response) => {
            Ok(Response::<reqwest::Body>::from(response).map(|body| body.map_err(|_| BodyError).boxed_unsync()))
        }
        Err(e) if e.is_connect() || e.is_builder() => Err(Failure::Unsent(reason(e))),
        Err(e) => Err(Failure::Lost(reason(e))),
    }
}

/// The innermost cause, in one line. The outer text holds the URL, and a URL can hold a token.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().replace('\n', " ")
}
