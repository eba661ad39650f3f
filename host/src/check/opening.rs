//! Opens the library for the first time, where constructors run, and measures that.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::canary;
use super::report::Notes;
use crate::error::Result;
use crate::kinds::Kind;
use crate::run::{Instance, Level, Runtime, peak_memory};

/// A person waits for this at every command.
const SLOW: Duration = Duration::from_secs(1);

/// Opens it.
pub(super) fn check(
    kind: &Kind,
    runtime: &dyn Runtime,
    notes: &mut Notes,
    facts: &mut Vec<(&'static str, String)>,
) -> Option<Box<dyn Instance>> {
    notes.ran("load.confined");
    if runtime.level() != Level::Confined {
        let level = runtime.level();
        let what = format!("kinds run `{}` here ({})", level.as_str(), level.reason());
        notes.warn("load.confined", what, "check it where nothing is set: elsewhere it may be stopped");
    }
    let sha256 = RefCell::new(String::new());
    let began = Instant::now();
    let opened = runtime.start(kind, &|hex: &str| -> Result<()> {
        hex.clone_into(&mut sha256.borrow_mut());
        Ok(())
    });
    let took = began.elapsed();
    let sha256 = sha256.into_inner();
    if !sha256.is_empty() {
        facts.push(("sha256", sha256));
    }
    let mut instance = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let remedy = error.hint.filter(|_| !error.message.contains("while it was opened"));
            let remedy = remedy
                .unwrap_or_else(|| "do nothing in constructors, such as those of `ctor` and of C++ objects".to_owned());
            notes.fail("load.opens", error.message, remedy);
            return None;
        }
    };
    notes.ran("load.opens");
    if took > SLOW {
        let what = format!("it took {} ms to copy it, to check it, and to open it", took.as_millis());
        notes.warn("load.opens", what, "make it smaller, and do nothing in constructors");
    }
    let memory = instance.process().and_then(peak_memory).map(|memory| format!(", with {}", in_words(memory)));
    facts.push(("opened", format!("in {} ms{}", took.as_millis(), memory.unwrap_or_default())));
    notes.ran("load.quiet");
    let printed = instance.printed();
    if let Some(line) = printed.lines().find(|line| !line.trim().is_empty()) {
        let line = canary::hidden(line).chars().take(200).collect::<String>();
        notes.warn("load.quiet", format!("it printed: {line}"), "don't print, and do nothing in constructors");
    }
    Some(instance)
}

/// As people say it.
pub(super) fn in_words(bytes: u64) -> String {
    let kib = bytes / 1024;
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}
