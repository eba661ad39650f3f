//! What all figures stand on: a temporary folder with homes in it, folders of kinds, `carto` in the sandbox, and how many rounds to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::libraries;
use crate::measure::Rounds;
use crate::place::Place;
use crate::program::Program;

pub(crate) struct Stage {
    place: Place,
    quick: bool,
    folder: TempDir,
    carto: PathBuf,
    /// A folder of the three kinds.
    pub(crate) three: PathBuf,
}

impl Stage {
    pub(crate) fn new(place: Place, quick: bool) -> Result<Stage> {
        let folder = TempDir::with_prefix("carto-bench-")?;
        let carto = place.beside("carto")?;
        let three = folder.path().join("three");
        libraries::three(&place, &three)?;
        Ok(Stage { place, quick, folder, carto, three })
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// So many rounds, or a few if it is only tried out.
    pub(crate) fn rounds(&self, measured: usize) -> Rounds {
        let measured = if self.quick { measured.div_ceil(20) } else { measured };
        Rounds { warm_up: measured.div_ceil(20), measured }
    }

    /// A new folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// `carto` at home in a folder, with the three kinds and no account.
    pub(crate) fn carto(&self, home: &Path) -> Program {
        self.carto_with(home, &self.three)
    }

    /// The same with other kinds.
    pub(crate) fn carto_with(&self, home: &Path, kinds: &Path) -> Program {
        Program::new(&self.carto, home).variable("CARTO_KINDS_PATH", kinds)
    }

    /// `carto` in the sandbox of a home.
    pub(crate) fn sandbox(&self, home: &Path) -> Program {
        self.carto(home).variable("CARTO_SANDBOX", "1")
    }

    /// Makes a token in the sandbox of a home, and answers with its id.
    pub(crate) fn token(&self, home: &Path) -> Result<String> {
        let made = self.sandbox(home).words(CREATE).words("--field id").output()?;
        Ok(made.trim_end().to_owned())
    }
}

/// The words that make a token.
pub(crate) const CREATE: &str =
    "credentials create token --connection carto_dw --source carto.shared.demo_table --apis sql,maps";
