//! Looks at everything that decides whether a kind can be used, and at what is left lying about. Nothing of a library runs here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use carto_plugin_api::ErrorCode;

use super::{Row, rules, trial};
use crate::account;
use crate::commands::Context;
use crate::commands::plugin::services;
use crate::commands::plugin::survey::{Plugin, State, Survey};
use crate::environment;
use crate::error::{Error, quoted};
use crate::kinds::{Catalog, Whole, folder_fault, own};
use crate::lock::Lock;
use crate::policy::Policy;
use crate::run::Level;
use crate::settings::{self, Settings};

/// All rows, in the order in which a verb would run into them. With `run`, each kind is opened.
pub(super) fn at_everything(context: &Context, run: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let settings = Arc::new(settings::read().unwrap_or_else(|error| {
        rows.push(Row::wrong("settings", &error));
        Settings::default()
    }));
    // Where the folders that are named can't be looked at, the usual ones can.
    let usual = Catalog::usual();
    let mut catalog = &context.catalog;
    if let Err(error) = catalog.folders() {
        rows.push(Row::wrong("folders", &error));
        catalog = &usual;
    }
    let policy = context.catalog.policy();
    let survey = match Survey::of(context, catalog, &settings) {
        Ok(survey) => survey,
        Err(error) => {
            rows.push(Row::wrong("plugins", &error));
            return rows;
        }
    };
    let is_there = |word: &str| survey.plugins.iter().any(|plugin| plugin.answers_to(word));
    if rows.is_empty() {
        rows.push(Row::ok("settings", settings::file().map_or_else(|_| "none".to_owned(), |file| shown_file(&file))));
    }
    rows.extend(settings_without_kinds(&settings, &survey));
    rows.extend(survey.plugins.iter().flat_map(|plugin| approved_without_service(plugin, &settings)));
    let is_named = |word: &str| survey.plugins.iter().any(|plugin| plugin.name.as_deref() == Some(word));
    rows.extend(rules::policies(policy, is_named, is_there));
    rows.extend(rules::limits(&survey, policy));
    rows.extend(rules::records(policy));
    let level = survey.runtime.level();
    rows.push(match &survey.unconfined {
        Some(error) => Row::wrong("level", error),
        None if level == Level::Confined => Row::ok("level", format!("{} ({})", level.as_str(), level.reason())),
        None => {
            let message =
                format!("{} ({}): kinds aren't kept from all that they could do", level.as_str(), level.reason());
            Row::note(
                "level",
                message,
                "leave `level` out of `[plugins]` in the settings, where this machine can confine them",
            )
        }
    });
    rows.extend(folders(catalog, context));
    match &survey.lock {
        Ok(lock) => rows.extend(locked(lock, is_there)),
        Err(error) => rows.push(Row::wrong("lock", error)),
    }
    rows.extend(plugins(&survey, catalog, policy));
    rows.extend(survey.plugins.iter().flat_map(|plugin| own_services(plugin, &settings)));
    rows.extend(sandbox());
    if run {
        rows.extend(trial::of_all(&survey, policy, &settings));
    }
    rows
}

/// Names, as many as somebody reads.
fn some(names: &[&str]) -> String {
    const MOST: usize = 12;
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => format!("{} and {} more", first.join(", "), names.len() - MOST),
        _ => names.join(", "),
    }
}

fn shown_file(file: &Path) -> String {
    if file.exists() { format!("`{}`", file.display()) } else { format!("none (`{}`)", file.display()) }
}

/// Settings for kinds that aren't there, which may be misspelt. They go by the name alone.
fn settings_without_kinds(settings: &Settings, survey: &Survey) -> Vec<Row> {
    let tables =
        [("kinds", settings.kinds.keys().collect::<Vec<_>>()), ("approved", settings.approved.keys().collect())];
    let written = tables.into_iter().flat_map(|(table, kinds)| kinds.into_iter().map(move |kind| (table, kind)));
    let rows = written.filter_map(|(table, word)| match survey.find(word) {
        Ok(plugin) if plugin.name.as_ref() == Some(word) => None,
        Ok(Plugin { name: Some(name), .. }) => {
            let message = format!("`[{table}.{word}]` has no effect: `{word}` is the plural of the kind `{name}`");
            Some(Row::note("settings", message, &format!("write `[{table}.{name}]`")))
        }
        _ => {
            let message = format!("`[{table}.{word}]` is about a kind that isn't here");
            let remedy = "correct the name, or remove the table when the plugin is gone for good";
            Some(Row::note("settings", message, remedy))
        }
    });
    rows.collect()
}

/// Approvals of services that a kind doesn't ask.
fn approved_without_service(plugin: &Plugin, settings: &Settings) -> Vec<Row> {
    let Some(kind) = plugin.kind.as_ref().filter(|_| plugin.state != State::Shadowed) else { return Vec::new() };
    let own = services::own(kind, settings);
    let approved = settings.approved.get(kind.name()).into_iter().flat_map(|services| services.keys());
    let unknown = approved.filter(|name| !own.iter().any(|service| service.name == name.as_str()));
    let rows = unknown.map(|name| {
        let known = match own.as_slice() {
            [] => "it has none".to_owned(),
            own => format!("services: {}", quoted(own.iter().map(|service| service.name))),
        };
        let message = format!("`[approved.{0}]`: the kind `{0}` has no service `{name}`; {known}", kind.name());
        Row::note("settings", message, "correct the name, or remove the line")
    });
    rows.collect()
}

fn folders(catalog: &Catalog, context: &Context) -> Vec<Row> {
    let mut rows = Vec::new();
    let folders = catalog.folders().unwrap_or_default();
    let mut known = BTreeSet::new();
    for folder in folders.iter().filter(|folder| known.insert(folder.as_path())) {
        rows.push(match fs::metadata(folder) {
            Err(_) => Row::ok("folder", format!("`{}`: isn't there", folder.display())),
            Ok(metadata) if !metadata.is_dir() => {
                let message = format!("`{}` isn't a folder", folder.display());
                Row::wrong("folder", &Error::new(ErrorCode::PluginFault, message).hint("remove it, or move it away"))
            }
            Ok(_) => match folder_fault(folder) {
                Some(refused) => Row::wrong("folder", &refused.error()),
                None => Row::ok("folder", format!("`{}`", folder.display())),
            },
        });
    }
    if let Some(source) = context.catalog.replaced_by()
        && let Ok(own) = own::folder()
        && own.exists()
        && !folders.contains(&own)
    {
        let message = format!("`{source}` names other folders, so what is in `{}` isn't used", own.display());
        rows.push(Row::note("folder", message, &format!("leave `{source}` out, if that isn't meant")));
    }
    rows
}

/// What the lock says, against what is there. Changed kinds have rows of their own.
fn locked(lock: &Lock, is_there: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let accepted: Vec<&str> = lock.accepted().map(|(kind, _)| kind).collect();
    rows.push(Row::ok(
        "lock",
        match accepted.len() {
            0 => "nothing is locked".to_owned(),
            _ => format!("accepted: {}", some(&accepted)),
        },
    ));
    for kind in accepted.into_iter().filter(|kind| !is_there(kind)) {
        let message = format!("the kind `{kind}` is accepted and isn't here");
        let remedy = format!("if it is gone for good: `carto plugin lock --forget {kind}`");
        rows.push(Row::note("lock", message, &remedy));
    }
    for (kind, before) in lock.previous() {
        let remedy =
            format!("if you don't want to go back to it: `carto plugin remove {kind}` removes it with the plugin");
        let Ok(file) = own::previous_file(kind, &before.sha256) else { continue };
        if !own::file(kind).is_ok_and(|file| file.exists()) {
            let message = format!("a version before of `{kind}` is kept, and the kind isn't in your folder any more");
            let remedy = format!(
                "`carto plugin install --rollback {kind}` brings it back, `carto plugin remove {kind}` removes it"
            );
            rows.push(Row::note("previous", message, &remedy));
        } else if !Whole::read(&file).is_ok_and(|whole| whole.sha256 == before.sha256) {
            let message = format!("the version before of `{kind}` isn't what was kept: there is no way back to it");
            rows.push(Row::note("previous", message, &remedy));
        }
    }
    rows
}

fn plugins(survey: &Survey, catalog: &Catalog, policy: &Policy) -> Vec<Row> {
    let mut rows = Vec::new();
    let folders = catalog.folders().unwrap_or_default();
    let is_broken = policy.broken().next().is_some();
    let usable: Vec<&str> = survey
        .plugins
        .iter()
        .filter(|plugin| plugin.state == State::Ok)
        .filter_map(|plugin| plugin.name.as_deref())
        .collect();
    if survey.plugins.is_empty() {
        let remedy = "install a plugin, or put its library into one of these folders";
        rows.push(Row::note("plugins", "there are none", remedy));
    } else if !usable.is_empty() {
        rows.push(Row::ok("plugins", format!("{} can be used: {}", usable.len(), some(&usable))));
    }
    for plugin in &survey.plugins {
        let Some(error) = &plugin.error else { continue };
        let about = plugin.name.as_deref().unwrap_or("file");
        match plugin.state {
            // These have rows of their own.
            State::Refused if folders.contains(&plugin.path) => {}
            State::Policy if is_broken => {}
            State::Refused | State::Changed => rows.push(Row::wrong(about, error)),
            State::Policy | State::Shadowed => {
                let remedy = error.hint.as_deref().unwrap_or_default();
                rows.push(Row::note(about, error.message.clone(), remedy));
            }
            // One row says it for all.
            State::Ok | State::LockedOut | State::CantRun => {}
        }
    }
    rows
}

/// What a kind asks besides the account, if it can be used at all.
fn own_services(plugin: &Plugin, settings: &Settings) -> Vec<Row> {
    let Some(kind) = plugin.kind.as_ref().filter(|_| plugin.state == State::Ok) else { return Vec::new() };
    let services = services::own(kind, settings);
    let rows = services.iter().map(|service| {
        let (name, address) = (service.name, service.address());
        match service.obstacle() {
            // It may be set where the kind is used.
            Some(error) if error.code == ErrorCode::NotSignedIn => {
                Row::note(kind.name(), error.message, error.hint.as_deref().unwrap_or_default())
            }
            Some(error) => Row::wrong(kind.name(), &error),
            None => Row::ok(kind.name(), format!("its service `{name}` at `{address}` is approved")),
        }
    });
    rows.collect()
}

/// The sandbox, if there is one.
fn sandbox() -> Option<Row> {
    let database = environment::sandbox_database().ok()?;
    if !database.exists() {
        return None;
    }
    Some(match account::open_sandbox() {
        Ok(_) => Row::ok("sandbox", format!("`{}`", database.display())),
        Err(error) => {
            let hint = error.hint.clone();
            let hint = hint.unwrap_or_else(|| "`carto sandbox reset` empties it, or move the file away".to_owned());
            Row::wrong("sandbox", &error.hint(hint))
        }
    })
}
