//! List, of one kind or of all. Kinds work in parallel, each a page ahead; they are printed in a fixed order, as their pages come.

use std::process::ExitCode;
use std::sync::Arc;

use carto_plugin_api::{Input, Listing, Verb};
use clap::ArgMatches;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Context;
use super::work::{self, Work, Worker};
use crate::cli::LIMIT;
use crate::error::{Error, Result};
use crate::event_loop;
use crate::input::Stdin;
use crate::kinds::{Found, Kind, Refused};
use crate::output::list::List;
use crate::output::{Record, stderr, stdout};

/// Lists one kind: its failure is the command's.
pub(super) fn one(context: &Context, kind: Kind, matches: &ArgMatches) -> Result<ExitCode> {
    run(context, vec![kind], &[], matches, false)
}

/// Lists every kind that can be listed. One that fails doesn't hide the others.
pub(super) fn all(context: &Context, matches: &ArgMatches) -> Result<ExitCode> {
    let Found { kinds, refused } = context.catalog.all();
    let kinds = kinds.iter().filter(|kind| kind.manifest.verbs.contains_key(&Verb::List)).cloned().collect();
    run(context, kinds, refused, matches, true)
}

/// A page of records, or what ended the kind's list.
type Page = Result<Vec<Record>>;

fn run(
    context: &Context,
    kinds: Vec<Kind>,
    refused: &[Refused],
    matches: &ArgMatches,
    several: bool,
) -> Result<ExitCode> {
    let mut list = List::new(context.globals.view(), several)?;
    let mut work = Work::begin(context, Stdin::default())?;
    let limit = matches.get_one::<u64>(LIMIT).copied();
    let inputs = kinds
        .into_iter()
        .map(|kind| {
            let matches = if several { None } else { Some(matches) };
            let input = match matches {
                Some(matches) => work.input(&kind, Verb::List, matches, None)?,
                None => work.bare_input(&kind),
            };
            Ok((kind, input))
        })
        .collect::<Result<Vec<_>>>()?;
    let first_failure = event_loop::run(async {
        let running: Vec<(Kind, mpsc::Receiver<Page>)> = inputs
            .into_iter()
            .map(|(kind, input)| {
                let (sender, receiver) = mpsc::channel(1);
                let worker = Worker::new(kind.clone(), Verb::List, Arc::clone(&work.session), Handle::current());
                tokio::task::spawn_blocking(move || feed(worker, input, limit, &sender));
                (kind, receiver)
            })
            .collect();
        let mut first_failure = None;
        for (kind, mut pages) in running {
            let mut failed = None;
            while let Some(page) = pages.recv().await {
                match page {
                    Ok(records) => {
                        if let Err(e) = list.page(&kind, records)? {
                            return stdout::settle(Err(e)).map(|()| None);
                        }
                    }
                    Err(error) => failed = Some(error),
                }
            }
            let ended = match failed {
                None => list.end(&kind),
                Some(error) if several => {
                    let ended = list.failed(kind.name(), &error);
                    first_failure.get_or_insert(error.code);
                    ended
                }
                Some(error) => {
                    // What came is whole JSON, and the error says that it isn't all.
                    if list.begun() {
                        let _ = list.end(&kind);
                        let _ = list.finish();
                    }
                    return Err(error);
                }
            };
            if let Err(e) = ended {
                return stdout::settle(Err(e)).map(|()| None);
            }
        }
        for refused in refused {
            let error = refused.error();
            // A kind that can't be listed is named, and so is a folder of them; a stray file is worth a warning.
            let Some(name) = &refused.name else {
                stderr::warning(&error.message, error.hint.as_deref());
                if refused.path.is_dir() {
                    first_failure.get_or_insert(error.code);
                }
                continue;
            };
            first_failure.get_or_insert(error.code);
            if let Err(e) = list.failed(name, &error) {
                return stdout::settle(Err(e)).map(|()| None);
            }
        }
        stdout::settle(list.finish()?).map(|()| first_failure)
    })?;
    Ok(first_failure.map_or(ExitCode::SUCCESS, |code| ExitCode::from(code.exit_status())))
}

/// Runs a kind's list to its end or to the limit, a page at a time, no further ahead than the channel holds.
fn feed(worker: Worker, mut input: Input, limit: Option<u64>, pages: &mpsc::Sender<Page>) {
    let kind = worker.kind().clone();
    let mut left = limit.unwrap_or(u64::MAX);
    let ready = match worker.ready() {
        Ok(ready) => ready,
        Err(error) => return drop(pages.blocking_send(Err(error))),
    };
    loop {
        let (mut records, next) = match ready.invoke(&input, page) {
            Ok(page) => page,
            Err(error) => return drop(pages.blocking_send(Err(error))),
        };
        records.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left = left.saturating_sub(records.len() as u64);
        // Nobody reads any more: the output is closed.
        if pages.blocking_send(Ok(records)).is_err() || left == 0 {
            return;
        }
        match next {
            None => return,
            same if same == input.cursor => {
                let error = Error::fault(format!("the kind `{}` lists the same page for ever", kind.name()))
                    .hint("report it to the plugin's vendor");
                return drop(pages.blocking_send(Err(error)));
            }
            next => input.cursor = next,
        }
    }
}

fn page(kind: &Kind, answer: Value) -> Result<(Vec<Record>, Option<String>)> {
    let answer: Listing<Value> = serde_json::from_value(answer).map_err(|_| {
        Error::fault(format!("the kind `{}` answered `list` with something that isn't a page", kind.name()))
            .hint("report it to the plugin's vendor")
    })?;
    let records = answer.items.into_iter().map(|item| work::record(kind, item)).collect::<Result<_>>()?;
    Ok((records, answer.next))
}
