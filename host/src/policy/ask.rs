//! Asking a policy about a kind as its file is: before anything is prepared, and for what help and completion offer. The library that is
//! opened is asked about again, when it is sealed.

use std::cell::OnceCell;
use std::sync::Arc;

use carto_plugin_api::Verb;

use super::{Asked, Policy, Verdict, refusal};
use crate::digest;
use crate::error::{Error, Result};
use crate::kinds::{Kind, section};
use crate::settings::{self, Settings};

/// The error for a kind all of whose verbs are refused, with the reason for the first.
pub(crate) fn refused_whole(kind: &Kind, verdicts: &[(Verb, Verdict)]) -> Option<Error> {
    let (_, first) = verdicts.first().filter(|_| verdicts.iter().all(|(_, verdict)| !verdict.allowed))?;
    Some(refusal(kind.name(), None, first.decisive()?, None))
}

/// What a policy may want to know of a kind's file, found out once.
pub(crate) struct OfFile<'a> {
    kind: &'a Kind,
    sha256: OnceCell<Option<String>>,
    settings: OnceCell<Option<Arc<Settings>>>,
}

impl OfFile<'_> {
    pub(crate) fn new(kind: &Kind) -> OfFile<'_> {
        OfFile { kind, sha256: OnceCell::new(), settings: OnceCell::new() }
    }

    /// The digest of the file, if it can be read.
    pub(crate) fn sha256(&self) -> Option<&str> {
        let read = || digest::of(section::open(&self.kind.file).ok()?).ok();
        self.sha256.get_or_init(read).as_deref()
    }

    fn settings(&self) -> Option<Arc<Settings>> {
        self.settings.get_or_init(|| settings::read().ok().map(Arc::new)).clone()
    }

    /// What a policy says of a verb.
    pub(crate) fn decide(&self, policy: &Policy, verb: Verb) -> Verdict {
        self.ask(verb, |asked| policy.decide(asked))
    }

    fn ask<T>(&self, verb: Verb, question: impl FnOnce(&Asked<'_>) -> T) -> T {
        let sha256 = || self.sha256().map(str::to_owned);
        question(&Asked { kind: self.kind, verb, sha256: &sha256, settings: &|| self.settings() })
    }
}

impl Policy {
    /// Whether a verb of a kind may run, as far as its file tells; else the error that says why not.
    pub(crate) fn permit_file(&self, kind: &Kind, verb: Verb) -> Result<()> {
        OfFile::new(kind).decide(self, verb).permit(kind, verb)
    }

    /// What is said of each verb of a kind with this library, wherever that is by now.
    pub(crate) fn of_library(
        &self,
        kind: &Kind,
        sha256: &dyn Fn() -> Option<String>,
        settings: &Arc<Settings>,
    ) -> Vec<(Verb, Verdict)> {
        let settings = || Some(Arc::clone(settings));
        let decide = |verb| self.decide(&Asked { kind, verb, sha256, settings: &settings });
        kind.manifest.verbs.keys().map(|verb| (*verb, decide(*verb))).collect()
    }

    /// The kind with the verbs that may run, if any may.
    pub(crate) fn narrow(&self, kind: &Kind) -> Option<Kind> {
        let mut narrow = kind.clone();
        let file = OfFile::new(kind);
        narrow.manifest.verbs.retain(|verb, _| file.decide(self, *verb).allowed);
        (!narrow.manifest.verbs.is_empty()).then_some(narrow)
    }
}
