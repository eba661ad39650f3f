//! Create, get and update: one record comes back and is shown.

use std::process::ExitCode;
use std::slice;

use carto_plugin_api::Verb;
use clap::ArgMatches;

use super::delivery::Delivery;
use super::hand_over::{self, Written};
use super::work::{self, Ended};
use super::{Context, dry_run};
use crate::cli::ENV_FILE;
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::env_file::EnvFile;
use crate::output::{Format, Record, View, record, stderr, stdout};

pub(super) fn run(context: &Context, kind: &Kind, verb: Verb, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let fresh = verb == Verb::Create;
    let path = if fresh { matches.get_one::<String>(ENV_FILE) } else { None };
    let view = View { to_file: path.is_some(), ..context.globals.view() };
    record::check(&view, slice::from_ref(kind), fresh)?;
    let mut stdin = Stdin::default();
    let id = if verb.takes_id() { Some(input::id(super::typed_id(matches), &mut stdin)?) } else { None };
    let mut work = work::Work::begin(context, slice::from_ref(kind), verb, stdin)?;
    let input = work.input(kind, verb, matches, id)?;
    let names: Vec<&str> = kind.manifest.record.env.values().map(String::as_str).collect();
    let file = path.map(|path| EnvFile::open(path, &names)).transpose()?;
    // A dry run that wants to change nothing leaves files alone too.
    let file = file.filter(|_| !context.globals.dry_run);
    let shown = Shown { kind: kind.clone(), verb, view, file };
    let id = |kind: &Kind, record: &Record| Some(work::id_of(kind, record));
    work.run(kind, verb, input, work::record, id, |ended, delivery| match ended {
        Ended::Answered(record, changes) => shown.show(record, changes, delivery),
        Ended::Drafted(draft) => dry_run::show(&draft, &shown.view),
    })
}

/// How the record of a verb is shown.
struct Shown {
    kind: Kind,
    verb: Verb,
    view: View,
    file: Option<EnvFile>,
}

impl Shown {
    fn show(self, record: Record, changes: usize, delivery: &Delivery) -> anyhow::Result<ExitCode> {
        let Shown { kind, verb, view, file } = self;
        let fresh = verb == Verb::Create;
        if fresh {
            hand_over::check_secrets(&kind, &record, &view)?;
        }
        let written = file.map(|file| Written::new(&kind, &record, file, delivery)).transpose()?;
        if view.format == Format::Table && view.field.is_none() {
            match verb {
                Verb::Create => stderr::done(&format!("Created {}", hand_over::named(&kind, &record))),
                Verb::Update if changes == 0 => {
                    stderr::done(&format!("Nothing was changed in {}", hand_over::named(&kind, &record)));
                }
                Verb::Update => stderr::done(&format!("Updated {}", hand_over::named(&kind, &record))),
                _ => {}
            }
        }
        let text = record::text(&kind, record.clone(), &view, fresh);
        if let Err(error) = stdout::write(&text) {
            return Err(match written {
                Some(written) => written.not_shown(&kind, &record, &error).into(),
                // A credential exists by now: whatever goes wrong, the message has to say which.
                None if fresh => hand_over::lost(&kind, &record, &format!("its values were not shown: {error}")).into(),
                None => error.into(),
            });
        }
        match written {
            Some(written) => written.report(),
            None if fresh && stdout::leads_nowhere() => hand_over::warn_unseen(&kind, &record),
            None => {}
        }
        hand_over::note_secrets(&kind, &record, fresh, &view);
        Ok(ExitCode::SUCCESS)
    }
}
