//! `$XDG_CONFIG_HOME/carto/config.toml`: the user's settings. Read once, by the commands that need it; what it means is theirs.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use carto_plugin_api::ErrorCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::environment;
use crate::error::{Error, Result};

/// What the file may say. Anything else in it is an error, so that a misspelt setting isn't silently without effect.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// `[services.api]`.
    #[serde(default)]
    pub(crate) services: Services,
    /// `[kinds.<name>]`: handed to that kind as it stands.
    #[serde(default)]
    pub(crate) kinds: BTreeMap<String, Map<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    #[serde(default)]
    pub(crate) api: Service,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// Where the service really has a route: `"/v3/oauth-clients" = "/v4/clients"`. Whole segments at the beginning of a path; the longest wins.
    #[serde(default)]
    pub(crate) paths: BTreeMap<String, String>,
}

/// Where the file is.
pub(crate) fn file() -> Result<PathBuf> {
    Ok(environment::config_folder()?.join("config.toml"))
}

/// Reads the file; without one, everything is as usual.
pub(crate) fn read() -> Result<Settings> {
    let file = file()?;
    let bad = |why: String| {
        Error::new(ErrorCode::Usage, format!("cannot use the settings in `{}`: {why}", file.display()))
            .hint("mend the file, or move it away")
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Settings::default()),
        Err(e) => return Err(bad(e.to_string())),
    };
    let settings: Settings = toml::from_str(&text).map_err(|e| {
        let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        bad(format!("line {line}, column {column}: {}", e.message().replace('\n', " ")))
    })?;
    for path in settings.services.api.paths.iter().flat_map(|(from, to)| [from, to]) {
        let segments = path.strip_prefix('/').map(|rest| rest.split('/').collect::<Vec<_>>());
        if !segments.is_some_and(|all| all.iter().all(|segment| !matches!(*segment, "" | "." | ".."))) {
            return Err(bad(format!("`{path}` in `[services.api.paths]` isn't a path like `/v3/oauth-clients`")));
        }
    }
    Ok(settings)
}
