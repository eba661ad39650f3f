//! What stands between a command and a library: the policy, the lock and the record. Asked when a verb is named, when its values are known,
//! and when its library is sealed.

use std::sync::{Arc, OnceLock};

use carto_plugin_api::{ErrorCode, Input, Verb};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use crate::audit::{self, Fields, Recorder};
use crate::error::{Error, Result};
use crate::kinds::{Catalog, Kind};
use crate::lock::Lock;
use crate::policy::{Asked, Because, Policy};
use crate::redact;
use crate::service::{ACCOUNT_SERVICE, Fate};
use crate::settings::Settings;

/// The policies of a command, and what its records say of it.
#[derive(Clone)]
pub(super) struct Guard {
    policy: Arc<Policy>,
    lock: Arc<Lock>,
    recorder: Recorder,
    settings: Arc<Settings>,
    account: Option<Value>,
    dry_run: bool,
}

impl Guard {
    pub(super) fn new(context: &Context, settings: &Settings, account: Option<Value>) -> Result<Guard> {
        let policy = Arc::clone(context.catalog.policy());
        let recorder = Recorder::new(&policy);
        let settings = Arc::new(settings.clone());
        Ok(Guard {
            policy,
            lock: Arc::new(Lock::read()?),
            recorder,
            settings,
            account,
            dry_run: context.globals.dry_run,
        })
    }

    /// Whether the values that a verb is given may be given. It is recorded if not.
    pub(super) fn limit(&self, kind: &Kind, verb: Verb, input: &Input, now: Timestamp) -> Result<()> {
        self.policy.limit(kind, verb, input, now).inspect_err(|error| {
            self.watch(kind, verb, input.id.as_deref()).ended(Some(error), None, &Fate::default());
        })
    }

    /// Whether every record was written that has to be there.
    pub(super) fn is_complete(&self) -> bool {
        self.recorder.is_complete()
    }

    /// One verb that is about to run.
    pub(super) fn watch(&self, kind: &Kind, verb: Verb, called: Option<&str>) -> Watch {
        let called = called.map(|id| redact::redact(&redact::handle(id)));
        Watch { guard: self.clone(), kind: kind.clone(), verb, called, begun: OnceLock::new() }
    }
}

/// One verb of one kind, from before its library is opened to its end.
pub(super) struct Watch {
    guard: Guard,
    kind: Kind,
    verb: Verb,
    /// The credential, as it was typed.
    called: Option<String>,
    /// What its first record says of the library, once that is written; nothing if it can't be.
    begun: OnceLock<Option<(String, Option<String>)>>,
}

impl Watch {
    /// Whether the sealed library may be opened. It is recorded that it will be.
    pub(super) fn accept(&self, sha256: &str) -> Result<()> {
        let Guard { policy, lock, recorder, settings, .. } = &self.guard;
        lock.check(&self.kind, sha256)?;
        let asked = Asked {
            kind: &self.kind,
            verb: self.verb,
            sha256: &|| Some(sha256.to_owned()),
            settings: &|| Some(Arc::clone(settings)),
        };
        let verdict = policy.permit(&asked)?;
        let rule = verdict.decisive().map(Because::address);
        let begun = recorder.before("begun", &self.fields(Some(sha256), rule.as_deref(), self.called.as_deref()));
        // Once is enough.
        let _ = self.begun.set(begun.is_ok().then(|| (sha256.to_owned(), rule)));
        begun
    }

    /// Records how it ended.
    pub(super) fn ended(&self, error: Option<&Error>, shown: Option<&str>, fate: &Fate) {
        let refused = error.is_some_and(|error| error.code == ErrorCode::RefusedByPolicy);
        let made = fate.accepted.iter().find_map(|write| write.id.as_deref());
        let credential = shown.or(made).or(self.called.as_deref());
        let (event, sha256, rule) = match self.begun.get() {
            Some(Some((sha256, rule))) => ("ended", Some(sha256.as_str()), rule.as_deref()),
            // What can't be recorded is why it isn't done.
            Some(None) => return,
            None if refused => ("refused", None, None),
            // Nothing was opened, and nobody refused it: it never began.
            None => return,
        };
        let mut fields = self.fields(sha256, rule, credential);
        let writes: Vec<&str> = fate.accepted.iter().map(|write| write.request.as_str()).collect();
        fields.insert("writes".to_owned(), json!(writes));
        fields.extend(audit::outcome(error));
        self.guard.recorder.after(event, &fields);
    }

    fn fields(&self, sha256: Option<&str>, rule: Option<&str>, credential: Option<&str>) -> Fields {
        let Watch { guard, kind, verb, .. } = self;
        let mut fields = audit::library(kind, sha256);
        let more = [
            ("account", guard.account.clone().filter(|_| kind.asks(*verb, ACCOUNT_SERVICE)).into()),
            ("verb", verb.as_str().into()),
            ("credential", credential.into()),
            ("level", guard.settings.plugins.level.as_str().into()),
            ("rule", rule.into()),
            ("dry_run", guard.dry_run.into()),
        ];
        fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
        fields
    }
}

/// Records that a verb was refused before anything was known but its words.
pub(crate) fn refused(catalog: &Catalog, verb: Option<&str>, word: Option<&str>, error: &Error) {
    let recorder = Recorder::new(catalog.policy());
    let shown = |word: Option<&str>| Value::from(word.map(redact::redact));
    let mut fields: Fields = [("kind", shown(word)), ("verb", shown(verb))]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    fields.extend(audit::outcome(Some(error)));
    recorder.after("refused", &fields);
}
