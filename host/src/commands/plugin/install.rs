//! `carto plugin install`: a library into the user's own folder, if it would be used there, or the version before back into it. `candidate` judges
//! it, `replace` puts it in place.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use carto_plugin_api::ErrorCode;
use serde_json::{Map, Value, json};

use super::candidate::Candidate;
use super::replace::{Before, Place};
use super::{finished, remove, services, text_or_json};
use crate::commands::Context;
use crate::digest;
use crate::error::{Error, Result, usage};
use crate::kinds::section::{Fault, NEWER_PLUGIN, NO_FILE, NO_MANIFEST, REINSTALL};
use crate::kinds::{Whole, file_name, own};
use crate::output::{json as json_text, stderr, stdout};
use crate::settings::{self, Address};

/// What to install instead.
const OF_VENDOR: &str = "name the library that its vendor ships, like `libcarto_kind_NAME.so`";

/// Installs a file.
pub(super) fn run(context: &Context, file: &str, sha256: Option<&str>) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let expected = sha256.map(expected).transpose()?;
    let refused = |(why, remedy): Fault| {
        let error = Error::new(ErrorCode::PluginFault, format!("`{file}` can't be installed: it {why}"));
        error.hint(of_a_file(remedy, OF_VENDOR))
    };
    // Who can change a folder on the way to it decides too, so that it is the whole way that counts.
    let path = std::path::absolute(file).map_err(|e| usage(format!("`{file}` is no file: {e}")))?;
    let is_missing = |e: std::io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    if fs::metadata(&path).is_err_and(is_missing) {
        return Err(usage(format!("there is no file `{file}`")).hint(OF_VENDOR).into());
    }
    let whole = Whole::read(&path).map_err(refused)?;
    if let Some(expected) = expected.filter(|expected| *expected != whole.sha256) {
        let (is, was) = (digest::short(&whole.sha256), digest::short(&expected));
        let message = format!("`{file}` can't be installed: it has the sha256 {is}…, and {was}… was asked for");
        return Err(Error::new(ErrorCode::PluginFault, message)
            .hint("get the file again from where the digest is published")
            .into());
    }
    let folder = own::folder()?;
    let kind = whole.kind(|name| folder.join(file_name(name))).map_err(refused)?;
    whole.check_needs().map_err(refused)?;
    let candidate = Candidate::new(context.catalog.policy(), kind, whole)?;
    let place = Place::take(candidate.kind.name(), context.globals.dry_run)?;
    install(context, &candidate, place, false)
}

/// Goes back to the version before.
pub(super) fn rollback(context: &Context, word: &str) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let name = &remove::name(word)?;
    let place = Place::take(name, context.globals.dry_run)?;
    let Some(before) = place.lock.previous().get(name) else {
        return Err(match place.before {
            Before::Nothing => remove::elsewhere(context, name, |_| {
                "a version before is kept of what `carto plugin install` put into your own folder only".to_owned()
            })?,
            _ => usage(format!("no version before is kept of `{name}`"))
                .hint("install the file of the version that you want"),
        }
        .into());
    };
    let refused = |(why, remedy): Fault| {
        let message = format!("the version before of `{name}` can't be used: its file {why}");
        let again = "install the file of the version that you want";
        Error::new(ErrorCode::PluginFault, message).hint(of_a_file(remedy, again))
    };
    let whole = Whole::read(&own::previous_file(name, &before.sha256)?).map_err(refused)?;
    if whole.sha256 != before.sha256 {
        let (is, was) = (digest::short(&whole.sha256), digest::short(&before.sha256));
        let message = format!(
            "the version before of `{name}` isn't the one that was kept: it has the sha256 {is}…, and {was}… was kept"
        );
        return Err(Error::new(ErrorCode::RefusedByPolicy, message)
            .hint("somebody has changed it; install the file of the version that you want")
            .into());
    }
    let file = own::file(name)?;
    let kind = whole.kind(|_| file).map_err(refused)?;
    if kind.name() != name {
        return Err(
            refused((format!("is the kind `{}`", kind.name()), "install the file that you want".to_owned())).into()
        );
    }
    install(context, &Candidate::new(context.catalog.policy(), kind, whole)?, place, true)
}

/// What mends a file that isn't a plugin's yet, or isn't any more.
fn of_a_file(remedy: String, again: &str) -> String {
    match remedy.as_str() {
        REINSTALL | NO_FILE => again.to_owned(),
        NO_MANIFEST => format!("{again}; its author builds it with `carto_plugin_api::export_kind!`"),
        NEWER_PLUGIN => "get a newer version of the plugin".to_owned(),
        _ => remedy,
    }
}

/// The digest that the user gives.
fn expected(text: &str) -> Result<String> {
    let digest = text.trim().to_ascii_lowercase();
    if digest::is_one(&digest) {
        return Ok(digest);
    }
    Err(usage("`--sha256` isn't a SHA-256: 64 hexadecimal digits").hint("copy it from where the plugin is published"))
}

/// Puts it in place, if it would be used there, and says what was done.
fn install(context: &Context, candidate: &Candidate, mut place: Place, back: bool) -> anyhow::Result<ExitCode> {
    candidate.check_words()?;
    let Candidate { kind, whole, recorder, .. } = candidate;
    let dry_run = context.globals.dry_run;
    let was = place.before.library().map(|(kind, whole)| (kind.version().map(str::to_owned), whole.sha256.clone()));
    let is_there = matches!(&place.before, Before::Usable(library) if library.1.sha256 == whole.sha256);
    let new = place.before.library().map(|(before, _)| candidate.new_since(before)).unwrap_or_default();
    let is_first = matches!(place.before, Before::Nothing);
    let kept = place.keeps().map(|kept| kept.is_some());
    let mut accepted = true;
    if is_there {
        accepted = dry_run || place.accept(kind, &whole.sha256, recorder)?;
    } else if !dry_run {
        let was = was.as_ref().map(|(_, sha256)| sha256.as_str());
        place.put(kind, whole, candidate.record(was), recorder)?;
    }
    let said = Said { candidate, was, new, is_there, accepted, kept, dry_run, back };
    if context.globals.view().format.is_json() {
        stdout::write(&json_text::pretty(&said.json()))?;
    } else {
        said.say();
    }
    if is_first {
        warn_of_approval(candidate);
    }
    advise(context, candidate);
    Ok(finished(recorder))
}

/// An approval that was there before the plugin may have been meant for another.
fn warn_of_approval(candidate: &Candidate) {
    let name = candidate.kind.name();
    let approved = candidate.settings.approved.get(name).filter(|approved| !approved.is_empty());
    if let Some((approved, file)) = approved.zip(settings::file().ok()) {
        let places = approved.iter().map(|(service, Address(url))| format!("`{service}` at `{url}`"));
        let places = places.collect::<Vec<_>>().join(", ");
        let message = format!("`[approved.{name}]` in `{}` already approves {places}", file.display());
        let hint = "if it was written for another plugin of that name, remove it";
        stderr::warning(&message, Some(hint));
    }
}

/// What is left to do before it can be used.
fn advise(context: &Context, candidate: &Candidate) {
    for service in services::own(&candidate.kind, &candidate.settings) {
        if let Some(error) = service.obstacle() {
            stderr::warning(&error.message, error.hint.as_deref());
            stderr::note(&format!("`{}` is asked {}", service.name, service.authorisation()));
        }
    }
    let is_looked_at =
        |folder: &Path| context.catalog.folders().is_ok_and(|folders| folders.iter().any(|one| one == folder));
    if let Some(source) =
        context.catalog.replaced_by().filter(|_| !own::folder().is_ok_and(|folder| is_looked_at(&folder)))
    {
        stderr::note(&format!("`{source}` names other folders: it isn't used as long as that is so"));
    }
}

/// What there is to say of an installation that was done, or would be.
struct Said<'a> {
    candidate: &'a Candidate,
    /// Version and digest of what was there.
    was: Option<(Option<String>, String)>,
    /// What it may ask and what was there couldn't.
    new: Vec<String>,
    is_there: bool,
    accepted: bool,
    /// Whether what was there is kept, or why not.
    kept: std::result::Result<bool, String>,
    dry_run: bool,
    back: bool,
}

impl Said<'_> {
    fn say(&self) {
        let Candidate { kind, whole, .. } = self.candidate;
        let release = |version: Option<&str>| version.map(|version| format!(" {version}")).unwrap_or_default();
        let (name, version) = (kind.name(), release(kind.version()));
        let digest = digest::short(&whole.sha256);
        if self.is_there {
            let more = if self.accepted && !self.dry_run { ", and accepted as it is" } else { "" };
            return stderr::done(&format!("{name}{version} is already installed (sha256 {digest}…){more}"));
        }
        let did = match (self.dry_run, self.back) {
            (false, false) => "Installed",
            (false, true) => "Went back to",
            (true, false) => "Would install",
            (true, true) => "Would go back to",
        };
        let was = self.was.as_ref().map(|(version, sha256)| {
            format!(", was{} (sha256 {}…)", release(version.as_deref()), digest::short(sha256))
        });
        stderr::done(&format!("{did} {name}{version} (sha256 {digest}…){}", was.unwrap_or_default()));
        stderr::done(&format!("  in {}", kind.file.display()));
        stderr::done(&format!("  {}", self.candidate.may()));
        if !self.new.is_empty() {
            stderr::done(&format!("  New in what it may ask: {}", self.new.join("; ")));
        }
        match &self.kept {
            Ok(true) => stderr::done(&stderr::pasteable(&format!(
                "  The version before is kept: `carto plugin install --rollback {name}` goes back"
            ))),
            Ok(false) => {}
            Err(why) => stderr::note(&format!("what was there isn't kept: it {why}")),
        }
        if self.dry_run {
            stderr::done("Nothing was changed: this was a dry run.");
        }
    }

    fn json(&self) -> Value {
        let Candidate { kind, whole, settings, .. } = self.candidate;
        let services = services::own(kind, settings);
        let services: Map<String, Value> =
            services.iter().map(|service| (service.name.to_owned(), service.json())).collect();
        json!({
            "name": kind.name(),
            "version": kind.version(),
            "sha256": whole.sha256,
            "path": kind.file.display().to_string(),
            "was": self.was.as_ref().map(|(version, sha256)| json!({ "version": version, "sha256": sha256 })),
            "kept": matches!(self.kept, Ok(true)) && !self.is_there,
            "changed": !self.is_there && !self.dry_run,
            "verbs": self.candidate.verbs(true),
            "refused_verbs": self.candidate.verbs(false),
            "services": services,
            "new": self.new,
            "dry_run": self.dry_run,
        })
    }
}
