//! `POST /oauth/token`: who asks and for what. Each kind of grant is in a file of its own.

mod client_credentials;
mod code;
mod id_token;
mod refresh;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use rusqlite::Transaction;
use serde::Serialize;

use super::access_token::{self, AccessToken};
use super::authorizations::{self, Authorization};
use super::client::Presented;
use super::issuer::Issuer;
use super::keys;
use super::oauth_error::OauthError;
use super::parameters::Parameters;
use super::scope;
use super::user::User;
use crate::sandbox::Sandbox;
use crate::sandbox::answer;
use crate::sandbox::clients::Registered;
use crate::sandbox::store::account;

/// What a grant is given, in the shape that CARTO documents.
#[derive(Serialize)]
struct Given {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
    expires_in: i64,
    token_type: &'static str,
}

/// What is kept in either case: a refusal may have ended what was given before.
enum Outcome {
    Given(Given),
    Ended(OauthError),
}

/// One request for a token, by a client that is who it says.
struct Request<'a> {
    tx: &'a Transaction<'a>,
    client: Registered,
    parameters: &'a Parameters,
    issuer: &'a Issuer,
    now: Timestamp,
}

pub(super) async fn issue(
    State(sandbox): State<Sandbox>,
    Extension(issuer): Extension<Issuer>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, OauthError> {
    let presented = Presented::read(&headers, &parameters)?;
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let client = presented.authenticate(tx, &headers)?;
        let request = Request { tx, client, parameters: &parameters, issuer: &issuer, now };
        match parameters.required("grant_type")? {
            "client_credentials" => client_credentials::give(&request).map(Outcome::Given),
            "authorization_code" => code::redeem(&request),
            "refresh_token" => refresh::rotate(&request),
            _ => Err(OauthError::new(
                "unsupported_grant_type",
                "`grant_type` must be `authorization_code`, `client_credentials` or `refresh_token`",
            )),
        }
    };
    match sandbox.inner.store.write(write).await? {
        Outcome::Given(given) => Ok(([(CACHE_CONTROL, "no-store")], answer::ok(&given)?).into_response()),
        Outcome::Ended(error) => Err(error),
    }
}

impl Request<'_> {
    /// Refuses a grant that isn't for clients of this kind.
    fn only_for(&self, spa: bool) -> Result<(), OauthError> {
        if self.client.is_spa() == spa {
            return Ok(());
        }
        let kind = if spa { "SPA" } else { "M2M" };
        Err(OauthError::new("unauthorized_client", format!("This grant is for {kind} clients")))
    }

    fn check_audience(&self) -> Result<(), OauthError> {
        match self.parameters.get("audience") {
            Some(audience) if audience != access_token::AUDIENCE => {
                let message = format!("`audience` must be `{}`", access_token::AUDIENCE);
                Err(OauthError::new("invalid_target", message))
            }
            _ => Ok(()),
        }
    }

    /// The next tokens of an authorization that was presented rightly.
    fn proceed(&self, authorization: &Authorization, scope: &str, nonce: Option<&str>) -> Result<Given, OauthError> {
        let refresh_token = authorizations::proceed(self.tx, authorization, self.now)?;
        let user = User::of(account(self.tx)?.id());
        let key = keys::find_or_make(self.tx)?;
        let client_id = &self.client.client_id;
        let mut token = AccessToken::new(self.issuer, client_id, user.id(), scope.to_owned(), self.now)?;
        token.authorization_id = Some(authorization.id.clone());
        let id_token = scope::has(scope, "openid").then(|| {
            let claims = id_token::claims(self.issuer, client_id, &user, scope, nonce, authorization, self.now);
            key.sign(&claims)
        });
        Ok(Given::new(key.sign(&token)?, refresh_token, id_token.transpose()?, token.scope))
    }
}

impl Given {
    fn new(access_token: String, refresh_token: Option<String>, id_token: Option<String>, scope: String) -> Given {
        Given { access_token, refresh_token, id_token, scope, expires_in: access_token::LIFETIME, token_type: "Bearer" }
    }
}
