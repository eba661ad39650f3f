//! Create, get and update: one record comes back and is shown.

use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, Verb};
use clap::ArgMatches;

use super::{Context, work};
use crate::error::{Error, quoted, shell_word};
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::stdout::NotWritten;
use crate::output::{Format, Record, View, record, stderr, stdout};

pub(super) fn run(context: &Context, kind: &Kind, verb: Verb, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    let fresh = verb == Verb::Create;
    record::check(&view, std::slice::from_ref(kind), fresh)?;
    let mut stdin = Stdin::default();
    let id = if verb.takes_id() { Some(input::id(super::typed_id(matches), &mut stdin)?) } else { None };
    let mut work = work::Work::begin(context, stdin)?;
    let input = work.input(kind, verb, matches, id)?;
    let answer = work.run(kind, verb, input, work::record)?;
    if view.format == Format::Table && view.field.is_none() {
        match verb {
            Verb::Create => stderr::done(&format!("Created {}", named(kind, &answer))),
            Verb::Update => stderr::done(&format!("Updated {}", named(kind, &answer))),
            _ => {}
        }
    }
    let text = record::text(kind, answer.clone(), &view, fresh);
    if fresh {
        // A credential exists by now: whatever goes wrong, the message has to say which.
        stdout::write(&text).map_err(|error| lost(kind, &answer, &error))?;
    } else {
        stdout::write(&text)?;
    }
    note_secrets(kind, &answer, fresh, &view);
    Ok(ExitCode::SUCCESS)
}

/// ``Robot `R2` (r_1)``.
fn named(kind: &Kind, record: &Record) -> String {
    let id = work::id_of(kind, record);
    let label = kind.manifest.record.label.as_ref().and_then(|label| record.get(label)?.as_str());
    match label {
        Some(label) if label != id => format!("{} `{label}` ({id})", kind.manifest.title),
        _ => format!("{} `{id}`", kind.manifest.title),
    }
}

/// Says of secrets that exist once that this was the time.
fn note_secrets(kind: &Kind, record: &Record, fresh: bool, view: &View) {
    let shape = &kind.manifest.record;
    let (there, gone): (Vec<&String>, Vec<&String>) =
        shape.once.iter().partition(|field| record.get(*field).is_some_and(|value| !value.is_null()));
    if fresh {
        let (shown, left_out): (Vec<&String>, Vec<&String>) = there.into_iter().partition(|field| match &view.field {
            Some(only) => only == *field,
            None => view.format != Format::Env || shape.env.contains_key(*field),
        });
        if !shown.is_empty() && !view.format.is_json() {
            stderr::note(&format!("{} is shown now and never again: keep it in a safe place", quoted(shown)));
        }
        if !left_out.is_empty() {
            stderr::note(&format!("{} was not asked for and can't be shown again", quoted(left_out)));
        }
    } else if !gone.is_empty() && (view.reveal || view.format == Format::Env) {
        stderr::note(&format!("{} was shown once, at creation, and can't be shown again", quoted(gone)));
    }
}

/// The result of a create that did not reach the user.
fn lost(kind: &Kind, record: &Record, error: &NotWritten) -> Error {
    let id = shell_word(&work::id_of(kind, record));
    let name = kind.name();
    let message = format!("created {}, but its values were not shown: {error}", named(kind, record));
    let hint = if kind.manifest.record.once.is_empty() {
        format!("`carto credentials get {name} {id} --reveal` shows it again")
    } else {
        format!("its secret is lost: `carto credentials delete {name} {id}`, then create it again")
    };
    Error::new(ErrorCode::OutputFailed, message).hint(hint)
}
