//! The same commands with a thousand libraries installed and with three.

use anyhow::Result;

use crate::libraries;
use crate::measure::interleave;
use crate::program::Program;
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::Stage;

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("many-kinds")?;
    let many = home.join("kinds");
    libraries::many(stage.place(), &many)?;
    let get = format!("credentials get token {}", stage.token(&home)?);
    let limited = Limits { ratio: Some(1.2), ..Limits::default() };
    for (name, words, limits, rounds) in [
        ("`credentials get token`, sandbox", get.as_str(), limited, 400),
        ("`credentials create token --help`", "credentials create token --help", limited, 400),
        ("`credentials create --help`, which lists them", "credentials create --help", Limits::default(), 40),
        ("`plugin list`", "plugin list", Limits::default(), 40),
    ] {
        let [with_many, with_three] = [&many, &stage.three]
            .map(|kinds| stage.carto_with(&home, kinds).variable("CARTO_SANDBOX", "1").words(words));
        let [with_many, with_three] =
            interleave(stage.rounds(rounds), [&with_many, &with_three], Program::milliseconds)?;
        report.compare(&Comparison {
            what: name,
            this: ("1,000 libraries", &with_many),
            that: ("three", &with_three),
            unit: Unit::Milliseconds,
            limits,
        });
    }
    // What a tab waits for: a kind's name, every name, an option of a kind.
    let limits = Limits { value: Some(10.0), ..Limits::default() };
    for words in ["credentials create to", "credentials create k", "credentials create token --ap"] {
        let [with_many, with_three] = [&many, &stage.three].map(|kinds| {
            stage.carto_with(&home, kinds).variable("COMPLETE", "fish").words(&format!("-- carto {words}"))
        });
        let [with_many, with_three] = interleave(stage.rounds(400), [&with_many, &with_three], Program::milliseconds)?;
        report.compare(&Comparison {
            what: &format!("completion of `carto {words}`"),
            this: ("1,000 libraries", &with_many),
            that: ("three", &with_three),
            unit: Unit::Milliseconds,
            limits,
        });
    }
    // 1 GB that no other figure needs.
    std::fs::remove_dir_all(many)?;
    Ok(())
}
