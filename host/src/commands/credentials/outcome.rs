//! What the end of a verb means, once it is known what became of its requests: nothing that the service did is lost, whatever a kind
//! says, and an unknown outcome comes with the command that finds out.

use carto_plugin_api::{ErrorCode, Verb};

use crate::error::{Error, Result, shell_word};
use crate::event_loop::Stop;
use crate::kinds::Kind;
use crate::redact;
use crate::service::{Accepted, Fate};

/// What a verb is about.
pub(super) struct About {
    pub(super) kind: Kind,
    pub(super) verb: Verb,
    /// What the credential answers to: the id that was typed, or the name that a new one gets.
    pub(super) called: Option<String>,
}

impl About {
    /// The result of a verb that came to its end. A breach of the manifest decides it, and so does a write with an unknown outcome.
    pub(super) fn settle<T>(&self, answer: Result<T>, fate: &Fate) -> Result<T> {
        let decided = fate.violation.as_ref().or(fate.unknown.as_ref());
        decided.map_or(answer, |error| Err(error.clone())).map_err(|error| self.explain(error, fate))
    }

    fn explain(&self, error: Error, fate: &Fate) -> Error {
        match (error.code, &fate.unknown, &fate.accepted) {
            // The kind knows what was made and says it.
            (ErrorCode::WiderThanAsked, ..) => error,
            (ErrorCode::OutcomeUnknown, ..) => error.hint(self.look()),
            (_, Some(unknown), _) => {
                let message = format!("{}; before that, {}", error.message, unknown.message);
                Error { message, ..error }.hint(self.look())
            }
            (_, None, Some(accepted)) => {
                // Whatever the kind says, it can't be that nothing was changed.
                let code = if error.code == ErrorCode::PluginFault { error.code } else { ErrorCode::OutcomeUnknown };
                let message = format!("{}; before that, the service had accepted {}", error.message, named(accepted));
                Error::new(code, message).hint(self.look_at(accepted))
            }
            _ => error,
        }
    }

    /// The error of a verb that was stopped.
    pub(super) fn stopped(&self, stop: Stop, fate: &Fate) -> Error {
        let (code, what) = match stop {
            Stop::Interrupted => (ErrorCode::Interrupted, "interrupted".to_owned()),
            Stop::OutOfTime(given) => {
                (ErrorCode::PluginFault, format!("the kind `{}` didn't end within {given:?}", self.kind.name()))
            }
        };
        let (message, hint) = match (&fate.under_way, &fate.accepted) {
            (Some(request), _) => (
                format!("{what} while {request} was under way; it isn't known whether the change was made"),
                Some(self.look()),
            ),
            (None, Some(accepted)) => {
                (format!("{what} after the service had accepted {}", named(accepted)), Some(self.look_at(accepted)))
            }
            (None, None) if self.verb.only_reads() => (what, None),
            (None, None) => (format!("{what}; nothing was changed"), None),
        };
        let hint = hint.or_else(|| (code == ErrorCode::PluginFault).then(|| "report it to its vendor".to_owned()));
        Error { hint, ..Error::new(code, message) }
    }

    /// The way to what a create made, or else to how things are.
    fn look_at(&self, accepted: &Accepted) -> String {
        match (&accepted.id, self.verb) {
            (Some(id), Verb::Create) => lost_and_found(&self.kind, id),
            _ => self.look(),
        }
    }

    /// How to find out what happened.
    fn look(&self) -> String {
        let manifest = &self.kind.manifest;
        let called = self.called.as_deref().map(redact::handle);
        // What begins with a dash is an option, and what looks like a secret isn't shown.
        let called = called.filter(|called| !called.starts_with('-') && redact::redact(called) == *called);
        let way = match (called, self.verb) {
            (Some(called), verb) if manifest.verbs.contains_key(&Verb::Get) => {
                let tells = match verb {
                    Verb::Create => "finds it if it was made",
                    Verb::Delete => "finds it if it is still there",
                    _ => "shows it as it is now",
                };
                format!("`carto credentials get {} {}` {tells}", manifest.name, shell_word(&called))
            }
            _ if manifest.verbs.contains_key(&Verb::List) => {
                format!("`carto credentials list {}` shows what there is", manifest.plural)
            }
            _ => format!("only the service itself can tell: the kind `{}` can't look", manifest.name),
        };
        format!("look before you repeat it: {way}")
    }
}

/// ``POST /v3/things (`r_1`)``.
fn named(accepted: &Accepted) -> String {
    match &accepted.id {
        Some(id) => format!("{} (`{id}`)", accepted.request),
        None => accepted.request.clone(),
    }
}

/// What to do about a new credential of which the user has seen no secret.
pub(super) fn lost_and_found(kind: &Kind, id: &str) -> String {
    let (name, id) = (kind.name(), shell_word(id));
    if kind.manifest.record.once.is_empty() {
        format!("`carto credentials get {name} {id} --reveal` shows it")
    } else {
        format!("its secret is lost: `carto credentials delete {name} {id}`, then create it again")
    }
}
