//! What stands between a command and a library: the policy, the lock and the record. Asked when a verb is named, when its values are known,
//! and when its library is sealed.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use carto_plugin_api::{ErrorCode, Input, Verb};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use crate::audit::{self, Fields, Recorder};
use crate::error::{Error, Result};
use crate::kinds::{Catalog, Kind};
use crate::lock::Lock;
use crate::policy::{Asked, OfFile, Policy};
use crate::redact;
use crate::service::Fate;
use crate::settings::Settings;

/// The policies of a command, and what its records say of it.
#[derive(Clone)]
pub(super) struct Guard {
    policy: Arc<Policy>,
    /// Or why it can't be used, which no kind gets past.
    lock: Arc<Result<Lock>>,
    recorder: Recorder,
    settings: Arc<Settings>,
    account: Option<Value>,
    dry_run: bool,
}

impl Guard {
    pub(super) fn new(context: &Context, settings: &Settings, account: Option<Value>) -> Guard {
        let policy = Arc::clone(context.catalog.policy());
        let recorder = Recorder::new(&policy);
        let settings = Arc::new(settings.clone());
        let lock = Arc::new(Lock::read());
        Guard { policy, lock, recorder, settings, account, dry_run: context.globals.dry_run }
    }

    /// Whether the library of a kind that is locked is still the one that was accepted, as far as its file tells. It is recorded if not. What is
    /// opened is looked at again.
    pub(super) fn locked(&self, kind: &Kind, verb: Verb, called: Option<&str>) -> Result<()> {
        let file = OfFile::new(kind);
        let check = || {
            let lock = self.lock.as_ref().as_ref().map_err(Clone::clone)?;
            match lock.get(kind.name()).and_then(|_| file.sha256()) {
                Some(sha256) => lock.check(kind, sha256),
                None => Ok(()),
            }
        };
        check().inspect_err(|error| {
            let watch = self.watch(kind, verb, called);
            let _ = file.sha256().map(|sha256| watch.sha256.set(sha256.to_owned()));
            watch.ended(Some(error), None, &Fate::default());
        })
    }

    /// Whether the values that a verb is given may be given. It is recorded if not.
    pub(super) fn limit(&self, kind: &Kind, verb: Verb, input: &Input, now: Timestamp) -> Result<()> {
        self.policy.limit(kind, verb, input, now).map_err(|(error, rule)| {
            let watch = self.watch(kind, verb, input.id.as_deref());
            // Once is enough, here and below.
            let _ = watch.rule.set(rule);
            watch.ended(Some(&error), None, &Fate::default());
            error
        })
    }

    /// Whether every record was written that has to be there.
    pub(super) fn is_complete(&self) -> bool {
        self.recorder.is_complete()
    }

    /// One verb that is about to run.
    pub(super) fn watch(&self, kind: &Kind, verb: Verb, called: Option<&str>) -> Watch {
        let called = called.map(|id| redact::redact(&redact::handle(id)));
        Watch {
            guard: self.clone(),
            kind: kind.clone(),
            verb,
            called,
            sha256: OnceLock::new(),
            rule: OnceLock::new(),
            progress: Mutex::default(),
        }
    }
}

/// One verb of one kind, from before its library is opened to its end.
pub(super) struct Watch {
    guard: Guard,
    kind: Kind,
    verb: Verb,
    /// The credential, as it was typed.
    called: Option<String>,
    /// The digest of its library, once that is sealed.
    sha256: OnceLock<String>,
    /// What decided, once it did.
    rule: OnceLock<String>,
    progress: Mutex<Progress>,
}

/// How far a verb has come, as its records say.
#[derive(Debug, Default)]
struct Progress {
    /// Whether the first one is written, once that was tried.
    begun: Option<bool>,
    /// Set with the last one: whoever sees the end first says it.
    is_over: bool,
}

impl Watch {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the sealed library may be opened. It is recorded that it will be.
    pub(super) fn accept(&self, sha256: &str) -> Result<()> {
        let Guard { policy, lock, recorder, settings, .. } = &self.guard;
        let _ = self.sha256.set(sha256.to_owned());
        lock.as_ref().as_ref().map_err(Clone::clone)?.check(&self.kind, sha256)?;
        let asked = Asked {
            kind: &self.kind,
            verb: self.verb,
            sha256: &|| Some(sha256.to_owned()),
            settings: &|| Some(Arc::clone(settings)),
        };
        let verdict = policy.decide(&asked);
        let _ = verdict.decisive().map(|because| self.rule.set(because.address()));
        verdict.permit(&self.kind, self.verb)?;
        let mut progress = self.progress();
        // Nobody waits for it any more.
        if progress.is_over {
            return Err(Error::new(ErrorCode::Interrupted, "the command is over"));
        }
        let begun = recorder.before("begun", &self.fields(self.called.as_deref()));
        progress.begun = Some(begun.is_ok());
        begun
    }

    /// Records how it ended.
    pub(super) fn ended(&self, error: Option<&Error>, shown: Option<&str>, fate: &Fate) {
        let mut progress = self.progress();
        if std::mem::replace(&mut progress.is_over, true) {
            return;
        }
        let refused = error.is_some_and(|error| error.code == ErrorCode::RefusedByPolicy);
        let made = fate.accepted.iter().find_map(|write| write.id.as_deref());
        let credential = shown.or(made).or(self.called.as_deref());
        let mut fields = self.fields(credential);
        let writes: Vec<&str> = fate.accepted.iter().map(|write| write.request.as_str()).collect();
        fields.insert("writes".to_owned(), json!(writes));
        if self.verb == Verb::Verify {
            fields.insert("tried".to_owned(), json!(fate.tried));
        }
        fields.extend(audit::outcome(error));
        let recorder = &self.guard.recorder;
        match progress.begun {
            Some(true) => recorder.after("ended", &fields),
            // Some have a beginning, and should have this end.
            Some(false) => recorder.nevertheless("refused", &fields),
            None if refused => recorder.after("refused", &fields),
            // Nothing was opened, and nobody refused it: it never began.
            None => {}
        }
    }

    fn fields(&self, credential: Option<&str>) -> Fields {
        let Watch { guard, kind, verb, .. } = self;
        let mut fields = audit::library(kind, self.sha256.get().map(String::as_str));
        let more = [
            ("account", guard.account.clone().filter(|_| kind.asks_account(*verb)).into()),
            ("verb", verb.as_str().into()),
            ("credential", credential.into()),
            ("level", guard.settings.plugins.level.as_str().into()),
            ("rule", self.rule.get().map(String::as_str).into()),
            ("dry_run", guard.dry_run.into()),
        ];
        fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
        fields
    }
}

/// Records that a verb was refused before anything was known but its words.
pub(crate) fn refused(catalog: &Catalog, verb: Option<&str>, word: Option<&str>, error: &Error) {
    let verdict = |kind: &Kind, verb| OfFile::new(kind).decide(catalog.policy(), verb);
    let rule = |kind: &Kind, verb| Some(verdict(kind, verb).decisive()?.address());
    refused_by(catalog, verb, word, error, rule);
}

/// The same, with what decided.
pub(super) fn refused_by(
    catalog: &Catalog,
    verb: Option<&str>,
    word: Option<&str>,
    error: &Error,
    rule: impl FnOnce(&Kind, Verb) -> Option<String>,
) {
    let policy = catalog.policy();
    let recorder = Recorder::new(policy);
    if !recorder.is_on() {
        return;
    }
    let kind = word.and_then(|word| catalog.find(word).ok());
    let meant = kind.as_ref().zip(verb).and_then(|(kind, word)| Some((kind, kind.manifest.verb(word)?)));
    let rule = meant.and_then(|(kind, verb)| rule(kind, verb));
    let mut fields = kind.as_ref().map_or_else(Fields::new, |kind| audit::library(kind, None));
    let shown = |word: Option<&str>| Value::from(word.map(redact::redact));
    fields.entry("kind").or_insert_with(|| shown(word));
    fields.insert("verb".to_owned(), meant.map_or_else(|| shown(verb), |(_, verb)| verb.as_str().into()));
    fields.insert("rule".to_owned(), rule.into());
    fields.extend(audit::outcome(Some(error)));
    recorder.after("refused", &fields);
}
