//! Which client asks, by what it sends: its id and, where it has to keep one, its secret.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rusqlite::Transaction;

use super::cors;
use super::oauth_error::OauthError;
use super::parameters::Parameters;
use crate::sandbox::clients::Registered;

/// What a client presents. It has no `Debug`: there may be a secret in it.
pub(super) struct Presented {
    client_id: String,
    secret: Option<String>,
    basic: bool,
}

impl Presented {
    /// Reads the id and the secret from the body or from `Authorization: Basic`, never from both.
    pub(super) fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Presented, OauthError> {
        let client_id = parameters.get("client_id");
        let secret = parameters.get("client_secret");
        if !headers.contains_key(AUTHORIZATION) {
            let client_id = client_id.ok_or_else(|| OauthError::invalid_request("`client_id` is required"))?;
            return Ok(Presented { client_id: client_id.to_owned(), secret: secret.map(str::to_owned), basic: false });
        }
        let unreadable = "The `Authorization` header is not `Basic` with the client's id and secret";
        let (id, basic_secret) = basic(headers).ok_or_else(|| OauthError::invalid_client(unreadable, true))?;
        if secret.is_some() {
            return Err(OauthError::invalid_request("The client's secret stands in the body and in the header"));
        }
        if client_id.is_some_and(|client_id| client_id != id) {
            return Err(OauthError::invalid_request("The body and the header name two clients"));
        }
        Ok(Presented { client_id: id, secret: Some(basic_secret), basic: true })
    }

    /// The client, if it is the one that it says. A secret that is presented must be right; an M2M client presents one.
    pub(super) fn authenticate(&self, tx: &Transaction<'_>, headers: &HeaderMap) -> Result<Registered, OauthError> {
        let refused = |description| Err(OauthError::invalid_client(description, self.basic));
        let Some(client) = Registered::find(tx, &self.client_id)? else {
            return refused("There is no such client");
        };
        match &self.secret {
            Some(secret) if !client.has_secret(secret) => return refused("The client's secret is another one"),
            None if !client.is_spa() => return refused("The client has to present its secret"),
            _ => {}
        }
        cors::check(headers, &client)?;
        Ok(client)
    }
}

/// Both parts are encoded as in a form (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |part: &str| {
        // In a form, a space is a `+`.
        let part = part.replace('+', " ");
        percent_encoding::percent_decode_str(&part).decode_utf8().ok().map(|text| text.into_owned())
    };
    scheme.eq_ignore_ascii_case("basic").then_some((decode(id)?, decode(secret)?))
}
