//! The database behind the routes: one connection, one transaction a request, off the threads that serve. Which
//! rows there are and what they mean is with the routes; files and schema are in `open.rs`.

mod json;
mod open;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Mutex;
use tokio::task::{JoinError, spawn_blocking};

pub(super) use self::json::Json;
pub(super) use self::open::{account, reset};
use super::error::SandboxError;

/// An open database. Its one connection is handed from request to request, so that at most one thread waits on the
/// disk.
pub(super) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    pub(super) fn open(database: &Path) -> Result<Store, SandboxError> {
        Ok(Store { connection: Arc::new(Mutex::new(open::open(database)?)) })
    }

    /// Runs `work` on one state of the database.
    pub(super) async fn read<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + From<JoinError> + Send + 'static,
        W: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.transact(TransactionBehavior::Deferred, work).await
    }

    /// Runs `work` as the only writer. What it did is kept if it succeeds, and undone if it fails.
    pub(super) async fn write<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + From<JoinError> + Send + 'static,
        W: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.transact(TransactionBehavior::Immediate, work).await
    }

    async fn transact<T, E, W>(&self, behavior: TransactionBehavior, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + From<JoinError> + Send + 'static,
        W: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        spawn_blocking(move || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await?
    }

    /// The connection itself, to be put into states that a disk cannot be brought into on purpose.
    #[cfg(test)]
    pub(super) async fn connection(&self) -> tokio::sync::MutexGuard<'_, Connection> {
        self.connection.lock().await
    }
}
