//! Why a sandbox could not be opened or reset, in words for the person who asked. What goes wrong within a request
//! is an HTTP answer instead: `answer.rs`.

use std::io;
use std::path::PathBuf;

/// The causes stand in the message and are not chained as sources, so that no printer shows them twice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    #[error("cannot create the sandbox database `{}`: {cause}", path.display())]
    Create { path: PathBuf, cause: io::Error },

    #[error("cannot open the sandbox database `{}`: {cause}", path.display())]
    Open { path: PathBuf, cause: rusqlite::Error },

    #[error("the sandbox database `{}` stayed locked by another process for {seconds} s", path.display())]
    Busy { path: PathBuf, seconds: u64 },

    #[error("the sandbox database `{}` is damaged ({cause}); `carto sandbox reset` starts a new one", path.display())]
    Damaged { path: PathBuf, cause: rusqlite::Error },

    #[error(
        "the sandbox database `{}` has schema {found}, which a newer `carto` wrote; this one knows {known}: \
         use the newer one, or `carto sandbox reset` to start a new database",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },

    #[error("`{}` is a database, but not the sandbox's; move it away and try again", path.display())]
    Foreign { path: PathBuf },

    #[error("cannot remove the damaged sandbox database `{}`: {cause}", path.display())]
    Remove { path: PathBuf, cause: io::Error },

    #[error("the system gives no random numbers")]
    Random,
}
