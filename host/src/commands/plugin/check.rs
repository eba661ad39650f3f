//! `carto plugin check`: a finished library against the contract. The checks are `check`'s; here the report gets where it is wanted.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use carto_plugin_api::ErrorCode;

use crate::check::{self, Outcome, Report};
use crate::commands::Context;
use crate::error::{Error, Result, usage};
use crate::output::{Format, json, stdout};
use crate::run::{self, Level};
use crate::settings;

/// Tests it.
pub(super) fn run(
    context: &Context,
    file: &Path,
    script: Option<&Path>,
    junit: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if matches!(view.format, Format::Csv | Format::Env) || view.field.is_some() {
        return Err(usage("the result of a check is a text or JSON")
            .hint("leave the format out, or use `--json`")
            .into());
    }
    let settings = settings::read()?.plugins;
    if settings.level == Level::InProcess {
        return Err(usage("a check needs a process that may end, and the level is `in-process`")
            .hint("leave `level` out of `[plugins]` in your settings")
            .into());
    }
    if context.catalog.policy().is_in_force() && settings.level != Level::Confined {
        let message = format!(
            "a policy is in force, and then a library is checked `confined` only, not `{}`",
            settings.level.as_str()
        );
        return Err(Error::new(ErrorCode::RefusedByPolicy, message)
            .hint("leave `level` out of `[plugins]` in your settings")
            .into());
    }
    let runtime = run::runtime(&settings, context.globals.debug);
    // An absolute path: whatever becomes of the folder that this was started in, the file is this one.
    let path = std::path::absolute(file).map_err(|e| unread(file, &e))?;
    if !path.metadata().map_err(|e| unread(file, &e))?.is_file() {
        return Err(unread(file, &"it isn't a file").into());
    }
    let mut report = check::run(&path, script, runtime.as_ref())?;
    file.clone_into(&mut report.file);
    stdout::write(&match view.format {
        Format::Json => json::pretty(&report.json()),
        Format::Jsonl => report.checks.iter().map(|check| json::line(&check.json())).collect(),
        _ => check::show::text(&report),
    })?;
    if let Some(junit) = junit {
        write_junit(junit, &report)?;
    }
    Ok(match report.count(Outcome::Failed) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(ErrorCode::PluginFault.exit_status()),
    })
}

fn unread(file: &Path, why: &dyn Display) -> Error {
    usage(format!("cannot read `{}`: {why}", file.display()))
        .hint("name the library that `cargo build --release` has made, like `target/release/libcarto_kind_robot.so`")
}

fn write_junit(path: &Path, report: &Report) -> Result<()> {
    std::fs::write(path, check::junit::text(report)).map_err(|e| {
        Error::new(ErrorCode::OutputFailed, format!("cannot write `{}`: {e}", path.display()))
            .hint("name another file behind `--junit`")
    })
}
