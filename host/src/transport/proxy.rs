//! Which proxy stands before an address: the one that the usual variables name, and none for this machine.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::account;

/// The proxy for an address, as `host:port` for messages: its own user name and password aren't shown. Nothing for loopback, whatever the
/// variables say: otherwise `HTTP_PROXY` would be handed the bearer of a service on this machine.
pub(super) fn for_address(base_url: &Url) -> Option<String> {
    if account::is_loopback(base_url) {
        return None;
    }
    // The client decides with this same code.
    let intercept = Matcher::from_env().intercept(&base_url.as_str().parse().ok()?)?;
    Some(intercept.uri().authority()?.as_str().rsplit('@').next()?.to_owned())
}
