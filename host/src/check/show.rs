//! A report for people: what is known of the library, the checks by subject, what was found in full, and a line with the numbers.

use std::collections::BTreeMap;

use super::report::{Check, Outcome, Report};
use crate::output::text::harmless;

/// Where lines are broken.
const WIDTH: usize = 80;

/// Up to so many checks that were skipped for one reason are shown by themselves, and of more than so many not even the ids.
const FEW: usize = 3;
const MOST_NAMED: usize = 20;

/// The text of a report.
pub(crate) fn text(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&harmless(&report.file.display().to_string()));
    for (word, what) in &report.facts {
        wrapped(&format!("  {word:<10}"), 12, what).iter().for_each(|part| line(part));
    }
    let groups = alike(report);
    let is_grouped = |check: &Check| check.reason.as_deref().is_some_and(|reason| groups.contains_key(reason));
    let mut subject = "";
    for check in report.checks.iter().filter(|check| !is_grouped(check)) {
        if check.subject != subject {
            subject = check.subject;
            line("");
            line(subject);
        }
        line(&format!("  {:<8} {:<17}  {}", check.outcome.as_str(), check.id, check.demand));
    }
    for outcome in [Outcome::Skipped, Outcome::Warned, Outcome::Failed] {
        let mut checks: Vec<&Check> =
            report.checks.iter().filter(|check| check.outcome == outcome && !is_grouped(check)).collect();
        if outcome == Outcome::Failed {
            checks.sort_by_key(|check| check.rank());
        }
        for check in checks {
            line("");
            found(check).iter().for_each(|part| line(part));
        }
        if outcome == Outcome::Skipped {
            for (reason, ids) in &groups {
                line("");
                wrapped("", 2, &format!("{} skipped: {reason}", ids.len())).iter().for_each(|part| line(part));
                if ids.len() <= MOST_NAMED {
                    wrapped("  ", 2, &ids.join(", ")).iter().for_each(|part| line(part));
                }
            }
        }
    }
    line("");
    line(&summary(report));
    text
}

/// The checks that were skipped for one reason, if they are more than a few.
fn alike(report: &Report) -> BTreeMap<&str, Vec<&'static str>> {
    let mut groups: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for check in &report.checks {
        if let Some(reason) = &check.reason {
            groups.entry(reason).or_default().push(check.id);
        }
    }
    groups.retain(|_, ids| ids.len() > FEW);
    groups
}

/// What was found by one check.
fn found(check: &Check) -> Vec<String> {
    let mut lines = vec![format!("{} {}: {}", check.outcome.as_str(), check.id, check.demand)];
    if let Some(reason) = &check.reason {
        lines.extend(wrapped("  ", 2, reason));
    }
    for finding in &check.findings {
        lines.extend(wrapped("  ", 2, &finding.what));
        lines.extend(wrapped("  hint: ", 8, &finding.remedy));
    }
    if check.more > 0 {
        lines.push(format!("  and {} more like that", check.more));
    }
    lines
}

/// `41 passed, 1 failed, 2 warned, 3 skipped`
fn summary(report: &Report) -> String {
    let counts = Outcome::ALL.iter().map(|outcome| format!("{} {}", report.count(*outcome), outcome.as_str()));
    counts.collect::<Vec<_>>().join(", ")
}

/// A text in lines of the terminal's width, the first behind `first`, the others behind so many spaces.
fn wrapped(first: &str, indent: usize, text: &str) -> Vec<String> {
    let mut lines = vec![first.to_owned()];
    let mut is_empty = true;
    for word in harmless(text).split(' ') {
        let fits = lines.last().is_none_or(|line| line.chars().count() + 1 + word.chars().count() <= WIDTH);
        if !is_empty && !fits {
            lines.push(" ".repeat(indent));
            is_empty = true;
        }
        if let Some(line) = lines.last_mut() {
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_empty = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_at_spaces() {
        let text = format!("{} {}", "word ".repeat(20).trim_end(), "x".repeat(100));
        let lines = wrapped("  hint: ", 8, &text);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("  hint: word word") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("        word") && lines[2].trim_start().len() == 100);
    }
}
