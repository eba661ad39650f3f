//! What was measured, as Markdown: one table of ratios, one of the steps of opening a library.

use crate::measure::{Spread, ratio, spread};

#[derive(Default)]
pub(crate) struct Report {
    ratios: Vec<String>,
    loads: Vec<String>,
    notes: Vec<String>,
}

/// Two things that were measured in the same rounds.
pub(crate) struct Comparison<'a> {
    /// What the two have in common.
    pub(crate) what: &'a str,
    pub(crate) this: (&'a str, &'a [f64]),
    pub(crate) that: (&'a str, &'a [f64]),
    pub(crate) unit: Unit,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Megabytes,
}

/// What a comparison is held to; nothing if it is only reported.
#[derive(Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The most that the ratio may be.
    pub(crate) ratio: Option<f64>,
    /// What the ratio should be.
    pub(crate) aim: Option<f64>,
    /// What the first side itself must stay below.
    pub(crate) value: Option<f64>,
    /// The most that the first side may have more than the second.
    pub(crate) more: Option<f64>,
}

impl Report {
    pub(crate) fn compare(&mut self, comparison: &Comparison<'_>) {
        let Comparison { what, this, that, unit, limits } = comparison;
        let ratio = ratio(this.1, that.1);
        self.ratios.push(row(&[
            (*what).to_owned(),
            format!("{}: {}", this.0, unit.spread(spread(this.1))),
            format!("{}: {}", that.0, unit.spread(spread(that.1))),
            format!("**{}** ({}–{})", as_ratio(ratio.middle), as_ratio(ratio.low), as_ratio(ratio.high)),
            limits.shown(*unit),
            limits.verdict(ratio.middle, spread(this.1).middle, spread(that.1).middle).to_owned(),
        ]));
    }

    /// A comparison that this machine can't make.
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        self.ratios.push(row(&[what, "", "", "", "", why].map(str::to_owned)));
    }

    /// The steps of opening a library, in nanoseconds; the last is the whole.
    pub(crate) fn load<const N: usize>(&mut self, kind: &str, steps: &[Vec<f64>; N]) {
        let Some(whole) = steps.last().map(|whole| spread(whole).middle) else { return };
        let cells = steps.iter().map(|step| {
            let step = spread(step);
            let in_microseconds = Spread { low: step.low / 1e3, middle: step.middle / 1e3, high: step.high / 1e3 };
            format!("{}; {:.0} %", Unit::Microseconds.spread(in_microseconds), step.middle / whole * 100.0)
        });
        self.loads.push(row(&[format!("`{kind}`")].into_iter().chain(cells).collect::<Vec<_>>()));
    }

    /// Something that must be known to read the table.
    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(format!("- {note}"));
    }

    pub(crate) fn markdown(&self, measured_on: &str) -> String {
        let ratios = table("| what | this | against | ratio | limit | |\n|---|---|---|---|---|---|", &self.ratios);
        let loads = table(
            "| library | manifest read | manifest parsed | `dlopen` | layout check | module started | whole |\n|---|---|---|---|---|---|---|",
            &self.loads,
        );
        let notes = if self.notes.is_empty() { String::new() } else { format!("\n{}\n", self.notes.join("\n")) };
        format!("{measured_on}\n\n{ratios}{notes}\nOpening a library, first in its process:\n\n{loads}")
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
            Unit::Megabytes => "MB",
        }
    }

    fn spread(self, Spread { low, middle, high }: Spread) -> String {
        let unit = self.name();
        format!("{} {unit} ({}–{})", digits(middle), digits(low), digits(high))
    }
}

impl Limits {
    fn shown(self, unit: Unit) -> String {
        let most = self.ratio.map(|most| format!("at most {}", as_ratio(most)));
        let aim = self.aim.map(|aim| format!("aim at {}", as_ratio(aim)));
        let value = self.value.map(|value| format!("below {value} {}", unit.name()));
        let more = self.more.map(|more| format!("at most {more} {} more", unit.name()));
        [most, aim, value, more].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn verdict(self, ratio: f64, value: f64, other: f64) -> &'static str {
        let within = |limit: Option<f64>, is: f64| limit.is_none_or(|limit| is <= limit);
        match self {
            Limits { ratio: None, value: None, more: None, .. } => "",
            _ if !within(self.ratio, ratio) || self.value.is_some_and(|below| value >= below) => "**not held**",
            _ if !within(self.more, value - other) => "**not held**",
            _ if !within(self.aim, ratio) => "held; aim not reached",
            Limits { aim: Some(_), .. } => "held; aim reached",
            _ => "held",
        }
    }
}

/// Far below one, a ratio is easier to read as a part.
fn as_ratio(ratio: f64) -> String {
    let parts = 1.0 / ratio;
    match ratio {
        _ if ratio >= 0.5 => format!("{ratio:.2}"),
        _ if (parts - parts.round()).abs() < 0.05 => format!("1/{parts:.0}"),
        _ => format!("1/{parts:.1}"),
    }
}

fn digits(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn table(head: &str, rows: &[String]) -> String {
    format!("{head}\n{}\n", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_held_or_not() {
        let limits = Limits { ratio: Some(2.0), aim: Some(1.5), ..Limits::default() };
        let verdicts = [1.5, 2.0, 2.1].map(|ratio| limits.verdict(ratio, 1.0, 1.0));
        assert_eq!(verdicts, ["held; aim reached", "held; aim not reached", "**not held**"]);
        let memory = Limits { ratio: Some(1.2), value: Some(40.0), ..Limits::default() };
        assert_eq!([39.0, 40.0].map(|peak| memory.verdict(1.0, peak, peak)), ["held", "**not held**"]);
        let cost = Limits { more: Some(2.0), ..Limits::default() };
        assert_eq!([7.0, 7.1].map(|time| cost.verdict(1.4, time, 5.0)), ["held", "**not held**"]);
        assert_eq!(Limits::default().verdict(9.0, 9.0, 1.0), "");
    }

    #[test]
    fn small_ratios_are_parts() {
        assert_eq!([1.0 / 30.0, 1.0 / 7.1, 0.5, 1.2345].map(as_ratio), ["1/30", "1/7.1", "0.50", "1.23"]);
    }
}
