//! `grant_type=client_credentials`: a machine asks in its own name, and acts as the account's owner.

use super::{Given, Request};
use crate::sandbox::authority::access_token::AccessToken;
use crate::sandbox::authority::oauth_error::OauthError;
use crate::sandbox::authority::{keys, scope};

pub(super) fn give(request: &Request<'_>) -> Result<Given, OauthError> {
    request.only_for(false)?;
    request.parameters.required("audience")?;
    request.check_audience()?;
    let client_id = &request.client.client_id;
    let sub = format!("{client_id}@clients");
    let token = AccessToken::new(request.issuer, client_id, sub, scope::API.join(" "), request.now)?;
    let key = keys::find_or_make(request.tx)?;
    Ok(Given::new(key.sign(&token)?, None, None, token.scope))
}
