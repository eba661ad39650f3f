//! From a kind's request to an HTTP request: address, bearer, headers, body.

use bytes::Bytes;
use carto_plugin_api::{Segment, WireRequest};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// All but RFC 3986's unreserved characters, so that whatever stands in a segment stays in it.
pub(super) const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address: base URL, encoded segments, encoded query. Built from parts, never by joining text, which could change the host.
pub(super) fn url(account: &Account, settings: &Settings, request: &WireRequest) -> Url {
    let mut url = account.base_url().clone();
    let mut path = url.path().trim_end_matches('/').to_owned();
    for segment in moved(account, settings, &request.path) {
        path.push('/');
        path.extend(utf8_percent_encode(segment.text(), IN_SEGMENT));
    }
    url.set_path(&path);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    url
}

/// The segments as the settings move them: the longest `[services.api.paths]` that the path begins with. The sandbox keeps its own routes.
pub(super) fn moved(account: &Account, settings: &Settings, path: &[Segment]) -> Vec<Segment> {
    if account.is_sandbox() {
        return path.to_vec();
    }
    let texts: Vec<&str> = path.iter().map(Segment::text).collect();
    let rules = settings.services.api.paths.iter();
    let rules = rules.map(|(from, to)| (from[1..].split('/').collect::<Vec<_>>(), to));
    match rules.filter(|(from, _)| texts.starts_with(from)).max_by_key(|(from, _)| from.len()) {
        Some((from, to)) => to[1..].split('/').map(Segment::from).chain(path[from.len()..].iter().cloned()).collect(),
        None => path.to_vec(),
    }
}

/// The whole request. It can be sent more than once.
pub(super) fn http(account: &Account, url: &Url, request: &WireRequest) -> Result<Request<Bytes>> {
    let bad = |what: &str| Error::fault(format!("{} can't be sent: {what}", request.shown()));
    let mut builder = Request::builder()
        .method(request.method.as_str())
        .uri(url.as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("carto/", env!("CARGO_PKG_VERSION")))
        .header(AUTHORIZATION, account.authorization()?);
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
    builder.body(body).map_err(|_| bad("it isn't a request"))
}
