//! Tokens as rows, read and written within a transaction of the caller.

use aws_lc_rs::error::Unspecified;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::rules::{Api, Changes, Grant, Wanted};
use crate::sandbox::answer::Refusal;
use crate::sandbox::paging::Page;
use crate::sandbox::random;
use crate::sandbox::store::Json;

const COLUMNS: &str = "seq, version, id, jti, name, grants, allowed_apis, referers, expiration_date, created_at, \
                       updated_at";

/// A token as it is kept. The token's text is not among it: it is signed from the `jti` when it is shown.
pub(in crate::sandbox) struct TokenRow {
    pub(super) seq: i64,
    pub(super) version: i64,
    pub(super) id: String,
    pub(super) jti: String,
    pub(super) name: String,
    pub(in crate::sandbox) grants: Vec<Grant>,
    pub(in crate::sandbox) allowed_apis: Vec<Api>,
    pub(in crate::sandbox) referers: Vec<String>,
    pub(in crate::sandbox) expiration_date: Option<String>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

impl TokenRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
        Ok(TokenRow {
            seq: row.get("seq")?,
            version: row.get("version")?,
            id: row.get("id")?,
            jti: row.get("jti")?,
            name: row.get("name")?,
            grants: row.get::<_, Json<_>>("grants")?.0,
            allowed_apis: row.get::<_, Json<_>>("allowed_apis")?.0,
            referers: row.get::<_, Json<_>>("referers")?.0,
            expiration_date: row.get("expiration_date")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The column by which a token is looked up.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Id,
    Jti,
    Name,
}

impl Key {
    fn column(self) -> &'static str {
        match self {
            Key::Id => "id",
            Key::Jti => "jti",
            Key::Name => "name",
        }
    }
}

pub(super) fn find(tx: &Transaction<'_>, key: Key, value: &str) -> rusqlite::Result<Option<TokenRow>> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE {} = ?1", key.column());
    tx.query_row(&sql, [value], TokenRow::read).optional()
}

pub(super) fn page(tx: &Transaction<'_>, page: &Page) -> rusqlite::Result<Vec<TokenRow>> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = tx.prepare(&sql)?;
    let rows = statement.query_map(params![page.after(), page.rows()], TokenRow::read)?;
    rows.collect()
}

pub(super) fn insert(tx: &Transaction<'_>, account: &str, wanted: Wanted, now: Timestamp) -> Result<TokenRow, Refusal> {
    let name = match wanted.name {
        Some(name) => {
            refuse_taken(tx, &name)?;
            name
        }
        None => unused(tx, Key::Name, || Ok(format!("tk_{}", random::lower(8)?)))?,
    };
    let now = now.to_string();
    let mut row = TokenRow {
        seq: 0,
        version: 1,
        id: unused(tx, Key::Id, || Ok(format!("tok_{}", random::alphanumeric(20)?)))?,
        jti: unused(tx, Key::Jti, || random::hex(8))?,
        name,
        grants: wanted.grants,
        allowed_apis: wanted.allowed_apis,
        referers: wanted.referers,
        expiration_date: wanted.expiration_date.map(|time| time.to_string()),
        created_at: now.clone(),
        updated_at: now,
    };
    tx.execute(
        "INSERT INTO tokens (version, account, id, jti, name, grants, allowed_apis, referers, expiration_date, \
         created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            row.version,
            account,
            row.id,
            row.jti,
            row.name,
            Json(&row.grants),
            Json(&row.allowed_apis),
            Json(&row.referers),
            row.expiration_date,
            row.created_at,
            row.updated_at,
        ],
    )?;
    row.seq = tx.last_insert_rowid();
    Ok(row)
}

pub(super) fn update(
    tx: &Transaction<'_>,
    mut row: TokenRow,
    changes: Changes,
    now: Timestamp,
) -> Result<TokenRow, Refusal> {
    if let Some(name) = changes.name.filter(|name| *name != row.name) {
        refuse_taken(tx, &name)?;
        row.name = name;
    }
    row.grants = changes.grants.unwrap_or(row.grants);
    row.allowed_apis = changes.allowed_apis.unwrap_or(row.allowed_apis);
    row.referers = changes.referers.unwrap_or(row.referers);
    row.updated_at = now.to_string();
    row.version += 1;
    tx.execute(
        "UPDATE tokens SET version = ?2, name = ?3, grants = ?4, allowed_apis = ?5, referers = ?6, updated_at = ?7 \
         WHERE seq = ?1",
        params![
            row.seq,
            row.version,
            row.name,
            Json(&row.grants),
            Json(&row.allowed_apis),
            Json(&row.referers),
            row.updated_at,
        ],
    )?;
    Ok(row)
}

pub(super) fn delete(tx: &Transaction<'_>, row: &TokenRow) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM tokens WHERE seq = ?1", [row.seq]).map(drop)
}

fn refuse_taken(tx: &Transaction<'_>, name: &str) -> Result<(), Refusal> {
    match find(tx, Key::Name, name)? {
        Some(_) => Err(Refusal::bad_request(format!("This token name already exists ({name})"))),
        None => Ok(()),
    }
}

/// Draws until nothing has the value: with eight hex digits, a repetition among 100,000 tokens is likely.
fn unused(tx: &Transaction<'_>, key: Key, draw: impl Fn() -> Result<String, Unspecified>) -> Result<String, Refusal> {
    loop {
        let value = draw()?;
        if find(tx, key, &value)?.is_none() {
            return Ok(value);
        }
    }
}
