//! Who may ask: whoever presents the one bearer of this instance. Which routes ask for it is decided in `routes.rs`.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use rusqlite::Transaction;

use super::answer::Refusal;
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

    fn accepts(&self, presented: &str) -> bool {
        // Tags have one length whatever is presented, so that not even the bearer's length shows in the time taken.
        hmac::verify(&self.key, presented.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

/// The middleware of every route that takes the bearer.
pub(super) async fn require(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Result<Response, Refusal> {
    let refused = |message| Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
    match presented(request.headers()) {
        Some(text) if sandbox.inner.bearer.accepts(text) => Ok(next.run(request).await),
        Some(text) if jwt::is_api_access_token(text) => refused("API Access Tokens are not accepted here"),
        _ => refused("Token not defined"),
    }
}

/// Whether a bearer is the account owner's, who may do everything: so far that of this instance.
pub(super) fn is_owners(sandbox: &Sandbox, _tx: &Transaction<'_>, presented: &str) -> Result<bool, Refusal> {
    Ok(sandbox.inner.bearer.accepts(presented))
}

/// The bearer of the request's one `Authorization` header. Two headers are as unreadable as none.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_start_matches(' '))
}
