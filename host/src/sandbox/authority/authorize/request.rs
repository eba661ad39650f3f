//! What an authorization request asks for, read in two steps: first to whom its answer may go at all, then the rest,
//! whose mistakes are that client's to hear (RFC 6749, 4.1.2.1).

use axum::http::StatusCode;
use rusqlite::Transaction;
use url::Url;

use super::super::parameters::Parameters;
use super::super::{access_token, scope};
use super::pages::Problem;
use crate::sandbox::clients::Registered;

/// How the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In the query of the redirect URI.
    Query,
    /// By a message from a page of the sandbox to the page that opened or framed it.
    WebMessage,
}

/// A client, and an address of it that may be answered to.
pub(super) struct Recipient {
    pub(super) client: Registered,
    pub(super) redirect_uri: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

/// How far the user may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// If it is needed.
    Unsaid,
    /// Never: a page without a person is waiting.
    None,
    /// In any case.
    Ask,
}

pub(super) struct Asked {
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) prompt: Prompt,
    /// How many seconds ago the user may have signed in.
    pub(super) max_age: Option<i64>,
}

/// A mistake that the client is told: an error's name and its description.
#[derive(Debug)]
pub(super) struct Mistake(pub(super) &'static str, pub(super) String);

impl Recipient {
    /// Until this succeeds, nothing is sent anywhere.
    pub(super) fn find(tx: &Transaction<'_>, parameters: &Parameters) -> Result<Recipient, Problem> {
        let bad = |message: &str| Problem::new(StatusCode::BAD_REQUEST, message);
        for name in ["client_id", "redirect_uri", "response_mode"] {
            if parameters.repeats(name) {
                return Err(bad(&format!("`{name}` stands in the address twice.")));
            }
        }
        let client_id = parameters.get("client_id").ok_or_else(|| bad("The address has no `client_id`."))?;
        let client =
            Registered::find(tx, client_id)?.ok_or_else(|| bad("There is no client with this `client_id`."))?;
        if !client.is_spa() {
            return Err(bad("This client is a machine's: nobody signs in with it."));
        }
        let redirect_uri = parameters.get("redirect_uri").ok_or_else(|| bad("The address has no `redirect_uri`."))?;
        if !client.has_callback(redirect_uri) {
            return Err(bad("The `redirect_uri` is not among the client's callbacks, character by character."));
        }
        let mode = match parameters.get("response_mode") {
            Some("web_message") => Mode::WebMessage,
            _ => Mode::Query,
        };
        let recipient = Recipient {
            client,
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: parameters.get("state").filter(|_| !parameters.repeats("state")).map(str::to_owned),
        };
        if mode == Mode::WebMessage && !recipient.client.has_web_origin(&recipient.origin()) {
            let message = "The origin of the `redirect_uri` is not among the client's web origins.";
            return Err(Problem::new(StatusCode::FORBIDDEN, message));
        }
        Ok(recipient)
    }

    /// The origin of the page that is answered.
    pub(super) fn origin(&self) -> String {
        // The fallback cannot happen: what isn't a URL is no callback.
        Url::parse(&self.redirect_uri).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

impl Asked {
    pub(super) fn read(parameters: &Parameters) -> Result<Asked, Mistake> {
        let invalid = |description: &str| Mistake("invalid_request", description.to_owned());
        if let Some(name) = parameters.repeated() {
            return Err(Mistake("invalid_request", format!("{name} stands there twice")));
        }
        match parameters.get("response_type") {
            Some("code") => {}
            None => return Err(invalid("response_type is required")),
            Some(_) => return Err(Mistake("unsupported_response_type", "response_type must be code".to_owned())),
        }
        if !matches!(parameters.get("response_mode"), None | Some("query" | "web_message")) {
            return Err(invalid("response_mode must be query or web_message"));
        }
        for (name, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            if parameters.get(name).is_some() {
                return Err(Mistake(error, format!("{name} is not supported")));
            }
        }
        if parameters.get("code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method must be S256"));
        }
        let challenge = parameters.get("code_challenge").ok_or_else(|| invalid("code_challenge is required"))?;
        if challenge.len() != 43 || !challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err(invalid("code_challenge must be a SHA-256 in base64url: 43 characters"));
        }
        if parameters.get("audience").is_some_and(|audience| audience != access_token::AUDIENCE) {
            return Err(Mistake("invalid_target", format!("audience must be {}", access_token::AUDIENCE)));
        }
        let max_age = parameters.get("max_age").map(|text| text.parse().ok().filter(|seconds| *seconds >= 0));
        Ok(Asked {
            scope: scope::known(parameters.get("scope").unwrap_or_default()),
            nonce: parameters.get("nonce").map(str::to_owned),
            challenge: challenge.to_owned(),
            prompt: Prompt::read(parameters.get("prompt"))?,
            max_age: max_age
                .map(|age| age.ok_or_else(|| invalid("max_age must be a number of seconds")))
                .transpose()?,
        })
    }
}

impl Prompt {
    fn read(text: Option<&str>) -> Result<Prompt, Mistake> {
        let Some(text) = text else { return Ok(Prompt::Unsaid) };
        let mut prompts = text.split(' ');
        if text == "none" {
            Ok(Prompt::None)
        } else if prompts.all(|prompt| matches!(prompt, "login" | "consent" | "select_account")) {
            Ok(Prompt::Ask)
        } else {
            let message = "prompt must be none alone, or login, consent, select_account";
            Err(Mistake("invalid_request", message.to_owned()))
        }
    }
}
