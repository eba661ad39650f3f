//! Where a kind is run: one process at a time, one call at a time. What must hold after each of them is `always`'.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use carto_plugin_api::manifest::{Call, VerbSpec};
use carto_plugin_api::{Error, ErrorCode, Input, Listing, Verb};
use serde_json::{Map, Value};

use super::NOW;
use super::double::Double;
use super::host::{Host, Mood, Record};
use super::report::{Notes, is_cause};
use super::script::Script;
use crate::commands::credentials;
use crate::error::Result;
use crate::kinds::Kind;
use crate::run::{self, Instance, Runtime};

/// Slower than this, a person wonders.
const SLOW: Duration = Duration::from_secs(1);

/// What a verb is called with.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) id: Option<String>,
    pub(super) args: Map<String, Value>,
    pub(super) cursor: Option<String>,
}

impl Given {
    /// Whether a line break was among it.
    pub(super) fn has_lines(&self) -> bool {
        let id = self.id.iter().chain(&self.cursor);
        id.map(String::as_str).chain(self.args.values().flat_map(texts)).any(|text| text.contains('\n'))
    }
}

/// What a call came to.
pub(super) enum Came {
    /// An answer of the right form: records, and for a list where it goes on.
    Answered { records: Vec<Map<String, Value>>, next: Option<String> },
    /// An error of the kind's.
    Refused(Error),
    /// Something that is noted already.
    Broke,
}

/// A call that was made.
pub(super) struct Ran {
    pub(super) came: Came,
    pub(super) record: Record,
}

/// The kind, and what is around it.
pub(super) struct Lab<'a> {
    pub(super) kind: &'a Kind,
    pub(super) script: &'a Script,
    pub(super) host: Host,
    pub(super) notes: Notes,
    /// The options with which a verb is known to work.
    pub(super) works: BTreeMap<Verb, Map<String, Value>>,
    runtime: &'a dyn Runtime,
    pub(super) instance: Option<Box<dyn Instance>>,
    /// The check that says how a verb broke.
    broke: BTreeMap<Verb, &'static str>,
    /// Verbs that didn't end once: nobody waits for them again.
    endless: BTreeSet<Verb>,
    pub(super) calls: usize,
    /// The longest call of each verb, without what it waited for.
    pub(super) slowest: BTreeMap<Verb, Duration>,
    /// Why there is no process any more, if that isn't the kind's fault.
    pub(super) lost: Option<Error>,
    /// In KiB, at its most.
    pub(super) memory: Option<u64>,
}

impl<'a> Lab<'a> {
    /// A place for a kind, with the instance that was opened first.
    pub(super) fn new(
        kind: &'a Kind,
        script: &'a Script,
        notes: Notes,
        runtime: &'a dyn Runtime,
        instance: Box<dyn Instance>,
    ) -> Lab<'a> {
        Lab {
            kind,
            script,
            host: Host::new(&kind.manifest, Double::new(&kind.manifest, script)),
            notes,
            works: BTreeMap::new(),
            runtime,
            instance: Some(instance),
            broke: BTreeMap::new(),
            endless: BTreeSet::new(),
            calls: 0,
            slowest: BTreeMap::new(),
            lost: None,
            memory: None,
        }
    }

    pub(super) fn spec(&self, verb: Verb) -> Option<&'a VerbSpec> {
        self.kind.manifest.verbs.get(&verb)
    }

    /// The verbs that are declared and known to work.
    pub(super) fn working(&self) -> Vec<Verb> {
        self.works.keys().copied().collect()
    }

    /// Why a call of this verb says nothing.
    pub(super) fn why_broken(&self, verb: Verb) -> String {
        let check = self.broke.get(&verb).copied().unwrap_or("run.survives");
        format!("`{verb}` broke: see {check}")
    }

    /// Whether a verb broke in an ordinary call, so that these checks of it would only find that again. They are skipped.
    pub(super) fn skips_broken(&mut self, verb: Verb, checks: &[&'static str]) -> bool {
        let is_broken = self.broke.get(&verb).is_some_and(|check| is_cause(check));
        if is_broken {
            self.skip_broken(verb, checks);
        }
        is_broken
    }

    /// What a call that broke was to show.
    pub(super) fn skip_broken(&mut self, verb: Verb, checks: &[&'static str]) {
        let why = self.why_broken(verb);
        checks.iter().for_each(|check| self.notes.skip(check, why.as_str()));
    }

    fn fail_broken(&mut self, verb: Verb, check: &'static str, what: String, remedy: &str) {
        if !self.broke.get(&verb).is_some_and(|known| is_cause(known)) {
            self.broke.insert(verb, check);
        }
        self.notes.fail(check, what, remedy);
    }

    /// A new process and an empty service, which is well.
    pub(super) fn fresh(&mut self) {
        self.look_at_memory();
        self.instance = None;
        self.clear();
    }

    /// An empty service, which is well.
    pub(super) fn clear(&mut self) {
        self.host.set_mood(Mood::Well);
        self.host.with_double(Double::clear);
    }

    /// The id of a credential that is there, for this verb.
    pub(super) fn id(&mut self, verb: Verb) -> String {
        let id = self.script.ids.get(&verb).map(String::as_str);
        self.host.with_double(|double| double.seed(id, None))
    }

    /// What a verb that works is called with.
    pub(super) fn given(&mut self, verb: Verb) -> Given {
        let args = self.works.get(&verb).cloned().unwrap_or_default();
        Given { id: verb.takes_id().then(|| self.id(verb)), args, cursor: None }
    }

    /// Whether what is in the double shows in what this verb reads.
    pub(super) fn reads_the_double(&self, verb: Verb) -> bool {
        let calls = self.spec(verb).map_or(&[][..], |spec| &spec.calls);
        let is_scripted = |call: &Call| self.host.with_double(|double| double.is_scripted(call));
        !calls.iter().filter(|call| call.method.as_str() == "GET").any(is_scripted)
    }

    /// Runs a verb. What breaks it is the fault of the check `blame`, if that is one in particular.
    pub(super) fn run(&mut self, verb: Verb, given: &Given, blame: Option<&'static str>) -> Ran {
        let mut ran = Ran { came: Came::Broke, record: Record::default() };
        if self.endless.contains(&verb) || self.lost.is_some() {
            return ran;
        }
        let mut input = Input::default();
        input.id.clone_from(&given.id);
        input.args.clone_from(&given.args);
        input.cursor.clone_from(&given.cursor);
        NOW.clone_into(&mut input.settings.now);
        input.settings.options.clone_from(&self.script.options);
        let answer = match self.ready() {
            Ok(()) => self.invoke(verb, &input, &mut ran.record),
            Err(error) if error.code != ErrorCode::PluginFault => {
                self.lost = Some(error);
                return ran;
            }
            Err(error) => Err(error),
        };
        // What a runtime says before it ends its process stands in the error.
        let broke = answer.as_ref().is_err_and(|error| error.code == ErrorCode::PluginFault);
        self.look_at_prints(verb, !broke);
        self.look_at_requests(verb, &ran.record);
        let what = || described(verb, given);
        ran.came = match answer {
            _ if ran.record.breach.is_some() => {
                let breach = ran.record.breach.clone().unwrap_or_default();
                let remedy = format!("declare it in `calls` of `[verbs.{verb}]`, or don't ask for it");
                self.fail_broken(verb, "calls.declared", format!("{}: {breach}", what()), &remedy);
                Came::Broke
            }
            Ok(answer) => match self.read(verb, answer) {
                Ok(came) => came,
                Err(error) => {
                    let id = blame.unwrap_or(record_check(verb));
                    let what = format!("{}: {}", what(), error.message);
                    self.fail_broken(verb, id, what, "answer as the manifest declares it");
                    Came::Broke
                }
            },
            Err(error) if error.code == ErrorCode::PluginFault => {
                self.broke(verb, &error, blame, &what());
                Came::Broke
            }
            Err(error) => {
                self.look_at_error(&error, &what(), given, &ran.record);
                Came::Refused(error)
            }
        };
        ran
    }

    /// Makes sure that there is a process.
    fn ready(&mut self) -> Result<()> {
        if self.instance.is_none() {
            self.instance = Some(self.runtime.start(self.kind, &|_| Ok(()))?);
        }
        Ok(())
    }

    fn invoke(&mut self, verb: Verb, input: &Input, record: &mut Record) -> Result<Value> {
        let Some(instance) = &mut self.instance else { return Err(Error::fault("there is no process")) };
        self.calls += 1;
        self.host.begin(verb);
        let began = Instant::now();
        let answer = run::invoke(self.kind, instance.as_mut(), verb, input, &self.host);
        let took = began.elapsed();
        *record = self.host.take();
        let own = took.saturating_sub(record.waited);
        let slowest = self.slowest.entry(verb).or_default();
        *slowest = own.max(*slowest);
        self.notes.ran("run.survives");
        self.notes.ran("time.second");
        self.notes.ran("time.deadline");
        let broke = answer.as_ref().is_err_and(|error| error.code == ErrorCode::PluginFault);
        if own > SLOW && !broke {
            self.notes.warn(
                "time.second",
                format!("a call of `{verb}` took {} ms, without the time of the service", own.as_millis()),
                "do less work in it: a command should answer at once",
            );
        }
        answer
    }

    /// The answer, in the form that the verb has.
    fn read(&mut self, verb: Verb, answer: Value) -> Result<Came> {
        let (items, next) = match verb {
            Verb::List => {
                let listing: Listing<Value> = serde_json::from_value(answer)
                    .map_err(|_| Error::fault("it answered with something that isn't a page: `items` and `next`"))?;
                (listing.items, listing.next.filter(|next| !next.is_empty()))
            }
            Verb::Delete if answer.is_null() => (Vec::new(), None),
            Verb::Verify => {
                self.look_at_verification(&credentials::verification(self.kind, answer)?);
                (Vec::new(), None)
            }
            _ => (vec![answer], None),
        };
        let records = items.into_iter().map(|item| credentials::record(self.kind, item)).collect::<Result<Vec<_>>>()?;
        records.iter().for_each(|record| self.look_at_record(verb, record));
        Ok(Came::Answered { records, next })
    }

    fn broke(&mut self, verb: Verb, error: &Error, blame: Option<&'static str>, what: &str) {
        // Whatever state it is in, nobody relies on it.
        self.instance = None;
        let message = format!("{what}: {}", error.message);
        if error.message.contains("took longer than") {
            self.endless.insert(verb);
            let remedy = "find what doesn't end; a kind never waits but for the host";
            return self.fail_broken(verb, "time.deadline", message, remedy);
        }
        // What is found by the first call of a verb, too.
        let disagree = error.message.contains("disagree about the arguments").then_some("verbs.options");
        let has = |text: &str| error.message.contains(text);
        // An option that the code doesn't know has nothing to do with the value that it is given just now.
        let is_unknown = disagree.is_some() && has("unknown field");
        let blame = if is_unknown { disagree } else { blame.or(disagree) };
        let remedy = match blame {
            _ if has("overflowed its stack") => {
                "look for what calls itself without end, or as deep as the input or the answer is"
            }
            _ if has("ran out of memory") => {
                "look for what grows without end, or as long as the input or the answer is"
            }
            _ if is_unknown => {
                "know each option that the manifest declares for the verb; read `host.args` in the verb itself, not in a function that others call too"
            }
            Some("verbs.options") => {
                "take what the manifest declares: the type of each option, absent if it isn't given"
            }
            Some("trouble.shapes") => "read the answer as what it may be: `Response::json` has an error for it",
            Some("inputs.odd") if disagree.is_some() => {
                "the host passes any text and any whole number of 64 bits on: take `String` and `i64`, and refuse with `Error::argument`"
            }
            _ if has("which no kind may do") => "do without it: a kind has no files, connections or threads of its own",
            _ => "return an `Error` in place of it",
        };
        self.fail_broken(verb, blame.unwrap_or("run.survives"), message, remedy);
    }

    fn look_at_memory(&mut self) {
        let process = self.instance.as_ref().and_then(|instance| instance.process());
        self.memory = self.memory.max(process.and_then(crate::run::peak_memory));
    }
}

/// The texts in the value of an option.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// The check that a verb's answers are for.
pub(super) fn record_check(verb: Verb) -> &'static str {
    match verb {
        Verb::List => "list.page",
        Verb::Create => "create.record",
        Verb::Get => "get.record",
        Verb::Update => "update.record",
        Verb::Delete => "delete.answer",
        _ => "verify.answer",
    }
}

/// A call in a few words, so that it can be made again.
pub(super) fn described(verb: Verb, given: &Given) -> String {
    let mut text = verb.to_string();
    let cut = |text: &str| match text.chars().count() {
        0..=60 => text.to_owned(),
        _ => text.chars().take(60).chain(['…']).collect(),
    };
    if let Some(id) = &given.id {
        text.push_str(&format!(" `{}`", cut(id)));
    }
    for (name, value) in &given.args {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!(" --{} `{}`", name.replace('_', "-"), cut(&value)));
        }
    }
    text
}
