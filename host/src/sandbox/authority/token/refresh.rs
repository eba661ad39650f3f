//! `grant_type=refresh_token`: each refresh token works once, for the next one.

use super::{Outcome, Request};
use crate::sandbox::authority::oauth_error::OauthError;
use crate::sandbox::authority::{authorizations, scope};

pub(super) fn rotate(request: &Request<'_>) -> Result<Outcome, OauthError> {
    request.only_for(true)?;
    let token = request.parameters.required("refresh_token")?;
    request.check_audience()?;

    let unknown = || OauthError::invalid_grant("The refresh token is unknown, over or revoked");
    let found = authorizations::find_by_refresh_token(request.tx, token)?;
    let (authorization, used) = found.ok_or_else(unknown)?;
    if authorization.is_over(request.now) {
        return Err(unknown());
    }
    if authorization.client_id != request.client.client_id {
        return Err(OauthError::invalid_grant("The refresh token was given to another client"));
    }
    if used {
        // As with a code: one of the two who had it is a thief.
        authorizations::end(request.tx, &authorization.id)?;
        let message = "The refresh token was used already: it and all that came of it have ended now";
        return Ok(Outcome::Ended(OauthError::invalid_grant(message)));
    }
    let scope = request.parameters.get("scope").unwrap_or(&authorization.scope);
    if !scope::includes(&authorization.scope, scope) {
        return Err(OauthError::new("invalid_scope", "`scope` asks for more than was allowed"));
    }
    let given = request.proceed(&authorization, &scope::known(scope), None)?;
    Ok(Outcome::Given(given))
}
