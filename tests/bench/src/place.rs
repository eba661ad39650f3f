//! Where this program was built: its neighbours, which are measured, and the page that a table goes into.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::print;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- carto-bench: begin -->\n";
const END: &str = "<!-- carto-bench: end -->";

pub(crate) struct Place {
    own: PathBuf,
}

impl Place {
    /// Asked before anything is built: a file that cargo replaces has no path any more.
    pub(crate) fn find() -> Result<Place> {
        Ok(Place { own: std::env::current_exe().context("this program doesn't know where it is")? })
    }

    /// This program, to be run again as a child.
    pub(crate) fn own(&self) -> &Path {
        &self.own
    }

    /// A file that was built beside this program.
    pub(crate) fn beside(&self, name: &str) -> Result<PathBuf> {
        let path = self.own.with_file_name(name);
        if !path.is_file() {
            bail!("`{}` isn't there: run it without `--no-build`", path.display());
        }
        Ok(path)
    }

    /// Builds what is measured as a user builds it: the default members by themselves, with no feature that another package would add.
    pub(crate) fn build(&self) -> Result<()> {
        for package in [None, Some("carto-bench-bare")] {
            let mut cargo = Command::new("cargo");
            cargo.args(["build", "--release"]).args(package.map(|name| format!("--package={name}")));
            print::progress(&format!("building {}", package.unwrap_or("carto and its kinds")));
            forget_own_package(&mut cargo);
            let status = cargo.current_dir(self.root()?).status().context("`cargo` can't be run")?;
            if !status.success() {
                bail!("the build failed");
            }
        }
        Ok(())
    }

    /// Puts a table into the page, between its markers.
    pub(crate) fn write(&self, table: &str) -> Result<PathBuf> {
        let path = self.root()?.join(PAGE);
        let page = std::fs::read_to_string(&path)?;
        let between = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = between else { bail!("`{}` has lost its markers", path.display()) };
        std::fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))?;
        Ok(path)
    }

    /// The root of the sources: the first folder above that has the page.
    fn root(&self) -> Result<&Path> {
        let above = self.own.ancestors().find(|folder| folder.join(PAGE).is_file());
        above.with_context(|| {
            format!("no folder above `{}` holds {PAGE}: start it from its sources", self.own.display())
        })
    }
}

/// `cargo run` describes the package that it runs to it in variables. Build scripts watch some of them, and would run once more.
#[allow(clippy::disallowed_methods)] // names only, and none that means anything to this program
fn forget_own_package(cargo: &mut Command) {
    let is_own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_own)) {
        cargo.env_remove(name);
    }
}
