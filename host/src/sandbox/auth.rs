//! Who may ask: whoever presents the one bearer of this instance, or an access token that the authority gave. Which
//! routes ask for it is decided in `routes.rs`.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rusqlite::Transaction;

use super::answer::Refusal;
use super::authority::{self, AccessToken};
use super::{Sandbox, jwt, random};

/// 256 bits and more, at six bits a character.
const LENGTH: usize = 43;

/// The accepted bearer, with what it takes to compare another one in constant time.
pub(super) struct Bearer {
    text: String,
    key: hmac::Key,
    tag: hmac::Tag,
}

impl Bearer {
    pub(super) fn random() -> Result<Bearer, Unspecified> {
        let text = format!("sandbox_{}", random::url_safe(LENGTH)?);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?);
        let tag = hmac::sign(&key, text.as_bytes());
        Ok(Bearer { text, key, tag })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Proof that this instance has seen `text`. No bearer begins as the callers' texts do.
    pub(super) fn seal(&self, text: &str) -> String {
        BASE64.encode(hmac::sign(&self.key, text.as_bytes()))
    }

    /// Whether `seal` is [`seal()`](Bearer::seal)'s of `text`.
    pub(super) fn is_sealed(&self, text: &str, seal: &str) -> bool {
        BASE64.decode(seal).is_ok_and(|tag| hmac::verify(&self.key, text.as_bytes(), &tag).is_ok())
    }

    fn accepts(&self, presented: &str) -> bool {
        // Tags have one length whatever is presented, so that not even the bearer's length shows in the time taken.
        hmac::verify(&self.key, presented.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

/// Whose bearer a request presented, for the handlers that tell them apart.
#[derive(Clone)]
pub(super) enum Owner {
    /// Whoever can read this process's output.
    Instance,
    /// A client, in the owner's name.
    Client(Box<AccessToken>),
}

/// The middleware of every route that takes a bearer. Handlers find an [`Owner`].
pub(super) async fn require(
    State(sandbox): State<Sandbox>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let owner = owner(&sandbox, request.headers()).await?;
    request.extensions_mut().insert(owner);
    Ok(next.run(request).await)
}

/// Whose bearer these headers present.
pub(super) async fn owner(sandbox: &Sandbox, headers: &HeaderMap) -> Result<Owner, Refusal> {
    let refused = |message| Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
    match presented(headers) {
        // Needs no database.
        Some(text) if sandbox.inner.bearer.accepts(text) => Ok(Owner::Instance),
        Some(text) if jwt::is_api_access_token(text) => refused("API Access Tokens are not accepted here"),
        Some(text) => {
            let (text, now) = (text.to_owned(), sandbox.now());
            let read = move |tx: &Transaction<'_>| authority::verified(tx, &text, now);
            match sandbox.inner.store.read(read).await? {
                Some(token) => Ok(Owner::Client(Box::new(token))),
                None => refused("Token not defined"),
            }
        }
        None => refused("Token not defined"),
    }
}

/// Whether a bearer is the account owner's, who may do everything: that of this instance, or an access token. One that
/// was accepted once and isn't any more is refused in words that say why.
pub(super) fn is_owners(sandbox: &Sandbox, tx: &Transaction<'_>, presented: &str) -> Result<bool, Refusal> {
    if sandbox.inner.bearer.accepts(presented) {
        return Ok(true);
    }
    Ok(authority::verified(tx, presented, sandbox.now())?.is_some())
}

/// The bearer of the request's one `Authorization` header. Two headers are as unreadable as none.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_start_matches(' '))
}
