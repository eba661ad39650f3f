//! Asks before something is destroyed. Consent is the word `delete`, or `--yes`; a format is none.

use std::io::{BufRead, IsTerminal};

use carto_plugin_api::ErrorCode;

use crate::cli::Globals;
use crate::error::{Error, Result, usage};
use crate::output::stderr;

const WORD: &str = "delete";

/// Returns if the user agrees.
pub(super) fn deletion(title: &str, id: &str, globals: &Globals) -> Result<()> {
    if globals.yes {
        return Ok(());
    }
    if globals.no_input || !std::io::stdin().is_terminal() || !stderr::is_watched() {
        return Err(usage(format!("deleting {title} `{id}` needs a confirmation, and nobody can be asked here"))
            .hint("add `--yes` if you are sure"));
    }
    stderr::question(&format!("Delete {title} `{id}`? What uses it stops working. Type `{WORD}` to go on: "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == WORD {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Failed, format!("{title} `{id}` was not deleted"))
        .hint(format!("only the word `{WORD}` deletes it")))
}
