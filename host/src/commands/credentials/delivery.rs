//! How far the result of a verb has come on its way to the user, for the case that it is stopped there.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A result on its way.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    begun: OnceLock<()>,
    /// The file that has the variables, as the user wrote it.
    file: OnceLock<String>,
    /// What is to be removed if it goes no further.
    scrap: Mutex<Option<PathBuf>>,
}

impl Delivery {
    /// The kind has answered.
    pub(super) fn begin(&self) {
        // Once is enough.
        let _ = self.begun.set(());
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun.get().is_some()
    }

    /// The variables are in this file.
    pub(super) fn is_in(&self, file: &str) {
        let _ = self.file.set(file.to_owned());
        self.leaves(None);
    }

    /// The file that has the variables, if they got there.
    pub(super) fn file(&self) -> Option<&str> {
        self.file.get().map(String::as_str)
    }

    /// A file that is of no use if it goes no further.
    pub(super) fn leaves(&self, scrap: Option<PathBuf>) {
        *self.scrap.lock().unwrap_or_else(PoisonError::into_inner) = scrap;
    }

    /// It goes no further.
    pub(super) fn abandon(&self) {
        if let Some(scrap) = self.scrap.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may be gone already.
            let _ = std::fs::remove_file(scrap);
        }
    }
}
