//! Whose credentials: an account of CARTO's with its address and bearer, or the sandbox. Nothing here is sent anywhere: for a bearer that
//! is about to end, `auth` is asked for another.
//!
//! `resolve` decides from options, variables and the credentials file; `profiles` reads and writes that file; `bearer` tells what sort of token one is,
//! and `again` how a profile is signed in again.

pub(crate) mod again;
pub(crate) mod bearer;
pub(crate) mod profiles;
mod resolve;

use carto_plugin_api::{ErrorCode, Secret};
use http::HeaderValue;
use serde_json::{Value, json};
use url::Url;

use again::Again;
pub(crate) use resolve::{
    Choice, Named, Sourced, Sources, check_base_url, no_bearer, no_profile, no_profiles, nobody, open_sandbox, resolve,
    sandbox_asked_by,
};

use crate::address;
use crate::error::{Error, Result};
use crate::redact;
use crate::sandbox::Sandbox;
use crate::settings::Network;
use crate::transport::Transport;

/// What else can be wrong with a bearer that was got for an account.
const LOOK: &str = "if that changes nothing, the account may have moved: look at its address";

/// Where a verb's requests go.
pub(crate) struct Account {
    base_url: Url,
    bearer: Secret,
    /// Where the bearer comes from, for messages: `` `CARTO_API_TOKEN` ``.
    bearer_source: String,
    /// Who signed the bearer, if it is a profile's and that is known.
    signer: Option<Signer>,
    /// How the profile that it comes from is signed in again.
    again: Option<Again>,
    sandbox: Option<Sandbox>,
}

/// The authority at which a profile was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signer {
    /// The profile's name.
    pub(crate) profile: String,
    /// The authority's issuer, with the slash at its end.
    pub(crate) issuer: Url,
}

impl Account {
    /// An account of nobody.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_nobody() -> Account {
        Account {
            base_url: Url::parse("http://api.invalid").expect("it is a URL"),
            bearer: Secret::new("bearer-of-nobody".to_owned()),
            bearer_source: "a test".to_owned(),
            signer: None,
            again: None,
            sandbox: None,
        }
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Whether this is the sandbox, which has routes and a clock of its own.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The clock of the sandbox, or of the system.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.sandbox.as_ref().map_or_else(jiff::Timestamp::now, Sandbox::now)
    }

    /// What messages call the service.
    pub(crate) fn place(&self) -> String {
        if self.is_sandbox() { "the sandbox".to_owned() } else { address::place(&self.base_url) }
    }

    /// The authority that this account's profile was signed in at; nothing where a bearer was given by itself.
    pub(crate) fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// What a record says of the account: which service, with a bearer from where and of whom. Never the bearer.
    pub(crate) fn record(&self) -> Value {
        let claims = redact::payload(self.bearer.expose());
        let says = |claim: &str| claims.as_ref()?[claim].as_str().map(redact::redact);
        let subject = says("sub").or_else(|| says("jti"));
        let plain = |text: &str| text.replace('`', "");
        json!({ "service": plain(&self.place()), "bearer": plain(&self.bearer_source), "subject": subject })
    }

    /// The bearer itself, for taking it out of answers.
    pub(crate) fn bearer(&self) -> &str {
        self.bearer.expose()
    }

    /// The `Authorization` header, marked so that no log prints it.
    pub(crate) fn authorization(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.bearer.expose()))
            .map_err(|_| bearer::malformed(&self.bearer_source))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The way to the service.
    pub(crate) fn transport(&self, network: &Network) -> Result<Transport> {
        match &self.sandbox {
            Some(sandbox) => Ok(Transport::Router(sandbox.router())),
            None => Transport::http(&self.base_url, network),
        }
    }

    /// The meaning of a 401: the service's own words, and what can be told of the bearer by its form.
    pub(crate) fn rejected(&self, words: Option<&str>) -> Error {
        let (place, source) = (self.place(), &self.bearer_source);
        let again = self.again.as_ref().map(|again| format!("{}; {LOOK}", again.hint(words)));
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        let (form, hint) = match bearer::fault(self.bearer.expose(), self.now()) {
            Some((form, hint)) => (format!("; by its form, {form}"), hint),
            None => (String::new(), bearer::UNKNOWN),
        };
        let hint = again.unwrap_or_else(|| hint.to_owned());
        let message = format!("{place} doesn't accept the bearer from {source}{words}{form}");
        Error::new(ErrorCode::NotSignedIn, message).hint(hint)
    }
}
