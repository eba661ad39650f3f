//! Asks before something is destroyed. Consent is the word `delete`, or `--yes`; a format is none.

use carto_plugin_api::ErrorCode;

use crate::cli::Globals;
use crate::error::{Error, Result, usage};
use crate::input::Stdin;
use crate::output::stderr;

const WORD: &str = "delete";

/// What is about to be done.
struct Act<'a> {
    /// The thing, as a person calls it.
    thing: &'a str,
    doing: &'static str,
    done: &'static str,
    question: String,
}

/// Returns if the user agrees that a credential is deleted.
pub(super) fn deletion(title: &str, id: &str, globals: &Globals, stdin: &mut Stdin) -> Result<()> {
    let thing = format!("{title} `{id}`");
    let question = format!("Delete {thing}? What uses it stops working.");
    ask(&Act { thing: &thing, doing: "deleting", done: "deleted", question }, globals, stdin)
}

/// Returns if the user agrees that a plugin is removed.
pub(super) fn removal(kind: &str, what: &str, globals: &Globals, stdin: &mut Stdin) -> Result<()> {
    let thing = format!("the plugin `{kind}`");
    let question =
        format!("Remove {thing} ({what})? Its credentials stay where they are, and can't be managed here any more.");
    ask(&Act { thing: &thing, doing: "removing", done: "removed", question }, globals, stdin)
}

fn ask(Act { thing, doing, done, question }: &Act<'_>, globals: &Globals, stdin: &mut Stdin) -> Result<()> {
    if globals.yes {
        return Ok(());
    }
    if globals.no_input || !stdin.is_watched() || !stderr::is_watched() {
        return Err(usage(format!("{doing} {thing} needs a confirmation, and nobody can be asked here"))
            .hint("add `--yes` if you are sure"));
    }
    stderr::question(question, &format!("Type `{WORD}` to go on: "));
    if stdin.answer() == WORD {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Failed, format!("{thing} was not {done}"))
        .hint(format!("only the word `{WORD}` does it")))
}
