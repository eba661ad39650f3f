//! What each command does. Words are `cli`'s, effects belong to the modules that own them; here they are put in order.

pub(crate) mod auth;
pub(crate) mod completion;
mod confirm;
pub(crate) mod credentials;
pub(crate) mod plugin;
pub(crate) mod reference;
pub(crate) mod sandbox;

use carto_plugin_api::ErrorCode;

use crate::cli::Globals;
use crate::error::{Error, Result, usage};
use crate::kinds::Catalog;
use crate::output::Format;
use crate::output::stdout::NotWritten;

/// What every command has at hand.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) catalog: Catalog,
}

/// Refuses the formats that are for credentials.
fn text_or_json(context: &Context) -> Result<()> {
    let view = context.globals.view();
    if view.field.is_some() {
        return Err(usage("`--field` isn't taken here: this answer is text or JSON")
            .hint("leave `--field` out, or use `--json`"));
    }
    if matches!(view.format, Format::Csv | Format::Env | Format::Jsonl) {
        return Err(usage("this answer is text or JSON").hint("leave the format out, or use `--json`"));
    }
    Ok(())
}

/// What a user is told of an error from anywhere, and a record says; nothing if the reader of the output went away.
pub(crate) fn told(error: &anyhow::Error) -> Option<Error> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.clone());
    }
    match error.downcast_ref::<NotWritten>() {
        Some(error) if error.is_closed_pipe() => None,
        Some(error) => Some(
            Error::new(ErrorCode::OutputFailed, error.to_string())
                .hint("what the command did is done; only its output is missing"),
        ),
        None => Some(Error::new(ErrorCode::Failed, format!("{error:#}"))),
    }
}
