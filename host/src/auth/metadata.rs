//! What an authority says of itself: its discovery document, held against what was asked. Whoever answers for another issuer, or sends
//! elsewhere than https, isn't believed.

use carto_plugin_api::ErrorCode;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Authority, Http, http};
use crate::address;
use crate::error::{Error, Result};
use crate::redact;

/// Where the document is, below the issuer.
const PLACE: &str = ".well-known/openid-configuration";

/// The ways to sign that only the authority can. With the others a public key, or nothing, would do.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// What of the document is used.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    /// Where a browser is sent.
    pub(crate) authorization: Url,
    /// Where a code is exchanged.
    pub(crate) token: Url,
    /// Where the keys are that sign id tokens.
    pub(crate) keys: Url,
    /// How id tokens may be signed.
    pub(crate) algorithms: Vec<Algorithm>,
    /// Whether every answer to a browser names the issuer.
    pub(crate) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    code_challenge_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Asks for the document.
    pub(crate) async fn fetch(http: &Http, authority: &Authority) -> Result<Metadata> {
        let url = authority.endpoint(PLACE);
        let answer = http.get(&url, None).await?;
        if !answer.status().is_success() {
            let message = format!(
                "{} answered {} when it was asked for `{PLACE}`{}",
                authority.place(),
                answer.status(),
                http::words(&answer)
            );
            return Err(Error::new(ErrorCode::UnexpectedAnswer, message).hint(LOOK));
        }
        Metadata::read(authority, &http::json(&answer).unwrap_or_default())
    }

    /// Reads the document.
    pub(crate) fn read(authority: &Authority, document: &Value) -> Result<Metadata> {
        let place = authority.place();
        let bad = |why: String| {
            Error::new(ErrorCode::UnexpectedAnswer, format!("{place} can't be signed in to: its `{PLACE}` {why}"))
        };
        let document = Document::deserialize(document)
            .map_err(|_| bad("isn't the document of an OpenID Connect authority".to_owned()).hint(LOOK))?;
        if document.issuer != authority.issuer.as_str() {
            let named = redact::redact(&document.issuer);
            let why = format!("is that of another issuer: `{named}`, and `{}` was asked", authority.issuer);
            return Err(bad(why).hint("name the issuer as it names itself, if you trust it"));
        }
        let endpoint = |name: &str, text: &str| {
            endpoint(&authority.issuer, text).map_err(|why| bad(format!("has a `{name}` that {why}")))
        };
        if document.code_challenge_methods_supported.is_some_and(|methods| !methods.iter().any(|one| one == "S256")) {
            return Err(bad("doesn't have PKCE with `S256`, without which a code could be stolen".to_owned()));
        }
        let algorithms: Vec<Algorithm> = match document.id_token_signing_alg_values_supported {
            None => vec![Algorithm::RS256],
            Some(names) => {
                let known = ALGORITHMS.iter().filter(|(name, _)| names.iter().any(|one| one == name));
                known.map(|(_, algorithm)| *algorithm).collect()
            }
        };
        if algorithms.is_empty() {
            return Err(bad("names no way to sign id tokens that can be verified, like `RS256`".to_owned()));
        }
        Ok(Metadata {
            authorization: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
            token: endpoint("token_endpoint", &document.token_endpoint)?,
            keys: endpoint("jwks_uri", &document.jwks_uri)?,
            algorithms,
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }
}

/// An address that an authority's document names, or what is wrong with it, as the end of a sentence. Another host than the issuer's may be
/// named, as many authorities do; the document came from the issuer, over https. But what is out there has nothing to ask on this machine, and
/// plain http is only for an issuer that is itself asked so.
pub(crate) fn endpoint(issuer: &Url, text: &str) -> std::result::Result<Url, String> {
    let url = address::read(text).map_err(|refusal| refusal.cause)?;
    if address::is_here(&url) && !address::is_loopback(issuer) {
        return Err("is on this machine".to_owned());
    }
    if url.scheme() != "https" && issuer.scheme() == "https" {
        return Err(format!("isn't https: `{text}`"));
    }
    Ok(url)
}

const LOOK: &str = "look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(issuer: &str, change: &[(&str, Value)]) -> Result<Metadata> {
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}authorize"),
            "token_endpoint": format!("{issuer}oauth/token"),
            "jwks_uri": format!("{issuer}.well-known/jwks.json"),
            "code_challenge_methods_supported": ["S256", "plain"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256", "none", "future"],
        });
        for (key, value) in change {
            document[*key] = value.clone();
        }
        let issuer = Url::parse(issuer).unwrap();
        Metadata::read(&Authority::new(issuer, "x".to_owned()), &document)
    }

    #[test]
    fn a_document_is_read() {
        let metadata = read("https://auth.example.com/", &[]).unwrap();
        assert_eq!(metadata.authorization.as_str(), "https://auth.example.com/authorize");
        assert_eq!(metadata.algorithms, [Algorithm::RS256]);
        let silent =
            [("code_challenge_methods_supported", Value::Null), ("id_token_signing_alg_values_supported", Value::Null)];
        assert_eq!(read("http://127.0.0.1:8765/", &silent).unwrap().algorithms, [Algorithm::RS256]);
    }

    #[test]
    fn an_endpoint_is_where_its_issuer_may_send() {
        for (issuer, text, expected) in [
            ("https://a.example.com/", "https://a.example.com/revoke", None),
            ("https://a.example.com/", "https://b.example.com/revoke", None),
            ("https://a.example.com/", "http://a.example.com/revoke", Some("isn't https")),
            ("https://a.example.com/", "http://localhost:8080/revoke", Some("on this machine")),
            ("https://a.example.com/", "https://127.0.0.2:8080/revoke", Some("on this machine")),
            ("http://127.0.0.1:1/", "http://localhost:2/revoke", None),
            ("http://127.0.0.1:1/", "https://a.example.com/revoke", None),
            ("https://localhost:1/", "https://localhost:2/revoke", None),
            ("https://localhost:1/", "http://localhost:2/revoke", Some("isn't https")),
        ] {
            let read = endpoint(&Url::parse(issuer).unwrap(), text);
            match expected {
                None => assert!(read.is_ok(), "{issuer} {text}: {read:?}"),
                Some(why) => assert!(read.as_ref().is_err_and(|is| is.contains(why)), "{issuer} {text}: {read:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        for (key, value, why) in [
            ("issuer", json!("https://auth.example.com"), "another issuer"),
            ("issuer", json!("https://auth.example.com.evil.com/"), "another issuer"),
            ("issuer", Value::Null, "isn't the document"),
            ("token_endpoint", json!("http://auth.example.com/oauth/token"), "isn't https"),
            ("token_endpoint", json!("http://127.0.0.1:1/oauth/token"), "on this machine"),
            ("token_endpoint", json!("https://localhost/oauth/token"), "on this machine"),
            ("authorization_endpoint", json!("https://[::ffff:127.0.0.1]/authorize"), "on this machine"),
            ("jwks_uri", json!("https://0.0.0.0/keys"), "on this machine"),
            ("authorization_endpoint", json!("javascript:alert(1)"), "isn't an address"),
            ("authorization_endpoint", json!("https://auth.example.com/a#b"), "a fragment"),
            ("jwks_uri", json!("file:///etc/keys"), "isn't an address"),
            ("code_challenge_methods_supported", json!(["plain"]), "PKCE"),
            ("id_token_signing_alg_values_supported", json!(["HS256", "none"]), "no way to sign"),
        ] {
            let error = read("https://auth.example.com/", &[(key, value)]).unwrap_err();
            assert!(error.message.contains(why), "{key}: {error}");
        }
        assert!(
            Metadata::read(&Authority::new(Url::parse("https://a.b/").unwrap(), String::new()), &json!([])).is_err()
        );
    }
}
