//! What it costs to keep a library from doing harm: each verb at three levels, in the sandbox.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::measure::interleave;
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::{CREATE, Stage};

const LEVELS: [&str; 3] = ["confined", "plain", "in-process"];

/// Runs a verb and answers with its time.
type Verb<'a> = dyn Fn(&Side) -> Result<f64> + 'a;

/// A home whose kinds run at one level, with one token.
struct Side {
    home: PathBuf,
    id: String,
}

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let [confined, plain, in_process] = LEVELS.map(|level| side(stage, level));
    let sides = [&confined?, &plain?, &in_process?];
    let sandbox = |side: &Side, words: &str| stage.sandbox(&side.home).words(words);
    let verbs: [(&str, &Verb<'_>); 5] = [
        ("list", &|side| sandbox(side, "credentials list tokens").milliseconds()),
        ("get", &|side| sandbox(side, "credentials get token").word(&side.id).milliseconds()),
        ("update", &|side| sandbox(side, "credentials update token").word(&side.id).words("--apis sql").milliseconds()),
        ("create", &|side| sandbox(side, CREATE).milliseconds()),
        // Each needs one of its own, which is made before the time counts.
        ("delete", &|side| {
            let id = stage.token(&side.home)?;
            sandbox(side, "credentials delete token --yes").word(&id).milliseconds()
        }),
    ];
    for (verb, run) in verbs {
        let times: [Vec<f64>; 3] = interleave(stage.rounds(100), sides, |side| run(side))?;
        let [confined, others @ ..] = &times;
        for (level, other) in LEVELS.into_iter().skip(1).zip(others) {
            report.compare(&Comparison {
                what: &format!("`{verb}`, sandbox"),
                this: (LEVELS[0], confined),
                that: (level, other),
                unit: Unit::Milliseconds,
                limits: Limits { more: Some(2.0), ..Limits::default() },
            });
        }
    }
    Ok(())
}

fn side(stage: &Stage, level: &str) -> Result<Side> {
    let home = stage.folder(&format!("level-{level}"))?;
    let settings = home.join(".config/carto");
    fs::create_dir_all(&settings)?;
    fs::write(settings.join("config.toml"), format!("[plugins]\nlevel = \"{level}\"\n"))?;
    let id = stage.token(&home)?;
    Ok(Side { home, id })
}
