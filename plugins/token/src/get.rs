//! `carto credentials get token <id>`.

use carto_plugin_api::{Host, Request, Result};

use crate::find;
use crate::wire::{ROUTE, Record, Token};

/// The token that `id` means.
pub(crate) fn get(host: &Host<'_>, id: &str) -> Result<Record> {
    let (response, _) = find::ask(host, id, || Request::get(ROUTE))?;
    response.ok()?.json::<Token>()?.try_into()
}
