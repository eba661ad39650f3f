//! Signing in: from a person at a browser, or a machine's id and secret, to a bearer. Which bearer a command then uses is `account`'s, and
//! where it is kept is `account::profiles`'.

use carto_plugin_api::Secret;
use jiff::Timestamp;
use url::Url;

/// Who signs bearers, and as whom this program asks.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    /// Its issuer, with the slash at the end that CARTO's has.
    pub(crate) issuer: Url,
    /// What bearers are for. Documented: `carto-cloud-native-api`.
    pub(crate) audience: String,
}

/// What an authority gave.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// The bearer.
    pub(crate) access: Secret,
    /// What gets the next one without a browser, if the authority gives that.
    pub(crate) refresh: Option<Secret>,
    /// When the bearer ends, by the authority's word or the bearer's own.
    pub(crate) expires_at: Option<Timestamp>,
    /// Who signed in, as a verified id token says it.
    pub(crate) user_email: Option<String>,
}
