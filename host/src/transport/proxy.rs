//! Which proxy stands before an address: the one that the usual variables name, and none for this machine.

use carto_plugin_api::ErrorCode;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::is_loopback;
use crate::environment;
use crate::error::{Error, Result};

/// The proxy for an address, as `host:port` for messages: its own user name and password aren't shown. Nothing for loopback, whatever the
/// variables say: otherwise `HTTP_PROXY` would be handed the bearer of a service on this machine.
///
/// # Errors
/// If a variable names something that can't be used: to go around a proxy silently would be worse.
pub(super) fn for_address(base_url: &Url) -> Result<Option<String>> {
    let Ok(address) = base_url.as_str().parse::<Uri>() else { return Ok(None) };
    if is_loopback(base_url) {
        return Ok(None);
    }
    for name in environment::PROXIES {
        let Some(value) = environment::text(name)? else { continue };
        // The client decides with this same code.
        let proxy = Matcher::builder().https(value.as_str()).build().intercept(&address);
        let usable = proxy.is_some_and(|proxy| matches!(proxy.uri().scheme_str(), Some("http" | "https")));
        if !usable {
            return Err(Error::new(ErrorCode::Usage, format!("the variable `{name}` doesn't name an http proxy"))
                .hint("nothing was sent; write it like `http://proxy.example.com:8080`, or unset it"));
        }
    }
    let intercept = Matcher::from_env().intercept(&address);
    Ok(intercept.and_then(|proxy| Some(proxy.uri().authority()?.as_str().rsplit('@').next()?.to_owned())))
}
