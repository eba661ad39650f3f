//! All libraries that are there, each as a verb would find it: what `list`, `info` and `doctor` go by. Nothing of one runs here.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carto_plugin_api::{ErrorCode, Verb};

use crate::commands::Context;
use crate::digest;
use crate::error::{Error, Result};
use crate::kinds::{Catalog, Kind, LARGEST, section};
use crate::lock::Lock;
use crate::policy::{Policy, Verdict, refused_whole};
use crate::run::{self, Runtime};
use crate::settings::Settings;

/// What a verb would find; of several, the first here but `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// Its file, or a word of its.
    Refused,
    /// A folder before has the name.
    Shadowed,
    /// Every verb is refused.
    Policy,
    /// The lock can't be read.
    LockedOut,
    /// It isn't what the lock says.
    Changed,
    /// The machine can't give the level.
    CantRun,
}

impl State {
    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Refused => "refused",
            State::Shadowed => "shadowed",
            State::Policy => "policy",
            State::LockedOut => "locked out",
            State::Changed => "changed",
            State::CantRun => "can't run",
        }
    }
}

/// A library, or what stands in its place.
pub(super) struct Plugin {
    /// What its file's name says; nothing for a folder, and for a name that no kind can have.
    pub(super) name: Option<String>,
    pub(super) path: PathBuf,
    /// What its manifest says, as far as that can be read, whatever else is wrong.
    pub(super) kind: Option<Kind>,
    pub(super) state: State,
    /// What a verb would end with; for a file in a shadow, why nobody looks at it.
    pub(super) error: Option<Error>,
    /// The cause alone, if the error's message begins with what is shown beside it.
    cause: Option<String>,
    /// What the policies say of each verb.
    pub(super) verdicts: Vec<(Verb, Verdict)>,
    sha256: OnceCell<Option<String>>,
}

impl Plugin {
    fn new(name: Option<String>, path: PathBuf, kind: Option<Kind>) -> Plugin {
        let (state, sha256) = (State::Ok, OnceCell::new());
        Plugin { name, path, kind, state, error: None, cause: None, verdicts: Vec::new(), sha256 }
    }

    fn is(&mut self, state: State, error: Error) {
        (self.state, self.error) = (state, Some(error));
    }

    /// Whether a word means it.
    pub(super) fn answers_to(&self, word: &str) -> bool {
        self.name.as_deref() == Some(word) || self.kind.as_ref().is_some_and(|kind| kind.manifest.answers_to(word))
    }

    /// What is wrong with it.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref().or_else(|| self.error.as_ref().map(|error| error.message.as_str()))
    }

    /// What mends that.
    pub(super) fn remedy(&self) -> Option<&str> {
        self.error.as_ref()?.hint.as_deref()
    }

    /// The digest of its file, if it can be read and isn't too large for a library. It takes reading it to its end.
    pub(super) fn sha256(&self) -> Option<&str> {
        let hash = || {
            let file = section::open_to_show(&self.path)?;
            let is_fair = file.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
            is_fair.then(|| digest::of(file).ok())?
        };
        self.sha256.get_or_init(hash).as_deref()
    }

    /// The size of its file, in bytes.
    pub(super) fn size(&self) -> Option<u64> {
        fs::metadata(&self.path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
    }

    /// Finds out what a verb would find, if its file can be used.
    fn judge(&mut self, policy: &Policy, settings: &Arc<Settings>, lock: &Result<Lock>, unconfined: Option<&Error>) {
        let Some(kind) = &self.kind else { return };
        self.verdicts = policy.of_library(kind, &|| self.sha256().map(str::to_owned), settings);
        if self.state != State::Ok {
            return;
        }
        if let Some(error) = refused_whole(kind, &self.verdicts) {
            return self.is(State::Policy, error);
        }
        match lock {
            Err(error) => return self.is(State::LockedOut, error.clone()),
            Ok(lock) if lock.get(kind.name()).is_some() => {
                if let Err(error) = lock.check(kind, self.sha256().unwrap_or_default()) {
                    return self.is(State::Changed, error);
                }
            }
            Ok(_) => {}
        }
        if let Some(error) = unconfined {
            self.is(State::CantRun, error.clone());
        }
    }
}

/// What is there.
pub(super) struct Survey {
    /// By name; of several with one name, the one that has it first.
    pub(super) plugins: Vec<Plugin>,
    pub(super) lock: Result<Lock>,
    pub(super) runtime: Arc<dyn Runtime>,
    /// Why this machine can't give the level, if it can't.
    pub(super) unconfined: Option<Error>,
}

impl Survey {
    /// Looks at all folders of a catalogue. What this machine can give is tried out, with a process that opens no library.
    pub(super) fn of(context: &Context, catalog: &Catalog, settings: &Arc<Settings>) -> Result<Survey> {
        let found = catalog.all()?;
        let runtime = run::runtime(&settings.plugins, context.globals.debug);
        let (lock, unconfined) = (Lock::read(), runtime.check().err());
        let mut plugins = Vec::new();
        for kind in &found.kinds {
            plugins.push(Plugin::new(Some(kind.name().to_owned()), kind.file.clone(), Some(kind.clone())));
        }
        for refused in &found.refused {
            let mut plugin = Plugin::new(refused.name.clone(), refused.path.clone(), look(&refused.path));
            plugin.is(State::Refused, refused.error());
            plugin.cause = Some(refused.cause.clone());
            plugins.push(plugin);
        }
        for shadowed in &found.shadowed {
            let mut plugin = Plugin::new(Some(shadowed.name.clone()), shadowed.path.clone(), look(&shadowed.path));
            let (path, by) = (shadowed.path.display(), shadowed.by.display());
            let error = Error::new(ErrorCode::PluginFault, format!("`{path}` isn't used: `{by}` goes before it"));
            plugin.is(State::Shadowed, error.hint("remove one of the two, if that isn't meant"));
            plugin.cause = Some(format!("isn't used: `{by}` goes before it"));
            plugins.push(plugin);
        }
        for plugin in &mut plugins {
            plugin.judge(catalog.policy(), settings, &lock, unconfined.as_ref());
        }
        plugins.sort_by_key(|plugin| (plugin.name.is_none(), plugin.name.clone()));
        Ok(Survey { plugins, lock, runtime, unconfined })
    }
}

impl Survey {
    /// The plugin that a word means: by a name before a plural, and what is used before what isn't.
    pub(super) fn find(&self, word: &str) -> Result<&Plugin> {
        let named = self.plugins.iter().find(|plugin| plugin.name.as_deref() == Some(word));
        let found = named.or_else(|| self.plugins.iter().find(|plugin| plugin.answers_to(word)));
        found.ok_or_else(|| {
            let mut names: Vec<&str> = self.plugins.iter().filter_map(|plugin| plugin.name.as_deref()).collect();
            names.dedup();
            let (names, hint) = match names.as_slice() {
                [] => ("there are none".to_owned(), "`carto plugin list` says where they are looked for"),
                names => (format!("kinds: {}", names.join(", ")), "choose one of these"),
            };
            Error::new(ErrorCode::UnknownKind, format!("no kind `{word}` here; {names}")).hint(hint)
        })
    }
}

/// What a file says of itself, whoever can have written it: to be shown, and never to be run.
fn look(path: &Path) -> Option<Kind> {
    let source = section::source(section::open_to_show(path)?).ok()?;
    let manifest = section::any_manifest(&source).ok()?;
    Some(Kind { manifest, source: source.into(), file: path.to_owned() })
}
