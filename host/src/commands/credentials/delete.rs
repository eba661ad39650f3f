//! Delete: asks, deletes, says what is gone.

use std::process::ExitCode;
use std::slice;

use carto_plugin_api::Verb;
use clap::ArgMatches;
use serde_json::{Value, json};

use super::work::Ended;
use super::{Context, dry_run, work};
use crate::commands::confirm;
use crate::error::usage;
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::{Format, Record, View, json, record, stderr, stdout};
use crate::redact;

pub(super) fn run(context: &Context, kind: &Kind, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if let Some(field) = view.field.as_deref().filter(|field| *field != "deleted") {
        return Err(usage(format!("there is no field `{field}`")).hint("delete answers with `deleted`").into());
    }
    let mut stdin = Stdin::default();
    let id = input::id(super::typed_id(matches), &mut stdin)?;
    let mut work = work::Work::begin(context, slice::from_ref(kind), Verb::Delete, stdin)?;
    let input = work.input(kind, Verb::Delete, matches, Some(id.clone()))?;
    if !context.globals.dry_run {
        confirm::deletion(&kind.manifest.title, &redact::handle(&id), &context.globals, &mut work.stdin)?;
    }
    // A kind that had to look the credential up says which one it was; otherwise the typed word was the id.
    let read = |kind: &Kind, answer| match answer {
        Value::Null => Ok(None),
        answer => work::record(kind, answer).map(|record| Some(work::id_of(kind, &record))),
    };
    let title = kind.manifest.title.clone();
    work.run(
        kind,
        Verb::Delete,
        input,
        read,
        |_, looked_up| looked_up.clone(),
        move |ended, _| match ended {
            Ended::Answered(looked_up, _) => show(&title, &looked_up.unwrap_or_else(|| redact::handle(&id)), &view),
            Ended::Drafted(draft) => dry_run::show(&draft, &view),
        },
    )
}

fn show(title: &str, gone: &str, view: &View) -> anyhow::Result<ExitCode> {
    let text = match view.format {
        _ if view.field.is_some() => {
            record::field_text(&Record::from_iter([("deleted".to_owned(), gone.into())]), "deleted")
        }
        Format::Json => json::pretty(&json!({ "deleted": gone })),
        Format::Jsonl => json::line(&json!({ "deleted": gone })),
        Format::Table | Format::Csv | Format::Env => {
            stderr::done(&format!("Deleted {title} `{gone}`"));
            return Ok(ExitCode::SUCCESS);
        }
    };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}
