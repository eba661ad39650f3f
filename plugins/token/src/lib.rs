//! API Access Tokens: the kind `token`.
//!
//! One file a verb; what several verbs share is in `grants`, `apis`, `referers` and `expiry` (the rules, decided before any request),
//! `wire` (the service's JSON) and `find` (from what a user typed to one token). Masking, confirmation and output are the host's.

mod apis;
mod create;
mod delete;
mod expiry;
mod find;
mod get;
mod grants;
mod list;
mod referers;
mod update;
mod verify;
mod widened;
mod wire;

#[cfg(test)]
mod tests;

use carto_plugin_api::{CredentialKind, Host, Listing, Page, Result, Verification, export_kind};

/// The kind.
pub struct Token;

impl CredentialKind for Token {
    type Record = wire::Record;
    type Create = create::Input;
    type Update = update::Input;

    fn list(host: &Host<'_>, page: Page) -> Result<Listing<wire::Record>> {
        list::list(host, page)
    }

    fn create(host: &Host<'_>, input: create::Input) -> Result<wire::Record> {
        create::create(host, input)
    }

    fn get(host: &Host<'_>, id: &str) -> Result<wire::Record> {
        get::get(host, id)
    }

    fn update(host: &Host<'_>, id: &str, input: update::Input) -> Result<wire::Record> {
        update::update(host, id, input)
    }

    fn delete(host: &Host<'_>, id: &str) -> Result<Option<wire::Record>> {
        delete::delete(host, id)
    }

    fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
        verify::verify(host, id)
    }
}

export_kind!(Token);
