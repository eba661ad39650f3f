//! Checks of what a person types to name a credential: ids that aren't there, that aren't only one's, that look odd, that are credentials.

use carto_plugin_api::{ErrorCode, Verb};

use super::canary;
use super::lab::{Came, Given, Lab, described};
use super::verbs::has;

/// An id that nobody has.
const ABSENT: &str = "no-such-credential-in-this-check";
/// A name that two have.
const TWIN: &str = "Twin of the check";
/// Ids in which something could be taken for something else.
const ODD: [&str; 11] =
    ["a/b", "../up", "..%2fup", "with space", "Zürich 東京", "100%", "a?b=c", "a#b", "a;b&c=d", "@there", "--id"];

/// Looks at ids.
pub(super) fn check(lab: &mut Lab<'_>) {
    lab.fresh();
    let verbs: Vec<Verb> = lab.working().into_iter().filter(|verb| verb.takes_id()).collect();
    if verbs.is_empty() {
        for id in ["ids.absent", "ids.exact", "ids.ambiguous", "ids.segment", "ids.credential"] {
            lab.notes.skip(id, "no verb that takes an id works");
        }
        return;
    }
    for verb in verbs {
        absent(lab, verb);
        credential(lab, verb);
        if lab.skips_broken(verb, &["ids.exact", "ids.ambiguous", "ids.segment"]) {
            continue;
        }
        if !lab.reads_the_double(verb) || lab.script.ids.contains_key(&verb) {
            for id in ["ids.exact", "ids.ambiguous", "ids.segment"] {
                lab.notes.skip(id, "the script answers what is read");
            }
            continue;
        }
        ambiguous(lab, verb);
        exact(lab, verb);
        odd(lab, verb);
    }
}

/// The call of a verb about that id.
fn about(lab: &mut Lab<'_>, verb: Verb, id: &str) -> Given {
    Given { id: Some(id.to_owned()), ..lab.given(verb) }
}

fn absent(lab: &mut Lab<'_>, verb: Verb) {
    if lab.skips_broken(verb, &["ids.absent"]) {
        return;
    }
    lab.clear();
    lab.host.with_double(|double| double.absent = vec![ABSENT.to_owned()]);
    let given = about(lab, verb, ABSENT);
    let came = match lab.run(verb, &given, None).came {
        Came::Refused(error) if error.code == ErrorCode::NotFound => return lab.notes.ran("ids.absent"),
        Came::Refused(error) => format!("the error `{}`: {}", error.code, error.message),
        Came::Answered { .. } => "a success".to_owned(),
        Came::Broke => return lab.skip_broken(verb, &["ids.absent"]),
    };
    let what = format!("{} came to {came}", described(verb, &given));
    lab.notes.fail("ids.absent", what, "answer with `ErrorCode::NotFound`; for a 404 `Response::ok` does");
}

/// Two of one name: the kind must not choose. Whether it takes names at all is seen with one.
fn ambiguous(lab: &mut Lab<'_>, verb: Verb) {
    if lab.kind.manifest.record.label.is_none() {
        lab.notes.skip("ids.ambiguous", "the record has no label");
        lab.notes.skip("ids.exact", "the record has no label");
        return;
    }
    lab.clear();
    lab.host.with_double(|double| double.seed(None, Some(TWIN)));
    let given = about(lab, verb, TWIN);
    match lab.run(verb, &given, None).came {
        Came::Answered { .. } => {}
        Came::Refused(_) => return lab.notes.skip("ids.ambiguous", "no verb takes a name"),
        Came::Broke => return lab.skip_broken(verb, &["ids.ambiguous"]),
    }
    lab.clear();
    lab.host.with_double(|double| (double.seed(None, Some(TWIN)), double.seed(None, Some(TWIN))));
    let ran = lab.run(verb, &given, None);
    let came = match ran.came {
        Came::Refused(error) if error.code == ErrorCode::Ambiguous => return lab.notes.ran("ids.ambiguous"),
        Came::Refused(error) => format!("the error `{}`: {}", error.code, error.message),
        Came::Answered { .. } => "a success, about one of them".to_owned(),
        Came::Broke => return lab.skip_broken(verb, &["ids.ambiguous"]),
    };
    let what = format!("two are called `{TWIN}`, and {} came to {came}", described(verb, &given));
    let remedy =
        "look for others before you take the first; several are `ErrorCode::Ambiguous`, with their ids in the message";
    lab.notes.fail("ids.ambiguous", what, remedy);
}

/// An id that is also another's name means the one whose id it is.
fn exact(lab: &mut Lab<'_>, verb: Verb) {
    if lab.kind.manifest.record.label.is_none() || lab.skips_broken(verb, &["ids.exact"]) {
        return;
    }
    lab.clear();
    let id = lab.host.with_double(|double| {
        // Whichever comes first in the list.
        let id = double.seed(None, None);
        double.clear();
        double.seed(None, Some(&id));
        double.seed(Some(&id), None);
        double.seed(None, Some(&id));
        id
    });
    let given = about(lab, verb, &id);
    let ran = lab.run(verb, &given, None);
    let wrong = match &ran.came {
        Came::Answered { records, .. } if records.is_empty() || has(lab, records, &id) => None,
        Came::Answered { .. } => Some("a record of another id".to_owned()),
        Came::Refused(error) => Some(format!("the error `{}`: {}", error.code, error.message)),
        Came::Broke => return lab.skip_broken(verb, &["ids.exact"]),
    };
    lab.notes.ran("ids.exact");
    let sent =
        ran.record.seen.iter().filter(|seen| seen.writes).flat_map(|seen| &seen.open).find(|(sent, _)| *sent != id);
    let wrong = wrong.or_else(|| sent.map(|(sent, _)| format!("a write about `{sent}`")));
    if let Some(came) = wrong {
        let what =
            format!("`{id}` is the id of one and the name of others, and {} came to {came}", described(verb, &given));
        lab.notes.fail("ids.exact", what, "look for an exact id first, and for a name only if there is none");
    }
}

/// What is in an id stays in it: it is sent as it was typed, or not at all.
fn odd(lab: &mut Lab<'_>, verb: Verb) {
    if lab.host.with_double(|double| double.has_numbers()) {
        lab.notes.skip("ids.segment", "ids are numbers");
        return;
    }
    for id in ODD {
        if lab.skips_broken(verb, &["ids.segment"]) {
            return;
        }
        lab.clear();
        let others: Vec<String> = lab.host.with_double(|double| {
            double.seed(Some(id), None);
            vec![double.seed(None, None)]
        });
        let given = about(lab, verb, id);
        let ran = lab.run(verb, &given, None);
        if matches!(ran.came, Came::Broke) {
            lab.skip_broken(verb, &["ids.segment"]);
            continue;
        }
        lab.notes.ran("ids.segment");
        let sent = ran
            .record
            .seen
            .iter()
            .filter(|seen| !seen.tries)
            .flat_map(|seen| seen.open.iter().map(move |(text, _)| (seen, text)));
        let changed = sent.clone().find(|(_, text)| *text != id && !others.contains(text));
        let wrong = match (&ran.came, changed) {
            (_, Some((seen, _))) => Some(format!("`{}` was asked for", seen.shown)),
            (Came::Refused(error), None) if error.code == ErrorCode::NotFound && sent.count() > 0 => {
                Some("it wasn't found, though it is there".to_owned())
            }
            (Came::Answered { records, .. }, None) if !records.is_empty() && !has(lab, records, id) => {
                Some("another was found".to_owned())
            }
            _ => None,
        };
        if let Some(came) = wrong {
            let what = format!("{}: {came}", described(verb, &given));
            let remedy = "put it into the path with `segment`, as it is: the host encodes it";
            lab.notes.fail("ids.segment", what, remedy);
        }
    }
}

/// A token in place of an id. What is shown of it is judged with every text; here it is only typed.
fn credential(lab: &mut Lab<'_>, verb: Verb) {
    if lab.skips_broken(verb, &["ids.credential"]) {
        return;
    }
    lab.clear();
    lab.host.with_double(|double| double.absent = vec![canary::typed()]);
    let given = about(lab, verb, &canary::typed());
    let ran = lab.run(verb, &given, None);
    if matches!(ran.came, Came::Broke) {
        return lab.skip_broken(verb, &["ids.credential"]);
    }
    lab.notes.ran("ids.credential");
    if let Came::Answered { records, .. } = &ran.came
        && records.iter().any(|record| canary::found(&record[&lab.kind.manifest.record.id].to_string()).is_some())
    {
        let remedy = "answer with an id that isn't a credential: everything shows it";
        lab.notes.fail("ids.credential", format!("{verb} has a token as the id of its record"), remedy);
    }
}
