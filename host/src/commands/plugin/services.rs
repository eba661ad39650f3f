//! The services that a kind asks besides the account's, in words: where they are, whether they are approved, where their secret is from.

use carto_plugin_api::manifest::Manifest;
use serde_json::{Value, json};
use url::Url;

use crate::environment;
use crate::settings::{self, Address, Settings};

/// A service of a kind's own.
pub(super) struct Service<'a> {
    kind: &'a str,
    pub(super) name: &'a str,
    /// Where the manifest says it is.
    base_url: &'a str,
    /// How requests to it are authorised, as the manifest says.
    auth: String,
    /// Where it may be asked.
    approved: Option<&'a Url>,
}

/// Those of a kind.
pub(super) fn own<'a>(manifest: &'a Manifest, settings: &'a Settings) -> Vec<Service<'a>> {
    let kind = manifest.name.as_str();
    let approved = |name: &str| settings.approved.get(kind)?.get(name).map(|Address(url)| url);
    let services = manifest.services.iter().filter_map(|(name, service)| {
        let auth = service.auth.as_ref().map(ToString::to_string).unwrap_or_default();
        let base_url = service.base_url.as_deref()?;
        Some(Service { kind, name, base_url, auth, approved: approved(name) })
    });
    services.collect()
}

impl Service<'_> {
    pub(super) fn is_approved(&self) -> bool {
        self.approved.is_some()
    }

    /// Where it is asked, or would be.
    pub(super) fn address(&self) -> &str {
        self.approved.map_or(self.base_url, |url| url.as_str().trim_end_matches('/'))
    }

    /// The variable that its secret comes from, if it takes one.
    pub(super) fn variable(&self) -> Option<String> {
        (self.auth != "none").then(|| environment::kind_secret(self.kind))
    }

    /// Whether it takes a secret and there is none.
    pub(super) fn lacks_its_secret(&self) -> bool {
        self.variable().is_some_and(|variable| environment::raw(&variable).is_none())
    }

    /// How it gets its secret, as the rest of a sentence.
    pub(super) fn authorisation(&self) -> String {
        let Some(variable) = self.variable() else { return "without a secret".to_owned() };
        let place = match self.auth.split_once(':') {
            Some(("header", name)) => format!("the header `{name}`"),
            Some(("query", name)) => format!("`{name}=` in the address"),
            _ => "the header `Authorization`".to_owned(),
        };
        format!("with the secret in `{variable}`, in {place}")
    }

    /// What approves it.
    pub(super) fn approval(&self) -> String {
        let file = settings::file().map_or_else(|_| "config.toml".to_owned(), |file| file.display().to_string());
        // Quoted as TOML quotes it, whatever the manifest holds.
        let address = toml::Value::from(self.base_url);
        let (kind, name) = (self.kind, self.name);
        format!("if you trust it: write `{name} = {address}` under `[approved.{kind}]` in `{file}`")
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "auth": self.auth,
            "approved": self.approved.map(|_| self.address()),
            "secret": self.variable(),
        })
    }
}
