//! A whole verb in the sandbox, against Node starting and doing nothing: the floor of every command line that is written for it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::measure::interleave;
use crate::program::{Program, installed};
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::{CREATE, Stage};

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    // One sandbox that fills as tokens are made, and one that stays as it is.
    let (filling, home) = (stage.folder("create")?, stage.folder("get")?);
    let id = stage.token(&home)?;
    let level = level(stage)?;
    let whats =
        [format!("create a token, sandbox (runtime: {level})"), format!("get a token, sandbox (runtime: {level})")];
    let Some(node) = installed("node") else {
        whats.iter().for_each(|what| report.skip(what, "`node` isn't installed"));
        return Ok(());
    };
    let create = stage.sandbox(&filling).words(CREATE);
    let get = stage.sandbox(&home).words("credentials get token").word(&id);
    let node = Program::new(&node, &home).words("-e 0");
    let [create, get, node] = interleave(stage.rounds(100), [&create, &get, &node], Program::milliseconds)?;
    for (what, verb) in whats.iter().zip([&create, &get]) {
        report.compare(&Comparison {
            what,
            this: ("`carto`", verb),
            that: ("`node -e 0`", &node),
            unit: Unit::Milliseconds,
            limits: Limits { ratio: Some(1.0 / 15.0), aim: Some(1.0 / 30.0), ..Limits::default() },
        });
    }
    Ok(())
}

/// How far the runtime keeps a library from doing harm: a figure holds for this one only.
fn level(stage: &Stage) -> Result<String> {
    let list = stage.carto(&stage.folder("level")?).words("plugin list --json").output()?;
    let list: Value = serde_json::from_str(&list)?;
    Ok(list["plugins"][0]["level"].as_str().context("`plugin list` says no level")?.to_owned())
}
