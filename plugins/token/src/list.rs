//! `carto credentials list tokens`.

use carto_plugin_api::{Host, Listing, Page, Result};

use crate::wire::{self, Record};

/// One page of tokens, as the service orders them.
pub(crate) fn list(host: &Host<'_>, page: Page) -> Result<Listing<Record>> {
    let (tokens, next) = wire::read_list(host, &host.call("api", wire::list_request(page.cursor))?.ok()?)?;
    let items = tokens.into_iter().map(Record::try_from).collect::<Result<_>>()?;
    Ok(Listing::new(items, next))
}
