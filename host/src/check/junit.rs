//! A report in JUnit's format, which build servers read. A warning counts as passed there, and stands in the output of its test.

use std::fmt::Write;

use super::report::{Check, Outcome, Report};
use crate::output::text::harmless_lines;

/// The text of the file.
pub(crate) fn text(report: &Report) -> String {
    let (tests, failures, skipped) =
        (report.checks.len(), report.count(Outcome::Failed), report.count(Outcome::Skipped));
    let file = report.file.file_name().unwrap_or_default().to_string_lossy();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = |tests: usize, failures: usize, skipped: usize| {
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"")
    };
    // Writing to a text can't fail.
    let _ = writeln!(xml, "<testsuites name=\"{}\" {}>", escaped(&file), counts(tests, failures, skipped));
    let facts: String = report
        .facts
        .iter()
        .map(|(word, what)| format!("      <property name=\"{word}\" value=\"{}\"/>\n", escaped(what)))
        .collect();
    let mut subjects: Vec<&str> = report.checks.iter().map(|check| check.subject).collect();
    subjects.dedup();
    for subject in subjects {
        let checks: Vec<&Check> = report.checks.iter().filter(|check| check.subject == subject).collect();
        let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
        let counts = counts(checks.len(), count(Outcome::Failed), count(Outcome::Skipped));
        let _ = writeln!(xml, "  <testsuite name=\"{subject}\" {counts}>");
        // What is known of the library stands where readers look for it: in a suite.
        if subject == "file" {
            let _ = write!(xml, "    <properties>\n{facts}    </properties>\n");
        }
        checks.iter().for_each(|check| case(&mut xml, &file, check));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, file: &str, check: &Check) {
    let _ = write!(xml, "    <testcase classname=\"{}\" name=\"{}\"", escaped(file), check.id);
    let lines = |check: &Check| {
        let found = check.findings.iter().map(|found| format!("{}\nhint: {}", found.what, found.remedy));
        let more = (check.more > 0).then(|| format!("and {} more like that", check.more));
        escaped(&found.chain(more).collect::<Vec<_>>().join("\n"))
    };
    let _ = match check.outcome {
        Outcome::Passed => writeln!(xml, "/>"),
        Outcome::Skipped => {
            let reason = escaped(check.reason.as_deref().unwrap_or_default());
            writeln!(xml, ">\n      <skipped message=\"{reason}\"/>\n    </testcase>")
        }
        Outcome::Failed => {
            let demand = escaped(&format!("the library must be one that {}", check.demand));
            writeln!(xml, ">\n      <failure message=\"{demand}\">{}</failure>\n    </testcase>", lines(check))
        }
        Outcome::Warned => writeln!(xml, ">\n      <system-out>{}</system-out>\n    </testcase>", lines(check)),
    };
}

/// Text for XML: five characters have names, and those that XML 1.0 doesn't have at all, or that would disturb a reader, are spelled out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in harmless_lines(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_text_in_xml() {
        assert_eq!(
            escaped("a<b> & \"c\" 'd'\0\u{1b}\u{202e}\u{ffff}"),
            "a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;\\u{0}\\u{1b}\\u{202e}\u{fffd}"
        );
    }
}
