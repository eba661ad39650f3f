//! `carto completion`: the script of a shell. Answering what it asks is `cli::completion`'s.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Shell, completion};
use crate::output::{json as json_text, stdout};

/// Prints it, for the program as it was called.
pub(crate) fn run(context: &super::Context, shell: Shell) -> anyhow::Result<ExitCode> {
    let program = std::env::args_os().next().unwrap_or_else(|| "carto".into());
    let script = completion::script(shell, &program);
    let text =
        if context.globals.view().format.is_json() { json_text::pretty(&json!({ "script": script })) } else { script };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}
