//! `carto plugin list`: what is there, read from files. Nothing of a library runs here.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::services;
use super::survey::{Plugin, State, Survey};
use crate::commands::Context;
use crate::error::{Error, usage};
use crate::output::table::Columns;
use crate::output::{Format, Record, json as json_text, stderr, stdout};
use crate::policy::Policy;
use crate::run::Level;
use crate::settings::{self, Settings};

/// Lists them.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let view = context.globals.view();
    if matches!(view.format, Format::Csv | Format::Env) || view.field.is_some() {
        return Err(usage("a list of plugins is a table or JSON").hint("leave the format out, or use `--json`").into());
    }
    let settings = Arc::new(settings::read()?);
    let survey = Survey::of(context, &context.catalog, &settings)?;
    let (plugins, level) = (&survey.plugins, survey.runtime.level());
    let rows = || plugins.iter().map(|plugin| row(plugin, level, &settings));
    let text = match view.format {
        Format::Json => {
            let runtime = in_force(level, survey.unconfined.as_ref());
            let (rows, policies) = (rows().collect::<Vec<_>>(), policies(context.catalog.policy()));
            json_text::pretty(&json!({ "plugins": rows, "runtime": runtime, "policies": policies }))
        }
        Format::Jsonl => rows().map(|row| json_text::line(&row)).collect(),
        _ => table(plugins),
    };
    stdout::write(&text)?;
    if !view.format.is_json() {
        say(context, &survey)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What people need to know besides: how kinds run, what decides, and why something isn't used.
fn say(context: &Context, survey: &Survey) -> anyhow::Result<()> {
    let warning = |error: &Error| stderr::warning(&error.message, error.hint.as_deref());
    if let Some(error) = &survey.unconfined {
        warning(error);
    } else {
        let level = survey.runtime.level();
        let (word, why, meaning) = (level.as_str(), level.reason(), level.meaning());
        stderr::note(&format!("kinds run `{word}` ({why}): {meaning}"));
    }
    let policy = context.catalog.policy();
    let files: Vec<String> = policy.files().map(|file| format!("`{}`", file.display())).collect();
    if !files.is_empty() {
        stderr::note(&format!("what may be used is decided by {}", files.join(", ")));
    }
    for (file, why, remedy) in policy.broken() {
        stderr::warning(&format!("`{}` {why}; so everything is refused", file.display()), Some(remedy));
    }
    if let Err(error) = &survey.lock {
        warning(error);
    }
    for plugin in &survey.plugins {
        match (plugin.state, &plugin.error) {
            (State::Refused | State::Changed, Some(error)) => warning(error),
            (State::Shadowed, Some(error)) => stderr::note(&error.message),
            _ => {}
        }
    }
    if let Some(plugin) = survey.plugins.iter().find(|plugin| plugin.state == State::Policy)
        && let Some(name) = &plugin.name
    {
        let text = format!("policy refuses some as a whole: `carto plugin why {name}` says which rule does");
        stderr::note(&stderr::pasteable(&text));
    }
    if survey.plugins.is_empty() {
        let folders: Vec<String> =
            context.catalog.folders()?.iter().map(|folder| folder.display().to_string()).collect();
        stderr::done(&format!("There are no plugins in {}.", folders.join(", ")));
    }
    Ok(())
}

/// What fits beside each other: the rest is in JSON, and `info` has it.
fn table(plugins: &[Plugin]) -> String {
    let fields = ["name", "state", "version", "vendor", "folder"].map(str::to_owned);
    let rows: Vec<Record> = plugins.iter().map(line).collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = Columns::settle(&fields, "name", &rows, stdout::width());
    columns.header() + &rows.iter().map(|row| columns.row(row)).collect::<String>()
}

fn line(plugin: &Plugin) -> Record {
    // What couldn't be believed of a file that is refused isn't said in one word.
    let manifest = plugin.kind.as_ref().filter(|_| plugin.state != State::Refused).map(|kind| &kind.manifest);
    let folder = if plugin.path.is_dir() { Some(plugin.path.as_path()) } else { plugin.path.parent() };
    record(json!({
        "name": plugin.name,
        "state": plugin.state.as_str(),
        "version": manifest.and_then(|manifest| Some(&manifest.package.as_ref()?.version)),
        "vendor": manifest.and_then(|manifest| manifest.vendor.as_ref()),
        "folder": folder.map(|folder| folder.display().to_string()),
    }))
}

/// All that is known of a plugin.
pub(super) fn row(plugin: &Plugin, level: Level, settings: &Settings) -> Value {
    let manifest = plugin.kind.as_ref().map(|kind| &kind.manifest);
    let package = manifest.and_then(|manifest| manifest.package.as_ref());
    let verbs = |allowed: bool| -> Option<Vec<&str>> {
        manifest?;
        let verdicts = plugin.verdicts.iter().filter(|(_, verdict)| verdict.allowed == allowed);
        Some(verdicts.map(|(verb, _)| verb.as_str()).collect())
    };
    let services = plugin.kind.as_ref().map(|kind| {
        let own = services::own(kind, settings);
        own.iter().map(|service| (service.name.to_owned(), service.json())).collect::<Map<_, _>>()
    });
    let calls = manifest.map(|manifest| {
        let calls = manifest.verbs.iter().map(|(verb, spec)| {
            let calls: Vec<String> = spec.calls.iter().map(ToString::to_string).collect();
            (verb.as_str().to_owned(), json!(calls))
        });
        calls.collect::<Map<_, _>>()
    });
    json!({
        "name": plugin.name,
        "plural": manifest.map(|manifest| &manifest.plural),
        "title": manifest.map(|manifest| &manifest.title),
        "state": plugin.state.as_str(),
        "cause": plugin.cause(),
        "remedy": plugin.remedy().map(stderr::pasteable),
        "version": package.map(|package| &package.version),
        "vendor": manifest.and_then(|manifest| manifest.vendor.as_ref()),
        "licence": package.map(|package| &package.license),
        "abi": manifest.map(|manifest| manifest.abi),
        "schema": manifest.map(|manifest| &manifest.schema),
        "plugin_api": package.map(|package| &package.plugin_api),
        "sha256": plugin.sha256(),
        "size": plugin.size(),
        "path": plugin.path.display().to_string(),
        "level": level.as_str(),
        "verbs": verbs(true),
        "refused_verbs": verbs(false),
        "services": services,
        "calls": calls,
    })
}

/// The level, and why it is that one.
fn in_force(level: Level, refusal: Option<&Error>) -> Value {
    let why = match refusal {
        Some(error) => error.message.as_str(),
        None => level.reason(),
    };
    json!({
        "level": level.as_str(),
        "usable": refusal.is_none(),
        "meaning": format!("kinds run {}", level.meaning()),
        "why": why,
        "hint": refusal.and_then(|error| error.hint.as_ref()),
    })
}

/// The files that decide, and what is wrong with them.
fn policies(policy: &Policy) -> Value {
    let files = policy.files().map(|file| {
        let broken = policy.broken().find(|(path, ..)| *path == file);
        json!({
            "path": file.display().to_string(),
            "usable": broken.is_none(),
            "cause": broken.map(|(_, why, _)| why),
            "remedy": broken.map(|(.., remedy)| remedy),
        })
    });
    files.collect()
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(record) => record,
        _ => Record::new(),
    }
}
