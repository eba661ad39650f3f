//! From what a user typed to one credential: an exact id goes before a name.

use carto_plugin_api::{Error, ErrorCode, Host, Page, Request, Result, Secret};

use crate::{KEYS, KIND, Record, SERVICE, one_page};

/// The credential with that id, which takes one request; if there is none, the one with that name.
pub(crate) fn find(host: &Host<'_>, typed: &str) -> Result<Record> {
    // Whatever was typed stays one segment: carto encodes it. It may be a credential, typed for an
    // id, and so it is shown nowhere.
    let id = Secret::new(typed.to_owned());
    let response = host.call(SERVICE, Request::get(KEYS).secret_segment(id))?;
    match response.status() {
        404 => named(host, typed),
        _ => response.ok()?.json(),
    }
}

/// All pages are read: of two with one name neither is meant.
fn named(host: &Host<'_>, typed: &str) -> Result<Record> {
    let mut found = Vec::new();
    let mut page = Page::default();
    loop {
        let listing = one_page(host, page.clone())?;
        found.extend(listing.items.into_iter().filter(|key| key.name == typed));
        match listing.next {
            None => break,
            next if next == page.cursor => {
                let message = "the service lists the same page for ever";
                return Err(Error::new(ErrorCode::UnexpectedAnswer, message));
            }
            next => page = Page::new(next),
        }
    }
    match found.len() {
        0 => {
            let message = format!("no {KIND} `{typed}`");
            let hint = format!("`carto credentials list {KIND}` shows those there are");
            Err(Error::new(ErrorCode::NotFound, message).hint(hint))
        }
        1 => Ok(found.remove(0)),
        count => {
            let ids: Vec<String> = found.iter().map(|key| format!("`{}`", key.id)).collect();
            let message = format!("{count} have the name `{typed}`: {}", ids.join(", "));
            Err(Error::new(ErrorCode::Ambiguous, message).hint("use one of these ids"))
        }
    }
}
