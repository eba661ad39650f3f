//! `GET /v2/logout`: signs the browser out, and leads back only to where the client registered.

use axum::extract::{RawQuery, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rusqlite::Transaction;
use url::Url;

use super::authorize::pages::{self, Problem};
use super::authorize::sessions;
use super::parameters::Parameters;
use crate::sandbox::Sandbox;
use crate::sandbox::clients::Registered;

pub(super) async fn leave(
    State(sandbox): State<Sandbox>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    let bad = |message: &str| Problem::new(StatusCode::BAD_REQUEST, message);
    if let Some(name) = parameters.repeated() {
        return Err(bad(&format!("`{name}` stands in the address twice.")));
    }
    let write = move |tx: &Transaction<'_>| {
        let back = match (parameters.get("returnTo"), parameters.get("client_id")) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(bad("The address has a `returnTo`, and no `client_id` to which it belongs."));
            }
            (Some(url), Some(client_id)) => {
                let client = Registered::find(tx, client_id)?;
                let client = client.filter(|client| client.has_logout_url(url));
                client.ok_or_else(|| bad("The `returnTo` is not among the client's logout URLs."))?;
                Some(Url::parse(url).map_err(|_| bad("The `returnTo` is not a URL."))?)
            }
        };
        if let Some(cookie) = sessions::cookie(&headers, sessions::COOKIE_NAME) {
            sessions::end(tx, cookie)?;
        }
        Ok(back)
    };
    let mut response = match sandbox.inner.store.write(write).await? {
        Some(url) => (StatusCode::FOUND, [(LOCATION, url.to_string())]).into_response(),
        None => pages::signed_out()?,
    };
    response.headers_mut().append(SET_COOKIE, sessions::expired_cookie());
    Ok(response)
}
