//! `carto auth use`: makes a profile the current one.

use std::process::ExitCode;

use serde_json::json;

use crate::account;
use crate::account::profiles::{self, Edit, Profiles};
use crate::commands::Context;
use crate::environment;
use crate::error::{Result, quoted, usage};
use crate::input::Stdin;
use crate::output::{json as json_text, stderr, stdout};

/// Makes it.
pub(super) fn run(context: &Context, positional: Option<&str>) -> anyhow::Result<ExitCode> {
    super::outside_the_sandbox(context, "use")?;
    let file = profiles::read()?;
    // Not the variable: whoever sets that needs no current profile.
    let by_option = context.globals.profile()?.is_some_and(|(_, source)| source == "--profile");
    let name = match positional.is_some() || by_option {
        true => super::named(context, positional)?.unwrap_or_default(),
        false => choose(context, file.as_ref())?,
    };
    let is_there = |file: &Profiles| file.by_name.contains_key(&name);
    if !file.as_ref().is_some_and(is_there) {
        return Err(account::no_profile(&name, file.as_ref()).into());
    }
    if context.globals.dry_run {
        stderr::done(&format!(
            "The profile `{name}` would be the current one: this was a dry run, and nothing was changed."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let mut edit = Edit::begin(context.globals.timeout)?;
    if !is_there(edit.profiles()) {
        return Err(account::no_profile(&name, Some(edit.profiles())).into());
    }
    edit.make_current(&name)?;
    edit.write()?;
    if context.globals.view().format.is_json() {
        stdout::write(&json_text::pretty(&json!({ "current_profile": name })))?;
    } else {
        stderr::done(&format!("The profile `{name}` is the current one."));
    }
    if environment::text(environment::PROFILE)?.is_some_and(|other| other != name) {
        let variable = environment::PROFILE;
        stderr::warning(
            &format!("`{variable}` names another profile, which goes before the current one"),
            Some(&format!("unset `{variable}` to use the current one")),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks which, if there is a person.
fn choose(context: &Context, file: Option<&Profiles>) -> Result<String> {
    let file = file.filter(|file| !file.by_name.is_empty()).ok_or_else(account::no_profiles)?;
    let names: Vec<String> = file.by_name.keys().cloned().collect();
    let mut stdin = Stdin::default();
    if context.globals.no_input || !stdin.is_watched() || !stderr::is_watched() {
        return Err(
            usage("no profile is named, and nobody can be asked here").hint(format!("profiles: {}", quoted(&names)))
        );
    }
    // Numbers, and not a list to move in: that would leave a terminal without its cursor when it is interrupted.
    for (name, nth) in names.iter().zip(1..) {
        let mark = if file.current.as_ref() == Some(name) { "*" } else { " " };
        stderr::done(&format!("{mark} {nth}  {name}"));
    }
    let typed = stdin.ask("Number or name of the profile: ")?;
    let by_number = typed.parse::<usize>().ok().and_then(|nth| names.get(nth.checked_sub(1)?));
    let chosen = names.iter().find(|name| **name == typed).or(by_number).cloned();
    chosen.ok_or_else(|| usage("no profile was chosen").hint("nothing was changed; type one of the numbers or names"))
}
