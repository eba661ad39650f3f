//! Ends a bearer where it came from (RFC 7009), if its authority says that it can.

use carto_plugin_api::{ErrorCode, Secret};
use url::Url;

use super::{Authority, Http, http, metadata};
use crate::address;
use crate::error::{Error, Result};

/// What is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: Option<&'a Secret>,
    pub(crate) token: &'a Secret,
    /// `refresh_token` or `access_token`.
    pub(crate) kind: &'static str,
}

/// Where an authority takes tokens that are to be ended; nothing if it says that it takes none.
pub(crate) async fn endpoint(http: &Http, authority: &Authority) -> Result<Option<Url>> {
    let place = authority.place();
    let answer = http.get(&authority.endpoint(".well-known/openid-configuration"), None).await?;
    let unexpected = |what: String| Error::new(ErrorCode::UnexpectedAnswer, format!("{place} {what}"));
    if !answer.status().is_success() {
        return Err(unexpected(format!("doesn't say what it can (it answered with {})", answer.status().as_u16())));
    }
    let json =
        http::json(&answer).ok_or_else(|| unexpected("says what it can in something that isn't JSON".to_owned()))?;
    if json["issuer"].as_str() != Some(authority.issuer.as_str()) {
        return Err(unexpected("calls itself something else".to_owned()));
    }
    let Some(text) = json["revocation_endpoint"].as_str() else { return Ok(None) };
    let read = metadata::endpoint(&authority.issuer, text);
    read.map(Some).map_err(|why| unexpected(format!("names a `revocation_endpoint` that {why}")))
}

/// Ends one token there.
pub(crate) async fn end(http: &Http, endpoint: &Url, ended: Ended<'_>) -> Result<()> {
    let mut pairs = vec![("client_id", ended.client_id)];
    pairs.extend(ended.client_secret.map(|secret| ("client_secret", secret.expose().as_str())));
    pairs.extend([("token", ended.token.expose().as_str()), ("token_type_hint", ended.kind)]);
    // The crate `oauth2` would refuse an authority on this machine, which has no https.
    let answer = http.post(endpoint, &pairs).await?;
    if answer.status().is_success() {
        return Ok(());
    }
    let (place, status, words) = (address::place(endpoint), answer.status().as_u16(), http::words(&answer));
    Err(Error::new(ErrorCode::RefusedByService, format!("{place} refused with {status}{words}")))
}
