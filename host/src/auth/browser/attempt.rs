//! One attempt to sign in: what the browser takes along, and what has to be remembered until it comes back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use carto_plugin_api::Secret;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::auth::Authority;
use crate::auth::metadata::Metadata;

/// Who somebody is, and the next bearers without a browser.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The bytes of randomness of `state` and `nonce`.
const RANDOM: u32 = 32;

/// What has to be remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) client_id: String,
    /// Where the browser comes back to.
    pub(crate) redirect: String,
    /// The organisation that was asked for.
    pub(crate) organization: Option<String>,
    /// What tells the answer to this attempt from others.
    pub(super) state: Secret,
    /// What tells an id token of this attempt from others.
    pub(super) nonce: Secret,
    /// What proves that whoever has the code also began.
    pub(super) verifier: Secret,
}

impl Attempt {
    /// Begins one that comes back to this port.
    pub(crate) fn begin(client_id: String, port: u16, organization: Option<String>) -> Attempt {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let random = || Secret::new(CsrfToken::new_random_len(RANDOM).into_secret());
        Attempt {
            client_id,
            redirect: format!("http://127.0.0.1:{port}/callback"),
            organization,
            state: random(),
            nonce: random(),
            verifier: Secret::new(verifier.into_secret()),
        }
    }

    /// The address to open. It holds nothing with which the answer could be used.
    pub(crate) fn url(&self, authority: &Authority, metadata: &Metadata) -> Url {
        let verifier = oauth2::PkceCodeVerifier::new(self.verifier.expose().clone());
        let client = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization.clone()));
        let redirect = RedirectUrl::new(self.redirect.clone());
        let mut request = client
            .authorize_url(|| CsrfToken::new(self.state.expose().clone()))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_extra_param("nonce", self.nonce.expose().clone())
            .add_extra_param("audience", authority.audience.clone());
        if let Ok(redirect) = redirect {
            request = request.set_redirect_uri(Cow::Owned(redirect));
        }
        if let Some(organization) = &self.organization {
            // As carto-auth sends it.
            request = request.add_extra_param("organization", organization.clone());
        }
        request.url().0
    }

    /// Whether a `state` is this attempt's.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        super::is_same(self.state.expose(), state)
    }
}

/// The parameters of an address. Nothing if one comes twice: which of the two counts would be anybody's guess (RFC 6749, 3.1).
pub(super) fn parameters(query: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn authority() -> (Authority, Metadata) {
        let authority =
            Authority::new(Url::parse("https://auth.example.com/").unwrap(), "carto-cloud-native-api".to_owned());
        let document = json!({
            "issuer": "https://auth.example.com/",
            "authorization_endpoint": "https://auth.example.com/authorize",
            "token_endpoint": "https://auth.example.com/oauth/token",
            "jwks_uri": "https://auth.example.com/keys",
        });
        let metadata = Metadata::read(&authority, &document).unwrap();
        (authority, metadata)
    }

    #[test]
    fn the_address_says_what_is_wanted_and_not_what_proves_it() {
        let (authority, metadata) = authority();
        let attempt = Attempt::begin("id & co".to_owned(), 3003, Some("ACME, Inc.".to_owned()));
        let url = attempt.url(&authority, &metadata);
        assert!(!url.as_str().contains(attempt.verifier.expose()));
        let sent = parameters(url.query().unwrap()).unwrap();
        let names: Vec<&str> = sent.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "audience",
                "client_id",
                "code_challenge",
                "code_challenge_method",
                "nonce",
                "organization",
                "redirect_uri",
                "response_type",
                "scope",
                "state"
            ]
        );
        for (name, value) in [
            ("audience", "carto-cloud-native-api"),
            ("client_id", "id & co"),
            ("code_challenge_method", "S256"),
            ("organization", "ACME, Inc."),
            ("redirect_uri", "http://127.0.0.1:3003/callback"),
            ("response_type", "code"),
            ("scope", "openid profile email offline_access"),
            ("state", attempt.state.expose().as_str()),
            ("nonce", attempt.nonce.expose().as_str()),
        ] {
            assert_eq!(sent[name], value, "{name}");
        }
    }

    #[test]
    fn each_attempt_is_its_own() {
        let (one, other) = (Attempt::begin("x".to_owned(), 1, None), Attempt::begin("x".to_owned(), 1, None));
        for (ours, theirs) in [(&one.state, &other.state), (&one.nonce, &other.nonce), (&one.verifier, &other.verifier)]
        {
            // 256 bits, as base64.
            assert_eq!(ours.expose().len(), 43);
            assert_ne!(ours, theirs);
        }
        assert!(one.is_answered_by(one.state.expose()));
        assert!(!one.is_answered_by(other.state.expose()) && !one.is_answered_by(""));
        assert!(!format!("{one:?}").contains(one.verifier.expose()));
    }

    #[test]
    fn a_parameter_comes_once() {
        assert_eq!(parameters("a=1&b=%202").unwrap()["b"], " 2");
        assert_eq!(parameters("code=1&state=x&code=2"), None);
    }
}
