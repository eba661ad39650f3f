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
use crate::settings;

/// Removes it.
pub(super) fn run(context: &Context, word: &str) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let name = name(word)?;
    let file = own::file(&name)?;
    let is_there = fs::symlink_metadata(&file);
    not_a_folder(&file)?;
    let lock = Lock::read()?;
    if is_there.is_err() && !is_pinned(&lock, &name, &file) && !lock.previous().contains_key(&name) {
        return Err(elsewhere(context, &name, |file| who_removes(context, file))?.into());
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
        recorder.recorded("removed", &record(&name, &file), || take_out(&name, &file, &mut lock))?;
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
        if !context.globals.dry_run && other.is_none() {
            note_approval(&name);
        }
        return Ok(finished(&recorder));
    }
    if context.globals.dry_run {
        stderr::done(&format!("Would remove {name} ({what}), the version before, and what the lock says of it."));
        stderr::done("Nothing was changed: this was a dry run.");
        return Ok(ExitCode::SUCCESS);
    }
    stderr::done(&format!("Removed {name} ({what})"));
    match other {
        Some(other) => stderr::note(&format!("the kind `{name}` is still there: `{}`", other.display())),
        None => note_approval(&name),
    }
    for kind in freed {
        stderr::note(&format!("the kind `{}` can be used now: `{}`", kind.name(), kind.file.display()));
    }
    Ok(finished(&recorder))
}

/// The name that a word means: of a file in the user's own folder, or of a kind there with that plural.
pub(super) fn name(word: &str) -> Result<String> {
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

/// The error for a kind that isn't in the user's own folder: where it is, and what `hint` says of that file.
pub(super) fn elsewhere(context: &Context, word: &str, hint: impl FnOnce(&Path) -> String) -> Result<Error> {
    let named = context.catalog.files_of(word)?.into_iter().next().map(|file| (word.to_owned(), file));
    let found = named.or_else(|| context.catalog.find(word).ok().map(|kind| (kind.name().to_owned(), kind.file)));
    let Some((name, file)) = found else { return Ok(unknown(word)) };
    let error = usage(format!("the kind `{name}` isn't in your own folder: it is `{}`", file.display()));
    Ok(error.hint(hint(&file)))
}

/// Who can remove a file that isn't the user's own.
fn who_removes(context: &Context, file: &Path) -> String {
    let path = shell_word(&file.display().to_string());
    let owner = fs::symlink_metadata(file).map_or(0, |metadata| metadata.uid());
    match context.catalog.replaced_by() {
        Some(source) => format!("`{source}` names that folder: whoever filled it removes it, with `rm {path}`"),
        None if owner == 0 => {
            "whoever administers this machine removes it: with the package manager, if it comes from a package"
                .to_owned()
        }
        None => format!("whoever put it there removes it, with `rm {path}`"),
    }
}

/// What is left in the settings, for another plugin of that name to find.
fn note_approval(name: &str) {
    let is_approved = settings::read().is_ok_and(|settings| settings.approved.contains_key(name));
    if let Some(file) = settings::file().ok().filter(|_| is_approved) {
        let file = file.display();
        stderr::note(&format!(
            "`[approved.{name}]` stays in `{file}`: remove it, or it holds for another plugin of that name"
        ));
    }
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

/// Whether what the lock accepts of a kind is the library in this file. Of one that is elsewhere, it still holds.
fn is_pinned(lock: &Lock, name: &str, file: &Path) -> bool {
    lock.get(name).is_some_and(|accepted| accepted.file == file)
}

/// The library first: what is left behind if this is killed is of no use without it, and goes when it is asked for again.
fn take_out(name: &str, file: &Path, lock: &mut Lock) -> Result<()> {
    let failed = |e: io::Error| {
        Error::new(ErrorCode::OutputFailed, format!("cannot remove `{}`: {e}", file.display()))
            .hint("see that its folder can be written, and try again")
    };
    own::remove(file).map_err(failed)?;
    let was_locked = is_pinned(lock, name, file);
    if was_locked || lock.previous().contains_key(name) {
        if was_locked {
            lock.forget(name);
        }
        lock.keep(name, None);
        lock.write().map_err(|error| {
            error.hint(format!("the library is removed; when that folder can be written: `carto plugin remove {name}`"))
        })?;
    }
    own::sweep(lock)
}
