//! The two services at which verify tries a credential: the account's own API, and the authority that signs its bearers. Neither ever gets the
//! user's bearer: `data` gets the credential that a request brings along, `auth` none. A client is tried at the authority of its account and no other, since its secret goes there.

use std::sync::Arc;

use carto_plugin_api::{AUTH_SERVICE, ErrorCode};
use url::Url;

use super::endpoint::Endpoint;
use crate::account::{Account, Signer};
use crate::address;
use crate::auth::Authority;
use crate::environment;
use crate::error::{Error, Result, usage};
use crate::settings::{Auth, Network};
use crate::transport::Transport;

/// A service that tries credentials.
pub(super) enum Tried {
    /// Where the account's API is: that, and everything where the account is the sandbox.
    Account(Arc<Endpoint>),
    /// The authority at its own address.
    Authority(Url),
}

impl Tried {
    /// The service of that name, for an account.
    pub(super) fn find(service: &str, account: Arc<Endpoint>, in_sandbox: bool, settings: &Auth) -> Result<Tried> {
        if service == AUTH_SERVICE && !in_sandbox {
            return authority(account.account().and_then(Account::signer), settings).map(Tried::Authority);
        }
        Ok(Tried::Account(account))
    }

    pub(super) fn base_url(&self) -> &Url {
        match self {
            Tried::Account(account) => account.base_url(),
            Tried::Authority(issuer) => issuer,
        }
    }

    /// What messages call it.
    pub(super) fn place(&self) -> String {
        match self {
            Tried::Account(account) => account.place(),
            Tried::Authority(issuer) => address::place(issuer),
        }
    }

    /// What a user knows its address as.
    pub(super) fn called(&self) -> String {
        match self {
            Tried::Account(account) => account.called(),
            Tried::Authority(_) => {
                format!("issuer (`{}`, or `issuer` below `[auth]` in the settings)", environment::AUTH_ISSUER)
            }
        }
    }

    /// Where a draft says that it would be sent, unless that is the account's API.
    pub(super) fn draft_base_url(&self) -> Option<String> {
        match self {
            Tried::Account(_) => None,
            Tried::Authority(issuer) => Some(issuer.as_str().trim_end_matches('/').to_owned()),
        }
    }

    /// The way to it; for what is sent once, without connections that were used before.
    pub(super) fn transport(&self, once: bool, network: &Network) -> Result<Transport> {
        match self {
            Tried::Account(account) => account.transport(once, network),
            Tried::Authority(issuer) => Transport::http(issuer, network),
        }
    }
}

/// The authority of an account: the one that its profile was signed in at, else the one that is configured. What is configured beside a profile
/// has to be the same.
fn authority(signer: Option<&Signer>, settings: &Auth) -> Result<Url> {
    let Some(Signer { profile, issuer }) = signer else {
        return Authority::find(None, None, settings).map(|authority| authority.issuer);
    };
    match Authority::named(settings)? {
        Some((other, source)) if other.issuer != *issuer => {
            let message = format!(
                "the profile `{profile}` was signed in at `{issuer}`, and {source} name{} another authority, `{}`: nothing of this account is tried there",
                if source.starts_with('`') { "s" } else { "" },
                other.issuer
            );
            let remedy = match source.starts_with('`') {
                true => format!("unset {source}"),
                false => "take `issuer` out of `[auth]` in the settings".to_owned(),
            };
            Err(usage(message).hint(format!("{remedy}, or name a profile that was signed in there with `--profile`")))
        }
        _ => Ok(issuer.clone()),
    }
}

/// A 401 is an answer here, and the kind's to judge.
pub(super) fn unjudged() -> Error {
    Error::new(ErrorCode::Failed, "the host judged an answer that is a kind's to judge")
}
