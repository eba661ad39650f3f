//! From options, variables and the credentials file to one account. The first source that has a bearer wins; a bearer without an
//! address, or for another address than it was made for, is never sent silently.

use carto_plugin_api::{ErrorCode, Secret};
use url::Url;

use super::profiles::{self, Profile};
use super::{Account, bearer};
use crate::address;
use crate::environment;
use crate::error::{Error, Result, quoted, usage};
use crate::output::stderr;
use crate::sandbox::{Sandbox, Switches};

/// What the command line says about the account.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) sandbox: bool,
    pub(crate) profile: Option<String>,
    pub(crate) bearer: Option<String>,
    pub(crate) base_url: Option<String>,
}

/// The account of this command.
pub(crate) fn resolve(choice: Choice) -> Result<Account> {
    match sandbox_asked_by(choice.sandbox)? {
        Some(asked_by) => sandbox(asked_by, &choice),
        None => real(choice),
    }
}

/// What asks for the sandbox, if anything does: the option or the variable.
pub(crate) fn sandbox_asked_by(option: bool) -> Result<Option<&'static str>> {
    if option {
        return Ok(Some("--sandbox"));
    }
    Ok(environment::is_on(environment::SANDBOX)?.then_some(environment::SANDBOX))
}

/// Opens the sandbox of this user, with the switches that are set.
pub(crate) fn open_sandbox() -> Result<Sandbox> {
    let switches = match environment::text(environment::SANDBOX_FAULT)? {
        Some(text) => Switches::parse(&text).map_err(|e| {
            usage(format!("`{}`: {e}", environment::SANDBOX_FAULT)).hint("mend the variable, or unset it for no faults")
        })?,
        None => Switches::default(),
    };
    let database = environment::sandbox_database()?;
    Sandbox::open(&database, switches).map_err(|e| Error::new(ErrorCode::Failed, e.to_string()))
}

fn sandbox(asked_by: &str, choice: &Choice) -> Result<Account> {
    let beside = [("--profile", &choice.profile), ("--token", &choice.bearer), ("--base-url", &choice.base_url)];
    if let Some((option, _)) = beside.iter().find(|(_, value)| value.is_some()) {
        return Err(usage(format!("`{option}` can't stand beside `{asked_by}`: the sandbox has its own account"))
            .hint("leave one of the two out"));
    }
    let sandbox = open_sandbox()?;
    let base_url = Url::parse("http://sandbox.invalid").map_err(|e| Error::new(ErrorCode::Failed, e.to_string()))?;
    Ok(Account {
        base_url,
        bearer: Secret::new(sandbox.bearer().to_owned()),
        bearer_source: "the sandbox itself".to_owned(),
        sandbox: Some(sandbox),
    })
}

/// A bearer or an address, and where it comes from.
struct Sourced<T> {
    value: T,
    source: String,
}

fn sourced<T>(value: T, source: &str) -> Sourced<T> {
    Sourced { value, source: format!("`{source}`") }
}

fn real(choice: Choice) -> Result<Account> {
    let explicit_profile = match choice.profile {
        Some(name) => Some(sourced(name, "--profile")),
        None => environment::text(environment::PROFILE)?.map(|name| sourced(name, environment::PROFILE)),
    };
    let given_bearer = match choice.bearer {
        Some(text) => Some(sourced(text, "--token")),
        None => environment::text(environment::API_TOKEN)?.map(|text| sourced(text, environment::API_TOKEN)),
    };
    let given_base_url = match choice.base_url {
        Some(text) => Some(sourced(text, "--base-url")),
        None => environment::text(environment::BASE_URL)?.map(|text| sourced(text, environment::BASE_URL)),
    };
    // The file is needed for a bearer that isn't given, or for the address of a profile that is named.
    let profile = if given_bearer.is_none() || explicit_profile.is_some() {
        find_profile(explicit_profile.as_ref())?
    } else {
        None
    };
    if let (Some(bearer), Some(name)) = (&given_bearer, &explicit_profile)
        && bearer.source != "`--token`"
        && name.source == "`--profile`"
    {
        stderr::warning(
            &format!("the bearer comes from {}, not from the profile `{}`", bearer.source, name.value),
            Some(&format!("unset {} to use the profile's own", bearer.source)),
        );
    }
    let from_profile = given_bearer.is_none();
    let bearer = match given_bearer {
        Some(bearer) => bearer,
        None => match profile.as_ref().map(|(name, profile)| (name, profile.bearer.clone())) {
            Some((name, Some(bearer))) => {
                Sourced { value: bearer.into_exposed(), source: format!("the profile `{name}`") }
            }
            Some((name, None)) => {
                return Err(not_signed_in(&format!("the profile `{name}` has no bearer")));
            }
            None => return Err(not_signed_in("not signed in")),
        },
    };
    bearer::check(&bearer.value, &bearer.source)?;
    let profile_url = profile.as_ref().and_then(|(name, profile)| Some((name, profile_url(profile)?)));
    let base_url = match (given_base_url, profile_url) {
        (Some(given), own) => {
            let url = check_base_url(&given.value, &given.source)?;
            if let Some((name, Some(own))) = own
                && from_profile
                && own.parse().is_ok_and(|own: Url| own.origin() != url.origin())
            {
                let host = url.host_str().unwrap_or_default();
                stderr::warning(
                    &format!("the bearer of the profile `{name}` goes to `{host}`, as {} says", given.source),
                    Some("leave it out, or unset the variable, to use the profile's own address"),
                );
            }
            url
        }
        (None, Some((name, None))) => {
            return Err(usage(format!("the `tenant_id` of the profile `{name}` isn't the name of a tenant"))
                .hint("sign in again, or add `--base-url https://TENANT.api.carto.com`"));
        }
        (None, Some((name, Some(own)))) => check_base_url(&own, &format!("the profile `{name}`"))?,
        (None, None) => {
            return Err(usage(format!("there is a bearer from {}, but no address to send it to", bearer.source)).hint(
                "add `--base-url https://TENANT.api.carto.com`, or set `CARTO_BASE_URL`, or name a `--profile`",
            ));
        }
    };
    Ok(Account { base_url, bearer: Secret::new(bearer.value), bearer_source: bearer.source, sandbox: None })
}

/// The named profile, which must exist, or the current one of the file.
fn find_profile(named: Option<&Sourced<String>>) -> Result<Option<(String, Profile)>> {
    let Some(file) = profiles::read()? else {
        return match named {
            Some(name) => Err(not_signed_in(&format!(
                "there is no profile `{}`: `~/.carto_credentials.json` isn't there",
                name.value
            ))),
            None => Ok(None),
        };
    };
    let Some(name) = named.map(|name| name.value.clone()).or(file.current_profile) else { return Ok(None) };
    match file.profiles.get(&name) {
        Some(profile) => Ok(Some((name, profile.clone()))),
        None => {
            let there = quoted(file.profiles.keys());
            let error = usage(format!("there is no profile `{name}` in `~/.carto_credentials.json`"));
            Err(error.hint(if there.is_empty() {
                "it has no profiles".to_owned()
            } else {
                format!("profiles: {there}")
            }))
        }
    }
}

/// The documented address of a tenant; `Some(None)` if it isn't one label of a host's name, and so would lead somewhere else.
fn profile_url(profile: &Profile) -> Option<Option<String>> {
    let tenant = profile.tenant_id.as_deref()?;
    let is_label = !tenant.is_empty() && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Some(is_label.then(|| format!("https://{tenant}.api.carto.com")))
}

fn not_signed_in(message: &str) -> Error {
    Error::new(ErrorCode::NotSignedIn, message).hint(
        "set `CARTO_API_TOKEN` and `CARTO_BASE_URL`, or sign in with CARTO's own command line, whose \
         `~/.carto_credentials.json` is read; or add `--sandbox` to try it without an account",
    )
}

fn check_base_url(text: &str, source: &str) -> Result<Url> {
    address::read(text).map_err(|refusal| {
        usage(format!("the base URL from {source} {}", refusal.cause))
            .hint(refusal.remedy.unwrap_or("write it like `https://gcp-us-east1.api.carto.com`"))
    })
}
