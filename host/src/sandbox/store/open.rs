//! Opens, creates and resets the database file, however many processes do so at once. The tables are in
//! `schema.sql` and `authority.sql`.

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aws_lc_rs::error::Unspecified;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::sandbox::error::SandboxError;
use crate::sandbox::jwt::Account;
use crate::sandbox::random;

/// The version of the tables, kept in the file as `user_version`.
const SCHEMA: i64 = 2;

/// What each version added to the tables, from the first.
const VERSIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("authority.sql")];

/// How long a process waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the database at `path`, creating what isn't there.
pub(super) fn open(path: &Path) -> Result<Connection, SandboxError> {
    create_private(path).map_err(|cause| SandboxError::Create { path: path.to_owned(), cause })?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        // The busy timeout covers most waits. It doesn't cover the switch to WAL and the recovery of a log: there
        // SQLite gives up at once.
        match attempt(path) {
            Err(Trouble::Sqlite(error)) if is_busy(&error) && Instant::now() < deadline => {
                sleep(Duration::from_millis(5));
            }
            result => return result.map_err(|trouble| trouble.at(path)),
        }
    }
}

/// See [`Sandbox::reset`](crate::sandbox::Sandbox::reset).
pub(in crate::sandbox) fn reset(path: &Path) -> Result<(), SandboxError> {
    if !path.exists() {
        return Ok(());
    }
    let emptied = open(path).and_then(|connection| empty(connection).map_err(|trouble| trouble.at(path)));
    match emptied {
        Err(SandboxError::Damaged { .. } | SandboxError::Newer { .. }) => {
            remove(path).map_err(|cause| SandboxError::Remove { path: path.to_owned(), cause })
        }
        result => result,
    }
}

/// The account whose credentials these are. It is read in each transaction that needs it, because a reset by
/// another process gives the database a new account.
pub(in crate::sandbox) fn account(transaction: &Transaction<'_>) -> rusqlite::Result<Account> {
    transaction.query_row("SELECT id, signing_key FROM account", (), |row| {
        let key: Vec<u8> = row.get(1)?;
        Ok(Account::new(row.get(0)?, &key))
    })
}

/// Creates the file, and its folder, for the owner's eyes only. SQLite gives its log files the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        options.mode(0o600);
        folders.mode(0o700);
    }
    let created = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                folders.create(folder)?;
            }
            options.open(path)
        }
        result => result,
    };
    match created {
        // Whether it can be read or written is SQLite's to say.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

/// Why an attempt failed, before the path is put to it.
enum Trouble {
    Sqlite(rusqlite::Error),
    Newer(i64),
    Foreign,
    Random,
}

fn attempt(path: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    match schema(&connection)? {
        SCHEMA => {}
        0 => initialise(&mut connection)?,
        found if (1..SCHEMA).contains(&found) => add_tables(&mut connection)?,
        found => return Err(Trouble::Newer(found)),
    }
    // A command writes once and ends. Emptying the log into the file at every end would take longer than the rest
    // of it; instead a command that finds it long does so for those before it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // With a write-ahead log, NORMAL can lose the last transactions to a power cut, never the file.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL")?;
    shorten_log(&connection, path)?;
    Ok(connection)
}

/// A log of this many bytes is still read quickly.
const LONG_LOG: u64 = 400 * 1024;

/// Empties a long log into the file. SQLite's own way to keep it short forgets how far it is when the last process ends: with processes that
/// write once, a log would only grow, and be copied from its start each time. Where somebody else is at work it waits for a later command.
fn shorten_log(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    if std::fs::metadata(beside(path, "-wal".as_ref())).is_ok_and(|log| log.len() > LONG_LOG) {
        connection.busy_timeout(Duration::ZERO)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
        connection.busy_timeout(PATIENCE)?;
    }
    Ok(())
}

fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

fn initialise(connection: &mut Connection) -> Result<(), Trouble> {
    // One read transaction, so that the tables are not those of a process that is just ahead.
    let before = connection.transaction()?;
    let tables: i64 = before.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if schema(&before)? == 0 && tables > 0 {
        return Err(Trouble::Foreign);
    }
    drop(before);

    // A file system without shared memory keeps its old mode, which works as well.
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    add_tables(connection)
}

/// Brings the tables from the version that they have to this one, in one transaction.
fn add_tables(connection: &mut Connection) -> Result<(), Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&transaction)?;
    for (version, tables) in (1..).zip(VERSIONS).filter(|(version, _)| *version > found) {
        transaction.execute_batch(tables)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    if found == 0 {
        insert_account(&transaction)?;
    }
    Ok(transaction.commit()?)
}

fn empty(mut connection: Connection) -> Result<(), Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "DELETE FROM revoked; DELETE FROM refresh_tokens; DELETE FROM authorizations; DELETE FROM consents; \
         DELETE FROM sessions; DELETE FROM authority_key; DELETE FROM tokens; DELETE FROM oauth_clients; \
         DELETE FROM account",
    )?;
    insert_account(&transaction)?;
    Ok(transaction.commit()?)
}

fn insert_account(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    let id = format!("ac_{}", random::lower(8)?);
    let key = random::bytes::<32>()?;
    transaction.execute("INSERT INTO account (id, signing_key) VALUES (?1, ?2)", (id, key))?;
    Ok(())
}

/// Removes the logs first: what is left if that fails is still the damaged database, not a log beside a new one.
fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        match std::fs::remove_file(beside(path, suffix.as_ref())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &OsStr) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed))
}

impl Trouble {
    fn at(self, path: &Path) -> SandboxError {
        let path = path.to_owned();
        match self {
            Trouble::Newer(found) => SandboxError::Newer { path, found, known: SCHEMA },
            Trouble::Foreign => SandboxError::Foreign { path },
            Trouble::Random => SandboxError::Random,
            Trouble::Sqlite(cause) if is_busy(&cause) => SandboxError::Busy { path, seconds: PATIENCE.as_secs() },
            Trouble::Sqlite(cause) => match cause.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => SandboxError::Damaged { path, cause },
                _ => SandboxError::Open { path, cause },
            },
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        Trouble::Sqlite(error)
    }
}

impl From<Unspecified> for Trouble {
    fn from(_: Unspecified) -> Trouble {
        Trouble::Random
    }
}
