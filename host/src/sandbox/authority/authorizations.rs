//! Authorizations as rows: what a person allowed a client, from the code that says so to the last refresh token that
//! came of it. Which requests lead here is decided elsewhere.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction};

use super::access_token;
use super::hash::{hash, secret};
use super::scope;
use crate::sandbox::answer::Refusal;
use crate::sandbox::random;

/// How many seconds a code works: the longest time that RFC 6749 advises, because people carry codes by hand.
const CODE_LIFETIME: i64 = 600;

/// How many seconds after its last use a refresh token works: 30 days.
const REFRESH_LIFETIME: i64 = 30 * 86_400;

const COLUMNS: &str = "id, client_id, code_used, redirect_uri, challenge, scope, nonce, signed_in_at, ends_at";

pub(super) struct Authorization {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) code_used: bool,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) signed_in_at: i64,
    ends_at: i64,
}

impl Authorization {
    fn read(row: &Row<'_>) -> rusqlite::Result<Authorization> {
        Ok(Authorization {
            id: row.get("id")?,
            client_id: row.get("client_id")?,
            code_used: row.get("code_used")?,
            redirect_uri: row.get("redirect_uri")?,
            challenge: row.get("challenge")?,
            scope: row.get("scope")?,
            nonce: row.get("nonce")?,
            signed_in_at: row.get("signed_in_at")?,
            ends_at: row.get("ends_at")?,
        })
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now.as_second() >= self.ends_at
    }
}

/// What a code stands for.
pub(super) struct Allowed<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) challenge: &'a str,
    pub(super) scope: &'a str,
    pub(super) nonce: Option<&'a str>,
    pub(super) signed_in_at: i64,
}

/// Keeps what was allowed, and gives its code.
pub(super) fn insert(tx: &Transaction<'_>, allowed: &Allowed<'_>, now: Timestamp) -> Result<String, Refusal> {
    tx.execute("DELETE FROM authorizations WHERE ends_at <= ?1", [now.as_second()])?;
    let code = secret()?;
    tx.execute(
        "INSERT INTO authorizations (id, client_id, code_hash, redirect_uri, challenge, scope, nonce, signed_in_at, \
         ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            random::hex(32)?,
            allowed.client_id,
            hash(&code),
            allowed.redirect_uri,
            allowed.challenge,
            allowed.scope,
            allowed.nonce,
            allowed.signed_in_at,
            now.as_second() + CODE_LIFETIME,
        ),
    )?;
    Ok(code)
}

pub(super) fn find_by_code(tx: &Transaction<'_>, code: &str) -> rusqlite::Result<Option<Authorization>> {
    let sql = format!("SELECT {COLUMNS} FROM authorizations WHERE code_hash = ?1");
    tx.query_row(&sql, [hash(code)], Authorization::read).optional()
}

/// The authorization of a refresh token, and whether the token was used already.
pub(super) fn find_by_refresh_token(
    tx: &Transaction<'_>,
    token: &str,
) -> rusqlite::Result<Option<(Authorization, bool)>> {
    let sql =
        format!("SELECT {COLUMNS}, used FROM authorizations JOIN refresh_tokens ON authorization = id WHERE hash = ?1");
    tx.query_row(&sql, [hash(token)], |row| Ok((Authorization::read(row)?, row.get("used")?))).optional()
}

/// Marks what was presented as used and gives the next refresh token, if the authorization has any.
pub(super) fn proceed(
    tx: &Transaction<'_>,
    authorization: &Authorization,
    now: Timestamp,
) -> Result<Option<String>, Refusal> {
    let lasting = scope::has(&authorization.scope, "offline_access");
    let lifetime = if lasting { REFRESH_LIFETIME } else { access_token::LIFETIME };
    tx.execute(
        "UPDATE authorizations SET code_used = 1, ends_at = ?2 WHERE id = ?1",
        (&authorization.id, now.as_second() + lifetime),
    )?;
    if !lasting {
        return Ok(None);
    }
    tx.execute("UPDATE refresh_tokens SET used = 1 WHERE authorization = ?1", [&authorization.id])?;
    let token = secret()?;
    tx.execute("INSERT INTO refresh_tokens (hash, authorization) VALUES (?1, ?2)", (hash(&token), &authorization.id))?;
    Ok(Some(token))
}

/// Ends all that came of an authorization.
pub(super) fn end(tx: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM authorizations WHERE id = ?1", [id]).map(drop)
}
