//! Asks before something is destroyed. Consent is the word `delete`, or `--yes`; a format is none.

use carto_plugin_api::ErrorCode;

use crate::cli::Globals;
use crate::error::{Error, Result, usage};
use crate::input::Stdin;
use crate::output::stderr;

const WORD: &str = "delete";

/// Returns if the user agrees.
pub(super) fn deletion(title: &str, id: &str, globals: &Globals, stdin: &mut Stdin) -> Result<()> {
    if globals.yes {
        return Ok(());
    }
    if globals.no_input || !stdin.is_watched() || !stderr::is_watched() {
        return Err(usage(format!("deleting {title} `{id}` needs a confirmation, and nobody can be asked here"))
            .hint("add `--yes` if you are sure"));
    }
    stderr::question(
        &format!("Delete {title} `{id}`? What uses it stops working."),
        &format!("Type `{WORD}` to go on: "),
    );
    if stdin.answer() == WORD {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Failed, format!("{title} `{id}` was not deleted"))
        .hint(format!("only the word `{WORD}` deletes it")))
}
