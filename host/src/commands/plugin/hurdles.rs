//! What a verb has to get past before it runs: policies, the lock, approvals, limits and the record. `why` asks, and nothing is recorded or run.

use std::collections::BTreeSet;

use carto_plugin_api::{ErrorCode, Verb};

use super::services::{self, Service};
use super::why::said;
use crate::audit::Recorder;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::lock::Lock;
use crate::policy::{OfFile, Policy, Verdict, refusal};
use crate::settings::{self, Settings};

/// What a verb has to get past, in the order in which it would run into it.
pub(super) struct Hurdles<'a> {
    policy: &'a Policy,
    kind: &'a Kind,
    file: &'a OfFile<'a>,
    lock: Result<Lock>,
    settings: Result<Settings>,
    recorded: Result<()>,
}

impl<'a> Hurdles<'a> {
    pub(super) fn new(policy: &'a Policy, kind: &'a Kind, file: &'a OfFile<'a>) -> Hurdles<'a> {
        let recorded = Recorder::new(policy).check();
        Hurdles { policy, kind, file, lock: Lock::read(), settings: settings::read(), recorded }
    }

    pub(super) fn verdict(&self, verb: Verb) -> Verdict {
        self.file.decide(self.policy, verb)
    }

    /// Why policy allows it, in words; or what is in the way, in a few words and as the verb's error.
    pub(super) fn pass(&self, verb: Verb) -> std::result::Result<String, (String, Error)> {
        let refused = |why: &str| format!("refused ({why})");
        let verdict = self.verdict(verb);
        let because = verdict.decisive().map(|because| format!(" ({})", said(because))).unwrap_or_default();
        verdict.permit(self.kind, verb).map_err(|error| {
            // What is wrong with a file that can't be used is the same for all verbs, and said once.
            let is_rule = verdict.decisive().is_some_and(|because| because.line.is_some());
            (if is_rule { format!("refused{because}") } else { refused("by a policy that can't be used") }, error)
        })?;
        self.locked().map_err(|error| (refused("by the lock"), error))?;
        let settings = self.settings.as_ref().map_err(|error| (refused("the settings"), error.clone()))?;
        if settings.moves_routes() && self.kind.asks_account(verb) {
            let moved = |(error, _)| (refused("`[services.api.paths]` in the settings"), error);
            self.policy.permit_service_paths().map_err(moved)?;
        }
        for service in self.services(verb, settings) {
            match service.obstacle() {
                Some(error) if error.code == ErrorCode::Forbidden => {
                    return Err((format!("not approved (its service `{}`)", service.name), error));
                }
                // It may be set where the verb runs.
                Some(error) if error.code == ErrorCode::NotSignedIn => {}
                Some(error) => return Err((format!("not possible (its service `{}`)", service.name), error)),
                None => {}
            }
        }
        if let Some(because) = self.policy.never(self.kind, verb).first() {
            return Err((refused(&said(because)), refusal(self.kind.name(), Some(verb), because, None)));
        }
        self.recorded.as_ref().map_err(|error| (refused("it can't be recorded"), error.clone()))?;
        Ok(because)
    }

    fn locked(&self) -> Result<()> {
        let lock = self.lock.as_ref().map_err(Clone::clone)?;
        match lock.get(self.kind.name()) {
            Some(_) => lock.check(self.kind, self.file.sha256().unwrap_or_default()),
            None => Ok(()),
        }
    }

    /// The services of the kind's own that a verb asks.
    fn services<'s>(&'s self, verb: Verb, settings: &'s Settings) -> impl Iterator<Item = Service<'s>> {
        let own = services::own(self.kind, settings).into_iter();
        own.filter(move |service| self.kind.asks(verb, service.name))
    }

    /// The variables that a verb's secrets are missing in.
    pub(super) fn missing_secrets(&self, verb: Verb) -> Vec<String> {
        let Ok(settings) = &self.settings else { return Vec::new() };
        let is_missing =
            |service: &Service<'_>| service.obstacle().is_some_and(|error| error.code == ErrorCode::NotSignedIn);
        let missing = self.services(verb, settings).filter(is_missing);
        let variables: BTreeSet<String> = missing.filter_map(|service| service.variable()).collect();
        variables.into_iter().map(|variable| format!("{variable} isn't set")).collect()
    }
}
