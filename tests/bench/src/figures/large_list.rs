//! 100,000 credentials listed over HTTP, against 1,000: the first row, the peak of memory, the time of a row.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::children;
use crate::measure::interleave;
use crate::program::Program;
use crate::report::{Comparison, Limits, Report, Unit};
use crate::server;
use crate::stage::Stage;

/// What a list in a child says, in the units of the report.
struct Listed {
    /// From the start of the program, in milliseconds.
    first_row: f64,
    /// In megabytes.
    peak: f64,
    /// In microseconds.
    each_row: f64,
}

type Part = fn(&Listed) -> f64;

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("large-list")?;
    let server = server::start()?;
    // A table begins with a line that is no row.
    for (format, before_rows) in [("table", 1), ("jsonl", 0)] {
        let list = |records: u32| {
            stage
                .carto(&home)
                .variable("CARTO_BASE_URL", format!("{server}/{records}"))
                .variable("CARTO_API_TOKEN", "anything")
                .words("credentials list tokens -o")
                .word(format)
                .run_by(stage.place().own(), &format!("{} {before_rows}", children::LIST))
        };
        let [large, small] = [(list(100_000), 100_000), (list(1000), 1000)];
        let [large, small] = interleave(stage.rounds(20), [&large, &small], |(list, records)| run(list, *records))?;
        let of = |listed: &[Listed], part: Part| -> Vec<f64> { listed.iter().map(part).collect() };
        let memory = Limits { ratio: Some(1.2), value: Some(40.0), ..Limits::default() };
        let parts: [(&str, Part, Unit, Limits); 3] = [
            ("first row", |listed| listed.first_row, Unit::Milliseconds, Limits::default()),
            ("peak memory", |listed| listed.peak, Unit::Megabytes, memory),
            ("whole time, a row", |listed| listed.each_row, Unit::Microseconds, Limits::default()),
        ];
        for (name, part, unit, limits) in parts {
            report.compare(&Comparison {
                what: &format!("`credentials list tokens -o {format}`, HTTP: {name}"),
                this: ("100,000 tokens", &of(&large, part)),
                that: ("1,000", &of(&small, part)),
                unit,
                limits,
            });
        }
    }
    Ok(())
}

fn run(list: &Program, records: u32) -> Result<Listed> {
    let said: Value = serde_json::from_str(&list.output()?)?;
    let number = |key: &str| said[key].as_f64().with_context(|| format!("the child says no {key}"));
    let rows = number("rows")?;
    anyhow::ensure!(rows == f64::from(records), "{rows} rows came, of {records}");
    Ok(Listed {
        first_row: number("first")? * 1e3,
        peak: number("peak")? / 1e6,
        each_row: number("whole")? * 1e6 / rows,
    })
}
