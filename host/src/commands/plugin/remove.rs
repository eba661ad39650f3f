//! `carto plugin remove`: a library out of the user's own folder, with the version before and what the lock says of it. What is elsewhere isn't
//! carto's to remove.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::is_kind_name;
use serde_json::json;

use super::replace::not_a_folder;
use super::{finished, text_or_json};
use crate::audit::{self, Fields, Recorder};
use crate::commands::{Context, confirm};
use crate::error::{Error, Result, shell_word, usage};
use crate::input::Stdin;
use crate::kinds::{Catalog, Kind, Whole, own};
use crate::lock::{Hold, Lock};
use crate::output::{json as json_text, stderr, stdout};

/// Removes it.
pub(super) fn run(context: &Context, word: &str) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let name = name(word)?;
    let file = own::file(&name)?;
    let is_there = fs::symlink_metadata(&file);
    not_a_folder(&file)?;
    let lock = Lock::read()?;
    if is_there.is_err() && lock.get(&name).is_none() && !lock.previous().contains_key(&name) {
        return Err(elsewhere(context, &name)?.into());
    }
    let what = if is_there.is_ok() { format!("`{}`", file.display()) } else { "what is left of it".to_owned() };
    let before = usable();
    if !context.globals.dry_run {
        confirm::removal(&name, &what, &context.globals, &mut Stdin::default())?;
    }
    let recorder = Recorder::new(context.catalog.policy());
    if !context.globals.dry_run {
        // Only now: somebody may have taken their time to answer.
        let _hold = Hold::take()?;
        let mut lock = Lock::read()?;
        let record = record(&name, &file);
        recorder.before("removed", &record)?;
        if let Err(error) = take_out(&name, &file, &mut lock) {
            let mut record = record;
            record.extend(audit::outcome(Some(&error)));
            recorder.after("removed", &record);
            return Err(error.into());
        }
    }
    let after = usable();
    let known: BTreeSet<&Path> = before.iter().map(|kind| kind.file.as_path()).collect();
    let freed: Vec<&Kind> = after.iter().filter(|kind| !known.contains(kind.file.as_path())).collect();
    let other = Catalog::usual().files_of(&name)?.into_iter().find(|other| *other != file);
    if context.globals.view().format.is_json() {
        let freed: Vec<&str> = freed.iter().map(|kind| kind.name()).collect();
        let answer = json!({
            "name": name,
            "path": file.display().to_string(),
            "changed": !context.globals.dry_run,
            "usable_now": freed,
            "dry_run": context.globals.dry_run,
        });
        stdout::write(&json_text::pretty(&answer))?;
        return Ok(finished(&recorder));
    }
    if context.globals.dry_run {
        stderr::done(&format!("Would remove {name} ({what}), the version before, and what the lock says of it."));
        stderr::done("Nothing was changed: this was a dry run.");
        return Ok(ExitCode::SUCCESS);
    }
    stderr::done(&format!("Removed {name} ({what})"));
    if let Some(other) = other {
        stderr::note(&format!("the kind `{name}` is still there: `{}`", other.display()));
    }
    for kind in freed {
        stderr::note(&format!("the kind `{}` can be used now: `{}`", kind.name(), kind.file.display()));
    }
    Ok(finished(&recorder))
}

/// The name that a word means: of a file in the user's own folder, or of a kind there with that plural.
fn name(word: &str) -> Result<String> {
    let is_there = is_kind_name(word) && fs::symlink_metadata(own::file(word)?).is_ok();
    let folder = own::folder()?;
    let of_plural = |kind: &&Kind| kind.manifest.plural == word && kind.file.parent() == Some(&folder);
    let usual = Catalog::usual();
    let kinds = if is_there { &[][..] } else { &usual.all()?.kinds };
    match kinds.iter().find(of_plural) {
        Some(kind) => Ok(kind.name().to_owned()),
        None if is_kind_name(word) => Ok(word.to_owned()),
        None => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> Error {
    Error::new(ErrorCode::UnknownKind, format!("there is no kind `{word}` in your own folder"))
        .hint("`carto plugin list` shows what is there")
}

/// The error for a kind that isn't in the user's own folder: where it is, and who can remove it.
fn elsewhere(context: &Context, name: &str) -> Result<Error> {
    let Some(file) = context.catalog.files_of(name)?.into_iter().next() else { return Ok(unknown(name)) };
    let error = usage(format!("the kind `{name}` isn't in your own folder: it is `{}`", file.display()));
    let path = shell_word(&file.display().to_string());
    let owner = fs::symlink_metadata(&file).map_or(0, |metadata| metadata.uid());
    Ok(error.hint(match context.catalog.replaced_by() {
        Some(source) => format!("`{source}` names that folder: whoever filled it removes it, with `rm {path}`"),
        None if owner == 0 => {
            "whoever administers this machine removes it: with the package manager, if it comes from a package"
                .to_owned()
        }
        None => format!("whoever put it there removes it, with `rm {path}`"),
    }))
}

/// The kinds that the usual folders offer at this moment.
fn usable() -> Vec<Kind> {
    Catalog::usual().all().map(|found| found.kinds.clone()).unwrap_or_default()
}

/// What is removed, for the record; as far as it can be read.
fn record(name: &str, file: &Path) -> Fields {
    let whole = Whole::read(file).ok();
    let kind = whole.as_ref().and_then(|whole| whole.kind(|_| PathBuf::from(file)).ok());
    let sha256 = whole.as_ref().map(|whole| whole.sha256.as_str());
    if let Some(kind) = kind.filter(|kind| kind.name() == name) {
        return audit::library(&kind, sha256);
    }
    let fields = [("kind", name.into()), ("file", file.display().to_string().into()), ("sha256", sha256.into())];
    fields.into_iter().map(|(key, value): (&str, serde_json::Value)| (key.to_owned(), value)).collect()
}

/// The library first: what is left behind if this is killed is of no use without it, and goes when it is asked for again.
fn take_out(name: &str, file: &Path, lock: &mut Lock) -> Result<()> {
    let failed = |e: io::Error| {
        Error::new(ErrorCode::OutputFailed, format!("cannot remove `{}`: {e}", file.display()))
            .hint("see that its folder can be written, and try again")
    };
    own::remove(file).map_err(failed)?;
    let (was_locked, was_kept) = (lock.forget(name).is_some(), lock.previous().contains_key(name));
    if was_locked || was_kept {
        lock.keep(name, None);
        lock.write()?;
    }
    own::sweep(lock)
}
