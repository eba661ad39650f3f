//! What the kinds of OAuth client share: the routes, and the way from what a user typed to one client. What a kind's clients look
//! like and which rules they follow is the kind's.
//!
//! CARTO doesn't publish its endpoints for OAuth clients. These are this project's own: `/v3/oauth-clients` and
//! `/v3/oauth-clients/{client_id}`, every request with `?type=…`, which the kinds' manifests demand of themselves. They stand here and
//! nowhere else; `[services.api.paths]` in the configuration leads them somewhere else when the real ones are known.

mod find;
mod widened;

use carto_plugin_api::{Error, ErrorCode, Host, Listing, Page, Request, Response, Result, shell_word};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const ROUTE: [&str; 2] = ["v3", "oauth-clients"];

/// How many clients a page asks for.
const PAGE: &str = "100";

/// A client as its kind reads it from the service.
pub trait Client: DeserializeOwned {
    /// Its `client_id`.
    fn id(&self) -> &str;
    /// Its title.
    fn title(&self) -> &str;
}

/// A title as the kinds demand it: text that can be typed again. `None` (an update that leaves it) is fine.
pub fn check_title(title: Option<&str>) -> Result<()> {
    match title {
        Some(title) if title.trim().is_empty() || title.contains(char::is_control) => {
            Err(Error::argument("title", "the title is empty or holds control characters")
                .hint("give a title of one line, like `--title 'Store locator'`"))
        }
        _ => Ok(()),
    }
}

/// The clients of one type.
pub struct Clients {
    /// The `type` on the wire, which is also the kind's name on the command line.
    pub kind: &'static str,
    /// What a message calls one.
    pub noun: &'static str,
}

#[derive(Deserialize)]
struct ListAnswer {
    clients: Vec<Value>,
    #[serde(default)]
    next: Option<String>,
}

impl Clients {
    /// One page. A service that doesn't know the filter would list other types too: they are left out.
    pub fn list<C: Client>(&self, host: &Host<'_>, page: Page) -> Result<Listing<C>> {
        let request = self.typed(Request::get(ROUTE)).query("limit", PAGE).query_if("cursor", page.cursor);
        let answer: ListAnswer = host.call("api", request)?.ok()?.json()?;
        let own = answer.clients.into_iter().filter(|client| self.is_own(client));
        // One that can't be read must not hide the others.
        let readable = own.filter_map(|client| {
            let read = self.read(client);
            if read.is_err() {
                host.warn(&format!("the service lists a {} that can't be read: it is left out", self.noun), None);
            }
            read.ok()
        });
        Ok(Listing::new(readable.collect(), answer.next.filter(|next| !next.is_empty())))
    }

    /// Creates one from the wire's body.
    pub fn create<C: Client>(&self, host: &Host<'_>, body: &impl Serialize) -> Result<C> {
        let response = host.call("api", self.typed(Request::post(ROUTE)).json(body))?;
        self.written(body, self.allowed(response)?)
    }

    /// The client that `id` means.
    pub fn get<C: Client>(&self, host: &Host<'_>, id: &str) -> Result<C> {
        let (response, _) = self.ask::<C>(host, id, || Request::get(ROUTE))?;
        let client: Value = self.allowed(response)?.json()?;
        if !self.is_own(&client) {
            return Err(self.not_found(id));
        }
        self.read(client)
    }

    /// Sends the wire's body for the client that `id` means. Each field in it replaces the one that is there.
    pub fn update<C: Client>(&self, host: &Host<'_>, id: &str, body: &impl Serialize) -> Result<C> {
        let (response, _) = self.ask::<C>(host, id, || Request::patch(ROUTE).json(body))?;
        self.written(body, self.allowed(response)?)
    }

    /// Deletes the client that `id` means. Answers with it if it had to be looked up.
    pub fn delete<C: Client>(&self, host: &Host<'_>, id: &str) -> Result<Option<C>> {
        let (response, client) = self.ask::<C>(host, id, || Request::delete(ROUTE))?;
        self.allowed(response)?;
        Ok(client)
    }

    fn typed(&self, request: Request) -> Request {
        request.query("type", self.kind)
    }

    fn is_own(&self, client: &Value) -> bool {
        client.get("type").is_none_or(|kind| kind == self.kind)
    }

    fn read<C: Client>(&self, client: Value) -> Result<C> {
        // The text of the error could quote a value, and a client's secret is one: say where, not what.
        C::deserialize(client).map_err(|_| {
            Error::new(
                ErrorCode::UnexpectedAnswer,
                format!("the service's answer isn't the {} that was expected", self.noun),
            )
            .hint("the service may have changed, or the base URL may lead somewhere else; `--debug` shows the requests")
        })
    }

    fn written<C: Client>(&self, body: &impl Serialize, response: Response) -> Result<C> {
        let answer: Value = response.json()?;
        if !self.is_own(&answer) {
            let message = format!("the service wrote a client that isn't a {}", self.noun);
            return Err(
                Error::new(ErrorCode::WiderThanAsked, message).hint("look at what is there: `carto credentials list`")
            );
        }
        let wider = widened::fields(&serde_json::to_value(body).unwrap_or_default(), &answer);
        let client: C = self.read(answer)?;
        if wider.is_empty() {
            return Ok(client);
        }
        let message = format!(
            "the {} `{}` exists, but the service gave it more than was asked: {}",
            self.noun,
            client.id(),
            wider.join(", ")
        );
        Err(Error::new(ErrorCode::WiderThanAsked, message).hint(format!(
            "delete it: `carto credentials delete {} {}`",
            self.kind,
            shell_word(client.id())
        )))
    }

    /// A refusal in this kind's terms.
    fn allowed(&self, response: Response) -> Result<Response> {
        response.ok().map_err(|error| match error.code {
            ErrorCode::Forbidden => error.hint(
                "managing OAuth clients needs an account and a plan that have them; ask the account's administrator",
            ),
            _ => error,
        })
    }
}
