//! Checks of what people and scripts pass on without looking: odd texts and numbers in options, ids and cursors.

use carto_plugin_api::{Error, ErrorCode, Verb};

use super::lab::{Came, Given, Lab, described};
use super::values;

/// Looks at what comes of them.
pub(super) fn check(lab: &mut Lab<'_>) {
    lab.fresh();
    let verbs = lab.working();
    if verbs.is_empty() {
        lab.notes.skip("inputs.odd", "no verb works");
        lab.notes.skip("inputs.named", "no verb works");
    }
    for verb in verbs {
        let Some(spec) = lab.spec(verb).filter(|_| !lab.skips_broken(verb, &["inputs.odd", "inputs.named"])) else {
            continue;
        };
        for arg in &spec.args {
            for value in values::odd(arg) {
                let usual = usual(lab, verb);
                let args = values::alone(spec, arg, &usual.args, value);
                odd(lab, verb, &Given { args, ..usual });
            }
        }
        for text in values::odd_texts() {
            let usual = usual(lab, verb);
            match verb {
                Verb::List => odd(lab, verb, &Given { cursor: Some(text), ..usual }),
                // The host lets none of these through, and nothing longer.
                _ if verb.takes_id() && !matches!(text.as_str(), "" | "." | "..") && text.len() <= 4096 => {
                    odd(lab, verb, &Given { id: Some(text), ..usual });
                }
                _ => {}
            }
        }
    }
}

/// A call that works. What came of the one before is gone, so that nothing odd stays in the service.
fn usual(lab: &mut Lab<'_>, verb: Verb) -> Given {
    lab.clear();
    lab.given(verb)
}

fn odd(lab: &mut Lab<'_>, verb: Verb, given: &Given) {
    lab.notes.ran("inputs.odd");
    if let Came::Refused(error) = lab.run(verb, given, Some("inputs.odd")).came {
        named(lab, verb, given, &error);
    }
}

/// A refusal of an argument says of which, by its name in the manifest.
fn named(lab: &mut Lab<'_>, verb: Verb, given: &Given, error: &Error) {
    if error.code != ErrorCode::InvalidArgument && error.argument.is_none() {
        return;
    }
    lab.notes.ran("inputs.named");
    let is_declared = |name: &str| {
        let name = name.replace('_', "-");
        lab.spec(verb).is_some_and(|spec| spec.args.iter().any(|arg| arg.name == name))
    };
    match &error.argument {
        Some(name) if is_declared(name) => {}
        Some(name) => {
            let what = format!("{}: it refuses `--{name}`, which {verb} doesn't have", described(verb, given));
            lab.notes.fail("inputs.named", what, "name the option as the manifest does, in `Error::argument`");
        }
        // An id is no option.
        None if given.args.is_empty() => {}
        None => {
            let what = format!("{}: `{}` names no option", described(verb, given), error.message);
            lab.notes.warn("inputs.named", what, "use `Error::argument` with the option's name");
        }
    }
}
