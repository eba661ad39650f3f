//! Runs verbs: a kind works on a thread of its own and blocks there; its requests run on this thread's event loop.

use std::sync::Arc;

use anyhow::Context as _;
use carto_plugin_api::{ErrorCode, Input, Settings, Verb};
use clap::ArgMatches;
use serde_json::Value;
use tokio::runtime::Handle;

use super::Context;
use crate::account;
use crate::error::{Error, Result};
use crate::event_loop;
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::Record;
use crate::run::{self, Instance};
use crate::service::{Broker, Session};
use crate::settings;

/// A command's session, and what it has read of standard input.
pub(super) struct Work {
    pub(super) session: Arc<Session>,
    pub(super) stdin: Stdin,
}

impl Work {
    /// Finds the account. Nothing is sent.
    pub(super) fn begin(context: &Context, mut stdin: Stdin) -> Result<Work> {
        let account = account::resolve(context.globals.choice(&mut stdin)?)?;
        let session = Session::new(account, settings::read()?, context.globals.timeout, context.globals.debug);
        Ok(Work { session: Arc::new(session), stdin })
    }

    /// The input of a verb: the id as it was read, the options, and what the host says besides.
    pub(super) fn input(&mut self, kind: &Kind, verb: Verb, matches: &ArgMatches, id: Option<String>) -> Result<Input> {
        let args = match kind.manifest.verbs.get(&verb) {
            Some(spec) => input::read(spec, matches, self.session.now(), &mut self.stdin)?,
            None => serde_json::Map::new(),
        };
        Ok(Input { id, args, ..self.bare_input(kind) })
    }

    /// The input of a verb that is given nothing.
    pub(super) fn bare_input(&self, kind: &Kind) -> Input {
        let settings =
            Settings { now: input::date::shown(self.session.now()), options: self.session.options(kind.name()) };
        Input { settings, ..Input::default() }
    }

    /// Runs one verb once, and reads its answer.
    pub(super) fn run<T: Send + 'static>(
        &self,
        kind: &Kind,
        verb: Verb,
        input: Input,
        read: Reader<T>,
    ) -> anyhow::Result<T> {
        let (kind, session) = (kind.clone(), Arc::clone(&self.session));
        event_loop::run(async move {
            let worker = Worker::new(kind, verb, session, Handle::current());
            let joined = tokio::task::spawn_blocking(move || worker.ready()?.invoke(&input, read)).await;
            Ok(joined.context("the host failed while a kind ran")??)
        })
    }
}

/// How an answer is read.
pub(super) type Reader<T> = fn(&Kind, Value) -> Result<T>;

/// One verb of one kind, about to run on a thread of its own.
pub(super) struct Worker {
    kind: Kind,
    verb: Verb,
    broker: Broker,
}

/// The same with the library open.
pub(super) struct Ready {
    worker: Worker,
    instance: Box<dyn Instance>,
}

impl Worker {
    pub(super) fn new(kind: Kind, verb: Verb, session: Arc<Session>, handle: Handle) -> Worker {
        let broker = Broker::new(&kind, verb, session, handle);
        Worker { kind, verb, broker }
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Opens the library.
    pub(super) fn ready(self) -> Result<Ready> {
        let instance = run::runtime().start(&self.kind)?;
        Ok(Ready { worker: self, instance })
    }
}

impl Ready {
    /// Runs the verb and reads its answer. A breach of the manifest decides the outcome, whatever the kind says; and if the service
    /// accepted a write before things went wrong, the error says so.
    pub(super) fn invoke<T>(&self, input: &Input, read: Reader<T>) -> Result<T> {
        let Worker { kind, verb, broker } = &self.worker;
        let answer =
            run::invoke(kind, self.instance.as_ref(), *verb, input, broker).and_then(|answer| read(kind, answer));
        let answer = broker.violation().map_or(answer, Err);
        answer.map_err(|error| match broker.accepted() {
            Some(write) => after_write(error, &write, kind),
            None => error,
        })
    }
}

/// An error behind a write that was accepted: what was made or changed is there, and nobody was told of it.
fn after_write(error: Error, write: &str, kind: &Kind) -> Error {
    let code = match error.code {
        ErrorCode::PluginFault => ErrorCode::PluginFault,
        // The kind knows what was made and says it.
        ErrorCode::WiderThanAsked | ErrorCode::OutcomeUnknown => return error,
        // Whatever it says, it can't be that nothing was changed.
        _ => ErrorCode::OutcomeUnknown,
    };
    let plural = &kind.manifest.plural;
    Error::new(code, format!("{}; before that, the service had accepted {write}", error.message))
        .hint(format!("look before you repeat it: `carto credentials list {plural}` shows what there is"))
}

/// Reads a record out of an answer: an object whose id is text.
pub(super) fn record(kind: &Kind, answer: Value) -> Result<Record> {
    let shape = &kind.manifest.record;
    let id = &shape.id;
    match answer {
        Value::Object(record)
            if shape
                .secrets
                .iter()
                .any(|secret| record.contains_key(secret) && record.get(secret) == record.get(id)) =>
        {
            Err(Error::fault(format!("the kind `{}` answered with a secret as `{id}`", kind.name()))
                .hint("report it to the plugin's vendor"))
        }
        Value::Object(record) if record.get(id).and_then(Value::as_str).is_some_and(|id| !id.is_empty()) => Ok(record),
        _ => Err(Error::fault(format!(
            "the kind `{}` answered with something that isn't a record with an `{id}`",
            kind.name()
        ))
        .hint("report it to the plugin's vendor")),
    }
}

/// The id of a record, as it may be shown.
pub(super) fn id_of(kind: &Kind, record: &Record) -> String {
    record.get(&kind.manifest.record.id).and_then(Value::as_str).unwrap_or_default().to_owned()
}
