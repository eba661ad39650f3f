//! A token endpoint and what it says, the same for each grant: a request of the crate `oauth2` over this program's own transport, its answer as
//! `Tokens`, its refusal in words.

use carto_plugin_api::{ErrorCode, Secret};
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, RequestTokenError,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::http::NoAnswer;
use super::{Authority, Tokens};
use crate::error::{Error, Result};
use crate::redact;

/// What OpenID Connect adds to the answer of a token endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WithIdToken {
    pub(crate) id_token: Option<Secret>,
}

impl ExtraTokenFields for WithIdToken {}

/// The answer of a token endpoint.
pub(crate) type Given = StandardTokenResponse<WithIdToken, BasicTokenType>;

/// A client of an authority whose token endpoint is known.
pub(crate) type Client = oauth2::Client<
    BasicErrorResponse,
    Given,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A client of an authority. Its id and secret go in the body, as CARTO documents it.
pub(crate) fn client(authority: &Authority, id: &str, secret: Option<&Secret>) -> Client {
    let client = oauth2::Client::new(ClientId::new(id.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(authority.token_endpoint()));
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().clone())),
        None => client,
    }
}

impl Tokens {
    /// What an answer of an authority holds, if it is a bearer. Its own end counts, where it says one.
    pub(crate) fn of(answer: &Given, authority: &Authority, now: Timestamp) -> Result<Tokens> {
        // The crate has read it without regard to upper and lower case (RFC 6749, 5.1).
        if *answer.token_type() != BasicTokenType::Bearer {
            let message = format!("{} gave a token that isn't a bearer", authority.place());
            return Err(Error::new(ErrorCode::UnexpectedAnswer, message).hint("nothing was kept; look at the issuer"));
        }
        let access = answer.access_token().secret().clone();
        let told = answer.expires_in().and_then(|time| SignedDuration::try_from(time).ok());
        let told = told.and_then(|time| now.checked_add(time).ok());
        Ok(Tokens {
            expires_at: redact::end(&access).or(told),
            access: Secret::new(access),
            refresh: answer.refresh_token().map(|token| Secret::new(token.secret().clone())),
            endpoint: Some(authority.token_endpoint()),
            user_email: None,
        })
    }
}

/// What was sent to be exchanged, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Client,
    Code,
    Refresh,
}

/// The type of what comes out of a token endpoint that refuses.
pub(crate) type Refusal = RequestTokenError<NoAnswer, BasicErrorResponse>;

/// What a refusal means. None of the texts of the crate are shown: they can hold what was sent.
pub(crate) fn refused(authority: &Authority, client_id: &str, grant: Grant, refusal: Refusal) -> Error {
    let place = authority.place();
    match refusal {
        RequestTokenError::Request(none) => none.error,
        RequestTokenError::ServerResponse(answer) => in_words(&place, client_id, grant, &answer),
        RequestTokenError::Parse(error, _) => {
            // The path of the field, and not serde's text, which quotes values.
            let path = redact::redact(&error.path().to_string());
            let at = if path == "." { String::new() } else { format!(" (at `{path}`)") };
            unexpected(&place, &format!("something that isn't the answer of a token endpoint{at}"))
        }
        RequestTokenError::Other(_) => unexpected(&place, "nothing, or something that isn't JSON"),
    }
}

fn unexpected(place: &str, what: &str) -> Error {
    Error::new(ErrorCode::UnexpectedAnswer, format!("{place} answered with {what}"))
        .hint("look at the issuer: `--issuer`, `CARTO_AUTH_ISSUER`, or `issuer` below `[auth]` in the settings")
}

const SECRETS: &str = "look at both; a client's secret was shown when it was created, and at no other time";

fn wrong_secret(client: &str) -> String {
    format!("the id or the secret of the client `{client}` is wrong, or the client was deleted")
}

fn in_words(place: &str, client_id: &str, grant: Grant, answer: &BasicErrorResponse) -> Error {
    let code = answer.error().as_ref();
    let words = answer.error_description().map(|words| redact::redact(words)).unwrap_or_default();
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let client = redact::redact(client_id);
    let (why, hint) = match (answer.error(), grant) {
        // The second is what CARTO's authority answers (Auth0's word for it).
        (BasicErrorResponseType::InvalidClient, Grant::Client) => (wrong_secret(&client), SECRETS),
        (BasicErrorResponseType::Extension(word), Grant::Client) if word == "access_denied" => {
            (wrong_secret(&client), SECRETS)
        }
        (BasicErrorResponseType::InvalidClient, _) => (
            format!("the client `{client}` isn't known there, or is one that has to have a secret"),
            "use a SPA client of this authority: `carto credentials create spa --title TITLE --callback URL` makes one",
        ),
        (BasicErrorResponseType::UnauthorizedClient, Grant::Client) => (
            format!("the client `{client}` may not sign in as a machine"),
            "use an M2M client: `carto credentials create m2m --title TITLE` makes one",
        ),
        (BasicErrorResponseType::UnauthorizedClient, _) => (
            format!("the client `{client}` may not sign in a person"),
            "use a SPA client: `carto credentials create spa --title TITLE --callback URL` makes one",
        ),
        (BasicErrorResponseType::InvalidGrant, Grant::Code) => (
            "the code was used already, is too old, or belongs to another sign-in".to_owned(),
            "sign in again with `carto auth login`",
        ),
        (BasicErrorResponseType::InvalidGrant, Grant::Refresh) => (
            "the sign-in has ended there: it is too old, was revoked, or was used somewhere else".to_owned(),
            "sign in again with `carto auth login`",
        ),
        _ => (String::new(), "look at the client and the issuer, or ask who runs the authority"),
    };
    let why = if why.is_empty() { String::new() } else { format!("; {why}") };
    Error::new(ErrorCode::NotSignedIn, format!("{place} refused to sign in (`{}`{words}){why}", redact::redact(code)))
        .hint(hint)
}
