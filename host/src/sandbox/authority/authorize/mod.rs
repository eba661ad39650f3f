//! `/authorize`: a person lets a client in. A session that has allowed the same before isn't asked again.

pub(super) mod pages;
mod request;
pub(super) mod sessions;

use aws_lc_rs::error::Unspecified;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::header::{LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use rusqlite::Transaction;
use serde_json::{Map, Value};
use url::Url;

use self::pages::Problem;
use self::request::{Asked, Mistake, Mode, Prompt, Recipient};
use self::sessions::Session;
use super::authorizations::{self, Allowed};
use super::hash;
use super::issuer::Issuer;
use super::parameters::Parameters;
use crate::sandbox::Sandbox;

/// What ties the consent page to the browser that it was shown in.
const CONSENT_COOKIE: &str = "carto_sandbox_consent";

/// `GET /authorize`.
pub(super) async fn ask(
    State(sandbox): State<Sandbox>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let now = sandbox.now();
    let shared = sandbox.clone();
    let write = move |tx: &Transaction<'_>| {
        let parameters = Parameters::parse(query.as_bytes());
        let recipient = Recipient::find(tx, &parameters)?;
        let asked = match Asked::read(&parameters) {
            Ok(asked) => asked,
            Err(mistake) => return Ok(recipient.refuse(&mistake, StatusCode::FOUND)?),
        };
        let session = Session::find(tx, sessions::cookie(&headers, sessions::COOKIE_NAME), now)?;
        let is_fresh =
            |session: &Session| asked.max_age.is_none_or(|seconds| now.as_second() - session.signed_in_at <= seconds);
        let session = session.filter(is_fresh);
        let allowed = match &session {
            Some(session) => session.has_allowed(tx, &recipient.client.client_id, &asked.scope)?,
            None => false,
        };
        match (&session, asked.prompt) {
            (Some(session), Prompt::None | Prompt::Unsaid) if allowed => {
                let code = give(tx, &recipient, &asked, session, now)?;
                Ok(recipient.answer(&[("code", &code)], StatusCode::FOUND)?)
            }
            (Some(_), Prompt::None) => {
                let mistake = Mistake("consent_required", "The user has not allowed this yet".to_owned());
                Ok(recipient.refuse(&mistake, StatusCode::FOUND)?)
            }
            (None, Prompt::None) => {
                let mistake = Mistake("login_required", "Nobody is signed in".to_owned());
                Ok(recipient.refuse(&mistake, StatusCode::FOUND)?)
            }
            _ => show(&shared, &headers, &recipient, &asked, &query),
        }
    };
    sandbox.inner.store.write(write).await
}

/// `POST /authorize`: what the user decided on the page.
pub(super) async fn decide(
    State(sandbox): State<Sandbox>,
    Extension(issuer): Extension<Issuer>,
    headers: HeaderMap,
    form: Parameters,
) -> Result<Response, Problem> {
    let bad = |message| Err(Problem::new(StatusCode::BAD_REQUEST, message));
    if headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() != issuer.origin().as_bytes()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "This form was sent from elsewhere."));
    }
    let query = form.get("request").unwrap_or_default().to_owned();
    let cookie = sessions::cookie(&headers, CONSENT_COOKIE);
    let sealed = cookie
        .zip(form.get("seal"))
        .is_some_and(|(cookie, seal)| sandbox.inner.bearer.is_sealed(&seal_of(cookie, &query), seal));
    if !sealed {
        return Err(Problem::new(StatusCode::FORBIDDEN, "This form is not the one that was shown here. Begin again."));
    }
    let allow = match form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return bad("The form has no decision."),
    };
    let now = sandbox.now();
    let write = move |tx: &Transaction<'_>| {
        let parameters = Parameters::parse(query.as_bytes());
        // Both once more: the client may have been changed or deleted since the page was shown.
        let recipient = Recipient::find(tx, &parameters)?;
        let asked = match Asked::read(&parameters) {
            Ok(asked) if allow => asked,
            Ok(_) => {
                let mistake = Mistake("access_denied", "The user did not allow it".to_owned());
                return Ok(recipient.refuse(&mistake, StatusCode::SEE_OTHER)?);
            }
            Err(mistake) => return Ok(recipient.refuse(&mistake, StatusCode::SEE_OTHER)?),
        };
        let earlier = Session::find(tx, sessions::cookie(&headers, sessions::COOKIE_NAME), now)?;
        let (session, cookie) = Session::begin(tx, earlier.as_ref(), now)?;
        session.allow(tx, &recipient.client.client_id, &asked.scope)?;
        let code = give(tx, &recipient, &asked, &session, now)?;
        let mut response = recipient.answer(&[("code", &code)], StatusCode::SEE_OTHER)?;
        set_cookie(&mut response, sessions::COOKIE_NAME, &cookie, "/");
        Ok(response)
    };
    sandbox.inner.store.write(write).await
}

fn show(
    sandbox: &Sandbox,
    headers: &HeaderMap,
    recipient: &Recipient,
    asked: &Asked,
    query: &str,
) -> Result<Response, Problem> {
    // One for all pages of a browser: another tab's page must not become worthless.
    let cookie = match sessions::cookie(headers, CONSENT_COOKIE) {
        Some(cookie) if !cookie.is_empty() => cookie.to_owned(),
        _ => hash::secret()?,
    };
    let seal = sandbox.inner.bearer.seal(&seal_of(&cookie, query));
    let mut response = pages::consent(recipient, asked, query, &seal)?;
    set_cookie(&mut response, CONSENT_COOKIE, &cookie, "/authorize");
    Ok(response)
}

fn seal_of(cookie: &str, query: &str) -> String {
    format!("consent\n{cookie}\n{query}")
}

/// No `Secure`: there is no TLS on loopback.
fn set_cookie(response: &mut Response, name: &str, value: &str, path: &str) {
    let text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax");
    // A cookie that came in a header can stand in one.
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

fn give(
    tx: &Transaction<'_>,
    recipient: &Recipient,
    asked: &Asked,
    session: &Session,
    now: Timestamp,
) -> Result<String, Problem> {
    let allowed = Allowed {
        client_id: &recipient.client.client_id,
        redirect_uri: &recipient.redirect_uri,
        challenge: &asked.challenge,
        scope: &asked.scope,
        nonce: asked.nonce.as_deref(),
        signed_in_at: session.signed_in_at,
    };
    Ok(authorizations::insert(tx, &allowed, now)?)
}

impl Recipient {
    fn refuse(&self, Mistake(error, description): &Mistake, status: StatusCode) -> Result<Response, Unspecified> {
        self.answer(&[("error", error), ("error_description", description)], status)
    }

    /// Tells the client, by redirect or by message, with the state that it sent.
    fn answer(&self, pairs: &[(&str, &str)], status: StatusCode) -> Result<Response, Unspecified> {
        let state = self.state.as_deref().map(|state| ("state", state));
        let pairs = pairs.iter().copied().chain(state);
        match self.mode {
            Mode::WebMessage => {
                let fields: Map<String, Value> =
                    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
                pages::web_message(&fields.into(), &self.origin())
            }
            Mode::Query => {
                // Cannot fail: what isn't a URL is no callback.
                let mut url = Url::parse(&self.redirect_uri).map_err(|_| Unspecified)?;
                url.query_pairs_mut().extend_pairs(pairs);
                let headers = [(LOCATION, url.as_str()), (axum::http::header::CACHE_CONTROL, "no-store")];
                Ok((status, headers.map(|(name, value)| (name, value.to_owned()))).into_response())
            }
        }
    }
}
