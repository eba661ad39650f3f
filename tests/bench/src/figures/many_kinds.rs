//! The same commands with three, a hundred and a thousand libraries installed; and `docker`, with as many plugins, doing what is nearest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::libraries;
use crate::measure::interleave;
use crate::program::{Program, installed};
use crate::report::{Comparison, Limits, Report, Unit};
use crate::stage::Stage;

pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let home = stage.folder("many-kinds")?;
    let (hundred, thousand) = (home.join("hundred"), home.join("thousand"));
    libraries::many(stage.place(), &hundred, 100)?;
    libraries::many(stage.place(), &thousand, 1000)?;
    let folders = [&stage.three, &hundred, &thousand];
    let get = format!("credentials get token {}", stage.token(&home)?);
    let limited = Limits { ratio: Some(1.2), ..Limits::default() };
    let soon = Limits { value: Some(10.0), ..Limits::default() };
    for (name, words, limits, rounds) in [
        ("`credentials get token`, sandbox", get.as_str(), limited, 300),
        ("`credentials create token --help`", "credentials create token --help", limited, 300),
        ("completion of a kind: `create tok`", "-- carto credentials create tok", soon, 300),
        ("completion of an option: `create token --conn`", "-- carto credentials create token --conn", soon, 300),
        ("completion of any kind: `create `", "-- carto credentials create ", soon, 300),
        ("`credentials create --help`, which lists them", "credentials create --help", Limits::default(), 40),
        ("`plugin list`", "plugin list", Limits::default(), 40),
    ] {
        let completes = words.starts_with("--");
        let commands = folders.map(|kinds| {
            let carto = stage.carto_with(&home, kinds);
            let carto =
                if completes { carto.variable("COMPLETE", "fish") } else { carto.variable("CARTO_SANDBOX", "1") };
            // The word that is being typed may be empty.
            words.split(' ').fold(carto, Program::word)
        });
        let [three, hundred, thousand] =
            interleave(stage.rounds(rounds), [&commands[0], &commands[1], &commands[2]], Program::milliseconds)?;
        for (these, count) in [(&hundred, "100 libraries"), (&thousand, "1,000 libraries")] {
            let (this, that) = ((count, &these[..]), ("three", &three[..]));
            report.compare(&Comparison { what: name, this, that, unit: Unit::Milliseconds, limits });
        }
    }
    docker(stage, report, &home, folders)?;
    // 1.1 GB that no other figure needs.
    fs::remove_dir_all(hundred)?;
    fs::remove_dir_all(thousand)?;
    Ok(())
}

/// Help that lists as many plugins, of a program that runs each of them for it.
fn docker(stage: &Stage, report: &mut Report, home: &Path, folders: [&PathBuf; 3]) -> Result<()> {
    let what = "help that lists them, beside `docker --help` with as many plugins";
    let Some(docker) = installed("docker") else {
        report.skip(what, "`docker` isn't installed");
        return Ok(());
    };
    for (kinds, count, rounds) in folders.into_iter().zip([(3, 40), (100, 10), (1000, 4)]).map(|(k, (c, r))| (k, c, r))
    {
        let folder = home.join(format!("docker-{count}"));
        plugins(&folder, count)?;
        let docker = Program::new(&docker, &folder).variable("DOCKER_CONFIG", &folder).word("--help");
        let carto = stage.carto_with(home, kinds).words("credentials create --help");
        let listed = docker.output()?.lines().filter(|line| line.contains(SHORT)).count();
        if listed != count {
            report.note(&format!("`docker --help` lists {listed} of {count} plugins: don't believe its row."));
        }
        let [carto, docker] = interleave(stage.rounds(rounds), [&carto, &docker], Program::milliseconds)?;
        let what = format!("{what}: {count}");
        let (this, that) = (("`carto`", &carto[..]), ("`docker`", &docker[..]));
        report.compare(&Comparison { what: &what, this, that, unit: Unit::Milliseconds, limits: Limits::default() });
    }
    Ok(())
}

const SHORT: &str = "A plugin of the benchmark";

/// The smallest plugins that `docker` accepts: scripts that say what they are.
fn plugins(config: &Path, count: usize) -> Result<()> {
    let folder = config.join("cli-plugins");
    fs::create_dir_all(&folder)?;
    let says = format!(r#"{{"SchemaVersion":"0.1.0","Vendor":"carto","Version":"1","ShortDescription":"{SHORT}"}}"#);
    for number in 0..count {
        let file = folder.join(format!("docker-k{number:04}"));
        fs::write(&file, format!("#!/bin/sh\necho '{says}'\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
