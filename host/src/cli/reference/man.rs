//! Man pages, one a command. What a page says of options is clap_mangen's; the rest is said here.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{Entry, notes};
use crate::kinds::Kind;

/// A page of section 1.
pub(crate) struct Page {
    /// The name of its file.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// The pages of a tree with these kinds, of this date (none if it is empty).
pub(crate) fn pages(kinds: &[Kind], date: &str) -> std::io::Result<Vec<Page>> {
    let mut pages = Vec::new();
    collect(&Entry::root(kinds), None, date, &mut pages)?;
    Ok(pages)
}

fn collect(entry: &Entry, above: Option<&Entry>, date: &str, pages: &mut Vec<Page>) -> std::io::Result<()> {
    pages.push(Page { file: format!("{}.1", entry.words.join("-")), text: page(entry, above, date)? });
    entry.below.iter().try_for_each(|inner| collect(inner, Some(entry), date, pages))
}

fn page(entry: &Entry, above: Option<&Entry>, date: &str) -> std::io::Result<String> {
    let mut page = beginning(entry, date).render();
    let mut options = Vec::new();
    Man::new(with_facts(&entry.command)).render_options_section(&mut options)?;
    page.push_str(&without_preamble(&String::from_utf8_lossy(&options)));
    let mut roff = Roff::new();
    if !entry.below.is_empty() {
        below(entry, &mut roff);
    }
    if entry.below.is_empty() && entry.command.get_after_help().is_some() {
        as_it_stands(entry, &mut roff);
    }
    match above {
        None => notes::of_the_program(&mut roff),
        Some(above) => see_also(above, &mut roff),
    }
    page.push_str(&without_preamble(&roff.render()));
    Ok(page)
}

/// How an apostrophe is written is defined once a page.
fn without_preamble(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A command whose options say in a sentence what a list of values would.
fn with_facts(command: &Command) -> Command {
    command.clone().mut_args(|arg| {
        let (help, takes_value) = (super::help(&arg), super::value(&arg).is_some());
        let arg = arg.help(help);
        if takes_value { arg.hide_possible_values(true).hide_default_value(true) } else { arg }
    })
}

/// The title, NAME, SYNOPSIS and DESCRIPTION.
fn beginning(entry: &Entry, date: &str) -> Roff {
    let name = entry.words.join("-");
    let mut roff = Roff::new();
    let date = if date.is_empty() { "\"\"" } else { date };
    // What stands in the middle of the first line has to fit between two long names.
    roff.control("TH", [&name.to_uppercase(), "1", date, concat!("carto ", env!("CARGO_PKG_VERSION")), "carto"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", entry.summary))]);
    roff.control("SH", ["SYNOPSIS"]);
    let (usage, words) = (entry.usage(), entry.words.join(" "));
    let rest = usage.strip_prefix(&words).unwrap_or(&usage);
    roff.text([bold(&words), roman(rest)]);
    roff.control("SH", ["DESCRIPTION"]);
    for (i, sentence) in entry.command.get_before_help().into_iter().chain(entry.command.get_about()).enumerate() {
        if i > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(format!("{sentence}."))]);
    }
    roff
}

/// The commands below one, each with the name of its page.
fn below(entry: &Entry, roff: &mut Roff) {
    let heading = entry.command.get_subcommand_help_heading().unwrap_or("Commands");
    roff.control("SH", [heading.to_uppercase().as_str()]);
    for inner in &entry.below {
        roff.control("TP", []);
        roff.text([bold(inner.words.join("-")), roman("(1)")]);
        roff.text([roman(super::about(&inner.command))]);
    }
}

/// What stands below the help of a command, with its lines as they are.
fn as_it_stands(entry: &Entry, roff: &mut Roff) {
    roff.control("SH", ["NOTES"]);
    roff.control("nf", []);
    let text = entry.command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn see_also(above: &Entry, roff: &mut Roff) {
    roff.control("SH", ["SEE ALSO"]);
    let mut pages = vec![bold("carto"), roman("(1)")];
    if above.words.len() > 1 {
        pages.extend([roman(", "), bold(above.words.join("-")), roman("(1)")]);
    }
    roff.text(pages);
    roff.control("PP", []);
    roff.text([
        roman("Options of every command, exit statuses, variables and files are in "),
        bold("carto"),
        roman("(1)."),
    ]);
}

/// A list of things with what they mean.
pub(super) fn list(roff: &mut Roff, items: &[(&str, &str)]) {
    for (item, meaning) in items {
        roff.control("TP", []);
        roff.text([italic(*item)]);
        roff.text([roman(*meaning)]);
    }
}
