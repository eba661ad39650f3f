//! A client as the authority looks at it: whether its secret, its redirect URI or its origin is the one that was
//! registered. Nothing is matched by pattern.

use aws_lc_rs::{constant_time, digest};
use rusqlite::{OptionalExtension as _, Row, Transaction};
use url::Url;

use super::rules::SpaUrls;
use crate::sandbox::store::Json;

const COLUMNS: &str = "client_id, title, secret_hash, urls";

/// A client that exists, with what it takes to tell it from another.
pub(in crate::sandbox) struct Registered {
    pub(in crate::sandbox) client_id: String,
    pub(in crate::sandbox) title: String,
    secret_hash: Vec<u8>,
    /// A SPA's; an M2M client has none.
    urls: Option<SpaUrls>,
}

impl Registered {
    pub(in crate::sandbox) fn find(tx: &Transaction<'_>, client_id: &str) -> rusqlite::Result<Option<Registered>> {
        let sql = format!("SELECT {COLUMNS} FROM oauth_clients WHERE client_id = ?1");
        tx.query_row(&sql, [client_id], Registered::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Registered> {
        Ok(Registered {
            client_id: row.get("client_id")?,
            title: row.get("title")?,
            secret_hash: row.get("secret_hash")?,
            urls: row.get::<_, Option<Json<_>>>("urls")?.map(|json| json.0),
        })
    }

    pub(in crate::sandbox) fn is_spa(&self) -> bool {
        self.urls.is_some()
    }

    pub(in crate::sandbox) fn has_secret(&self, presented: &str) -> bool {
        let hash = digest::digest(&digest::SHA256, presented.as_bytes());
        constant_time::verify_slices_are_equal(hash.as_ref(), &self.secret_hash).is_ok()
    }

    /// Character by character: a redirect URI that is only like a registered one is somebody else's.
    pub(in crate::sandbox) fn has_callback(&self, uri: &str) -> bool {
        self.urls.as_ref().is_some_and(|urls| urls.callbacks.iter().any(|registered| registered == uri))
    }

    pub(in crate::sandbox) fn has_logout_url(&self, url: &str) -> bool {
        self.urls.as_ref().is_some_and(|urls| urls.logout_urls.iter().any(|registered| registered == url))
    }

    /// Whether pages of `origin` may be told a code by a message.
    pub(in crate::sandbox) fn has_web_origin(&self, origin: &str) -> bool {
        self.urls.as_ref().is_some_and(|urls| urls.web_origins.iter().any(|registered| is_origin(registered, origin)))
    }

    /// Whether pages of `origin` may make requests for this client.
    pub(in crate::sandbox) fn has_origin(&self, origin: &str) -> bool {
        let allowed = |urls: &SpaUrls| urls.allowed_origins.iter().any(|registered| is_origin(registered, origin));
        self.has_web_origin(origin) || self.urls.as_ref().is_some_and(allowed)
    }
}

/// Whether any client's pages are of `origin`.
pub(in crate::sandbox) fn is_an_origin(tx: &Transaction<'_>, origin: &str) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare(&format!("SELECT {COLUMNS} FROM oauth_clients WHERE urls IS NOT NULL"))?;
    for client in statement.query_map((), Registered::read)? {
        if client?.has_origin(origin) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A registered URL stands for its origin only if there is nothing after it: one with a path meant less than the
/// whole origin. `origin` is as browsers write it.
fn is_origin(registered: &str, origin: &str) -> bool {
    Url::parse(registered)
        .is_ok_and(|url| url.path() == "/" && url.query().is_none() && url.origin().ascii_serialization() == origin)
}
