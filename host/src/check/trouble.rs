//! Checks of a service's bad days: errors of the host, refusals, and answers that aren't what they should be.

use carto_plugin_api::{ErrorCode, Verb};
use serde_json::{Value, json};

use super::canary;
use super::host::{Mood, Which};
use super::lab::{Came, Lab, described};

/// Looks at what comes of them.
pub(super) fn check(lab: &mut Lab<'_>) {
    lab.fresh();
    let verbs = lab.working();
    if verbs.is_empty() {
        for id in ["trouble.host", "trouble.statuses", "trouble.shapes"] {
            lab.notes.skip(id, "no verb works");
        }
    }
    for verb in verbs {
        if !lab.skips_broken(verb, &["trouble.host"]) {
            host(lab, verb);
        }
        if !lab.skips_broken(verb, &["trouble.statuses"]) {
            statuses(lab, verb);
        }
        if !lab.skips_broken(verb, &["trouble.shapes"]) {
            shapes(lab, verb);
        }
    }
}

/// A verb that only reads meets trouble at once; another when it writes too.
fn moments(verb: Verb) -> &'static [Which] {
    if verb.only_reads() { &[Which::All] } else { &[Which::All, Which::Writes] }
}

/// What the host says must reach the user: its code says what to do, and whether anything was changed.
fn host(lab: &mut Lab<'_>, verb: Verb) {
    let codes = [
        ErrorCode::NotSignedIn,
        ErrorCode::RateLimited,
        ErrorCode::Unavailable,
        ErrorCode::Unreachable,
        ErrorCode::OutcomeUnknown,
    ];
    for (which, code) in moments(verb).iter().flat_map(|which| codes.map(|code| (*which, code))) {
        // Only a write can have an unknown outcome.
        if code == ErrorCode::OutcomeUnknown && which == Which::All {
            continue;
        }
        lab.clear();
        let given = lab.given(verb);
        lab.host.set_mood(Mood::Fails(which, code));
        let ran = lab.run(verb, &given, None);
        if ran.record.seen.iter().all(|seen| seen.status.is_some()) {
            // It met none.
            continue;
        }
        if !matches!(ran.came, Came::Broke) {
            lab.notes.ran("trouble.host");
        }
        let came = match ran.came {
            Came::Refused(error) if error.code == code => continue,
            Came::Refused(error) => format!("`{}`: {}", error.code, error.message),
            Came::Answered { .. } => "a success".to_owned(),
            Came::Broke => {
                lab.skip_broken(verb, &["trouble.host"]);
                continue;
            }
        };
        let what = format!("{}: the host's error `{code}` became {came}", described(verb, &given));
        lab.notes.fail("trouble.host", what, "pass the error of `Host::call` on, with `?`");
    }
}

/// The codes that fit a refusal.
fn fitting(status: u16) -> &'static [ErrorCode] {
    use ErrorCode::{Conflict, Forbidden, InvalidArgument, NotFound, RefusedByService, Usage, WrongCredential};
    match status {
        403 => &[Forbidden, WrongCredential],
        404 => &[NotFound],
        409 => &[Conflict, InvalidArgument],
        _ => &[RefusedByService, InvalidArgument, Conflict, Usage],
    }
}

fn statuses(lab: &mut Lab<'_>, verb: Verb) {
    for (which, status) in
        moments(verb).iter().flat_map(|which| [400, 403, 404, 409, 422].map(|status| (*which, status)))
    {
        lab.clear();
        let given = lab.given(verb);
        lab.host.set_mood(Mood::Refuses(which, status));
        let ran = lab.run(verb, &given, None);
        if !ran.record.seen.iter().any(|seen| seen.status == Some(status)) {
            continue;
        }
        if !matches!(ran.came, Came::Broke) {
            lab.notes.ran("trouble.statuses");
        }
        let fitting = fitting(status);
        let came = match ran.came {
            Came::Refused(error) if fitting.contains(&error.code) => continue,
            // A list or a collection that isn't there isn't a credential that isn't there.
            Came::Refused(_) if status == 404 && !verb.takes_id() => continue,
            Came::Refused(error) => format!("`{}`: {}", error.code, error.message),
            Came::Answered { .. } => "a success".to_owned(),
            Came::Broke => {
                lab.skip_broken(verb, &["trouble.statuses"]);
                continue;
            }
        };
        let codes: Vec<String> = fitting.iter().map(|code| format!("`{code}`")).collect();
        let what = format!("{}: a refusal with {status} became {came}", described(verb, &given));
        let remedy = format!("make it {}; `Response::ok` does", codes.join(" or "));
        lab.notes.fail("trouble.statuses", what, remedy);
    }
}

/// Answers of another shape. What a kind makes of them is its affair, as long as it is a record or an error.
fn shapes(lab: &mut Lab<'_>, verb: Verb) {
    let deep = (0..100).fold(json!(1), |inside, _| json!([inside]));
    let bodies = [
        None,
        Some(Value::Null),
        Some(json!([])),
        Some(json!({})),
        Some(json!("text")),
        Some(json!(7)),
        Some(json!([null, 7, "x", [[]]])),
        Some(deep),
        Some("x".repeat(1024 * 1024).into()),
    ];
    let twists: [fn(&mut Value); 6] = [numbers, texts, nulls, without_ids, secrets, long];
    let moods = moments(verb).iter().flat_map(|which| {
        let answers = bodies.iter().map(|body| Mood::Answers(*which, body.clone()));
        answers.chain(twists.map(|twist| Mood::Twists(*which, twist)))
    });
    lab.notes.ran("trouble.shapes");
    for mood in moods.collect::<Vec<_>>() {
        lab.clear();
        let given = lab.given(verb);
        lab.host.set_mood(mood);
        if let Came::Refused(error) = lab.run(verb, &given, Some("trouble.shapes")).came
            && matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::UnknownVerb | ErrorCode::NotSignedIn)
        {
            let what = format!(
                "{}: an answer of another shape became `{}`: {}",
                described(verb, &given),
                error.code,
                error.message
            );
            lab.notes.fail("trouble.shapes", what, "make it `unexpected_answer`: `Response::json` does");
        }
    }
}

/// Puts something in place of each value that isn't an object or a list of them.
fn replace(value: &mut Value, with: &impl Fn(&str, &Value) -> Option<Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match with(name, value) {
                    Some(other) => *value = other,
                    None => replace(value, with),
                }
            }
        }
        _ => {}
    }
}

fn numbers(body: &mut Value) {
    replace(body, &|_, value| value.is_string().then(|| 7.into()));
}

fn texts(body: &mut Value) {
    replace(body, &|_, value| (!value.is_string()).then(|| "text".into()));
}

fn nulls(body: &mut Value) {
    replace(body, &|_, value| (!value.is_object() && !value.is_array()).then_some(Value::Null));
}

fn without_ids(body: &mut Value) {
    replace(body, &|name, _| name.to_lowercase().ends_with("id").then_some(Value::Null));
}

/// The secret stands where a list or an object belongs, so that a message about its type would quote it.
fn secrets(body: &mut Value) {
    replace(body, &|_, value| {
        let is_something_else = value.is_number() || value.is_boolean() || value.as_array().is_some_and(Vec::is_empty);
        is_something_else.then(|| canary::of_record(1).into())
    });
}

fn long(body: &mut Value) {
    replace(body, &|name, value| {
        (value.is_string() && !name.to_lowercase().ends_with("id")).then(|| "x".repeat(16 * 1024).into())
    });
}
