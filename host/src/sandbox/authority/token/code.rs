//! `grant_type=authorization_code`: whoever began with the verifier's hash ends with the verifier.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::{Outcome, Request};
use crate::sandbox::authority::authorizations;
use crate::sandbox::authority::oauth_error::OauthError;

pub(super) fn redeem(request: &Request<'_>) -> Result<Outcome, OauthError> {
    request.only_for(true)?;
    let code = request.parameters.required("code")?;
    let redirect_uri = request.parameters.required("redirect_uri")?;
    let verifier = request.parameters.required("code_verifier")?;
    request.check_audience()?;

    let unknown = || OauthError::invalid_grant("The code is unknown, or over");
    let authorization = authorizations::find_by_code(request.tx, code)?.ok_or_else(unknown)?;
    if authorization.is_over(request.now) {
        return Err(unknown());
    }
    if authorization.client_id != request.client.client_id {
        return Err(OauthError::invalid_grant("The code was given to another client"));
    }
    if authorization.redirect_uri != redirect_uri {
        return Err(OauthError::invalid_grant("The code was given to another `redirect_uri`"));
    }
    let challenge = BASE64.encode(digest(&SHA256, verifier.as_bytes()));
    if verify_slices_are_equal(challenge.as_bytes(), authorization.challenge.as_bytes()).is_err() {
        return Err(OauthError::invalid_grant("The `code_verifier` is not the one that the request began with"));
    }
    if authorization.code_used {
        // One of the two who had it is a thief, and nobody can say which.
        authorizations::end(request.tx, &authorization.id)?;
        let message = "The code was used already: all that it gave has ended now";
        return Ok(Outcome::Ended(OauthError::invalid_grant(message)));
    }
    let given = request.proceed(&authorization, &authorization.scope, authorization.nonce.as_deref())?;
    Ok(Outcome::Given(given))
}
