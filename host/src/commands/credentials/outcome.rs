//! What the end of a verb means, once it is known what became of its requests: nothing that the service did is lost, whatever a kind
//! says, and an unknown outcome comes with the command that finds out.

use carto_plugin_api::manifest::Method;
use carto_plugin_api::{ErrorCode, Verb};

use super::delivery::Delivery;
use crate::error::{Error, Result, shell_word};
use crate::kinds::Kind;
use crate::output::stderr;
use crate::redact;
use crate::service::{Accepted, Fate};
use crate::stop::Stop;

/// What a verb is about.
pub(super) struct About {
    pub(super) kind: Kind,
    pub(super) verb: Verb,
    /// What the credential answers to, whatever becomes of the verb: the id that was typed, or the name that a new one gets, if nothing else
    /// can have it.
    pub(super) called: Option<String>,
}

impl About {
    /// The result of a verb that came to its end. A breach of the manifest decides it, and so does a write with an unknown outcome.
    pub(super) fn settle<T>(&self, answer: Result<T>, fate: &Fate) -> Result<T> {
        let decided = fate.violation.as_ref().or(fate.unknown.as_ref());
        let answer = decided.map_or(answer, |error| Err(error.clone()));
        answer.and_then(|answer| self.done(answer, fate)).map_err(|error| self.explain(error, fate))
    }

    /// A success that can be one: something was changed, unless there was nothing to change, and the last word of the service wasn't no.
    fn done<T>(&self, answer: T, fate: &Fate) -> Result<T> {
        let calls = self.kind.manifest.verbs.get(&self.verb).map_or(&[][..], |spec| &spec.calls);
        let declares = |is_one: fn(Method) -> bool| calls.iter().any(|call| is_one(call.method));
        let lie = match (&fate.refused, self.verb) {
            (Some(request), _) => format!("it says that it succeeded, but `{request}` wasn't done"),
            (None, Verb::Create | Verb::Delete)
                if fate.accepted.is_empty() && declares(|method| method != Method::Get) =>
            {
                "it says that it succeeded, but it asked the service for no change".to_owned()
            }
            (None, Verb::Delete)
                if declares(|method| method == Method::Delete) && !fate.accepted.iter().any(|write| write.deletes) =>
            {
                "it says that it succeeded, but it deleted nothing".to_owned()
            }
            _ => return Ok(answer),
        };
        Err(self.kind.breach(self.verb, &lie))
    }

    /// Says what a success was, where a kind made more of it than one change, or shows another credential than the service named.
    pub(super) fn report(&self, shown: Option<&str>, accepted: &[Accepted]) {
        let is_shown = |write: &Accepted| write.id.as_deref().zip(shown).is_none_or(|(id, shown)| id == shown);
        if accepted.len() > 1 || (self.verb == Verb::Create && !accepted.iter().all(is_shown)) {
            let (kind, done) = (self.kind.name(), named(accepted));
            stderr::warning(
                &format!("what the kind `{kind}` shows isn't all that it did: the service accepted {done}"),
                Some(&self.kind.remedy()),
            );
        }
    }

    fn explain(&self, error: Error, fate: &Fate) -> Error {
        let accepted = &fate.accepted;
        let untold = accepted.iter().filter_map(|write| write.id.as_ref()).any(|id| !error.message.contains(id));
        match (error.code, &fate.unknown) {
            // The kind knows what was made, and mostly says it.
            (ErrorCode::WiderThanAsked, _) if !untold => error,
            (ErrorCode::WiderThanAsked, _) => {
                let hint = match self.made(fate) {
                    Some(id) => {
                        format!("delete it: `carto credentials delete {} {}`", self.kind.name(), shell_word(id))
                    }
                    None => self.look(),
                };
                after(error, accepted).hint(hint)
            }
            (ErrorCode::OutcomeUnknown, _) => after(error, accepted).hint(self.look()),
            (_, Some(unknown)) => {
                let message = format!("{}; before that, {}", error.message, unknown.message);
                after(error.with_message(message), accepted).hint(self.look())
            }
            (ErrorCode::PluginFault, None) if accepted.is_empty() && !self.verb.only_reads() => {
                let message = format!("{}; nothing was changed", error.message);
                error.with_message(message)
            }
            (_, None) if accepted.is_empty() => error,
            // Whatever the kind says, it can't be that nothing was changed.
            (code, None) => {
                let code = if code == ErrorCode::PluginFault { code } else { ErrorCode::OutcomeUnknown };
                after(error.with_code(code), accepted).hint(self.way_to(fate))
            }
        }
    }

    /// The error of a verb that was stopped.
    pub(super) fn stopped(&self, stop: Stop, fate: &Fate, delivery: &Delivery) -> Error {
        let (code, what) = match stop {
            Stop::Interrupted => (ErrorCode::Interrupted, "interrupted".to_owned()),
            Stop::OutOfTime(given) if delivery.has_begun() => {
                (ErrorCode::OutputFailed, format!("the result was not written within {given:?}"))
            }
            Stop::OutOfTime(given) => {
                (ErrorCode::PluginFault, format!("the kind `{}` didn't end within {given:?}", self.kind.name()))
            }
        };
        let error = |message: String| Error::new(code, message);
        match (&fate.under_way, fate.accepted.as_slice()) {
            (Some(request), accepted) => {
                let what = format!("{what} while {request} was under way; it isn't known whether the change was made");
                after(error(what), accepted).hint(self.look())
            }
            (None, accepted @ [_, ..]) => {
                let way = delivery.file().map(|file| format!("its variables are in `{file}`"));
                error(format!("{what} after the service had accepted {}", named(accepted)))
                    .hint(way.unwrap_or_else(|| self.way_to(fate)))
            }
            (None, []) => {
                let error = error(if self.verb.only_reads() { what } else { format!("{what}; nothing was changed") });
                if code == ErrorCode::PluginFault { error.hint(self.kind.remedy()) } else { error }
            }
        }
    }

    /// What a create made, as far as the host saw.
    fn made<'a>(&self, fate: &'a Fate) -> Option<&'a str> {
        let mut ids = fate.accepted.iter().filter_map(|write| write.id.as_deref());
        ids.next().filter(|_| self.verb == Verb::Create)
    }

    /// The way to what a create made, or else to how things are.
    fn way_to(&self, fate: &Fate) -> String {
        self.made(fate).map_or_else(|| self.look(), |id| lost_and_found(&self.kind, id))
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

/// The status of a command that was stopped and can't even say so.
pub(super) fn last_resort(stop: Stop, fate: &Fate) -> u8 {
    let code = match (stop, &fate.under_way, fate.accepted.is_empty()) {
        (Stop::Interrupted, ..) => ErrorCode::Interrupted,
        (Stop::OutOfTime(_), Some(_), _) => ErrorCode::OutcomeUnknown,
        (Stop::OutOfTime(_), None, false) => ErrorCode::OutputFailed,
        (Stop::OutOfTime(_), None, true) => ErrorCode::Unreachable,
    };
    code.exit_status()
}

/// The error, with what the service had accepted until then.
fn after(error: Error, accepted: &[Accepted]) -> Error {
    if accepted.is_empty() {
        return error;
    }
    let message = format!("{}; before that, the service had accepted {}", error.message, named(accepted));
    error.with_message(message)
}

/// ``POST /v3/things (`r_1`), DELETE /v3/things/r_0``.
fn named(accepted: &[Accepted]) -> String {
    let one = |write: &Accepted| match &write.id {
        Some(id) => format!("{} (`{id}`)", write.request),
        None => write.request.clone(),
    };
    accepted.iter().map(one).collect::<Vec<_>>().join(", ")
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
