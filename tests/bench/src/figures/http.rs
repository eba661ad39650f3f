//! A verb over HTTP, against `curl` of the same address with the same bearer.

use anyhow::Result;

use crate::measure::interleave;
use crate::program::{Program, installed};
use crate::report::{Comparison, Limits, Report, Unit};
use crate::server::{self, SOME_ID};
use crate::stage::Stage;

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let what = "get a token, HTTP on this machine";
    let Some(curl) = installed("curl") else {
        report.skip(what, "`curl` isn't installed");
        return Ok(());
    };
    let home = stage.folder("http")?;
    let base = format!("{}/1000", server::start()?);
    let carto = stage.carto(&home).variable("CARTO_BASE_URL", &base).variable("CARTO_API_TOKEN", "anything");
    let carto = carto.words("credentials get token").word(SOME_ID);
    let curl = Program::new(&curl, &home).words("-s -f -H").word("Authorization: Bearer anything");
    let curl = curl.word(&format!("{base}/v3/tokens/{SOME_ID}"));
    anyhow::ensure!(
        [carto.output()?, curl.output()?].iter().all(|answer| answer.contains("nightly-export-7")),
        "the two don't get the same token"
    );
    let [carto, curl] = interleave(stage.rounds(400), [&carto, &curl], Program::milliseconds)?;
    report.compare(&Comparison {
        what,
        this: ("`carto`", &carto),
        that: ("`curl -s`", &curl),
        unit: Unit::Milliseconds,
        limits: Limits { ratio: Some(1.5), ..Limits::default() },
    });
    Ok(())
}
