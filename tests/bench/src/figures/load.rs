//! What each step of opening a library costs, in a new process each time.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::children;
use crate::libraries::{self, KINDS};
use crate::measure::interleave;
use crate::program::Program;
use crate::report::Report;
use crate::stage::Stage;

/// The steps as the child names them, in their order.
const STEPS: [&str; 5] = ["read", "parse", "open", "check", "start"];

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("load")?;
    let own = stage.place().own();
    let loads = KINDS.map(|kind| {
        let file = stage.three.join(libraries::file_name(kind));
        Program::new(own, &home).word(children::LOAD).word(&file.display().to_string())
    });
    let answers = interleave(stage.rounds(400), loads.each_ref(), steps)?;
    for (kind, answers) in KINDS.iter().zip(&answers) {
        let mut columns: [Vec<f64>; STEPS.len() + 1] = std::array::from_fn(|_| Vec::new());
        for steps in answers {
            for (column, step) in columns.iter_mut().zip(steps.iter().copied().chain([steps.iter().sum()])) {
                column.push(step);
            }
        }
        report.load(kind, &columns);
    }
    Ok(())
}

/// The steps of one load, in nanoseconds.
fn steps(load: &Program) -> Result<Vec<f64>> {
    let said: Value = serde_json::from_str(&load.output()?)?;
    STEPS.iter().map(|step| said[step].as_f64().with_context(|| format!("the child says no {step}"))).collect()
}
