//! Every check: its subject, its id, and in a line what it demands. The ids are for machines too, and stay.

/// One check.
pub(super) struct Demand {
    pub(super) subject: &'static str,
    pub(super) id: &'static str,
    /// As the end of a sentence that begins with the library.
    pub(super) text: &'static str,
}

macro_rules! demands {
    ($($subject:literal { $($id:literal $text:literal;)* })*) => {
        &[$($(Demand { subject: $subject, id: $id, text: $text },)*)*]
    };
}

/// All of them, in the order in which they are shown.
pub(super) const DEMANDS: &[Demand] = demands! {
    "file" {
        "file.name" "is called after its kind";
        "file.library" "is a shared library for this machine";
        "file.needs" "needs no libraries but the C library's";
        "file.glibc" "runs where glibc is 2.31 or newer";
        "file.stripped" "holds nothing for debuggers";
        "file.package" "says its version and its licence";
    }
    "manifest" {
        "manifest.reads" "has a manifest that carto accepts";
        "manifest.examples" "has examples that are of their type";
        "manifest.texts" "has short texts, one line, without a full stop";
        "manifest.env" "has a variable for each secret";
        "manifest.label" "has a label if names are looked up";
        "manifest.verbs" "has what its verbs stand on";
        "manifest.services" "uses each service that it declares";
    }
    "opening" {
        "load.confined" "is tested at the level `confined`";
        "load.opens" "opens, within a second";
        "load.quiet" "prints nothing when it is opened";
    }
    "verbs" {
        "create.record" "creates, and answers with a record";
        "create.secret" "shows the secret of a new credential";
        "list.page" "lists records";
        "get.record" "gets a record";
        "get.once" "has no secret later that is given only once";
        "update.record" "updates, and answers with a record";
        "delete.answer" "deletes, and answers with a record or nothing";
        "verify.answer" "tries, and answers with checks";
        "verbs.missing" "answers `unknown_verb` to all other verbs";
        "verbs.options" "takes each option that it declares";
    }
    "requests" {
        "calls.declared" "asks for nothing that it doesn't declare";
        "calls.used" "declares nothing that it never asks for";
    }
    "ids" {
        "ids.absent" "answers `not_found` to an id that isn't there";
        "ids.exact" "takes an id before a name that is the same";
        "ids.ambiguous" "doesn't choose between two of one name";
        "ids.segment" "sends an id as it is, in one segment";
        "ids.credential" "shows no credential that is typed as an id";
    }
    "lists" {
        "list.pages" "lists every page once, to the end";
        "list.empty" "goes on behind an empty page";
        "list.others" "lists the others beside a broken one";
    }
    "service" {
        "trouble.host" "passes the host's errors on";
        "trouble.statuses" "gives each refusal its error code";
        "trouble.shapes" "has an error for answers of another shape";
        "trouble.writes" "writes nothing after a failed write";
    }
    "input" {
        "inputs.odd" "takes or refuses any text and number";
        "inputs.named" "names the argument that it refuses";
    }
    "running" {
        "run.survives" "never panics, crashes or is stopped";
        "run.quiet" "prints nothing";
        "time.deadline" "ends each call before its deadline";
        "time.second" "takes less than a second for a call";
    }
    "secrets" {
        "secrets.record" "shows secrets in fields declared as such only";
        "secrets.texts" "has no secret in errors, hints and warnings";
        "secrets.prints" "prints no secret";
        "secrets.requests" "puts no secret into a path or a query unmarked";
    }
    "texts" {
        "texts.errors" "has errors of one line without a full stop";
        "texts.hints" "says what to do when it refuses";
    }
};

/// The place of a check.
pub(super) fn place(id: &str) -> Option<usize> {
    DEMANDS.iter().position(|demand| demand.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_check_is_one_line_of_a_narrow_terminal_and_of_the_page_for_vendors() {
        let page = include_str!("../../../docs/plugin-check.md");
        let mut ids = BTreeSet::new();
        for Demand { id, text, .. } in DEMANDS {
            assert!(ids.insert(id), "{id} is there twice");
            assert!(id.len() <= 17 && text.len() <= 50, "{id}: {text}");
            let is_told = ["", " *w*"].iter().any(|mark| page.contains(&format!("| `{id}`{mark} | {text} |")));
            assert!(is_told, "docs/plugin-check.md doesn't say `{id}`: {text}");
        }
    }
}
