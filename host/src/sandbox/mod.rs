//! A double of CARTO's credentials API: its rules over HTTP, its data in one SQLite file. It speaks HTTP only and
//! shares no type with the kinds, so that a misspelt field fails instead of matching itself. Which file, which port
//! and who is told the bearer are the caller's business.

mod answer;
mod auth;
mod authority;
mod body;
mod clients;
mod data;
mod error;
mod faults;
mod item;
mod jwt;
mod paging;
mod query;
mod random;
mod routes;
mod serve;
mod store;
mod switches;
mod tokens;
mod version;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;

pub(crate) use self::error::SandboxError;
pub(crate) use self::serve::serve;
pub(crate) use self::switches::Switches;

/// One sandbox over one database file. Clones share everything; other instances share the data.
#[derive(Clone)]
pub(crate) struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    store: store::Store,
    bearer: auth::Bearer,
    switches: Switches,
}

impl Sandbox {
    /// Opens the database, and creates it with its folder (0600 and 0700 on Unix) where there is none.
    pub(crate) fn open(database: &Path, switches: Switches) -> Result<Sandbox, SandboxError> {
        let bearer = auth::Bearer::random().map_err(|_| SandboxError::Random)?;
        let store = store::Store::open(database)?;
        Ok(Sandbox { inner: Arc::new(Inner { store, bearer, switches }) })
    }

    /// The one router, for calls within the process and for [`serve()`]. It needs a Tokio runtime with time enabled.
    pub(crate) fn router(&self) -> Router {
        routes::router(self)
    }

    /// The bearer that this instance accepts: random, and never written to the disk.
    pub(crate) fn bearer(&self) -> &str {
        self.inner.bearer.text()
    }

    /// The sandbox's now, in whole seconds, as everything that it stores and shows.
    pub(crate) fn now(&self) -> Timestamp {
        whole_seconds(self.inner.switches.clock().unwrap_or_else(Timestamp::now))
    }

    /// Empties the database in one transaction. A file that cannot be read as one is removed instead; where there
    /// is no file, there is nothing to do.
    pub(crate) fn reset(database: &Path) -> Result<(), SandboxError> {
        store::reset(database)
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    // The fallback cannot happen: the seconds of a timestamp are those of a timestamp.
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
