//! Which proxy stands before an address: the one that the usual variables name, and none for this machine.

use carto_plugin_api::ErrorCode;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::address::is_loopback;
use crate::environment;
use crate::error::{Error, Result};

/// The proxy for an address, as `host:port` for messages: its own user name and password aren't shown. Nothing for loopback, whatever the
/// variables say: otherwise `HTTP_PROXY` would be handed the bearer of a service on this machine.
///
/// # Errors
/// If the variable that decides names something that can't be used: to go around a proxy silently would be worse.
pub(super) fn for_address(base_url: &Url) -> Result<Option<String>> {
    let Ok(address) = base_url.as_str().parse::<Uri>() else { return Ok(None) };
    if is_loopback(base_url) {
        return Ok(None);
    }
    // The client decides with this same code.
    if let Some(proxy) = Matcher::from_env().intercept(&address)
        && matches!(proxy.uri().scheme_str(), Some("http" | "https"))
    {
        let authority = proxy.uri().authority().map(|authority| authority.as_str());
        return Ok(authority.and_then(|authority| authority.rsplit('@').next()).map(str::to_owned));
    }
    let mut named = None;
    for name in environment::PROXIES {
        named = named.or(environment::text(name)?.map(|_| name));
    }
    match named {
        Some(name) if !is_excepted(&address)? => {
            Err(Error::new(ErrorCode::Usage, format!("the variable `{name}` doesn't name an http proxy"))
                .hint("nothing was sent; write it like `http://proxy.example.com:8080`, or unset it"))
        }
        _ => Ok(None),
    }
}

/// Whether `NO_PROXY` excepts an address, whatever the proxy.
fn is_excepted(address: &Uri) -> Result<bool> {
    let mut excepted = None;
    for name in environment::NO_PROXY {
        excepted = excepted.or(environment::text(name)?);
    }
    let any = Matcher::builder().https("http://127.0.0.1:1").no(excepted.unwrap_or_default()).build();
    Ok(any.intercept(address).is_none())
}
