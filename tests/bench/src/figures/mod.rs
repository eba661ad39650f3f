//! The figures, one file each. Each measures its sides in the same rounds and says them to the report.

mod help;
mod http;
mod large_list;
mod latency;
mod levels;
mod load;
mod many_kinds;
mod verb;

use anyhow::Result;

use crate::print;
use crate::report::Report;
use crate::stage::Stage;

type Figure = fn(&Stage, &mut Report) -> Result<()>;

/// In the order of the table.
const FIGURES: [(&str, Figure); 8] = [
    ("help", help::measure),
    ("a thousand kinds", many_kinds::measure),
    ("a whole verb", verb::measure),
    ("what confinement costs", levels::measure),
    ("three kinds listed", latency::measure),
    ("a hundred thousand credentials", large_list::measure),
    ("a verb over HTTP", http::measure),
    ("opening a library", load::measure),
];

/// Measures them all.
pub(crate) fn all(stage: &Stage) -> Result<Report> {
    let mut report = Report::default();
    for (name, measure) in FIGURES {
        print::progress(&format!("measuring: {name}"));
        measure(stage, &mut report)?;
    }
    Ok(report)
}
