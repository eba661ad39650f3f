//! Help that lists three kinds, against a clap program that has them built in, and both against a program that does nothing.

use anyhow::{Context, Result};

use crate::measure::interleave;
use crate::program::{Program, installed};
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::Stage;

const HELP: &str = "credentials create --help";

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("help")?;
    let carto = stage.carto(&home).words(HELP);
    let bare = Program::new(&stage.place().beside("carto-bench-bare")?, &home).words(HELP);
    let nothing = Program::new(&installed("true").context("`true` isn't installed")?, &home);
    if carto.output()? != bare.output()? {
        report.note(
            "The help of the bare clap program isn't `carto`'s: bring `tests/bench/bare` up to date before you believe the first row.",
        );
    }
    let [carto, bare, nothing] = interleave(stage.rounds(600), [&carto, &bare, &nothing], Program::milliseconds)?;
    let (carto, bare, nothing) = (("`carto`", &carto[..]), ("bare clap", &bare[..]), ("`true`", &nothing[..]));
    let limits = Limits { ratio: Some(2.0), aim: Some(1.5), ..Limits::default() };
    for (this, that, limits) in
        [(carto, bare, limits), (carto, nothing, Limits::default()), (bare, nothing, Limits::default())]
    {
        let what = "`credentials create --help`, three kinds";
        report.compare(&Comparison { what, this, that, unit: Unit::Milliseconds, limits });
    }
    Ok(())
}
