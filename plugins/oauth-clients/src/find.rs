//! From what a user typed to one client: an exact id beats a title.

use std::collections::BTreeSet;

use carto_plugin_api::{Error, ErrorCode, Host, Page, Request, Response, Result};

use crate::{Client, Clients};

impl Clients {
    /// Sends a request about the client that `typed` means: at once where it looks like an id, else after a look at the list. Answers
    /// with the response and, if the list was needed, with the client as it stands there.
    pub(crate) fn ask<C: Client>(
        &self,
        host: &Host<'_>,
        typed: &str,
        request: impl Fn() -> Request,
    ) -> Result<(Response, Option<C>)> {
        if looks_like_an_id(typed) {
            let response = host.call("api", self.typed(request().segment(typed)))?;
            if response.status() != 404 {
                return Ok((response, None));
            }
            // A title may look like an id.
        }
        let client: C = self.search(host, typed)?;
        let response = host.call("api", self.typed(request().segment(client.id())))?;
        if response.status() == 404 {
            return Err(self.not_found(typed));
        }
        Ok((response, Some(client)))
    }

    fn search<C: Client>(&self, host: &Host<'_>, typed: &str) -> Result<C> {
        let mut titled = Vec::new();
        let mut cursor = None;
        let mut seen = BTreeSet::new();
        loop {
            let listing = self.list::<C>(host, Page::new(cursor.clone()))?;
            for client in listing.items {
                if client.id() == typed {
                    return Ok(client);
                }
                if client.title() == typed {
                    titled.push(client);
                }
            }
            match listing.next {
                None => break,
                Some(again) if !seen.insert(again.clone()) => {
                    return Err(Error::new(ErrorCode::UnexpectedAnswer, "the service lists the same page for ever"));
                }
                next => cursor = next,
            }
        }
        if titled.len() > 1 {
            let ids: Vec<String> = titled.iter().map(|client| format!("`{}`", client.id())).collect();
            let message = format!("{} {}s are called `{typed}`: {}", titled.len(), self.noun, ids.join(", "));
            return Err(Error::new(ErrorCode::Ambiguous, message).hint("use one of these ids"));
        }
        titled.pop().ok_or_else(|| self.not_found(typed))
    }

    pub(crate) fn not_found(&self, typed: &str) -> Error {
        Error::new(ErrorCode::NotFound, format!("no {} `{typed}`", self.noun))
            .hint(format!("`carto credentials list {}` shows those there are", self.kind))
    }
}

/// Long, without spaces, and not as long as a client secret, which must never be sent in a path.
fn looks_like_an_id(typed: &str) -> bool {
    (20..=48).contains(&typed.len()) && typed.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
