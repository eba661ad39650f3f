//! `carto plugin`: one file a command.

mod candidate;
mod check;
mod doctor;
mod hurdles;
mod info;
mod install;
mod list;
mod lock;
mod new;
mod remove;
mod replace;
mod services;
mod sheet;
mod survey;
mod why;

use std::process::ExitCode;

use carto_plugin_api::ErrorCode;

use super::{Context, text_or_json};
use crate::audit::Recorder;
use crate::cli::PluginCommand;

/// Runs one of them.
pub(crate) fn run(context: &Context, command: &PluginCommand) -> anyhow::Result<ExitCode> {
    match command {
        PluginCommand::List => list::run(context),
        PluginCommand::Info { kind } => info::run(context, kind),
        PluginCommand::Doctor { run } => doctor::run(context, *run),
        PluginCommand::Why { kind, verb } => why::run(context, kind, verb.as_deref()),
        PluginCommand::Install { what, rollback: true, .. } => install::rollback(context, what),
        PluginCommand::Install { what, sha256, .. } => install::run(context, what, sha256.as_deref()),
        PluginCommand::Remove { kind } => remove::run(context, kind),
        PluginCommand::Lock { kinds, forget } => lock::run(context, kinds, *forget),
        PluginCommand::New { name, plugin_api } => new::run(context, name, plugin_api.as_deref()),
        PluginCommand::Check { file, script, junit } => check::run(context, file, script.as_deref(), junit.as_deref()),
    }
}

/// The status of a command that did what it should: a record that has to be there and isn't is a failure.
fn finished(recorder: &Recorder) -> ExitCode {
    if recorder.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(ErrorCode::Failed.exit_status()) }
}
