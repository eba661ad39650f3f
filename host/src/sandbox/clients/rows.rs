//! OAuth clients as rows, read and written within a transaction of the caller.

use aws_lc_rs::digest;
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::rules::{ClientType, SpaUrls, Wanted};
use crate::sandbox::answer::Refusal;
use crate::sandbox::paging::Page;
use crate::sandbox::random;
use crate::sandbox::store::Json;

const COLUMNS: &str = "seq, version, client_id, type, title, urls, created_at, updated_at";

/// A client as it is kept; of its secret there is a hash, which nothing reads back.
pub(super) struct ClientRow {
    pub(super) seq: i64,
    pub(super) version: i64,
    pub(super) client_id: String,
    pub(super) client_type: ClientType,
    pub(super) title: String,
    pub(super) urls: Option<SpaUrls>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

impl ClientRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<ClientRow> {
        Ok(ClientRow {
            seq: row.get("seq")?,
            version: row.get("version")?,
            client_id: row.get("client_id")?,
            client_type: row.get("type")?,
            title: row.get("title")?,
            urls: row.get::<_, Option<Json<_>>>("urls")?.map(|json| json.0),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

pub(super) fn find(tx: &Transaction<'_>, client_id: &str) -> rusqlite::Result<Option<ClientRow>> {
    let sql = format!("SELECT {COLUMNS} FROM oauth_clients WHERE client_id = ?1");
    tx.query_row(&sql, [client_id], ClientRow::read).optional()
}

/// The rows of a page, of one type or of all.
pub(super) fn page(
    tx: &Transaction<'_>,
    page: &Page,
    client_type: Option<ClientType>,
) -> rusqlite::Result<Vec<ClientRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM oauth_clients WHERE seq > ?1 AND (?3 IS NULL OR type = ?3) ORDER BY seq LIMIT ?2"
    );
    let mut statement = tx.prepare(&sql)?;
    let rows = statement.query_map(params![page.after(), page.rows(), client_type], ClientRow::read)?;
    rows.collect()
}

/// The new row and the client's secret, of which only the hash is kept.
pub(super) fn insert(
    tx: &Transaction<'_>,
    account: &str,
    wanted: Wanted,
    now: Timestamp,
) -> Result<(ClientRow, String), Refusal> {
    let secret = random::url_safe(64)?;
    let now = now.to_string();
    let mut row = ClientRow {
        seq: 0,
        version: 1,
        client_id: random::alphanumeric(32)?,
        client_type: wanted.client_type,
        title: wanted.title,
        urls: wanted.urls,
        created_at: now.clone(),
        updated_at: now,
    };
    tx.execute(
        "INSERT INTO oauth_clients (version, account, client_id, secret_hash, type, title, urls, created_at, \
         updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            row.version,
            account,
            row.client_id,
            digest::digest(&digest::SHA256, secret.as_bytes()).as_ref(),
            row.client_type,
            row.title,
            row.urls.as_ref().map(Json),
            row.created_at,
            row.updated_at,
        ],
    )?;
    row.seq = tx.last_insert_rowid();
    Ok((row, secret))
}

/// Writes the changed `row` as the next version of itself.
pub(super) fn update(tx: &Transaction<'_>, row: &mut ClientRow, now: Timestamp) -> rusqlite::Result<()> {
    row.updated_at = now.to_string();
    row.version += 1;
    tx.execute(
        "UPDATE oauth_clients SET version = ?2, title = ?3, urls = ?4, updated_at = ?5 WHERE seq = ?1",
        params![row.seq, row.version, row.title, row.urls.as_ref().map(Json), row.updated_at],
    )
    .map(drop)
}

pub(super) fn delete(tx: &Transaction<'_>, row: &ClientRow) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM oauth_clients WHERE seq = ?1", [row.seq]).map(drop)
}

impl FromSql for ClientType {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<ClientType> {
        ClientType::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for ClientType {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.as_str()))
    }
}
