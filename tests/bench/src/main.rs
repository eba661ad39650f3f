//! Measures `carto` against what it is compared with, and prints a table: docs/performance.md says what, how and why.
//!
//! This file reads the options and sets the order. `figures` has one file for each figure, `measure` times, `report` writes.

mod children;
mod figures;
mod libraries;
mod machine;
mod measure;
mod place;
mod print;
mod program;
mod report;
mod server;
mod stage;

use anyhow::bail;
use clap::Parser;

use place::Place;
use stage::Stage;

/// Measure carto side by side with what it is compared with, and print a table
///
/// Builds first what it measures: `cargo build --release`, and the bare clap binary. Needs no network, touches nothing outside a
/// temporary folder (1.1 GB), and takes about two minutes. A figure that isn't held is printed as such and fails nothing. `node`,
/// `curl` and `docker` are measured if they are installed.
#[derive(Parser)]
#[command(name = "carto-bench")]
struct Options {
    /// Few rounds, to see whether it works
    #[arg(long)]
    quick: bool,

    /// Write the table into docs/performance.md too
    #[arg(long, conflicts_with = "quick")]
    write: bool,

    /// Measure what is built already
    #[arg(long)]
    no_build: bool,
}

fn main() -> anyhow::Result<()> {
    // Before anything else: what a child measures is to be the first of its kind in its process.
    if let Some(answer) = children::asked()? {
        print::line(&answer);
        return Ok(());
    }
    let options = Options::parse();
    if cfg!(debug_assertions) {
        bail!("a debug build says nothing: `cargo run --release -p carto-bench`");
    }
    let place = Place::find()?;
    if !options.no_build {
        place.build()?;
    }
    let stage = Stage::new(place, options.quick)?;
    let report = figures::all(&stage)?.markdown(&machine::describe()?);
    print::line(&report);
    if options.write {
        print::progress(&format!("written into {}", stage.place().write(&report)?.display()));
    }
    Ok(())
}
