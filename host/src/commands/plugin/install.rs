//! `carto plugin install`: a library into the user's own folder, if it would be used there, or the version before back into it. Judged here, put
//! in place by `replace`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carto_plugin_api::manifest::is_kind_name;
use carto_plugin_api::{ErrorCode, Verb};
use serde_json::{Value, json};

use super::replace::{Before, Place};
use super::{finished, services, text_or_json};
use crate::audit::{self, Fields, Recorder};
use crate::commands::Context;
use crate::digest;
use crate::error::{Error, Result, usage};
use crate::kinds::section::Fault;
use crate::kinds::trust::Trust;
use crate::kinds::{Catalog, Kind, Whole, file_name, folder_fault, own};
use crate::output::{json as json_text, stderr, stdout};
use crate::policy::{Because, Policy, Verdict, refused_whole};
use crate::settings::{self, Settings};

/// Installs a file.
pub(super) fn run(context: &Context, file: &str, sha256: Option<&str>) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let expected = sha256.map(expected).transpose()?;
    let refused = |(why, remedy): Fault| {
        Error::new(ErrorCode::PluginFault, format!("`{file}` can't be installed: it {why}")).hint(remedy)
    };
    // Who can change a folder on the way to it decides too, so that it is the whole way that counts.
    let path = std::path::absolute(file).map_err(|e| usage(format!("`{file}` is no file: {e}")))?;
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
    let candidate = Candidate::new(context, kind, whole)?;
    let place = Place::take(candidate.kind.name(), context.globals.dry_run)?;
    candidate.install(context, place, false)
}

/// Goes back to the version before.
pub(super) fn rollback(context: &Context, name: &str) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let unknown = || {
        Error::new(ErrorCode::UnknownKind, format!("there is no kind `{name}` in your own folder"))
            .hint("`carto plugin list` shows what is there")
    };
    if !is_kind_name(name) {
        return Err(unknown().into());
    }
    let place = Place::take(name, context.globals.dry_run)?;
    let Some(before) = place.lock.previous().get(name) else {
        return Err(match place.before {
            Before::Nothing => unknown(),
            _ => usage(format!("no version before is kept of `{name}`"))
                .hint("install the file of the version that you want"),
        }
        .into());
    };
    let refused = |(why, remedy): Fault| {
        Error::new(ErrorCode::PluginFault, format!("the version before of `{name}` can't be used: its file {why}"))
            .hint(remedy)
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
    Candidate::new(context, kind, whole)?.install(context, place, true)
}

/// The digest that the user gives.
fn expected(text: &str) -> Result<String> {
    let digest = text.trim().to_ascii_lowercase();
    if digest::is_one(&digest) {
        return Ok(digest);
    }
    Err(usage("`--sha256` isn't a SHA-256: 64 hexadecimal digits").hint("copy it from where the plugin is published"))
}

/// A library that policy doesn't refuse.
struct Candidate {
    kind: Kind,
    whole: Whole,
    settings: Arc<Settings>,
    verdicts: Vec<(Verb, Verdict)>,
    recorder: Recorder,
}

impl Candidate {
    fn new(context: &Context, kind: Kind, whole: Whole) -> Result<Candidate> {
        let settings = Arc::new(settings::read()?);
        let policy: &Policy = context.catalog.policy();
        let recorder = Recorder::new(policy);
        let verdicts = policy.of_library(&kind, &|| Some(whole.sha256.clone()), &settings);
        if let Some(error) = refused_whole(&kind, &verdicts) {
            let contact = verdicts.first().and_then(|(_, verdict)| verdict.decisive()?.contact.clone());
            let error = error.hint(contact.map_or_else(
                || "it isn't installed, since no verb of it could be used".to_owned(),
                |contact| format!("ask {contact}; it isn't installed, since no verb of it could be used"),
            ));
            let mut record = audit::library(&kind, Some(&whole.sha256));
            record.insert("rule".to_owned(), rule(&verdicts).into());
            record.extend(audit::outcome(Some(&error)));
            recorder.after("refused", &record);
            return Err(error);
        }
        Ok(Candidate { kind, whole, settings, verdicts, recorder })
    }

    /// Refuses what nobody would look at, or what would take a word from another kind.
    fn check_words(&self) -> Result<()> {
        let Kind { manifest, file, .. } = &self.kind;
        let folder = own::folder()?;
        if let Some((why, remedy)) = Trust::of_user().fault_above(file) {
            return Err(Error::new(
                ErrorCode::PluginFault,
                format!("nothing can be installed: `{}` {why}", file.display()),
            )
            .hint(remedy));
        }
        if let Some(refused) = folder_fault(&folder) {
            return Err(refused.error());
        }
        let usual = Catalog::usual();
        let files = usual.files_of(&manifest.name)?;
        if let Some(other) = files.iter().find(|other| *other != file).filter(|other| other.parent() != Some(&folder)) {
            let message = format!(
                "the kind `{}` is there already: `{}` goes before your own folder",
                manifest.name,
                other.display()
            );
            return Err(Error::new(ErrorCode::Conflict, message)
                .hint("it wouldn't be used; whoever administers that folder can install it there"));
        }
        let others = usual.all()?.kinds.iter().filter(|other| other.file != *file);
        for other in others {
            let own = [(&manifest.name, "name"), (&manifest.plural, "plural")];
            if let Some((word, what)) = own.into_iter().find(|(word, _)| other.manifest.answers_to(word)) {
                let (name, place) = (other.name(), other.file.display());
                let message = format!("the {what} `{word}` belongs to the kind `{name}`, which is `{place}`");
                let is_own = other.file.parent() == Some(&folder);
                return Err(Error::new(ErrorCode::Conflict, message).hint(if is_own {
                    format!("only one of the two can be used: `carto plugin remove {name}` makes room")
                } else {
                    "it wouldn't be used; whoever administers that folder can change that".to_owned()
                }));
            }
        }
        Ok(())
    }

    fn install(&self, context: &Context, mut place: Place, back: bool) -> anyhow::Result<ExitCode> {
        self.check_words()?;
        let Candidate { kind, whole, recorder, .. } = self;
        let dry_run = context.globals.dry_run;
        let was = place.before.library().map(|(kind, whole)| (kind.version().map(str::to_owned), whole.sha256.clone()));
        let is_there = matches!(&place.before, Before::Usable(library) if library.1.sha256 == whole.sha256);
        let kept = place.keeps().map(|kept| kept.is_some());
        let mut accepted = true;
        if is_there {
            accepted = dry_run || place.accept(kind, &whole.sha256, recorder)?;
        } else if !dry_run {
            let was = was.as_ref().map(|(_, sha256)| sha256.as_str());
            place.put(kind, whole, self.record(was), recorder)?;
        }
        let said = Said { candidate: self, was, is_there, accepted, kept, dry_run, back };
        if context.globals.view().format.is_json() {
            stdout::write(&json_text::pretty(&said.json()))?;
        } else {
            said.say();
        }
        self.advise(context);
        Ok(finished(recorder))
    }

    fn record(&self, was: Option<&str>) -> Fields {
        let mut record = audit::library(&self.kind, Some(&self.whole.sha256));
        record.insert("was".to_owned(), was.into());
        record.insert("rule".to_owned(), rule(&self.verdicts).into());
        record
    }

    /// What is left to do before it can be used.
    fn advise(&self, context: &Context) {
        for service in services::own(&self.kind, &self.settings) {
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

    /// What it may do, in one line.
    fn may(&self) -> String {
        let words = |allowed: bool| {
            let verbs = self.verdicts.iter().filter(|(_, verdict)| verdict.allowed == allowed);
            verbs.map(|(verb, _)| verb.as_str()).collect::<Vec<_>>().join(", ")
        };
        let manifest = &self.kind.manifest;
        let account = manifest.services.contains_key("api").then(|| "your CARTO account".to_owned());
        let own = services::own(&self.kind, &self.settings);
        let asked: Vec<String> =
            account.into_iter().chain(own.iter().map(|one| format!("`{}`", one.address()))).collect();
        let asked = if asked.is_empty() { "nobody".to_owned() } else { asked.join(" and ") };
        let refused = Some(words(false)).filter(|words| !words.is_empty());
        let refused = refused.map(|words| format!("; policy refuses {words}")).unwrap_or_default();
        format!("It may {}, and ask {asked}{refused}", words(true))
    }
}

/// What decided, as it is recorded: of the first verb that is allowed, or of the first.
fn rule(verdicts: &[(Verb, Verdict)]) -> Option<String> {
    let allowed = verdicts.iter().find(|(_, verdict)| verdict.allowed).or(verdicts.first());
    allowed.and_then(|(_, verdict)| verdict.decisive()).map(Because::address)
}

/// What there is to say of an installation that was done, or would be.
struct Said<'a> {
    candidate: &'a Candidate,
    /// Version and digest of what was there.
    was: Option<(Option<String>, String)>,
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
        let Candidate { kind, whole, verdicts, settings, .. } = self.candidate;
        let verbs = |allowed: bool| -> Vec<&str> {
            let verdicts = verdicts.iter().filter(|(_, verdict)| verdict.allowed == allowed);
            verdicts.map(|(verb, _)| verb.as_str()).collect()
        };
        let services = services::own(kind, settings);
        let services: serde_json::Map<String, Value> =
            services.iter().map(|service| (service.name.to_owned(), service.json())).collect();
        json!({
            "name": kind.name(),
            "version": kind.version(),
            "sha256": whole.sha256,
            "path": kind.file.display().to_string(),
            "was": self.was.as_ref().map(|(version, sha256)| json!({ "version": version, "sha256": sha256 })),
            "kept": matches!(self.kept, Ok(true)) && !self.is_there,
            "changed": !self.is_there && !self.dry_run,
            "verbs": verbs(true),
            "refused_verbs": verbs(false),
            "services": services,
            "dry_run": self.dry_run,
        })
    }
}
