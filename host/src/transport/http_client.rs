//! The network: reqwest over rustls. One attempt, no redirect followed, nothing repeated: that is decided above.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use carto_plugin_api::ErrorCode;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::util::MapResponseLayer;
use url::Url;

use super::failure::{self, Route};
use super::{Body, BodyError, Failure, proxy, trust};
use crate::error::{Error, Result};
use crate::settings::Network;

/// How long a connection may take to come about, TLS included. A host that drops packets costs this much, and not a whole deadline.
const CONNECT: Duration = Duration::from_secs(10);

/// A client for one address.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    route: Route,
    connected: Arc<AtomicBool>,
}

impl HttpClient {
    pub(super) fn new(base_url: &Url, network: &Network) -> Result<HttpClient> {
        // The provider of the process; a second time it is there already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT);
        let connected = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&connected);
        builder = builder.connector_layer(MapResponseLayer::new(move |connection| {
            noted.store(true, Ordering::Relaxed);
            connection
        }));
        let proxy = proxy::for_address(base_url)?;
        if proxy.is_none() {
            builder = builder.no_proxy();
        }
        let builder = trust::of(builder, base_url, network)?;
        let route = Route { host: base_url.host_str().unwrap_or_default().to_owned(), proxy };
        let client = builder.build().map_err(|e| {
            let why = failure::innermost(&e.without_url());
            Error::new(ErrorCode::Unreachable, format!("cannot prepare a connection to `{}`: {why}", route.host))
                .hint("nothing was changed; look at the system's certificates, and at `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set")
        })?;
        Ok(HttpClient { client, route, connected })
    }

    pub(super) fn has_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> std::result::Result<Response<Body>, Failure> {
        let failed = |e| self.route.failure(e);
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let response = self.client.execute(request).await.map_err(failed)?;
        Ok(Response::<reqwest::Body>::from(response)
            .map(|body| body.map_err(|e| BodyError(failure::of_body(&e))).boxed_unsync()))
    }
}
