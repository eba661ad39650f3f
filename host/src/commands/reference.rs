//! `carto reference`, which help doesn't show: documents of the command line, for packages and for this project's own pages.

use std::path::Path;
use std::process::ExitCode;

use carto_plugin_api::ErrorCode;

use crate::cli::reference;
use crate::error::Error;
use crate::output::stdout;

/// Prints the reference page, with the kinds that are there.
pub(crate) fn markdown(context: &super::Context) -> anyhow::Result<ExitCode> {
    stdout::write(&reference::markdown(&context.catalog.all()?.kinds))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the man pages into a folder, with the kinds that are there, and prints their names.
pub(crate) fn man(context: &super::Context, folder: &Path, date: Option<&str>) -> anyhow::Result<ExitCode> {
    let kinds = &context.catalog.all()?.kinds;
    let write = || -> std::io::Result<String> {
        std::fs::create_dir_all(folder)?;
        let mut names = String::new();
        for page in reference::pages(kinds, date.unwrap_or_default())? {
            std::fs::write(folder.join(&page.file), page.text)?;
            names.push_str(&page.file);
            names.push('\n');
        }
        Ok(names)
    };
    let names = write()
        .map_err(|e| Error::new(ErrorCode::OutputFailed, format!("cannot write into `{}`: {e}", folder.display())))?;
    stdout::write(&names)?;
    Ok(ExitCode::SUCCESS)
}
