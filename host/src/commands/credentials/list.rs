//! List, of one kind or of all. Kinds work in parallel, each a page ahead; they are printed in a fixed order, as their pages come.

use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use carto_plugin_api::{ErrorCode, Input, Listing, Verb};
use clap::ArgMatches;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::work::{self, Work, Worker};
use super::{Context, guard};
use crate::account;
use crate::cli::LIMIT;
use crate::commands::told;
use crate::error::{Error, Result};
use crate::event_loop;
use crate::input::Stdin;
use crate::kinds::{Kind, Refused};
use crate::output::list::List;
use crate::output::{self, Progress, Record, record, stderr, stdout};
use crate::service::{ACCOUNT_SERVICE, Broker};
use crate::stop::{self, Stop};

/// Lists one kind: its failure is the command's.
pub(super) fn one(context: &Context, kind: Kind, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    run(context, vec![kind], &[], matches, false)
}

/// Lists every kind that can be listed. One that fails doesn't hide the others.
pub(super) fn all(context: &Context, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let has_list = |kind: &Kind| kind.manifest.verbs.contains_key(&Verb::List);
    let mut kinds = context.catalog.permitted()?;
    kinds.retain(has_list);
    let found = context.catalog.all()?;
    // That nothing may be listed isn't that nothing is there.
    if let Some(kind) = found.kinds.iter().find(|kind| has_list(kind)).filter(|_| kinds.is_empty()) {
        context.catalog.policy().permit_file(kind, Verb::List).inspect_err(|error| {
            guard::refused(&context.catalog, Some(Verb::List.as_str()), Some(kind.name()), error);
        })?;
    }
    // Nobody asked for these by name, and the sandbox is no place for them.
    if account::sandbox_asked_by(context.globals.sandbox)?.is_some() {
        kinds.retain(|kind| {
            let own = kind.calls(Verb::List).iter().find(|call| call.service != ACCOUNT_SERVICE);
            if let Some(call) = own {
                let (name, service) = (kind.name(), &call.service);
                stderr::note(&format!("`{name}` isn't listed: the sandbox has no double of its service `{service}`"));
            }
            own.is_none()
        });
    }
    run(context, kinds, &found.refused, matches, true)
}

/// How many kinds work at the same time. Each holds a thread, and requests need threads too.
const AT_ONCE: usize = 8;

/// How long a reader is waited for when there is nothing more to come.
const PATIENCE: Duration = Duration::from_millis(200);

/// A service's own words for "the rest" are shorter.
const LONGEST_CURSOR: usize = 4096;

/// Pages may be empty, where a service filters them, but not for ever.
const MOST_EMPTY: usize = 1000;

/// A page of records, or what ended the kind's list.
type Page = Result<Vec<Record>>;

fn run(
    context: &Context,
    kinds: Vec<Kind>,
    refused: &[Refused],
    matches: &ArgMatches,
    several: bool,
) -> anyhow::Result<ExitCode> {
    if kinds.is_empty() && refused.is_empty() {
        stderr::done("There are no kinds here: `carto plugin list` says where they are looked for.");
    }
    let view = context.globals.view();
    let mut list = List::new(view.clone(), several)?;
    record::check(&view, &kinds, false)?;
    let mut work = Work::begin(context, &kinds, Verb::List, Stdin::default())?;
    let limit = matches.get_one::<u64>(LIMIT).copied();
    let inputs = kinds
        .into_iter()
        .map(|kind| {
            let input = if several { work.bare_input(&kind) } else { work.input(&kind, Verb::List, matches, None)? };
            Ok((kind, input))
        })
        .collect::<Result<Vec<_>>>()?;
    let deadline = work.session.deadline().of_command();
    let first_failure = event_loop::run(async {
        let (listening, stop) = stop::watch(deadline, |stop| stopped(stop).code.exit_status());
        let progress = output::progress("Listing");
        let whole = async {
            listening.await;
            let start = |kind, input| start(&work, kind, input, limit);
            let printed = print(&mut list, inputs, start, &progress, several).await?;
            let missing = name_refused(&mut list, refused).await?;
            Ok::<_, anyhow::Error>(printed.or(missing))
        };
        let ended = tokio::select! {
            biased;
            stop = stop => Err(stopped(stop).into()),
            ended = whole => ended,
        };
        match ended {
            Ok(first_failure) => {
                emit(list.finish()).await?;
                Ok(first_failure)
            }
            Err(error) => {
                // What came is made whole, if anybody still reads it.
                let _ = timeout(PATIENCE, emit(list.abandon())).await;
                work.over(told(&error).as_ref());
                Err(error)
            }
        }
    })?;
    let failure = first_failure.or_else(|| work.unrecorded());
    Ok(failure.map_or(ExitCode::SUCCESS, |code| ExitCode::from(code.exit_status())))
}

fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Interrupted => Error::new(ErrorCode::Interrupted, "interrupted; the list isn't complete"),
        Stop::OutOfTime(given) => Error::new(
            ErrorCode::Unreachable,
            format!("the list isn't complete: the {given:?} of `--timeout` are over"),
        )
        .hint("give it more time with `--timeout`, or fewer records with `--limit`"),
    }
}

/// Writes on a thread of its own: a reader that doesn't read must not keep a signal from being heard.
async fn emit(text: String) -> anyhow::Result<()> {
    if !text.is_empty() {
        tokio::task::spawn_blocking(move || stdout::write(&text)).await??;
    }
    Ok(())
}

/// Starts the list of a kind. It works one page ahead of what is printed.
fn start(work: &Work, kind: Kind, input: Input, limit: Option<u64>) -> (Kind, mpsc::Receiver<Page>) {
    let (sender, receiver) = mpsc::channel(1);
    match work.services(&kind) {
        Ok(services) => {
            let session = Arc::clone(&work.session);
            let broker = Broker::new(kind.clone(), Verb::List, session, services, Handle::current(), None);
            let worker = work.worker(broker, None);
            tokio::task::spawn_blocking(move || feed(worker, input, limit, &sender));
        }
        // There is room for one.
        Err(error) => drop(sender.try_send(Err(work.locked(&kind, Verb::List, None).err().unwrap_or(error)))),
    }
    (kind, receiver)
}

/// Prints the kinds one after the other, with the next few at work. Among several, one that fails is named and the others go on; alone,
/// it is the command's failure.
async fn print(
    list: &mut List,
    kinds: Vec<(Kind, Input)>,
    start: impl Fn(Kind, Input) -> (Kind, mpsc::Receiver<Page>),
    progress: &Progress,
    several: bool,
) -> anyhow::Result<Option<ErrorCode>> {
    let mut first_failure = None;
    let mut waiting = kinds.into_iter();
    let mut running: VecDeque<_> = waiting.by_ref().take(AT_ONCE).map(|(kind, input)| start(kind, input)).collect();
    while let Some((kind, mut pages)) = running.pop_front() {
        let mut failure = None;
        while let Some(page) = pages.recv().await {
            match page {
                Ok(records) => {
                    let text = list.page(&kind, records);
                    progress.count(&kind.manifest.plural, list.count());
                    emit(text).await?;
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => emit(list.end(&kind)).await?,
            Some(error) if several => {
                emit(list.failed(kind.name(), &error)).await?;
                first_failure.get_or_insert(error.code);
            }
            Some(error) => return Err(error.into()),
        }
        running.extend(waiting.next().map(|(kind, input)| start(kind, input)));
    }
    Ok(first_failure)
}

/// Names the kinds that can't be used, and folders of them; a stray file is worth a warning.
async fn name_refused(list: &mut List, refused: &[Refused]) -> anyhow::Result<Option<ErrorCode>> {
    let mut first_failure = None;
    for refused in refused {
        let error = refused.error();
        match &refused.name {
            Some(name) => emit(list.failed(name, &error)).await?,
            None => stderr::warning(&error.message, error.hint.as_deref()),
        }
        if refused.name.is_some() || refused.path.is_dir() {
            first_failure.get_or_insert(error.code);
        }
    }
    Ok(first_failure)
}

/// Runs a kind's list and hands over its pages, and at the end what went wrong.
fn feed(worker: Worker, input: Input, limit: Option<u64>, pages: &mpsc::Sender<Page>) {
    let (broker, watch) = (Arc::clone(&worker.broker), Arc::clone(&worker.watch));
    let ended = walk(worker, input, limit, pages);
    watch.ended(ended.as_ref().err(), None, &broker.fate());
    if let Err(error) = ended {
        // Nobody may be there any more.
        let _ = pages.blocking_send(Err(error));
    }
}

/// Runs a kind's list to its end or to the limit, a page at a time. A page is asked for when the one before it has been taken to be
/// printed, so that one is ready and no more. Bad records hide no good ones: they are left out, and are an error at the end.
fn walk(worker: Worker, mut input: Input, limit: Option<u64>, pages: &mpsc::Sender<Page>) -> Result<()> {
    let broker = Arc::clone(&worker.broker);
    let kind = broker.kind();
    let mut left = limit.unwrap_or(u64::MAX);
    let mut seen = BTreeSet::new();
    let mut empty = 0;
    let mut bad: Option<(Error, usize)> = None;
    let mut ready = worker.ready()?;
    loop {
        // Nobody reads any more: the output is closed, or the command is over.
        let Ok(place) = Handle::current().block_on(pages.reserve()) else { return Ok(()) };
        let answer = ready.invoke(&input, page);
        let mut page = broker.fate().violation.map_or(answer, Err)?;
        page.records.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left = left.saturating_sub(page.records.len() as u64);
        empty = if page.records.is_empty() { empty + 1 } else { 0 };
        place.send(Ok(page.records));
        if let Some((error, count)) = page.bad {
            bad.get_or_insert((error, 0)).1 += count;
        }
        match page.next {
            Some(next) if left > 0 => {
                let endless = match next.len() {
                    _ if empty > MOST_EMPTY => Some("lists empty pages for ever"),
                    ..=LONGEST_CURSOR if seen.insert(next.clone()) => None,
                    ..=LONGEST_CURSOR => Some("lists the same page for ever"),
                    _ => Some("lists a page whose address is too long"),
                };
                if let Some(what) = endless {
                    return Err(Error::fault(format!("the kind `{}` {what}", kind.name())).hint(kind.remedy()));
                }
                input.cursor = Some(next);
            }
            _ => break,
        }
    }
    match bad {
        None => Ok(()),
        Some((error, 1)) => {
            let message = format!("{}; that record is left out", error.message);
            Err(error.with_message(message))
        }
        Some((error, count)) => {
            let message = format!("{}; {count} records like that are left out", error.message);
            Err(error.with_message(message))
        }
    }
}

/// What a page holds.
pub(crate) struct Contents {
    records: Vec<Record>,
    /// Why others aren't there: the first reason, and how many they are.
    bad: Option<(Error, usize)>,
    next: Option<String>,
}

/// Reads a page out of an answer.
pub(crate) fn page(kind: &Kind, answer: Value) -> Result<Contents> {
    let answer: Listing<Value> = serde_json::from_value(answer).map_err(|_| {
        Error::fault(format!("the kind `{}` answered `list` with something that isn't a page", kind.name()))
            .hint(kind.remedy())
    })?;
    let mut contents = Contents { records: Vec::with_capacity(answer.items.len()), bad: None, next: None };
    for item in answer.items {
        match work::record(kind, item) {
            Ok(record) => contents.records.push(record),
            Err(error) => contents.bad.get_or_insert((error, 0)).1 += 1,
        }
    }
    // An empty cursor would be the first page again.
    contents.next = answer.next.filter(|next| !next.is_empty());
    Ok(contents)
}
