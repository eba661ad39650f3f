//! A service that a verb asks, as far as the rules of the network need it: where it is, what authorises a request to it, what messages call
//! it. The account's API is one, a service of a kind's own another, and one at which a credential is tried the third.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use carto_plugin_api::{Segment, WireRequest};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use url::Url;

use super::draft::Draft;
use super::hidden::Hidden;
use super::own::Own;
use super::tried::{self, Tried};
use crate::account::Account;
use crate::address;
use crate::error::{Error, Result};
use crate::settings::{Network, Settings};
use crate::transport::Transport;

/// The services that a verb may ask, by their names in the manifest.
pub(crate) type Services = BTreeMap<String, Arc<Endpoint>>;

/// A service and the way to it.
pub(crate) struct Endpoint {
    whose: Whose,
    /// What answers never show.
    pub(super) hidden: Hidden,
    /// Made at the first request: a trust store takes milliseconds to read.
    transport: Mutex<Option<Transport>>,
}

/// What a request does, as far as the rules of the network go by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It asks, and can be repeated.
    Reads,
    /// It changes something: what became of it is said, whatever else happens.
    Writes,
    /// It does something with a credential: signs in, or runs a statement to try one. What became of it is of no concern, but it is sent
    /// once, and not in a dry run.
    Tries,
}

enum Whose {
    /// The user's CARTO account, or the sandbox.
    Account(Account),
    /// The kind's.
    Own(Own),
    /// One at which a credential is tried.
    Tried(Tried),
}

impl Endpoint {
    pub(super) fn of_account(account: Account) -> Endpoint {
        let hidden = Hidden::new(account.bearer());
        Endpoint { whose: Whose::Account(account), hidden, transport: Mutex::new(None) }
    }

    pub(super) fn of_kind(own: Own) -> Endpoint {
        let hidden = Hidden::new(own.secret());
        Endpoint { whose: Whose::Own(own), hidden, transport: Mutex::new(None) }
    }

    pub(super) fn of_tried(tried: Tried) -> Endpoint {
        // What it hides comes with each request.
        Endpoint { whose: Whose::Tried(tried), hidden: Hidden::new(""), transport: Mutex::new(None) }
    }

    /// An account of nobody, behind this router.
    #[cfg(test)]
    pub(super) fn of_router(router: axum::Router) -> Endpoint {
        let endpoint = Endpoint::of_account(Account::of_nobody());
        Endpoint { transport: Mutex::new(Some(Transport::Router(router))), ..endpoint }
    }

    /// The account, if this is its API.
    pub(super) fn account(&self) -> Option<&Account> {
        match &self.whose {
            Whose::Account(account) => Some(account),
            Whose::Own(_) | Whose::Tried(_) => None,
        }
    }

    /// The account whose API has these routes: its own, also where a credential is tried.
    fn account_of_routes(&self) -> Option<&Account> {
        match &self.whose {
            Whose::Tried(Tried::Account(account)) => account.account(),
            _ => self.account(),
        }
    }

    /// Whether every answer is the kind's to judge, since a credential is tried here.
    pub(super) fn is_tried(&self) -> bool {
        matches!(self.whose, Whose::Tried(_))
    }

    /// What a request does here.
    pub(super) fn act(&self, request: &WireRequest) -> Act {
        match (request.method.as_str(), self.is_tried()) {
            ("GET", _) => Act::Reads,
            (_, false) => Act::Writes,
            (_, true) => Act::Tries,
        }
    }

    pub(super) fn base_url(&self) -> &Url {
        match &self.whose {
            Whose::Account(account) => account.base_url(),
            Whose::Own(own) => own.base_url(),
            Whose::Tried(tried) => tried.base_url(),
        }
    }

    /// What messages call the service.
    pub(super) fn place(&self) -> String {
        match &self.whose {
            Whose::Account(account) => account.place(),
            Whose::Own(own) => address::place(own.base_url()),
            Whose::Tried(tried) => tried.place(),
        }
    }

    /// The same after a request, where that isn't the account's.
    pub(super) fn at_place(&self) -> String {
        match &self.whose {
            Whose::Account(_) | Whose::Tried(Tried::Account(_)) => String::new(),
            Whose::Own(_) | Whose::Tried(Tried::Authority(_)) => format!(" at {}", self.place()),
        }
    }

    /// What a user knows its address as, with the setting that it is in.
    pub(super) fn called(&self) -> String {
        match &self.whose {
            Whose::Account(_) => "base URL".to_owned(),
            Whose::Own(own) => format!("base URL ({})", own.setting()),
            Whose::Tried(tried) => tried.called(),
        }
    }

    /// Where to look if it has no such route.
    pub(super) fn routes_are_in(&self) -> String {
        match &self.whose {
            Whose::Account(_) => "the base URL, and at `[services.api.paths]` in the settings".to_owned(),
            Whose::Own(_) | Whose::Tried(_) => format!("the {}", self.called()),
        }
    }

    /// The bearer or the secret itself, for hiding it.
    pub(super) fn secret(&self) -> &str {
        match &self.whose {
            Whose::Account(account) => account.bearer(),
            Whose::Own(own) => own.secret(),
            Whose::Tried(_) => "",
        }
    }

    /// The segments as the settings move them: the longest `[services.api.paths]` that the path begins with. The sandbox keeps its own routes,
    /// and so does a service of a kind's own.
    pub(super) fn moved(&self, settings: &Settings, path: &[Segment]) -> Vec<Segment> {
        if self.account_of_routes().is_none_or(Account::is_sandbox) {
            return path.to_vec();
        }
        let texts: Vec<&str> = path.iter().map(Segment::text).collect();
        let rules = settings.services.api.paths.iter();
        let rules = rules.map(|(from, to)| (from[1..].split('/').collect::<Vec<_>>(), to));
        match rules.filter(|(from, _)| texts.starts_with(from)).max_by_key(|(from, _)| from.len()) {
            Some((from, to)) => {
                to[1..].split('/').map(Segment::from).chain(path[from.len()..].iter().cloned()).collect()
            }
            None => path.to_vec(),
        }
    }

    /// An address of it as it is sent: with the secret, if that is where it belongs. It is kept nowhere and shown to nobody.
    pub(super) fn authorised(&self, url: &Url) -> Url {
        match &self.whose {
            Whose::Account(_) | Whose::Tried(_) => url.clone(),
            Whose::Own(own) => own.authorised(url),
        }
    }

    /// Adds the bearer or the secret to the headers, if that is where it belongs. The credential that is tried is its request's.
    pub(super) fn authorise(&self, headers: &mut HeaderMap) -> Result<()> {
        match &self.whose {
            Whose::Account(account) => {
                headers.insert(AUTHORIZATION, account.authorization()?);
                Ok(())
            }
            Whose::Own(own) => own.authorise(headers),
            Whose::Tried(_) => Ok(()),
        }
    }

    /// What a request would be, for a dry run.
    pub(super) fn draft(&self, settings: &Settings, request: &WireRequest) -> Draft {
        let mut draft = Draft::of(request, self.moved(settings, &request.path));
        match &self.whose {
            Whose::Own(own) => own.complete(&mut draft),
            Whose::Tried(tried) => draft.base_url = tried.draft_base_url(),
            Whose::Account(_) => {}
        }
        draft
    }

    /// The meaning of a 401.
    pub(super) fn rejected(&self, words: Option<&str>) -> Error {
        match &self.whose {
            Whose::Account(account) => account.rejected(words),
            Whose::Own(own) => own.rejected(words),
            Whose::Tried(_) => tried::unjudged(),
        }
    }

    /// The way to the service. What is sent once gets a connection of its own where others were used before: one that the other side closes
    /// just then would leave a write with an unknown outcome for nothing.
    pub(super) fn transport(&self, once: bool, network: &Network) -> Result<Transport> {
        let mut transport = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        match &*transport {
            Some(used) if once && used.has_connected() => used.fresh(self.base_url(), network),
            Some(ready) => Ok(ready.clone()),
            None => {
                let made = match &self.whose {
                    Whose::Account(account) => account.transport(network)?,
                    Whose::Own(own) => Transport::http(own.base_url(), network)?,
                    Whose::Tried(tried) => tried.transport(once, network)?,
                };
                *transport = Some(made.clone());
                Ok(made)
            }
        }
    }
}
