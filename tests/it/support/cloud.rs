//! As much of CARTO as a machine that signs in meets: an authority, the accounts, a tenant's `config.yaml`, and an API that asks for a bearer of
//! that authority. All of it on one port, and it can be told to be otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::{Act, Wire};
use super::{Carto, Run};

pub(crate) const CLIENT: &str = "machine-client";
pub(crate) const SECRET: &str = "canary-client-s3cr3t-0a1b2c3d";
pub(crate) const FIRST_REFRESH: &str = "canary-refresh-0";

/// What is otherwise, by path.
type Otherwise = Box<dyn Fn(&str, &str) -> Option<Act> + Send + Sync>;

pub(crate) struct Cloud {
    wire: Wire,
    book: Arc<Mutex<Book>>,
}

struct Book {
    /// How long the next bearers last, in seconds; the last is repeated.
    lives: Vec<i64>,
    /// Those that were given.
    bearers: Vec<String>,
    ended: BTreeSet<String>,
    refresh: String,
}

/// A bearer in the form of the documented one, whose signature nobody looks at.
pub(crate) fn bearer(subject: &str, seconds: i64, nth: usize) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let end = Timestamp::now().as_second() + seconds;
    let claims = json!({ "iss": "https://auth.carto.com/", "aud": "carto-cloud-native-api", "sub": subject, "exp": end, "jti": format!("jti-{nth}") });
    format!("{}.{}.Y2FuYXJ5", part(json!({ "alg": "RS256", "typ": "JWT", "kid": "k" })), part(claims))
}

impl Cloud {
    pub(crate) fn start() -> Cloud {
        Cloud::otherwise(&[86400], |_, _| None)
    }

    /// Bearers last so many seconds, one after the other.
    pub(crate) fn lasting(lives: &[i64]) -> Cloud {
        Cloud::otherwise(lives, |_, _| None)
    }

    /// `act` is told the path and the address of this server, and may answer instead.
    pub(crate) fn otherwise(lives: &[i64], act: impl Fn(&str, &str) -> Option<Act> + Send + Sync + 'static) -> Cloud {
        let book = Arc::new(Mutex::new(Book {
            lives: lives.to_vec(),
            bearers: Vec::new(),
            ended: BTreeSet::new(),
            refresh: FIRST_REFRESH.to_owned(),
        }));
        let (own, act): (_, Otherwise) = (Arc::clone(&book), Box::new(act));
        let wire = Wire::start_with(move |_, request| {
            let mut lines = request.lines();
            let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
            let host = lines.find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned));
            let host = host.unwrap_or_default();
            act(&path, &host).unwrap_or_else(|| own.lock().unwrap().answer(&path, &host, request))
        });
        Cloud { wire, book }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/", self.wire.url())
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api", self.wire.url())
    }

    pub(crate) fn port(&self) -> u16 {
        self.wire.port
    }

    /// The program, for which this is CARTO.
    pub(crate) fn run(&self, carto: &Carto, line: &str) -> Run {
        self.env(carto.run(line))
    }

    pub(crate) fn env(&self, run: Run) -> Run {
        run.env("CARTO_AUTH_ISSUER", self.issuer()).env("CARTO_ACCOUNTS_URL", format!("{}/accounts", self.wire.url()))
    }

    /// `auth login --m2m` with these words besides, and the client's variables.
    pub(crate) fn login(&self, carto: &Carto, line: &str) -> Run {
        let run = self.run(carto, &format!("auth login --m2m {line}"));
        run.env("CARTO_M2M_CLIENT_ID", CLIENT).env("CARTO_M2M_CLIENT_SECRET", SECRET)
    }

    /// The first line of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        let line = |request: &String| request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
        self.wire.requests().iter().map(line).collect()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.wire.requests()
    }

    /// The bearers that were given.
    pub(crate) fn bearers(&self) -> Vec<String> {
        self.book.lock().unwrap().bearers.clone()
    }

    pub(crate) fn ended(&self) -> BTreeSet<String> {
        self.book.lock().unwrap().ended.clone()
    }
}

impl Book {
    fn answer(&mut self, path: &str, host: &str, request: &str) -> Act {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let json = |status: &str, body: &Value| Act::json(status, &body.to_string());
        match path {
            "/oauth/token" => match self.token(&form) {
                Ok(tokens) => json("200 OK", &tokens),
                Err((status, error)) => {
                    let secret = form.get("client_secret").map(String::as_str).unwrap_or_default();
                    json(status, &json!({ "error": error, "error_description": format!("no good: {secret}") }))
                }
            },
            "/oauth/revoke" => {
                self.ended.extend(form.get("token").cloned());
                Act::json("200 OK", "")
            }
            "/.well-known/openid-configuration" => json(
                "200 OK",
                &json!({ "issuer": format!("http://{host}/"), "revocation_endpoint": format!("http://{host}/oauth/revoke") }),
            ),
            "/config.yaml" => {
                Act::with("200 OK", &[("content-type", "text/yaml")], format!("apis:\n  baseUrl: http://{host}/api\n"))
            }
            _ => {
                let given = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
                if !given.is_some_and(|given| self.bearers.iter().any(|own| own == given)) {
                    return json("401 Unauthorized", &json!({ "error": format!("unknown bearer {given:?}") }));
                }
                match path {
                    "/accounts" => json(
                        "200 OK",
                        &json!({ "tenant_domain": host, "tenant_id": "acme", "organization_id": "ac_1", "organization_name": "Acme, Inc." }),
                    ),
                    "/api/users/me" => {
                        json("200 OK", &json!({ "user_id": "u1", "email": "ada@example.com", "echo": given }))
                    }
                    path if path.starts_with("/api/v3/tokens") => json("200 OK", &json!({ "tokens": [] })),
                    _ => json("404 Not Found", &json!({})),
                }
            }
        }
    }

    fn token(&mut self, form: &BTreeMap<String, String>) -> Result<Value, (&'static str, &'static str)> {
        let has = |key: &str, value: &str| form.get(key).is_some_and(|own| own == value);
        let subject = match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") if !has("client_id", CLIENT) || !has("client_secret", SECRET) => {
                return Err(("401 Unauthorized", "access_denied"));
            }
            Some("client_credentials") if !has("audience", "carto-cloud-native-api") => {
                return Err(("403 Forbidden", "access_denied"));
            }
            Some("client_credentials") => format!("{CLIENT}@clients"),
            Some("refresh_token") if !has("refresh_token", &self.refresh) => {
                return Err(("400 Bad Request", "invalid_grant"));
            }
            Some("refresh_token") => "auth0|1".to_owned(),
            _ => return Err(("400 Bad Request", "unsupported_grant_type")),
        };
        let life = if self.lives.len() > 1 { self.lives.remove(0) } else { self.lives[0] };
        let bearer = bearer(&subject, life, self.bearers.len());
        self.bearers.push(bearer.clone());
        let mut tokens = json!({ "access_token": bearer, "expires_in": life.max(0), "token_type": "Bearer", "scope": "read:current_user" });
        if form.contains_key("refresh_token") {
            self.refresh = format!("canary-refresh-{}", self.bearers.len());
            tokens["refresh_token"] = self.refresh.as_str().into();
        }
        Ok(tokens)
    }
}
