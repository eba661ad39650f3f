//! Who has signed in, and what they have allowed: in a browser, known by a cookie whose hash is kept.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::super::hash::{hash, secret};
use super::super::scope;
use crate::sandbox::answer::Refusal;

/// The cookie of a session. Cookies don't tell ports apart, so that other servers of this machine see it too.
pub(in super::super) const COOKIE_NAME: &str = "carto_sandbox_session";

/// How many seconds a session lasts: three days.
const LIFETIME: i64 = 3 * 86_400;

/// A session that isn't over.
pub(super) struct Session {
    hash: Vec<u8>,
    pub(super) signed_in_at: i64,
}

impl Session {
    pub(super) fn find(
        tx: &Transaction<'_>,
        cookie: Option<&str>,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Session>> {
        let Some(cookie) = cookie else { return Ok(None) };
        let sql = "SELECT hash, signed_in_at FROM sessions WHERE hash = ?1 AND ends_at > ?2";
        tx.query_row(sql, params![hash(cookie), now.as_second()], |row| {
            Ok(Session { hash: row.get(0)?, signed_in_at: row.get(1)? })
        })
        .optional()
    }

    /// Signs in: a new session, and the cookie for it. What was allowed in `earlier` is taken along.
    pub(super) fn begin(
        tx: &Transaction<'_>,
        earlier: Option<&Session>,
        now: Timestamp,
    ) -> Result<(Session, String), Refusal> {
        let cookie = secret()?;
        let session = Session { hash: hash(&cookie), signed_in_at: now.as_second() };
        tx.execute("DELETE FROM sessions WHERE ends_at <= ?1", [now.as_second()])?;
        tx.execute(
            "INSERT INTO sessions (hash, signed_in_at, ends_at) VALUES (?1, ?2, ?3)",
            params![session.hash, session.signed_in_at, now.as_second() + LIFETIME],
        )?;
        if let Some(earlier) = earlier {
            tx.execute("UPDATE consents SET session = ?2 WHERE session = ?1", params![earlier.hash, session.hash])?;
            tx.execute("DELETE FROM sessions WHERE hash = ?1", params![earlier.hash])?;
        }
        Ok((session, cookie))
    }

    pub(super) fn has_allowed(&self, tx: &Transaction<'_>, client_id: &str, asked: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT scope FROM consents WHERE session = ?1 AND client_id = ?2";
        let allowed: Option<String> = tx.query_row(sql, params![self.hash, client_id], |row| row.get(0)).optional()?;
        Ok(allowed.is_some_and(|allowed| scope::includes(&allowed, asked)))
    }

    /// Remembers that `client_id` may have these scopes, and no others.
    pub(super) fn allow(&self, tx: &Transaction<'_>, client_id: &str, scope: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO consents (session, client_id, scope) VALUES (?1, ?2, ?3)";
        tx.execute(sql, params![self.hash, client_id, scope]).map(drop)
    }
}

/// Signs out: what was allowed is asked again.
pub(in super::super) fn end(tx: &Transaction<'_>, cookie: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM sessions WHERE hash = ?1", [hash(cookie)]).map(drop)
}

/// What makes a browser forget its session's cookie.
pub(in super::super) fn expired_cookie() -> HeaderValue {
    HeaderValue::from_static("carto_sandbox_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
}

/// The value of the request's cookie of this name.
pub(in super::super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}
