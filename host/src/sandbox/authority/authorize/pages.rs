//! The pages that the authority shows: whole in one answer, with no resource from elsewhere, and with a script only
//! where a message has to be sent.

use aws_lc_rs::error::Unspecified;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinError;

use super::super::user::User;
use super::request::{Asked, Recipient};
use crate::sandbox::answer::Refusal;
use crate::sandbox::random;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}\
                     button{font:inherit;padding:.4em 1.5em;margin-right:1em}code{word-break:break-all}";

/// A page in place of an answer to the client: the client can't be told, or isn't to be trusted.
#[derive(Debug)]
pub(in super::super) struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    pub(in super::super) fn new(status: StatusCode, message: &str) -> Problem {
        Problem { status, message: message.to_owned() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = format!("<h1>This can't be done</h1><p>{}</p>", escape(&self.message));
        still(self.status, &body).unwrap_or_else(|_| self.status.into_response())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let (status, message) = refusal.into_parts();
        Problem { status, message }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<Unspecified> for Problem {
    fn from(error: Unspecified) -> Problem {
        Refusal::from(error).into()
    }
}

/// Asks the user. The form brings back the request as it came, with a seal on it.
pub(super) fn consent(recipient: &Recipient, asked: &Asked, query: &str, seal: &str) -> Result<Response, Unspecified> {
    let scopes: String =
        asked.scope.split_whitespace().map(|scope| format!("<li><code>{}</code>", escape(scope))).collect();
    let scopes = if scopes.is_empty() { String::new() } else { format!("<p>It asks for:<ul>{scopes}</ul>") };
    let body = format!(
        "<h1>Let {title} in?</h1>\
         <p><b>{title}</b> (client <code>{client_id}</code>) wants to act as <b>{name}</b>, {email}, who owns all that is \
         in this sandbox.{scopes}<p>The answer goes to <code>{redirect_uri}</code>.\
         <form method=\"post\" action=\"/authorize\">\
         <input type=\"hidden\" name=\"request\" value=\"{query}\">\
         <input type=\"hidden\" name=\"seal\" value=\"{seal}\">\
         <button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form>",
        title = escape(&recipient.client.title),
        client_id = escape(&recipient.client.client_id),
        name = User::NAME,
        email = User::EMAIL,
        redirect_uri = escape(&recipient.redirect_uri),
        query = escape(query),
        seal = escape(seal),
    );
    still(StatusCode::OK, &body)
}

/// Says that the user has signed out, where there is nowhere to go.
pub(in super::super) fn signed_out() -> Result<Response, Unspecified> {
    still(StatusCode::OK, "<h1>Signed out</h1><p>This browser is signed out of the sandbox.")
}

/// Sends `answer` to the page that opened or framed this one, if that page is of `origin`. It may be framed: another
/// page gets nothing of it.
pub(super) fn web_message(answer: &Value, origin: &str) -> Result<Response, Unspecified> {
    let message = serde_json::json!({ "type": "authorization_response", "response": answer });
    let script = format!(
        "(window.opener || window.parent).postMessage({}, {});",
        in_script(&message),
        in_script(&Value::from(origin))
    );
    let nonce = random::url_safe(22)?;
    let policy = format!("default-src 'none'; base-uri 'none'; script-src 'nonce-{nonce}'");
    Ok(page(StatusCode::OK, &policy, &format!("<script nonce=\"{nonce}\">{script}</script>")))
}

/// A page without a script, which nobody may frame. What its form may lead to is left open: browsers would hold the
/// client's own redirects to that as well.
fn still(status: StatusCode, body: &str) -> Result<Response, Unspecified> {
    let nonce = random::url_safe(22)?;
    let policy = format!("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-{nonce}'");
    let mut response = page(status, &policy, &format!("<style nonce=\"{nonce}\">{STYLE}</style>{body}"));
    response.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    Ok(response)
}

fn page(status: StatusCode, policy: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>CARTO sandbox</title>{body}\n"
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: the form's `Origin` would be `null` then.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers.map(|(name, value)| (name, value.to_owned())), Html(text)).into_response()
}

/// Text as HTML, also within double quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// JSON that ends neither the script that it stands in nor a line of it.
fn in_script(value: &Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
