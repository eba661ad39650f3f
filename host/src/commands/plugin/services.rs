//! The services that a kind asks besides the account's, in words: where they are, whether they are approved, where their secret is from.

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::Auth;
use serde_json::{Value, json};
use url::Url;

use crate::environment;
use crate::error::Error;
use crate::kinds::Kind;
use crate::output::stderr;
use crate::service::{approved, obstacle};
use crate::settings::Settings;

/// A service of a kind's own.
pub(super) struct Service<'a> {
    kind: &'a Kind,
    pub(super) name: &'a str,
    /// Where the manifest says it is.
    pub(super) base_url: &'a str,
    /// How requests to it are authorised, as the manifest says.
    auth: Auth,
    /// Where it may be asked.
    approved: Option<&'a Url>,
    settings: &'a Settings,
}

/// Those of a kind.
pub(super) fn own<'a>(kind: &'a Kind, settings: &'a Settings) -> Vec<Service<'a>> {
    let services = kind.manifest.services.iter().filter_map(|(name, service)| {
        let auth = service.auth.clone().unwrap_or(Auth::None);
        let (base_url, approved) = (service.base_url.as_deref()?, approved(settings, kind.name(), name));
        Some(Service { kind, name, base_url, auth, approved, settings })
    });
    services.collect()
}

impl Service<'_> {
    /// Why it can't be asked, if it can't.
    pub(super) fn obstacle(&self) -> Option<Error> {
        obstacle(self.kind, self.name, self.settings)
    }

    /// Where it is asked, or would be.
    pub(super) fn address(&self) -> &str {
        self.approved.map_or(self.base_url, |url| url.as_str().trim_end_matches('/'))
    }

    /// The variable that its secret comes from, if it takes one.
    pub(super) fn variable(&self) -> Option<String> {
        (self.auth != Auth::None).then(|| environment::kind_secret(self.kind.name()))
    }

    /// How it gets its secret, as the rest of a sentence.
    pub(super) fn authorisation(&self) -> String {
        let Some(variable) = self.variable() else { return "without a secret".to_owned() };
        let place = match &self.auth {
            Auth::Header(name) => format!("the header `{name}`"),
            Auth::Query(name) => format!("`{name}=` in the address"),
            _ => "the header `Authorization`".to_owned(),
        };
        format!("with the secret in `{variable}`, in {place}")
    }

    /// Whether it is approved and can be asked, in words.
    pub(super) fn standing(&self) -> String {
        match self.obstacle() {
            None => "approved in your settings".to_owned(),
            Some(error) => {
                let hint = stderr::pasteable(&error.hint.unwrap_or_default());
                match error.code {
                    ErrorCode::Forbidden => format!("NOT approved, so it isn't asked; {hint}"),
                    _ => format!("approved in your settings, but {}; {hint}", error.message),
                }
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "auth": self.auth.to_string(),
            "approved": self.approved.map(|_| self.address()),
            "secret": self.variable(),
        })
    }
}
