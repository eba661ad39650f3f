//! `$XDG_CONFIG_HOME/carto/config.toml`: the user's settings. Read once, by the commands that need it; what it means is theirs.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;

use crate::address;
use crate::environment;
use crate::error::{Error, Result};
use crate::run::Level;
use crate::toml_text;

/// No wait of our own before another attempt is longer than this; one that a service asks for can be.
pub(crate) const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// More would hammer a service that is already in trouble.
const MOST_RETRIES: usize = 10;

/// What the file may say. Anything else in it is an error, so that a misspelt setting isn't silently without effect.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// `[services.api]`.
    #[serde(default)]
    pub(crate) services: Services,
    /// `[approved.<kind>]`: services of that kind's own that may be asked, and where.
    #[serde(default)]
    pub(crate) approved: BTreeMap<String, BTreeMap<String, Address>>,
    /// `[network]`.
    #[serde(default)]
    pub(crate) network: Network,
    /// `[plugins]`.
    #[serde(default)]
    pub(crate) plugins: Plugins,
    /// `[auth]`.
    #[serde(default)]
    pub(crate) auth: Auth,
    /// `[kinds.<name>]`: handed to that kind as it stands.
    #[serde(default)]
    pub(crate) kinds: BTreeMap<String, Map<String, Value>>,
}

/// The address of a service.
#[derive(Debug, Clone)]
pub(crate) struct Address(pub(crate) Url);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Address, D::Error> {
        let read = address::read(&String::deserialize(deserializer)?);
        read.map(Address).map_err(|refusal| {
            let remedy = refusal.remedy.unwrap_or("write it like `https://robots.example.com/v1`");
            serde::de::Error::custom(format!("the address of a service {}; {remedy}", refusal.cause))
        })
    }
}

/// Who signs bearers, and as whom this program asks. What isn't said is CARTO's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// The authority.
    pub(crate) issuer: Option<Address>,
    /// The OAuth client that signs people in, in a browser.
    pub(crate) client_id: Option<String>,
    /// What bearers are for.
    pub(crate) audience: Option<String>,
    /// Where a bearer is told which account it belongs to.
    pub(crate) accounts_url: Option<Address>,
}

/// How kinds are run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plugins {
    /// How far they are kept from doing harm. What this machine can't give is refused.
    pub(crate) level: Level,
    /// How long one may work on a call, like `10s`; the time that it waits for the service isn't counted.
    #[serde(deserialize_with = "time")]
    pub(crate) deadline: Duration,
}

impl Default for Plugins {
    fn default() -> Plugins {
        Plugins { level: Level::default(), deadline: Duration::from_secs(10) }
    }
}

/// How requests are made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Network {
    /// How often a request is tried again; 0 to 10.
    pub(crate) retries: usize,
    /// The first wait before that, like `100ms`; each later one is twice as long.
    #[serde(deserialize_with = "time")]
    pub(crate) backoff: Duration,
    /// Certificates in PEM form that are believed besides the system's; an absolute path.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Default for Network {
    fn default() -> Network {
        Network { retries: 3, backoff: Duration::from_millis(100), ca_file: None }
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A time as people write it: `100ms`, `30s`, `2m`, `1m30s`.
pub(crate) fn duration(text: &str) -> std::result::Result<Duration, &'static str> {
    let read: jiff::SignedDuration = text.parse().map_err(|_| "a time is like 30s, 2m or 1m30s")?;
    Duration::try_from(read).ok().filter(|time| !time.is_zero()).ok_or("a time must be longer than nothing")
}

impl Settings {
    /// Whether the account's API is said to have routes elsewhere.
    pub(crate) fn moves_routes(&self) -> bool {
        !self.services.api.paths.is_empty()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    #[serde(default)]
    pub(crate) api: Service,
}

#[derive(Debug, Clone, Default, Deserialize)]
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
    // Where no file can be, none is missed.
    let Ok(file) = file() else { return Ok(Settings::default()) };
    let bad = |why: String| {
        Error::new(ErrorCode::Usage, format!("cannot use the settings in `{}`: {why}", file.display()))
            .hint("mend the file, or move it away")
    };
    match std::fs::read_to_string(&file) {
        Ok(text) => parse(&text).map_err(bad),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Settings::default()),
        Err(e) => Err(bad(e.to_string())),
    }
}

/// Reads the text of the file; what is wrong with it comes with its place.
pub(crate) fn parse(text: &str) -> std::result::Result<Settings, String> {
    let settings: Settings = toml_text::parse(text)?;
    for path in settings.services.api.paths.iter().flat_map(|(from, to)| [from, to]) {
        let segments = path.strip_prefix('/').map(|rest| rest.split('/').collect::<Vec<_>>());
        if !segments.is_some_and(|all| all.iter().all(|segment| !matches!(*segment, "" | "." | ".."))) {
            return Err(format!("`{path}` in `[services.api.paths]` isn't a path like `/v3/oauth-clients`"));
        }
    }
    if settings.network.retries > MOST_RETRIES {
        return Err(format!("`retries` in `[network]` is a number from 0 to {MOST_RETRIES}"));
    }
    if settings.network.backoff > LONGEST_BACKOFF {
        return Err(format!("`backoff` in `[network]` is {LONGEST_BACKOFF:?} at most"));
    }
    if settings.network.ca_file.as_ref().is_some_and(|file| !file.is_absolute()) {
        return Err("`ca_file` in `[network]` has to be an absolute path".to_owned());
    }
    Ok(settings)
}
