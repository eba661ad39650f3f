//! Three kinds listed where each answer takes 50 ms, against one: kinds must not wait for each other.

use anyhow::Result;

use crate::measure::interleave;
use crate::program::Program;
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::Stage;

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("latency")?;
    stage.token(&home)?;
    for kind in ["spa", "m2m"] {
        stage.sandbox(&home).words("credentials create").word(kind).words("--title bench").output()?;
    }
    let slow = |words: &str| stage.sandbox(&home).variable("CARTO_SANDBOX_FAULT", "latency=50ms").words(words);
    let (all, one) = (slow("credentials list"), slow("credentials list tokens"));
    let [all, one] = interleave(stage.rounds(100), [&all, &one], Program::milliseconds)?;
    report.compare(&Comparison {
        what: "`credentials list`, sandbox, 50 ms an answer",
        this: ("three kinds", &all),
        that: ("one", &one),
        unit: Unit::Milliseconds,
        limits: Limits { ratio: Some(1.2), ..Limits::default() },
    });
    Ok(())
}
