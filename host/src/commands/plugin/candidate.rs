//! A library that is to be installed: whether policy allows it, and whether it would be used where it is to be.

use std::sync::Arc;

use carto_plugin_api::{ErrorCode, Verb};

use super::services;
use crate::audit::{self, Fields, Recorder};
use crate::error::{Error, Result};
use crate::kinds::trust::Trust;
use crate::kinds::{Catalog, Kind, Whole, folder_fault, own};
use crate::policy::{Because, Policy, Verdict, refused_whole};
use crate::service::ACCOUNT_SERVICE;
use crate::settings::{self, Settings};

/// A library that policy doesn't refuse.
pub(super) struct Candidate {
    pub(super) kind: Kind,
    pub(super) whole: Whole,
    pub(super) settings: Arc<Settings>,
    verdicts: Vec<(Verb, Verdict)>,
    pub(super) recorder: Recorder,
}

impl Candidate {
    /// Asks the policy, with the place where it will be and the digest that it has.
    pub(super) fn new(policy: &Policy, kind: Kind, whole: Whole) -> Result<Candidate> {
        let settings = Arc::new(settings::read()?);
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
    pub(super) fn check_words(&self) -> Result<()> {
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

    /// What is recorded of its installation.
    pub(super) fn record(&self, was: Option<&str>) -> Fields {
        let mut record = audit::library(&self.kind, Some(&self.whole.sha256));
        record.insert("was".to_owned(), was.into());
        record.insert("rule".to_owned(), rule(&self.verdicts).into());
        record
    }

    /// The verbs that policy allows, or refuses.
    pub(super) fn verbs(&self, allowed: bool) -> Vec<&'static str> {
        let verdicts = self.verdicts.iter().filter(|(_, verdict)| verdict.allowed == allowed);
        verdicts.map(|(verb, _)| verb.as_str()).collect()
    }

    /// What it may ask that the version before couldn't: services, and calls of each verb.
    pub(super) fn new_since(&self, before: &Kind) -> Vec<String> {
        let address = |kind: &Kind, service: &str| kind.manifest.services.get(service)?.base_url.clone();
        let services = services::own(&self.kind, &self.settings).into_iter();
        let services = services.filter(|one| address(before, one.name) != address(&self.kind, one.name));
        let services = services.map(|one| format!("`{}` at `{}`", one.name, one.base_url));
        let account =
            Some("your CARTO account".to_owned()).filter(|_| asks_account(&self.kind) && !asks_account(before));
        let calls = self.kind.manifest.verbs.iter().flat_map(|(verb, spec)| {
            let new = spec.calls.iter().filter(|call| !before.calls(*verb).contains(call));
            new.map(move |call| format!("{verb}: {call}"))
        });
        account.into_iter().chain(services).chain(calls).collect()
    }

    /// What it may do, in one line.
    pub(super) fn may(&self) -> String {
        let words = |allowed: bool| self.verbs(allowed).join(", ");
        let account = asks_account(&self.kind).then(|| "your CARTO account".to_owned());
        let own = services::own(&self.kind, &self.settings);
        let asked: Vec<String> = account.into_iter().chain(own.iter().map(place)).collect();
        let asked = if asked.is_empty() { "nobody".to_owned() } else { asked.join(" and ") };
        let refused = Some(words(false)).filter(|words| !words.is_empty());
        let refused = refused.map(|words| format!("; policy refuses {words}")).unwrap_or_default();
        format!("It may {}, and ask {asked}{refused}", words(true))
    }
}

/// Whether it asks the account, with the bearer or with a credential that is tried.
fn asks_account(kind: &Kind) -> bool {
    kind.manifest.services.contains_key(ACCOUNT_SERVICE) || kind.asks_account(Verb::Verify)
}

/// A service of the kind's own and where it is, in words.
fn place(service: &services::Service<'_>) -> String {
    format!("`{}` at `{}`", service.name, service.address())
}

/// What decided, as it is recorded: of the first verb that is allowed, or of the first.
fn rule(verdicts: &[(Verb, Verdict)]) -> Option<String> {
    let allowed = verdicts.iter().find(|(_, verdict)| verdict.allowed).or(verdicts.first());
    allowed.and_then(|(_, verdict)| verdict.decisive()).map(Because::address)
}
