//! Checks of each verb by itself: that it works, that it takes its options, and that verbs which aren't declared aren't there.

use carto_plugin_api::manifest::ArgType;
use carto_plugin_api::{ErrorCode, Verb};
use serde_json::{Map, Value};

use super::lab::{Came, Given, Lab, described, record_check};
use super::now;
use super::values;

/// In the order in which a person would try them.
const ORDER: [Verb; 6] = [Verb::Create, Verb::List, Verb::Get, Verb::Verify, Verb::Update, Verb::Delete];

/// Finds out with what each verb works. What doesn't is left out of the checks that follow.
pub(super) fn work(lab: &mut Lab<'_>) {
    for verb in ORDER {
        lab.clear();
        if lab.spec(verb).is_none() {
            lab.notes.skip(record_check(verb), format!("there is no {verb}"));
            continue;
        }
        if let Some((tried, error)) = first(lab, verb) {
            let what = format!("{tried} was refused, and nothing else was taken: {error}");
            let is_made_up =
                !lab.script.args.contains_key(&verb) && lab.spec(verb).is_some_and(|spec| !spec.args.is_empty());
            let remedy = match is_made_up {
                true => format!("say in a script (`--script`) with what to call it: `[{verb}] args`"),
                false => "answer with a record; if the service answers in another form than is made up here, say so in a script \
                          (`--script`)"
                    .to_owned(),
            };
            lab.notes.fail(record_check(verb), what, remedy);
        }
    }
}

/// Tries a verb until it is taken. The first call that wasn't, and what was said.
fn first(lab: &mut Lab<'_>, verb: Verb) -> Option<(String, String)> {
    let spec = lab.spec(verb)?;
    let sets = match lab.script.args.get(&verb) {
        Some(args) => vec![args.clone()],
        None => values::sets(spec, now()),
    };
    let mut refused = None;
    let shapes = if verb == Verb::List && lab.script.service.items.is_none() { vec![false, true] } else { Vec::new() };
    for args in sets {
        let mut given = Given { id: verb.takes_id().then(|| lab.id(verb)), args, cursor: None };
        let ran = match shapes.as_slice() {
            [] => lab.run(verb, &given, None),
            shapes => listed(lab, &mut given, shapes),
        };
        match ran {
            _ if matches!(ran.came, Came::Broke) => {
                lab.skip_broken(verb, &[record_check(verb)]);
                return None;
            }
            ran if matches!(ran.came, Came::Answered { .. }) => {
                lab.notes.ran(record_check(verb));
                if let Came::Answered { records, .. } = &ran.came {
                    look_at(lab, verb, &given, records);
                }
                lab.works.insert(verb, given.args);
                return None;
            }
            ran => {
                if let Came::Refused(error) = ran.came {
                    refused.get_or_insert((described(verb, &given), error.message));
                }
            }
        }
    }
    refused
}

/// Lists in the shapes that a list can have, until one is understood.
fn listed(lab: &mut Lab<'_>, given: &mut Given, shapes: &[bool]) -> super::lab::Ran {
    let id = lab.host.with_double(|double| double.seed(None, None));
    let mut first = None;
    for bare in shapes {
        lab.host.with_double(|double| double.bare = *bare);
        let ran = lab.run(Verb::List, given, None);
        match &ran.came {
            Came::Answered { records, .. } if has(lab, records, &id) => return ran,
            Came::Broke => return ran,
            _ => drop(first.get_or_insert(ran)),
        }
    }
    lab.host.with_double(|double| double.bare = false);
    let ran = first.unwrap_or_else(|| lab.run(Verb::List, given, None));
    if matches!(ran.came, Came::Answered { .. }) && lab.reads_the_double(Verb::List) {
        let remedy = "list what the service lists; if it spells it another way, say so under `[service]` in a script";
        lab.notes.fail("list.page", "the service has a credential, and it isn't listed", remedy);
    }
    ran
}

/// Whether a record with that id is among these.
pub(super) fn has(lab: &Lab<'_>, records: &[Map<String, Value>], id: &str) -> bool {
    records.iter().any(|record| record.get(&lab.kind.manifest.record.id).is_some_and(|own| own == id))
}

/// What the first answer of a verb must say.
fn look_at(lab: &mut Lab<'_>, verb: Verb, given: &Given, records: &[Map<String, Value>]) {
    let shape = &lab.kind.manifest.record;
    let is_there = |record: &Map<String, Value>, name: &String| record.get(name).is_some_and(|value| !value.is_null());
    match (verb, records.first()) {
        (Verb::Create, Some(record)) if !shape.secrets.is_empty() => {
            lab.notes.ran("create.secret");
            let remedy = "answer with it: this is the one time that the host shows it";
            for secret in shape.secrets.iter().filter(|secret| !is_there(record, secret)) {
                lab.notes.warn("create.secret", format!("the record of a new credential has no `{secret}`"), remedy);
            }
        }
        (Verb::Get | Verb::List, Some(record)) => {
            lab.notes.ran("get.once");
            for secret in shape.once.iter().filter(|secret| is_there(record, secret)) {
                let what = format!("`{verb}` answers with `{secret}`, which the service doesn't give any more");
                lab.notes.fail("get.once", what, "leave it out, or make it `null`");
            }
        }
        _ => {}
    }
    if let (Verb::Get, Some(record), Some(id)) = (verb, records.first(), &given.id)
        && lab.reads_the_double(verb)
        && record.get(&shape.id).is_none_or(|own| own != id.as_str())
    {
        let shown = record.get(&shape.id).cloned().unwrap_or_default();
        let what = format!("it was asked for `{id}`, and answered with the id {shown}");
        lab.notes.fail("get.record", what, "name the service's own id as `record.id`");
    }
}

/// Verbs that aren't declared must not be there.
pub(super) fn missing(lab: &mut Lab<'_>) {
    lab.fresh();
    let missing: Vec<Verb> = Verb::ALL.iter().copied().filter(|verb| lab.spec(*verb).is_none()).collect();
    if missing.is_empty() {
        lab.notes.skip("verbs.missing", "every verb is declared");
    }
    for verb in missing {
        lab.notes.ran("verbs.missing");
        let given = Given { id: verb.takes_id().then(|| lab.id(verb)), ..Given::default() };
        let came = match lab.run(verb, &given, Some("verbs.missing")).came {
            Came::Refused(error) if error.code == ErrorCode::UnknownVerb => continue,
            Came::Refused(error) => format!("the error `{}`: {}", error.code, error.message),
            Came::Answered { .. } => "an answer".to_owned(),
            Came::Broke => continue,
        };
        let what = format!("`{verb}`, which the manifest doesn't declare, came to {came}");
        lab.notes.fail("verbs.missing", what, format!("declare `[verbs.{verb}]`, or leave the verb out"));
    }
}

/// Each option by itself, each word of an enum, and all that can stand together. They can be refused, but never be misunderstood.
pub(super) fn options(lab: &mut Lab<'_>) {
    lab.fresh();
    for verb in ORDER {
        let Some(spec) = lab.spec(verb).filter(|spec| !spec.args.is_empty()) else { continue };
        if lab.skips_broken(verb, &["verbs.options"]) {
            continue;
        }
        lab.notes.ran("verbs.options");
        // Beside what works, if something does: a kind that refuses the rest doesn't look at the option.
        let required = || values::together(spec.args.iter().filter(|arg| arg.required), now());
        let beside = lab.works.get(&verb).cloned().unwrap_or_else(required);
        let mut sets = vec![values::together(spec.args.iter(), now())];
        for arg in &spec.args {
            let one = values::good(arg, now());
            let words = arg.values.iter().map(|word| Value::from(word.as_str()));
            let values: Vec<Value> = if arg.kind == ArgType::Enum { words.collect() } else { vec![one.clone()] };
            sets.extend(values.into_iter().map(|value| values::alone(spec, arg, &beside, value)));
            if arg.many {
                let mut twice = values::alone(spec, arg, &beside, one.clone());
                twice.insert(arg.key(), vec![one.clone(), one].into());
                sets.push(twice);
            }
        }
        for args in sets {
            let given = Given { id: verb.takes_id().then(|| lab.id(verb)), args, cursor: None };
            lab.run(verb, &given, Some("verbs.options"));
        }
    }
    if !lab.kind.manifest.verbs.values().any(|spec| !spec.args.is_empty()) {
        lab.notes.skip("verbs.options", "no verb has options");
    }
}

/// What is declared and was never asked for, by any call of the whole suite.
pub(super) fn unused(lab: &mut Lab<'_>) {
    for (verb, spec) in &lab.kind.manifest.verbs {
        // What doesn't work can't be expected to ask.
        if lab.skips_broken(*verb, &["calls.used"]) || !lab.works.contains_key(verb) {
            continue;
        }
        lab.notes.ran("calls.used");
        // How a credential is tried depends on what it says of itself.
        for call in spec.calls.iter().filter(|call| !call.tries(*verb) && !lab.host.has_used(*verb, call)) {
            let what = format!("{verb} never asked for `{call}`");
            let remedy =
                "leave it out of `calls`; if it is for a case that isn't made up here, write a script that leads there";
            if call.method.as_str() == "GET" {
                lab.notes.warn("calls.used", what, remedy);
            } else {
                lab.notes.fail("calls.used", what, remedy);
            }
        }
    }
    if lab.kind.manifest.verbs.keys().all(|verb| !lab.works.contains_key(verb)) {
        lab.notes.skip("calls.used", "no verb works");
    }
}
