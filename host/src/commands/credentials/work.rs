//! Runs verbs: a kind works on a thread of its own and blocks there; its requests run on this thread's event loop, which a signal or the
//! deadline can end.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context as _;
use carto_plugin_api::manifest::ArgType;
use carto_plugin_api::{ErrorCode, Input, Verb};
use clap::ArgMatches;
use serde_json::Value;
use tokio::runtime::Handle;

use super::Context;
use super::delivery::Delivery;
use super::guard::{self, Guard, Watch};
use super::outcome::{self, About};
use crate::account::{self, Account};
use crate::commands::told;
use crate::error::{Error, Result};
use crate::event_loop;
use crate::input::{self, Stdin};
use crate::kinds::Kind;
use crate::output::{self, Record};
use crate::run::{self, Instance, Runtime};
use crate::service::{Broker, Deadline, Draft, Fate, Rehearsal, Rest, Services, Session};
use crate::settings;
use crate::stop;

/// A command's session, and what it has read of standard input.
pub(super) struct Work {
    pub(super) session: Arc<Session>,
    pub(super) stdin: Stdin,
    /// What each kind asks, or why it can't.
    services: BTreeMap<String, Result<Services>>,
    runtime: Arc<dyn Runtime>,
    guard: Guard,
    /// The verbs that were begun.
    watched: Mutex<Vec<Arc<Watch>>>,
    dry_run: bool,
    no_input: bool,
}

/// What a verb comes to.
pub(super) enum Ended<T> {
    /// It ran, and the service accepted so many changes.
    Answered(T, usize),
    /// In a dry run, it would have sent this.
    Drafted(Draft),
}

impl Work {
    /// Finds what a verb of these kinds asks, the account among it, while the first of them is made ready. Nothing is sent.
    pub(super) fn begin(context: &Context, kinds: &[Kind], verb: Verb, mut stdin: Stdin) -> Result<Work> {
        let settings = settings::read()?;
        let runtime = run::runtime(&settings.plugins, context.globals.debug);
        if let Some(kind) = kinds.first() {
            runtime.prepare(kind);
        }
        let (account, rest) = find_account(context, kinds, verb, &mut stdin)?;
        if settings.moves_routes() && matches!(&account, Some(Ok(account)) if !account.is_sandbox()) {
            context.catalog.policy().permit_service_paths().map_err(|(error, rule)| {
                let kind = kinds.iter().find(|kind| kind.asks_account(verb)).map(Kind::name);
                guard::refused_by(&context.catalog, Some(verb.as_str()), kind, &error, |_, _| Some(rule));
                error
            })?;
        }
        let recorded = account.as_ref().and_then(|account| Some(account.as_ref().ok()?.record()));
        let guard = Guard::new(context, &settings, recorded);
        let session = Session::new(account, settings, rest, context.globals.debug);
        let services = kinds.iter().map(|kind| (kind.name().to_owned(), session.services(kind, verb))).collect();
        Ok(Work {
            session: Arc::new(session),
            stdin,
            services,
            runtime,
            guard,
            watched: Mutex::default(),
            dry_run: context.globals.dry_run,
            no_input: context.globals.no_input,
        })
    }

    /// What a kind of this work asks.
    pub(super) fn services(&self, kind: &Kind) -> Result<Services> {
        self.services.get(kind.name()).cloned().unwrap_or_else(|| Ok(Services::new()))
    }

    /// Whether the library of a kind is still the one that was accepted, if one was: what has changed may ask for other things.
    pub(super) fn locked(&self, kind: &Kind, verb: Verb, called: Option<&str>) -> Result<()> {
        self.guard.locked(kind, verb, called)
    }

    /// The input of a verb: the id as it was read, the options, and what the host says besides. A verb whose library has changed, or that can't ask
    /// what it needs, ends here, before a file is opened or a person asked.
    pub(super) fn input(&mut self, kind: &Kind, verb: Verb, matches: &ArgMatches, id: Option<String>) -> Result<Input> {
        self.locked(kind, verb, id.as_deref())?;
        self.services(kind)?;
        let args = match kind.manifest.verbs.get(&verb) {
            Some(spec) => input::read(spec, matches, self.session.now(), &mut self.stdin, self.no_input)?,
            None => serde_json::Map::new(),
        };
        let mut input = self.bare_input(kind);
        (input.id, input.args) = (id, args);
        if kind.tries_authority(verb) {
            input.settings.audience = self.session.audience();
        }
        self.guard.limit(kind, verb, &input, self.session.now())?;
        Ok(input)
    }

    /// The input of a verb that is given nothing.
    pub(super) fn bare_input(&self, kind: &Kind) -> Input {
        let mut input = Input::default();
        input.settings.now = input::date::shown(self.session.now());
        input.settings.options = self.session.options(kind.name());
        input
    }

    /// One verb, about to run.
    pub(super) fn worker(&self, broker: Broker, called: Option<&str>) -> Worker {
        let watch = Arc::new(self.guard.watch(broker.kind(), broker.verb(), called));
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&watch));
        Worker { broker: Arc::new(broker), runtime: Arc::clone(&self.runtime), watch }
    }

    /// Records the end of every verb that hasn't come to it: the command is over.
    pub(super) fn over(&self, error: Option<&Error>) {
        for watch in self.watched.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            watch.ended(error, None, &Fate::default());
        }
    }

    /// The failure of a command that has no other: a record that has to be there isn't.
    pub(super) fn unrecorded(&self) -> Option<ErrorCode> {
        (!self.guard.is_complete()).then_some(ErrorCode::Failed)
    }

    /// Runs one verb once, reads its answer (`shown`: the id in it), and hands that to `finish`, which shows it. All of it can be stopped, whatever blocks.
    pub(super) fn run<T: Send + 'static>(
        &self,
        kind: &Kind,
        verb: Verb,
        input: Input,
        read: Reader<T>,
        shown: fn(&Kind, &T) -> Option<String>,
        finish: impl FnOnce(Ended<T>, &Delivery) -> anyhow::Result<ExitCode> + Send + 'static,
    ) -> anyhow::Result<ExitCode> {
        let about = About { kind: kind.clone(), verb, called: called(kind, &input) };
        let rehearsal = self.dry_run.then(|| Rehearsal { secrets: secrets(kind, verb, &input) });
        let services = self.services(kind)?;
        event_loop::run(async move {
            let session = Arc::clone(&self.session);
            let broker = Broker::new(kind.clone(), verb, session, services, Handle::current(), rehearsal);
            let worker = self.worker(broker, input.id.as_deref());
            let (broker, watch) = (Arc::clone(&worker.broker), Arc::clone(&worker.watch));
            let named = OnceLock::new();
            let delivery = Arc::new(Delivery::default());
            let delivering = Arc::clone(&delivery);
            let watched = Arc::clone(&broker);
            let (listening, stop) = stop::watch(self.session.deadline().of_command(), move |stop| {
                outcome::last_resort(stop, &watched.fate())
            });
            let whole = async {
                let progress = output::progress(&format!("{} {}", doing(verb), kind.manifest.title));
                listening.await;
                let answer = on_a_thread(move || worker.ready()?.invoke(&input, read)).await?;
                drop(progress);
                let fate = broker.fate();
                let ended = match fate.drafted.clone() {
                    Some(draft) if fate.violation.is_none() => Ended::Drafted(draft),
                    _ => {
                        let answer = about.settle(answer, &fate)?;
                        let id = shown(kind, &answer);
                        about.report(id.as_deref(), &fate.accepted);
                        // Once is enough.
                        let _ = named.set(id);
                        Ended::Answered(answer, fate.accepted.len())
                    }
                };
                on_a_thread(move || {
                    delivering.begin();
                    finish(ended, &delivering)
                })
                .await?
            };
            let done = tokio::select! {
                biased;
                stop = stop => {
                    delivery.abandon();
                    Err(about.stopped(stop, &broker.fate(), &delivery).into())
                }
                done = whole => done,
            };
            let error = done.as_ref().err().and_then(told);
            watch.ended(error.as_ref(), named.get().and_then(|id| id.as_deref()), &broker.fate());
            let unrecorded = self.unrecorded().map(|code| ExitCode::from(code.exit_status()));
            done.map(|status| unrecorded.unwrap_or(status))
        })
    }
}

/// The account, if one of the kinds asks it; the sandbox also if none does, since it stands for everything. Where other kinds can do without
/// it, its lack is the trouble of those that can't. With it comes what is left of the time: it may have asked for another bearer.
fn find_account(
    context: &Context,
    kinds: &[Kind],
    verb: Verb,
    stdin: &mut Stdin,
) -> Result<(Option<Result<Account>>, Rest)> {
    let asks = |kind: &Kind| kind.asks_account(verb);
    let in_sandbox = account::sandbox_asked_by(context.globals.sandbox)?.is_some();
    if !in_sandbox && !kinds.iter().any(asks) {
        return Ok((None, Deadline::new(context.globals.timeout).rest()));
    }
    let choice = context.globals.choice(stdin);
    let deadline = choice.as_ref().map_or_else(|_| Deadline::new(context.globals.timeout), |choice| choice.deadline);
    match choice.and_then(account::resolve) {
        Err(error) if in_sandbox || kinds.iter().all(asks) => Err(error),
        account => Ok((Some(account), deadline.rest())),
    }
}

/// Runs something that blocks.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the host failed while a kind ran")
}

fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::List => "Listing",
        Verb::Create => "Creating",
        Verb::Get => "Reading",
        Verb::Update => "Changing",
        Verb::Delete => "Deleting",
        _ => "Trying",
    }
}

/// What the credential answers to: the typed id, unless it may be a label that is about to change; or for a new one the value of the option
/// that becomes its label, if no other can have that.
fn called(kind: &Kind, input: &Input) -> Option<String> {
    let shape = &kind.manifest.record;
    let label = shape.label.as_ref().and_then(|label| input.args.get(label)?.as_str());
    match (&input.id, label) {
        (Some(_), Some(_)) => None,
        (Some(id), None) => Some(id.clone()),
        (None, label) => label.filter(|_| shape.unique_label).map(str::to_owned),
    }
}

/// The secrets among the options.
pub(super) fn secrets(kind: &Kind, verb: Verb, input: &Input) -> Vec<String> {
    let args = kind.manifest.verbs.get(&verb).map_or(&[][..], |spec| &spec.args);
    let given = args.iter().filter(|arg| arg.kind == ArgType::Secret).filter_map(|arg| input.args.get(&arg.key()));
    let texts = given.flat_map(|value| match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    });
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// How an answer is read.
pub(super) type Reader<T> = fn(&Kind, Value) -> Result<T>;

/// One verb of one kind, about to run on a thread of its own.
pub(super) struct Worker {
    pub(super) broker: Arc<Broker>,
    pub(super) watch: Arc<Watch>,
    runtime: Arc<dyn Runtime>,
}

/// The same with the library open.
pub(super) struct Ready {
    broker: Arc<Broker>,
    instance: Box<dyn Instance>,
}

impl Worker {
    /// Opens the library.
    pub(super) fn ready(self) -> Result<Ready> {
        let instance = self.runtime.start(self.broker.kind(), &|sha256| self.watch.accept(sha256))?;
        Ok(Ready { broker: self.broker, instance })
    }
}

impl Ready {
    /// Runs the verb and reads its answer. What the requests came to decides the outcome, not the kind: see `outcome`.
    pub(super) fn invoke<T>(&mut self, input: &Input, read: Reader<T>) -> Result<T> {
        let broker = Arc::clone(&self.broker);
        let kind = broker.kind();
        run::invoke(kind, self.instance.as_mut(), broker.verb(), input, broker.as_ref())
            .and_then(|answer| read(kind, answer))
    }
}

/// Reads a record out of an answer: an object of declared fields whose id is text and no secret. What isn't declared can't be hidden if it
/// should be, or found by `--field`.
pub(crate) fn record(kind: &Kind, answer: Value) -> Result<Record> {
    let shape = &kind.manifest.record;
    let id = &shape.id;
    let fault = |what: String| {
        Err(Error::fault(format!("the kind `{}` answered with {what}", kind.name())).hint(kind.remedy()))
    };
    let no_record = || fault(format!("something that isn't a record with an `{id}`"));
    let Value::Object(record) = answer else { return no_record() };
    if record.get(id).and_then(Value::as_str).is_none_or(str::is_empty) {
        return no_record();
    }
    if shape.secrets.iter().any(|secret| record.get(secret) == record.get(id)) {
        return fault(format!("a secret as `{id}`"));
    }
    match record.keys().find(|field| !shape.fields.contains(field)) {
        Some(field) => fault(format!("a field `{field}`, which its manifest doesn't declare")),
        None => Ok(record),
    }
}

/// The id of a record, as it may be shown.
pub(super) fn id_of(kind: &Kind, record: &Record) -> String {
    record.get(&kind.manifest.record.id).and_then(Value::as_str).unwrap_or_default().to_owned()
}
