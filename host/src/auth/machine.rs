//! A machine signs in: an M2M client's id and secret for a bearer (RFC 6749, client credentials).

use jiff::Timestamp;

use super::client::Client;
use super::exchange::{self, Grant};
use super::{Authority, Http, Tokens};
use crate::error::Result;

/// Asks an authority for a bearer: where the profile's sign-in in a browser has learnt that it gives them, or else where CARTO's does (documented).
/// The grant is CARTO's, and whoever names another issuer means one that is like CARTO's: what that says of itself isn't asked for, so that a machine
/// needs one request.
pub(crate) async fn sign_in(http: &Http, authority: &Authority, client: &Client) -> Result<Tokens> {
    let asking = exchange::client(authority, &client.id, Some(&client.secret));
    let answer = asking
        .exchange_client_credentials()
        .add_extra_param("audience", &authority.audience)
        .request_async(&|request| http.send(request))
        .await
        .map_err(|refusal| exchange::refused(authority, &client.id, Grant::Client, refusal))?;
    // A machine needs no other way to the next bearer.
    Ok(Tokens { refresh: None, ..Tokens::of(&answer, authority, Timestamp::now())? })
}
