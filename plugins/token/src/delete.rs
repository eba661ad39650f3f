//! `carto credentials delete token <id>`.

use carto_plugin_api::{Host, Request, Result};

use crate::find;
use crate::wire::{ROUTE, Record};

/// Deletes the token that `id` means. What the service answers on success says nothing more.
pub(crate) fn delete(host: &Host<'_>, id: &str) -> Result<Option<Record>> {
    let (response, token) = find::ask(host, id, || Request::delete(ROUTE))?;
    response.ok()?;
    token.map(Record::try_from).transpose()
}
