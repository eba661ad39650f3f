//! What a user gets of a credential besides its record: a file of variables, what to know of its secrets, and the way to it where they
//! were lost.

use carto_plugin_api::ErrorCode;

use super::delivery::Delivery;
use super::{outcome, work};
use crate::error::{Error, Result, quoted};
use crate::kinds::Kind;
use crate::output::env_file::EnvFile;
use crate::output::stdout::NotWritten;
use crate::output::variables::{Variable, is_for_shells_only};
use crate::output::{Format, Record, View, record, stderr};

/// The variables of a new credential, in a file.
pub(super) struct Written {
    place: String,
    variables: Vec<Variable>,
}

impl Written {
    /// Writes them.
    pub(super) fn new(kind: &Kind, record: &Record, file: EnvFile, delivery: &Delivery) -> Result<Written> {
        let variables = record::variables(record, &kind.manifest.record);
        let place = file.given().to_owned();
        delivery.leaves(Some(file.scrap().to_owned()));
        file.set(&variables)
            .map_err(|error| lost(kind, record, &format!("its values were not written to `{place}`: {error}")))?;
        delivery.is_in(&place);
        Ok(Written { place, variables })
    }

    /// Says where they are.
    pub(super) fn report(&self) {
        let Written { place, variables } = self;
        stderr::note(&format!("wrote {} to `{place}`", quoted(variables.iter().map(|(name, _)| name))));
        let odd: Vec<&String> =
            variables.iter().filter(|(_, value)| is_for_shells_only(value)).map(|(name, _)| name).collect();
        if !odd.is_empty() {
            stderr::warning(
                &format!(
                    "{} in `{place}` is right for a shell, but dotenv or Compose may read it otherwise",
                    quoted(odd)
                ),
                Some("its value holds a quote, a backslash, a line break or `${`: read the file with a shell"),
            );
        }
    }

    /// The record could not be shown, but nothing is lost.
    pub(super) fn not_shown(&self, kind: &Kind, record: &Record, error: &NotWritten) -> Error {
        let message = format!("created {}, but it was not shown: {error}", named(kind, record));
        Error::new(ErrorCode::OutputFailed, message).hint(format!("its variables are in `{}`", self.place))
    }
}

/// ``Robot `R2` (r_1)``.
pub(super) fn named(kind: &Kind, record: &Record) -> String {
    let id = work::id_of(kind, record);
    let label = kind.manifest.record.label.as_ref().and_then(|label| record.get(label)?.as_str());
    match label {
        Some(label) if label != id => format!("{} `{label}` ({id})", kind.manifest.title),
        _ => format!("{} `{id}`", kind.manifest.title),
    }
}

/// Says of secrets that exist once that this was the time.
pub(super) fn note_secrets(kind: &Kind, record: &Record, fresh: bool, view: &View) {
    let shape = &kind.manifest.record;
    let (there, gone): (Vec<&String>, Vec<&String>) =
        shape.once.iter().partition(|field| record.get(*field).is_some_and(|value| !value.is_null()));
    if fresh {
        // What is in a file isn't lost, and nothing has to be said of it here.
        let in_file = |field: &String| view.to_file && shape.env.contains_key(field);
        let reached = |field: &String| match &view.field {
            Some(only) => only == field,
            None => view.format != Format::Env || shape.env.contains_key(field),
        };
        let (shown, left_out): (Vec<&String>, Vec<&String>) =
            there.into_iter().filter(|field| !in_file(field)).partition(|field| reached(field));
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

/// Says of a credential whose secrets nobody can have seen where it is.
pub(super) fn warn_unseen(kind: &Kind, record: &Record) {
    let has_secret = |field: &String| record.get(field).is_some_and(|value| !value.is_null());
    if kind.manifest.record.secrets.iter().any(has_secret) {
        let message = format!("nobody saw the values of {}: standard output leads nowhere", named(kind, record));
        stderr::warning(&message, Some(&outcome::lost_and_found(kind, &work::id_of(kind, record))));
    }
}

/// Whether a new credential came with its secrets: an error where one of them is what was asked for, else a warning.
pub(super) fn check_secrets(kind: &Kind, record: &Record, view: &View) -> Result<()> {
    let shape = &kind.manifest.record;
    let missing: Vec<&String> =
        shape.secrets.iter().filter(|field| record.get(*field).is_none_or(|value| value.is_null())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("the service's answer holds no {}", quoted(&missing));
    let asked = |field: &String| match &view.field {
        Some(only) => only == field,
        None => (view.to_file || view.format == Format::Env) && shape.env.contains_key(field),
    };
    if missing.into_iter().any(asked) {
        return Err(lost(kind, record, &what).with_code(ErrorCode::UnexpectedAnswer));
    }
    let way = outcome::lost_and_found(kind, &work::id_of(kind, record));
    stderr::warning(&format!("created {}, but {what}", named(kind, record)), Some(&way));
    Ok(())
}

/// The result of a create that did not reach the user.
pub(super) fn lost(kind: &Kind, record: &Record, why: &str) -> Error {
    let message = format!("created {}, but {why}", named(kind, record));
    Error::new(ErrorCode::OutputFailed, message).hint(outcome::lost_and_found(kind, &work::id_of(kind, record)))
}
