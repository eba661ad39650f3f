//! Limits on the values of options, whatever option brought them: a kind declares which of its options are other ways to write a value.

use carto_plugin_api::manifest::{Arg, ArgType, Manifest};
use carto_plugin_api::{Input, Verb};
use jiff::Timestamp;
use serde_json::Value;

use super::file::{Limit, Pattern};
use crate::error::quoted;
use crate::input::date;

/// The verbs that give values.
pub(super) const VERBS: [Verb; 2] = [Verb::Create, Verb::Update];

/// What of a verb's input breaks a limit, as the rest of a sentence; and the option that it is about.
pub(super) type Broken = (String, Option<String>);

impl Limit {
    pub(super) fn is_about(&self, manifest: &Manifest, verb: Verb) -> bool {
        manifest.answers_to(&self.kind) && VERBS.contains(&verb)
    }

    /// Holds a verb's input against this.
    pub(super) fn hold(&self, manifest: &Manifest, verb: Verb, input: &Input, now: Timestamp) -> Result<(), Broken> {
        if let Some(why) = self.never(manifest) {
            return Err((why, None));
        }
        let args = manifest.verbs.get(&verb).map_or(&[][..], |spec| &spec.args);
        let mut given = false;
        for arg in args.iter().filter(|arg| self.is_brought_by(arg)) {
            let broken = |why: String| (why, Some(arg.name.clone()));
            for value in input.args.get(&arg.key()).map(|value| values(arg, &self.argument, value)).unwrap_or_default()
            {
                if value.trim().is_empty() && self.has_to_be_given() {
                    return Err(broken("doesn't let it be empty".to_owned()));
                }
                given = true;
                self.check_value(arg, &value, now).map_err(broken)?;
            }
        }
        if verb == Verb::Create && self.has_to_be_given() && !given {
            return Err(("asks for it".to_owned(), Some(self.argument.clone())));
        }
        Ok(())
    }

    /// Why it can't do what it says for this kind, whatever value is given; as the rest of a sentence. What it is about is refused then.
    pub(super) fn never(&self, manifest: &Manifest) -> Option<String> {
        let argument = &self.argument;
        let all = || VERBS.iter().filter_map(|verb| manifest.verbs.get(verb)).flat_map(|spec| &spec.args);
        if !all().any(|arg| self.is_brought_by(arg)) {
            return Some(format!("limits `--{argument}`, which `{}` doesn't have", manifest.name));
        }
        let named = || all().filter(|arg| arg.name == *argument);
        // A limit on one spelling would leave the others free.
        if let Some(spelling) = named().find(|arg| !arg.parts.is_empty()) {
            let parts: Vec<String> = spelling.parts.iter().map(|part| format!("--{part}")).collect();
            let parts = quoted(parts);
            return Some(format!("limits `--{argument}`, which is another way to write {parts}: limit those"));
        }
        let is_date = || named().any(|arg| arg.kind == ArgType::Date);
        let time = self.at_most.as_ref().filter(|_| !is_date())?;
        Some(format!("limits `--{argument}` to {time} from now, and that isn't a date"))
    }

    fn is_brought_by(&self, arg: &Arg) -> bool {
        arg.name == self.argument || arg.parts.contains(&self.argument)
    }

    /// What it says, for people.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if self.has_to_be_given() {
            words.push("has to be given".to_owned());
        }
        words.extend(self.at_most.iter().map(|time| format!("{time} from now at most")));
        words.extend(self.pattern.iter().map(|pattern| format!("matches `{}`", pattern.text)));
        if !self.forbidden.is_empty() {
            words.push(format!("isn't {}", quoted(&self.forbidden)));
        }
        words.join(", ")
    }

    /// No date may mean for ever.
    fn has_to_be_given(&self) -> bool {
        self.required || self.at_most.is_some()
    }

    fn check_value(&self, arg: &Arg, value: &str, now: Timestamp) -> Result<(), String> {
        let shown = match arg.kind {
            ArgType::Secret | ArgType::File => "this value".to_owned(),
            _ => format!("`{}`", beginning(value)),
        };
        let plain = |text: &str| text.trim().to_lowercase();
        if self.forbidden.iter().any(|forbidden| plain(forbidden) == plain(value)) {
            return Err(format!("doesn't accept {shown}"));
        }
        // A kind may take spaces away: what is left has to match too.
        let matches = |pattern: &&Pattern| pattern.matches(value) && pattern.matches(value.trim());
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !matches(pattern)) {
            return Err(format!("accepts what matches `{}`, and not {shown}", pattern.text));
        }
        let Some(time) = &self.at_most else { return Ok(()) };
        match (value.parse::<Timestamp>(), date::from_now(time, now)) {
            (Ok(moment), Some(last)) if moment <= last => Ok(()),
            (Ok(_), Some(last)) => Err(format!("accepts {time} from now at most, until {}", date::shown(last))),
            _ => Err(format!("accepts {time} from now at most, and {shown} isn't a date")),
        }
    }
}

/// The values of an argument that an option's value holds. In doubt more than it means, never less.
fn values(arg: &Arg, argument: &str, value: &Value) -> Vec<String> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let items = texts.iter().flat_map(|text| match arg.list {
        // An item is what is between two commas, whatever surrounds it.
        true => text.split(',').map(|item| item.trim().to_owned()).collect(),
        false => vec![text.clone()],
    });
    let Some(place) = arg.parts.iter().position(|part| part == argument) else { return items.collect() };
    items.map(|item| item.splitn(arg.parts.len(), ',').nth(place).unwrap_or_default().to_owned()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As much of a value as a message needs.
fn beginning(value: &str) -> String {
    const ENOUGH: usize = 60;
    match value.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
