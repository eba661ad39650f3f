//! Checks of lists over several pages.

use std::collections::BTreeSet;

use carto_plugin_api::Verb;
use serde_json::json;

use super::lab::{Came, Given, Lab};

/// A kind that goes on for longer than this goes on for ever.
const MOST_PAGES: usize = 20;

/// Looks at lists.
pub(super) fn check(lab: &mut Lab<'_>) {
    lab.fresh();
    let all = ["list.pages", "list.empty", "list.others"];
    if lab.skips_broken(Verb::List, &all) {
        return;
    }
    let why = match lab.works.contains_key(&Verb::List) {
        false => Some("list doesn't work"),
        true if !lab.reads_the_double(Verb::List) => Some("the script answers the list"),
        true => None,
    };
    if let Some(why) = why {
        all.iter().for_each(|id| lab.notes.skip(id, why));
        // The script's own pages can still be walked through.
        if lab.works.contains_key(&Verb::List) {
            scripted(lab);
        }
        return;
    }
    if !walk(lab, "list.pages", &[2, 2, 1]) {
        lab.notes.skip("list.empty", "no second page is asked for");
    } else {
        walk(lab, "list.empty", &[2, 0, 2]);
    }
    others(lab);
}

/// Walks through pages of these sizes. Whether a second page was asked for at all.
fn walk(lab: &mut Lab<'_>, check: &'static str, sizes: &[usize]) -> bool {
    lab.clear();
    let ids: Vec<String> = lab.host.with_double(|double| {
        let ids = sizes.iter().flat_map(|size| 0..*size).map(|_| double.seed(None, None)).collect();
        double.pages = sizes.to_vec();
        ids
    });
    let Some((listed, pages)) = pages(lab, check) else { return true };
    if pages == 1 && listed.len() < ids.len() && lab.script.service.next.is_none() {
        // It may be that the service has no pages, or spells it in a way that isn't known here.
        lab.notes
            .skip(check, "no second page was asked for; if your service has pages, say `[service] next` in a script");
        return false;
    }
    lab.notes.ran(check);
    if listed != ids {
        let missing: Vec<&String> = ids.iter().filter(|id| !listed.contains(id)).collect();
        let what = match missing.as_slice() {
            [] => "the items came twice, or in another order than the service has them".to_owned(),
            missing => format!(
                "pages of {sizes:?} items were there, and {} of {} items weren't listed",
                missing.len(),
                ids.len()
            ),
        };
        let remedy = "answer with the service's `next` as `next`, whatever the page holds, and send it back as it is";
        lab.notes.fail(check, what, remedy);
    }
    true
}

/// All ids of all pages, and how many pages there were; nothing if it broke.
fn pages(lab: &mut Lab<'_>, check: &'static str) -> Option<(Vec<String>, usize)> {
    let mut given = lab.given(Verb::List);
    let (mut listed, mut seen) = (Vec::new(), BTreeSet::new());
    for page in 1..=MOST_PAGES {
        match lab.run(Verb::List, &given, None).came {
            Came::Answered { records, next } => {
                let id = &lab.kind.manifest.record.id;
                listed.extend(records.iter().filter_map(|record| record[id].as_str()).map(str::to_owned));
                given.cursor = next;
            }
            Came::Refused(error) => {
                let remedy = "send the address of the page to the service as it came";
                lab.notes.fail(check, format!("page {page} was refused: {}", error.message), remedy);
                return None;
            }
            Came::Broke => {
                lab.skip_broken(Verb::List, &[check]);
                return None;
            }
        }
        let Some(next) = &given.cursor else { return Some((listed, page)) };
        if !seen.insert(next.clone()) {
            break;
        }
    }
    let remedy = "take `next` out of the service's answer; a last page has none";
    lab.notes.fail(check, "it lists pages for ever", remedy);
    None
}

fn scripted(lab: &mut Lab<'_>) {
    let Some((listed, count)) = pages(lab, "list.pages") else { return };
    if count > 1 {
        lab.notes.ran("list.pages");
        let ids: BTreeSet<&String> = listed.iter().collect();
        if ids.len() < listed.len() {
            lab.notes.fail("list.pages", "an id is listed twice", "send the address of the next page as it came");
        }
    }
}

/// One object that can't be read must not hide the others.
fn others(lab: &mut Lab<'_>) {
    lab.clear();
    let (good, bad) = lab.host.with_double(|double| (double.seed(None, None), double.seed(None, None)));
    lab.host.with_double(|double| {
        double.spoil(&bad, |fields| fields.values_mut().for_each(|value| *value = json!({ "odd": 1 })))
    });
    let given = Given { cursor: None, ..lab.given(Verb::List) };
    let ran = lab.run(Verb::List, &given, Some("trouble.shapes"));
    let hides = match &ran.came {
        Came::Answered { records, .. } => !super::verbs::has(lab, records, &good),
        Came::Refused(_) => true,
        Came::Broke => return lab.skip_broken(Verb::List, &["list.others"]),
    };
    lab.notes.ran("list.others");
    if hides {
        let what = "the service lists one object that can't be read and one that can, and neither is listed";
        let remedy = "read the items one by one, and leave one that can't be read out with `Host::warn`";
        lab.notes.warn("list.others", what, remedy);
    }
}
