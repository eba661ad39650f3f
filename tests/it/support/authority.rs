//! An authority as small as a sign-in in a browser needs it, which can be told to lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::wire::{Act, Wire};

/// What it calls its key.
const KEY: &str = "key-1";

/// How an id token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    Properly,
    /// Not at all, and it says so.
    None,
    /// With the public key as if that were a shared secret.
    WithThePublicKey,
    /// With the key of somebody else.
    BySomebodyElse,
    /// Under the name of a key that isn't there.
    UnderAnotherName,
}

/// How an id token differs from what it should be.
pub(crate) struct Lie {
    pub(crate) signed: Signed,
    pub(crate) change: fn(&mut Value),
}

pub(crate) const TRUTH: Lie = Lie { signed: Signed::Properly, change: |_| {} };

/// What a code stands for.
#[derive(Debug, Clone)]
struct Given {
    request: BTreeMap<String, String>,
}

struct Book {
    /// Where it gives tokens, below the issuer.
    token: &'static str,
    codes: Mutex<BTreeMap<String, Given>>,
    /// Every secret that was sent or received: codes, verifiers, tokens.
    secrets: Mutex<Vec<String>>,
}

/// A running authority.
pub(crate) struct Authority {
    wire: Wire,
    book: Arc<Book>,
}

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A word that nobody guesses.
fn random() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    base64(bytes)
}

fn public_key() -> (String, String) {
    let public = key().public_key();
    let number = |bytes: &[u8]| base64(bytes);
    (
        number(public.modulus().big_endian_without_leading_zero()),
        number(public.exponent().big_endian_without_leading_zero()),
    )
}

/// A JWT.
fn jwt(claims: &Value, signed: Signed) -> String {
    let (alg, kid) = match signed {
        Signed::None => ("none", KEY),
        Signed::WithThePublicKey => ("HS256", KEY),
        Signed::UnderAnotherName => ("RS256", "key-2"),
        Signed::Properly | Signed::BySomebodyElse => ("RS256", KEY),
    };
    let head = json!({ "alg": alg, "typ": "JWT", "kid": kid });
    let text = format!("{}.{}", base64(head.to_string()), base64(claims.to_string()));
    let rsa = |key: &KeyPair| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        signature
    };
    let signature = match signed {
        Signed::None => Vec::new(),
        Signed::WithThePublicKey => {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, key().public_key().as_ref());
            hmac::sign(&secret, text.as_bytes()).as_ref().to_vec()
        }
        Signed::BySomebodyElse => rsa(&KeyPair::generate(KeySize::Rsa2048).unwrap()),
        Signed::Properly | Signed::UnderAnotherName => rsa(key()),
    };
    format!("{text}.{}", base64(signature))
}

impl Authority {
    pub(crate) fn start() -> Authority {
        Authority::start_with(TRUTH)
    }

    /// One that gives tokens there, below the issuer.
    pub(crate) fn start_at(token: &'static str) -> Authority {
        Authority::begin(TRUTH, token)
    }

    pub(crate) fn start_with(lie: Lie) -> Authority {
        Authority::begin(lie, "oauth/token")
    }

    fn begin(lie: Lie, token: &'static str) -> Authority {
        let book = Arc::new(Book { token, codes: Mutex::default(), secrets: Mutex::default() });
        let own = Arc::clone(&book);
        let wire = Wire::start_with(move |_, request| own.act(request, &lie));
        Authority { wire, book }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/", self.wire.url())
    }

    /// What was asked of it: the first line of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        let line = |request: &String| request.lines().next().unwrap_or_default().to_owned();
        self.wire.requests().iter().map(line).collect()
    }

    /// Every secret that was sent or received.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.book.secrets.lock().unwrap().clone()
    }

    /// Nobody gets tokens as long as what this gives is held.
    pub(crate) fn paused(&self) -> impl Sized {
        self.book.codes.lock().unwrap()
    }

    /// The person signs in, and the browser is sent back: to this address.
    pub(crate) fn sends_back(&self, url: &Url) -> String {
        let request: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(url.path(), "/authorize");
        let code = random();
        let mut back = Url::parse(&request["redirect_uri"]).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &request["state"]);
        self.book.secrets.lock().unwrap().push(code.clone());
        self.book.codes.lock().unwrap().insert(code, Given { request });
        back.to_string()
    }
}

impl Book {
    fn act(&self, request: &str, lie: &Lie) -> Act {
        let issuer =
            match request.lines().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned)) {
                Some(host) => format!("http://{host}/"),
                None => return Act::json("404 Not Found", ""),
            };
        let path = request.split(' ').nth(1).unwrap_or_default();
        match path {
            "/.well-known/openid-configuration" => Act::json(
                "200 OK",
                &json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}authorize"),
                    "token_endpoint": format!("{issuer}{}", self.token),
                    "jwks_uri": format!("{issuer}.well-known/jwks.json"),
                    "code_challenge_methods_supported": ["S256"],
                    "id_token_signing_alg_values_supported": ["HS256", "RS256"],
                })
                .to_string(),
            ),
            "/.well-known/jwks.json" => {
                let (n, e) = public_key();
                let key = json!({ "kty": "RSA", "kid": KEY, "alg": "RS256", "use": "sig", "n": n, "e": e });
                Act::json("200 OK", &json!({ "keys": [key] }).to_string())
            }
            path if path[1..] == *self.token => {
                match self.exchange(request.split("\r\n\r\n").nth(1).unwrap_or_default(), &issuer, lie) {
                    Ok(tokens) => Act::json("200 OK", &tokens.to_string()),
                    Err(error) => Act::json("400 Bad Request", &json!({ "error": error }).to_string()),
                }
            }
            _ => Act::json("404 Not Found", "{}"),
        }
    }

    fn exchange(&self, body: &str, issuer: &str, lie: &Lie) -> Result<Value, &'static str> {
        let sent: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let verifier = sent.get("code_verifier").ok_or("invalid_request")?;
        self.secrets.lock().unwrap().push(verifier.clone());
        let Given { request } = self.codes.lock().unwrap().remove(&sent["code"]).ok_or("invalid_grant")?;
        let proven = base64(digest(&SHA256, verifier.as_bytes())) == request["code_challenge"];
        if !proven || ["client_id", "redirect_uri"].iter().any(|name| sent[*name] != request[*name]) {
            return Err("invalid_grant");
        }
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": issuer, "aud": request["client_id"], "sub": "auth0|1", "nonce": request["nonce"],
            "iat": now, "exp": now + 3600, "email": "ada@example.com", "email_verified": true,
        });
        (lie.change)(&mut claims);
        let access = json!({ "iss": issuer, "aud": [request["audience"]], "sub": "auth0|1", "exp": now + 86400, "jti": random() });
        let (access, id, refresh) = (jwt(&access, Signed::Properly), jwt(&claims, lie.signed), random());
        self.secrets.lock().unwrap().extend([access.clone(), id.clone(), refresh.clone()]);
        Ok(json!({
            "access_token": access, "id_token": id, "refresh_token": refresh,
            "token_type": "Bearer", "expires_in": 86400, "scope": request["scope"],
        }))
    }
}
