//! The trait that a kind implements.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Host, Result, Verb, Verification};

/// A kind of credential: up to six verbs over typed inputs and records.
///
/// A verb that the manifest leaves out is never asked for; its default here says so. The functions take no `self`: each command is
/// a new process, and a kind keeps nothing between verbs.
pub trait CredentialKind {
    /// What the user is shown of one credential: an object with at least the field that the manifest names as `record.id`.
    type Record: Serialize;
    /// The arguments that the manifest declares for `create`. Arguments that weren't given are absent: use `Option` or
    /// `#[serde(default)]`.
    type Create: DeserializeOwned;
    /// The same for `update`.
    type Update: DeserializeOwned;

    /// One page of credentials. `page.cursor` is the `next` of the page before; a page without `next` is the last.
    fn list(_host: &Host<'_>, _page: Page) -> Result<Listing<Self::Record>> {
        Err(missing(Verb::List))
    }

    /// Makes a credential, and answers with it, secrets included: this is the one time that the host shows them.
    fn create(_host: &Host<'_>, _input: Self::Create) -> Result<Self::Record> {
        Err(missing(Verb::Create))
    }

    /// The credential that `id` means. An exact id, the credential itself or its public handle beat a name; several matches are
    /// [`ErrorCode::Ambiguous`], none is [`ErrorCode::NotFound`].
    fn get(_host: &Host<'_>, _id: &str) -> Result<Self::Record> {
        Err(missing(Verb::Get))
    }

    /// Changes the credential that `id` means, and answers with it as it is then.
    fn update(_host: &Host<'_>, _id: &str, _input: Self::Update) -> Result<Self::Record> {
        Err(missing(Verb::Update))
    }

    /// Ends the credential that `id` means. Answers with the record if the kind had to read it to find its id, else with `None`.
    fn delete(_host: &Host<'_>, _id: &str) -> Result<Option<Self::Record>> {
        Err(missing(Verb::Delete))
    }

    /// Tries whether the credential that `id` means opens what it should, and nothing else. Its options are [`Host::args`]. What it
    /// finds is an answer, whatever it is; an error is for what keeps it from finding out.
    fn verify(_host: &Host<'_>, _id: &str) -> Result<Verification> {
        Err(missing(Verb::Verify))
    }
}

fn missing(verb: Verb) -> Error {
    Error::new(ErrorCode::UnknownVerb, format!("this kind has no verb `{verb}`"))
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Where it starts: the [`Listing::next`] of the page before, or nothing for the first.
    pub cursor: Option<String>,
}

impl Page {
    /// The page that starts there; without a cursor the first.
    pub const fn new(cursor: Option<String>) -> Page {
        Page { cursor }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listing<R> {
    /// The credentials of this page.
    pub items: Vec<R>,
    /// Where the next page starts; nothing if this is the last.
    pub next: Option<String>,
}

impl<R> Listing<R> {
    /// A page of these credentials, and where the next one starts; without that it is the last.
    pub const fn new(items: Vec<R>, next: Option<String>) -> Listing<R> {
        Listing { items, next }
    }
}

/// For a verb that takes no arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct NoInput {}
