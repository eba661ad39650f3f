//! `carto plugin lock`: accepts the libraries that are there now, and so no others; or any again.

use std::process::ExitCode;
use std::sync::Arc;

use carto_plugin_api::ErrorCode;
use serde_json::{Value, json};

use super::survey::{Plugin, State, Survey};
use super::{finished, text_or_json};
use crate::audit::{self, Fields, Recorder};
use crate::commands::Context;
use crate::digest;
use crate::error::{Error, Result, quoted};
use crate::kinds::{Kind, Whole};
use crate::lock::{Accepted, Hold, Lock};
use crate::output::{json as json_text, stderr, stdout};
use crate::settings;

/// Accepts them, or forgets what was accepted.
pub(super) fn run(context: &Context, kinds: &[String], forget: bool) -> anyhow::Result<ExitCode> {
    text_or_json(context)?;
    let dry_run = context.globals.dry_run;
    let _hold = if dry_run { None } else { Some(Hold::take()?) };
    let lock = Lock::read()?;
    let recorder = Recorder::new(context.catalog.policy());
    let answer = if forget {
        forget_some(lock, kinds, &recorder, dry_run)?
    } else {
        accept_some(context, lock, kinds, &recorder)?
    };
    if context.globals.view().format.is_json() {
        stdout::write(&json_text::pretty(&answer))?;
    } else if dry_run {
        stderr::done("Nothing was changed: this was a dry run.");
    }
    Ok(finished(&recorder))
}

/// A library that is accepted from now on, and what was before.
struct Change {
    kind: Kind,
    sha256: String,
    was: Option<Accepted>,
}

fn accept_some(context: &Context, mut lock: Lock, words: &[String], recorder: &Recorder) -> Result<Value> {
    let survey = Survey::of(context, &context.catalog, &Arc::new(settings::read()?))?;
    let (usable, refused) = chosen(&survey, words)?;
    if let Some(error) = refused.iter().find_map(|plugin| plugin.error.as_ref()).filter(|_| !words.is_empty()) {
        return Err(error.clone());
    }
    let changes: Vec<Change> = usable.into_iter().map(|plugin| change(&lock, plugin)).collect::<Result<_>>()?;
    let news: Vec<&Change> = changes.iter().filter(|change| !change.is_none()).collect();
    if !context.globals.dry_run && !news.is_empty() {
        for Change { kind, sha256, .. } in &news {
            lock.accept(kind, sha256.clone());
        }
        let records: Vec<Fields> = news.into_iter().map(Change::record).collect();
        write(&lock, recorder, "locked", &records)?;
    }
    let dry_run = context.globals.dry_run;
    for change in &changes {
        stderr::done(&change.said(dry_run));
    }
    if changes.is_empty() {
        stderr::done("There is no plugin that could be locked.");
    }
    for plugin in &refused {
        if let Some(error) = &plugin.error {
            stderr::warning(&format!("not locked: {}", error.message), error.hint.as_deref());
        }
    }
    let locked: Vec<Value> = changes.iter().map(|change| change.json(dry_run)).collect();
    let skipped = refused.iter().map(|plugin| {
        let path = plugin.path.display().to_string();
        json!({ "name": plugin.name, "path": path, "cause": plugin.cause(), "remedy": plugin.remedy().map(stderr::pasteable) })
    });
    let skipped: Vec<Value> = skipped.collect();
    Ok(json!({ "locked": locked, "skipped": skipped, "dry_run": dry_run }))
}

/// Writes the lock after all these records. If that fails, or one of them, each that was begun has an end.
fn write(lock: &Lock, recorder: &Recorder, event: &str, records: &[Fields]) -> Result<()> {
    match records {
        [] => lock.write(),
        [first, others @ ..] => recorder.recorded(event, first, || write(lock, recorder, event, others)),
    }
}

/// The plugins that are meant: those that are used, and those that can't be. What is in a shadow isn't used and is nobody's concern.
fn chosen<'a>(survey: &'a Survey, words: &[String]) -> Result<(Vec<&'a Plugin>, Vec<&'a Plugin>)> {
    let mut meant: Vec<&Plugin> = Vec::new();
    for word in words {
        let found = survey.find(word)?;
        if !meant.iter().any(|known| known.path == found.path) {
            meant.push(found);
        }
    }
    if words.is_empty() {
        meant = survey.plugins.iter().filter(|plugin| plugin.state != State::Shadowed).collect();
    }
    // Whether the machine can run it has nothing to do with whether it is the right one.
    Ok(meant.into_iter().partition(|plugin| matches!(plugin.state, State::Ok | State::Changed | State::CantRun)))
}

/// What is there now is read as a whole: what is written down is what was looked at.
fn change(lock: &Lock, plugin: &Plugin) -> Result<Change> {
    let name = plugin.name.as_deref().unwrap_or_default();
    let file = &plugin.path;
    let whole = Whole::read(file).and_then(|whole| Ok((whole.kind(|_| file.clone())?, whole.sha256)));
    let (kind, sha256) = whole.map_err(|(why, remedy)| {
        Error::new(ErrorCode::PluginFault, format!("the kind `{name}` can't be locked: `{}` {why}", file.display()))
            .hint(remedy)
    })?;
    let was = lock.get(kind.name()).cloned();
    Ok(Change { kind, sha256, was })
}

impl Change {
    /// Whether it is no change.
    fn is_none(&self) -> bool {
        self.was.as_ref().is_some_and(|was| was.is_only(&self.sha256))
    }

    fn record(&self) -> Fields {
        let mut record = audit::library(&self.kind, Some(&self.sha256));
        record.insert("was".to_owned(), self.was.as_ref().map(|was| was.sha256.as_str()).into());
        record
    }

    fn said(&self, dry_run: bool) -> String {
        let (name, digest) = (self.kind.name(), digest::short(&self.sha256));
        let release = |version: Option<&str>| version.map(|version| format!("{version}, ")).unwrap_or_default();
        let version = release(self.kind.version());
        let accepted = if dry_run { "would accept" } else { "accepted" };
        match &self.was {
            Some(_) if self.is_none() => format!("{name}: accepted already ({version}sha256 {digest}…)"),
            // The other is what an installation announced that didn't come to its end.
            Some(was) if was.sha256 == self.sha256 => {
                format!("{name}: {accepted} {version}sha256 {digest}…, and no other any more")
            }
            Some(was) => {
                let before = digest::short(&was.sha256);
                let earlier = release(was.release.as_deref());
                format!("{name}: {accepted} {version}sha256 {digest}… (was {earlier}sha256 {before}…)")
            }
            None => format!("{name}: {accepted} {version}sha256 {digest}…"),
        }
    }

    fn json(&self, dry_run: bool) -> Value {
        let was = self.was.as_ref().map(|was| json!({ "version": was.release, "sha256": was.sha256 }));
        json!({
            "name": self.kind.name(),
            "version": self.kind.version(),
            "sha256": self.sha256,
            "path": self.kind.file.display().to_string(),
            "was": was,
            "changed": !self.is_none() && !dry_run,
        })
    }
}

fn forget_some(mut lock: Lock, names: &[String], recorder: &Recorder, dry_run: bool) -> Result<Value> {
    let known: Vec<String> = lock.accepted().map(|(name, _)| name.to_owned()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        let hint =
            if known.is_empty() { "nothing is locked".to_owned() } else { format!("locked are {}", quoted(&known)) };
        return Err(Error::new(ErrorCode::UnknownKind, format!("the kind `{name}` isn't locked")).hint(hint));
    }
    let names: Vec<String> = if names.is_empty() { known } else { names.to_vec() };
    let mut forgotten = Vec::new();
    for name in names {
        let Some(accepted) = lock.forget(&name) else { continue };
        forgotten.push((name, accepted));
    }
    if !dry_run && !forgotten.is_empty() {
        let records: Vec<Fields> = forgotten.iter().map(|(name, accepted)| record(name, accepted)).collect();
        write(&lock, recorder, "unlocked", &records)?;
    }
    let is = if dry_run { "would be" } else { "is" };
    for (name, accepted) in &forgotten {
        stderr::done(&format!("{name}: any {is} accepted again (was sha256 {}…)", digest::short(&accepted.sha256)));
    }
    if forgotten.is_empty() {
        stderr::done("Nothing is locked.");
    }
    let forgotten = forgotten.iter().map(|(name, accepted)| json!({ "name": name, "sha256": accepted.sha256 }));
    Ok(json!({ "forgotten": forgotten.collect::<Vec<_>>(), "dry_run": dry_run }))
}

fn record(name: &str, accepted: &Accepted) -> Fields {
    let fields: [(&str, Value); 4] = [
        ("kind", name.into()),
        ("release", accepted.release.as_deref().into()),
        ("file", accepted.file.display().to_string().into()),
        ("sha256", accepted.sha256.as_str().into()),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
