//! The requests of signing in. When one is sent again, and how long it may take, is the rule of `service`; none follows a redirect, and an answer
//! is read up to a limit. What they carry is never shown, and neither is what an address holds beside its path.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use carto_plugin_api::{ErrorCode, Secret};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use crate::address;
use crate::error::{Error, Result};
use crate::output::stderr;
use crate::redact;
use crate::service::{Act, Attempts, Deadline, Hidden, wish};
use crate::settings::Network;
use crate::transport::{BodyError, Failure, Transport};

/// The most that an answer may hold, unpacked.
const LIMIT: usize = 1024 * 1024;
/// How long a request may take, waits and attempts included, when `--timeout` says nothing: others may be waiting for the credentials file.
const REQUEST: Duration = Duration::from_secs(30);
/// The most of a service's own words that a message takes.
const WORDS: usize = 300;

/// An answer, read to its end.
pub(crate) type Answer = Response<Vec<u8>>;

/// Why there is no answer that can be used.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct NoAnswer {
    pub(crate) error: Error,
    /// Whether what was asked for may have been done all the same.
    pub(crate) is_open: bool,
}

/// Of what went wrong before anything was sent.
impl From<Error> for NoAnswer {
    fn from(error: Error) -> NoAnswer {
        NoAnswer { error, is_open: false }
    }
}

impl From<NoAnswer> for Error {
    fn from(none: NoAnswer) -> Error {
        none.error
    }
}

/// What of a form is a credential: an answer that refuses it may hold it.
const SECRETS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];

/// The way to authorities and to what is asked about accounts.
#[derive(Clone)]
pub(crate) struct Http {
    network: Network,
    timeout: Option<Duration>,
    /// Begins with the first request, if it hasn't yet, for all that are made by this way.
    deadline: Arc<OnceLock<Deadline>>,
    debug: bool,
}

impl Http {
    /// `timeout`: what `--timeout` says.
    pub(crate) fn new(network: Network, timeout: Option<Duration>, debug: bool) -> Http {
        Http { network, timeout, deadline: Arc::default(), debug }
    }

    /// With a deadline that runs already: what went before counts too.
    pub(crate) fn within(network: Network, deadline: Deadline, debug: bool) -> Http {
        Http { network, timeout: None, deadline: Arc::new(OnceLock::from(deadline)), debug }
    }

    /// Reads what is at an address, with a bearer if one is given.
    pub(crate) async fn get(&self, url: &Url, bearer: Option<&Secret>) -> Result<Answer> {
        let mut request = Request::new(Vec::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = url.as_str().parse().map_err(|_| unsendable(url))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        if let Some(bearer) = bearer {
            let text = Secret::new(format!("Bearer {}", bearer.expose()));
            let mut value = HeaderValue::from_str(text.expose()).map_err(|_| unsendable(url))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(self.send(request).await?)
    }

    /// Sends a form to an address.
    pub(crate) async fn post(&self, url: &Url, pairs: &[(&str, &str)]) -> Result<Answer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes();
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().map_err(|_| unsendable(url))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Ok(self.send(request).await?)
    }

    /// Sends a request, as often as its outcome allows, and reads the answer, be it one that refuses. A service that can't answer, or that sends
    /// elsewhere, has given none. This is what the crate `oauth2` is given.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> std::result::Result<Answer, NoAnswer> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| Error::new(ErrorCode::Failed, "an address can't be asked: it isn't one"))?;
        let transport = self.transport(&url)?;
        let hidden = hidden(&request);
        let place = address::place(&url);
        let shown = format!("{} {} at {place}", request.method(), url.path());
        let act = if request.method() == Method::GET { Act::Reads } else { Act::Tries };
        let mut attempts = Attempts::new(&self.network, act);
        let deadline = self.deadline.get_or_init(|| Deadline::new(self.timeout)).of_request(REQUEST);
        let request = request.map(Bytes::from);
        let outcome = loop {
            let started = Instant::now();
            let outcome = deadline.attempt(&transport, attempt(&transport, request.clone())).await;
            if self.debug {
                let told = match &outcome {
                    Ok(answer) => answer.status().to_string(),
                    Err(failure) => failure.to_string(),
                };
                stderr::debug(&format!("{shown} → {told} in {} ms", started.elapsed().as_millis()));
            }
            match attempts.wait(&outcome, deadline.left()) {
                Some(wait) => wait.pass(&shown, &place, self.debug).await,
                None => break outcome,
            }
        };
        let answer = outcome.map_err(|failure| failed(&url, &failure))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        // Nobody's words show what was sent.
        let answer = answer.map(|body| {
            let text = String::from_utf8_lossy(&body).into_owned();
            hidden.iter().fold(text, |text, hidden| hidden.text(&text).into_owned()).into_bytes()
        });
        no_answer(&answer, &shown, &place).map_or(Ok(answer), Err)
    }

    /// The way to an address, if that is one that may be asked, whoever named it.
    fn transport(&self, url: &Url) -> Result<Transport> {
        address::read(&url[..url::Position::AfterPath]).map_err(|refusal| {
            Error::new(ErrorCode::UnexpectedAnswer, format!("an address that is to be asked {}", refusal.cause))
        })?;
        Transport::http(url, &self.network)
    }
}

/// One attempt.
async fn attempt(transport: &Transport, request: Request<Bytes>) -> std::result::Result<Answer, Failure> {
    let (head, body) = transport.send(request).await?.into_parts();
    let body = Limited::new(body, LIMIT).collect().await.map_err(|e| match e {
        e if e.is::<LengthLimitError>() => Failure::TooLarge,
        e => Failure::Lost(e.downcast_ref::<BodyError>().map_or_else(|| e.to_string(), ToString::to_string)),
    })?;
    Ok(Response::from_parts(head, body.to_bytes().to_vec()))
}

/// The credentials of a request.
fn hidden(request: &Request<Vec<u8>>) -> Vec<Hidden> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split(' ').nth(1));
    let form = form_urlencoded::parse(request.body());
    let in_form = form.filter(|(key, _)| SECRETS.contains(&key.as_ref())).map(|(_, value)| value.into_owned());
    header.map(str::to_owned).into_iter().chain(in_form).map(|secret| Hidden::new(&secret)).collect()
}

/// The words of a service that refuses: its JSON's, or plain text, without what could be a credential.
pub(crate) fn words(answer: &Answer) -> String {
    let text = match json(answer) {
        Some(json) => carto_plugin_api::problem(&json),
        None if content_type(answer) == "text/plain" => String::from_utf8(answer.body().clone()).ok(),
        None => None,
    };
    let text: String = text.unwrap_or_default().trim().chars().take(WORDS).collect();
    if text.is_empty() { text } else { format!(": {}", redact::redact(&text)) }
}

/// The JSON of an answer, if it is any.
pub(crate) fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body()).ok()
}

/// `text/html`, without parameters; empty if it isn't said.
pub(crate) fn content_type(answer: &Answer) -> &str {
    let value = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// What is said by a status alone, whatever was asked.
fn no_answer(answer: &Answer, shown: &str, place: &str) -> Option<NoAnswer> {
    let (status, words) = (answer.status().as_u16(), words(answer));
    let (code, message, hint) = match status {
        300..=399 => (
            ErrorCode::UnexpectedAnswer,
            format!("{shown} is redirected ({status}), which isn't followed"),
            "give the address of the service itself",
        ),
        408 => (ErrorCode::Unavailable, format!("{shown} took too long for it (408){words}"), "try again"),
        429 => (
            ErrorCode::RateLimited,
            format!("{place} asks for fewer requests (429){}{words}", wish(answer)),
            "wait, then try again",
        ),
        500.. => {
            (ErrorCode::Unavailable, format!("{shown} failed ({status}){}{words}", wish(answer)), "try again later")
        }
        _ => return None,
    };
    Some(NoAnswer { error: Error::new(code, message).hint(hint), is_open: status != 429 })
}

fn unsendable(url: &Url) -> Error {
    Error::new(ErrorCode::Failed, format!("a request to {} can't be written", address::place(url)))
}

fn failed(url: &Url, failure: &Failure) -> NoAnswer {
    let place = address::place(url);
    let error = match failure {
        Failure::Unsent(obstacle) => {
            Error::new(ErrorCode::Unreachable, format!("cannot reach {place}{}", obstacle.why))
                .hint(obstacle.remedy.clone())
        }
        Failure::Lost(why) => {
            Error::new(ErrorCode::Unreachable, format!("the connection to {place} failed: {why}")).hint("try again")
        }
        Failure::TooLarge => {
            Error::new(ErrorCode::UnexpectedAnswer, format!("{place} answered {} with more than 1 MiB", url.path()))
                .hint("the address may lead somewhere else")
        }
    };
    NoAnswer { error, is_open: !matches!(failure, Failure::Unsent(_)) }
}
