//! From a kind's request to an HTTP request: address, authorisation, headers, body.

use bytes::Bytes;
use carto_plugin_api::WireRequest;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// All but RFC 3986's unreserved characters, so that whatever stands in a segment stays in it.
pub(super) const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address: base URL, encoded segments, encoded query. Built from parts, never by joining text, which could change the host.
pub(super) fn url(endpoint: &Endpoint, settings: &Settings, request: &WireRequest) -> Url {
    let mut url = endpoint.base_url().clone();
    let mut path = url.path().trim_end_matches('/').to_owned();
    for segment in endpoint.moved(settings, &request.path) {
        path.push('/');
        path.extend(utf8_percent_encode(segment.text(), IN_SEGMENT));
    }
    url.set_path(&path);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    url
}

/// The whole request. It can be sent more than once.
pub(super) fn http(endpoint: &Endpoint, url: &Url, request: &WireRequest) -> Result<Request<Bytes>> {
    let bad = |what: &str| Error::fault(format!("{} can't be sent: {what}", request.shown()));
    let mut builder = Request::builder()
        .method(request.method.as_str())
        .uri(endpoint.authorised(url).as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("carto/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| bad("a header's name isn't one"))?;
        builder = builder.header(name, HeaderValue::from_str(value).map_err(|_| bad("a header's value isn't one"))?);
    }
    let body = match &request.body {
        None => Bytes::new(),
        Some(body) => {
            builder = builder.header(CONTENT_TYPE, "application/json");
            serde_json::to_vec(body).map_err(|_| bad("its body isn't JSON"))?.into()
        }
    };
    let mut http = builder.body(body).map_err(|_| bad("it isn't a request"))?;
    endpoint.authorise(http.headers_mut())?;
    if let Some(bearer) = &request.bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose()))
            .map_err(|_| bad("its bearer isn't one word"))?;
        value.set_sensitive(true);
        http.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(http)
}
