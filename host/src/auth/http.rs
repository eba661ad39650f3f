//! The requests of signing in: each is sent once, in a bounded time, follows no redirect, and its answer is read up to a limit. What they
//! carry is never shown, and neither is what an address holds beside its path.

use std::time::Duration;

use carto_plugin_api::{ErrorCode, Secret};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use url::{Url, form_urlencoded};

use crate::address;
use crate::error::{Error, Result};
use crate::output::stderr;
use crate::redact;
use crate::service::Hidden;
use crate::settings::Network;
use crate::transport::{BodyError, Failure, Transport};

/// The most that an answer may hold, unpacked.
const LIMIT: usize = 1024 * 1024;
/// How long a request may take when `--timeout` says nothing.
const REQUEST: Duration = Duration::from_secs(30);
/// The most of a service's own words that a message takes.
const WORDS: usize = 300;

/// How the error of a request begins that wasn't sent.
const UNSENT: &str = "cannot reach ";

/// An answer, read to its end.
pub(crate) type Answer = Response<Vec<u8>>;

/// What of a form is a credential: an answer that refuses it may hold it.
const SECRETS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];

/// The way to authorities and to what is asked about accounts.
#[derive(Clone)]
pub(crate) struct Http {
    network: Network,
    limit: Duration,
    debug: bool,
    /// The sandbox in this process, instead of the network.
    sandbox: Option<Transport>,
}

impl Http {
    /// `timeout`: what `--timeout` says.
    pub(crate) fn new(network: Network, timeout: Option<Duration>, debug: bool) -> Http {
        Http { network, limit: timeout.unwrap_or(REQUEST), debug, sandbox: None }
    }

    /// The same into the sandbox, whatever is asked.
    pub(crate) fn into_sandbox(self, sandbox: Transport) -> Http {
        Http { sandbox: Some(sandbox), ..self }
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
        self.send(request).await
    }

    /// Sends a form to an address.
    pub(crate) async fn post(&self, url: &Url, pairs: &[(&str, &str)]) -> Result<Answer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes();
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().map_err(|_| unsendable(url))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(request).await
    }

    /// Sends a request, and reads its answer, be it one that refuses. A service that can't answer, or that sends elsewhere, is an error. This
    /// is what the crate `oauth2` is given.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Answer> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| Error::new(ErrorCode::Failed, "an address can't be asked: it isn't one"))?;
        let transport = match &self.sandbox {
            Some(sandbox) => sandbox.clone(),
            None => self.transport(&url)?,
        };
        let hidden = hidden(&request);
        let shown = format!("{} {} at {}", request.method(), url.path(), address::place(&url));
        let started = Instant::now();
        let whole = timeout(self.limit, async {
            let (head, body) = transport.send(request.map(Into::into)).await?.into_parts();
            let body = Limited::new(body, LIMIT).collect().await.map_err(|e| match e {
                e if e.is::<LengthLimitError>() => Failure::TooLarge,
                e => Failure::Lost(e.downcast_ref::<BodyError>().map_or_else(|| e.to_string(), ToString::to_string)),
            })?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        });
        let outcome =
            whole.await.unwrap_or_else(|_| Err(Failure::Lost(format!("no whole answer within {:?}", self.limit))));
        if self.debug {
            let told = match &outcome {
                Ok(answer) => answer.status().to_string(),
                Err(failure) => failure.to_string(),
            };
            stderr::debug(&format!("{shown} → {told} in {} ms", started.elapsed().as_millis()));
        }
        let answer = outcome.map_err(|failure| failed(&url, &failure))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        // Nobody's words show what was sent.
        let answer = answer.map(|body| {
            let text = String::from_utf8_lossy(&body).into_owned();
            hidden.iter().fold(text, |text, hidden| hidden.text(&text).into_owned()).into_bytes()
        });
        no_answer(&answer, &shown).map_or(Ok(answer), Err)
    }

    /// The network's, for an address that may be asked, whoever named it.
    fn transport(&self, url: &Url) -> Result<Transport> {
        address::read(&url[..url::Position::AfterPath]).map_err(|refusal| {
            Error::new(ErrorCode::UnexpectedAnswer, format!("an address that is to be asked {}", refusal.cause))
        })?;
        Transport::http(url, &self.network)
    }
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
fn no_answer(answer: &Answer, shown: &str) -> Option<Error> {
    let (status, words) = (answer.status().as_u16(), words(answer));
    let (code, message, hint) = match status {
        300..=399 => (
            ErrorCode::UnexpectedAnswer,
            format!("{shown} is redirected ({status}), which isn't followed"),
            "give the address of the service itself",
        ),
        429 => (
            ErrorCode::RateLimited,
            format!("{shown}: fewer requests are asked for (429){words}"),
            "wait, then try again",
        ),
        500.. => (ErrorCode::Unavailable, format!("{shown} failed ({status}){words}"), "try again later"),
        _ => return None,
    };
    Some(Error::new(code, message).hint(hint))
}

/// Whether an error says that a request wasn't sent.
pub(crate) fn is_unsent(error: &Error) -> bool {
    error.code == ErrorCode::Unreachable && error.message.starts_with(UNSENT)
}

fn unsendable(url: &Url) -> Error {
    Error::new(ErrorCode::Failed, format!("a request to {} can't be written", address::place(url)))
}

fn failed(url: &Url, failure: &Failure) -> Error {
    let place = address::place(url);
    match failure {
        Failure::Unsent(obstacle) => {
            Error::new(ErrorCode::Unreachable, format!("{UNSENT}{place}{}", obstacle.why)).hint(obstacle.remedy.clone())
        }
        Failure::Lost(why) => {
            Error::new(ErrorCode::Unreachable, format!("the connection to {place} failed: {why}")).hint("try again")
        }
        Failure::TooLarge => {
            Error::new(ErrorCode::UnexpectedAnswer, format!("{place} answered {} with more than 1 MiB", url.path()))
                .hint("the address may lead somewhere else")
        }
    }
}
