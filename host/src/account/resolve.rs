//! From options, variables and the credentials file to one account. The first source that has a bearer wins; a bearer without an
//! address, or for another address than it was made for, is never sent silently. A profile's that is about to end is renewed by `auth`.

use carto_plugin_api::{ErrorCode, Secret};
use jiff::Timestamp;
use url::Url;

use super::again::{self, Again};
use super::profiles::{self, Profile, Profiles};
use super::{Account, Signer, bearer};
use crate::address;
use crate::auth::{Http, renew};
use crate::environment;
use crate::error::{Error, Result, quoted, shell_word, usage};
use crate::output::stderr;
use crate::sandbox::{Sandbox, Switches};
use crate::service::Deadline;
use crate::settings;

/// How there comes to be a profile.
const MAKES_ONE: &str = "`carto auth login` makes one";

/// What the command line says about the account.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) sandbox: bool,
    pub(crate) profile: Option<String>,
    pub(crate) bearer: Option<String>,
    pub(crate) base_url: Option<String>,
    /// For the request of another bearer, if the profile's is about to end; the time of the command runs already.
    pub(crate) deadline: Deadline,
    pub(crate) debug: bool,
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
        signer: None,
        again: None,
        sandbox: Some(sandbox),
    })
}

/// A bearer, an address or a name, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    /// In backticks where it is a word: `` `--token` ``.
    pub(crate) source: String,
}

fn sourced<T>(value: T, source: &str) -> Sourced<T> {
    Sourced { value, source: format!("`{source}`") }
}

/// A profile that was looked for.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// Its name, and who chose it.
    pub(crate) name: Sourced<String>,
    /// Nothing if there is none of that name.
    pub(crate) profile: Option<Profile>,
}

/// What options, variables and the file say of an account, before anything is made of it.
#[derive(Debug)]
pub(crate) struct Sources {
    /// A bearer that is given, and goes before a profile's.
    pub(crate) bearer: Option<Sourced<Secret>>,
    /// An address that is given, and goes before a profile's.
    pub(crate) base_url: Option<Sourced<String>>,
    /// The profile that is named.
    named: Option<Sourced<String>>,
    /// The file, if it was needed and is there.
    pub(crate) file: Option<Profiles>,
}

impl Sources {
    /// Reads them. The file is needed for a bearer that isn't given, or for the address of a profile that is named; `always`: in any case.
    pub(crate) fn read(choice: Choice, always: bool) -> Result<Sources> {
        let named = match choice.profile {
            Some(name) => Some(sourced(name, "--profile")),
            None => environment::text(environment::PROFILE)?.map(|name| sourced(name, environment::PROFILE)),
        };
        let bearer = match choice.bearer {
            Some(text) => Some(sourced(text, "--token")),
            None => environment::text(environment::API_TOKEN)?.map(|text| sourced(text, environment::API_TOKEN)),
        };
        let base_url = match choice.base_url {
            Some(text) => Some(sourced(text, "--base-url")),
            None => environment::text(environment::BASE_URL)?.map(|text| sourced(text, environment::BASE_URL)),
        };
        let bearer = bearer.map(|bearer| Sourced { value: Secret::new(bearer.value), source: bearer.source });
        let needed = bearer.is_none() || named.is_some();
        let file = match needed {
            true => profiles::read()?,
            // Where no file can be, none is missed.
            false if always && environment::home().is_ok() => profiles::read()?,
            false => None,
        };
        Ok(Sources { bearer, base_url, named, file })
    }

    /// The profile that is named, or the current one where a bearer isn't given.
    pub(crate) fn profile(&self) -> Option<Named> {
        let current = || Some(self.file.as_ref()?.current.clone()?).filter(|_| self.bearer.is_none());
        let name = self.named.clone().or_else(|| {
            current().map(|name| Sourced { value: name, source: format!("`current_profile` in `{}`", profiles::SHOWN) })
        })?;
        let profile = self.file.as_ref().and_then(|file| file.by_name.get(&name.value).cloned());
        Some(Named { name, profile })
    }

    /// Says `named` of the profile's name instead of `--profile`.
    pub(crate) fn named_by(self, source: &str) -> Sources {
        let named = self.named.map(|name| Sourced { source: source.to_owned(), ..name });
        Sources { named, ..self }
    }

    /// The error for a profile that isn't there.
    pub(crate) fn no_profile(&self, name: &str) -> Error {
        let error = no_profile(name, self.file.as_ref());
        match (&self.named, &self.file) {
            (None, Some(file)) if !file.by_name.is_empty() => error.hint(choose(file)),
            _ => error,
        }
    }

    /// The error where nothing says which bearer to use.
    pub(crate) fn nobody(&self) -> Error {
        nobody(self.file.as_ref())
    }

    /// Says it where a profile was asked for, and a variable's bearer goes before it.
    pub(crate) fn warn(&self) {
        if let (Some(bearer), Some(name)) = (&self.bearer, &self.named)
            && bearer.source != "`--token`"
            && name.source != format!("`{}`", environment::PROFILE)
        {
            stderr::warning(
                &format!("the bearer comes from {}, not from the profile `{}`", bearer.source, name.value),
                Some(&format!("unset {} to use the profile's own", bearer.source)),
            );
        }
    }
}

/// The error where no profile is the current one, or there is none.
pub(crate) fn nobody(file: Option<&Profiles>) -> Error {
    match file {
        Some(file) if !file.by_name.is_empty() => {
            Error::new(ErrorCode::NotSignedIn, "no profile is the current one").hint(choose(file))
        }
        _ => not_signed_in("not signed in"),
    }
}

/// How one of the profiles becomes the current one.
fn choose(file: &Profiles) -> String {
    match file.by_name.keys().collect::<Vec<_>>()[..] {
        [only] => format!("`carto auth use {}` makes the only one that", shell_word(only)),
        _ => format!("choose one with `carto auth use NAME`: {}", quoted(file.by_name.keys())),
    }
}

/// The error where a profile is needed, and there are none.
pub(crate) fn no_profiles() -> Error {
    Error::new(ErrorCode::NotSignedIn, "there are no profiles").hint(MAKES_ONE)
}

/// The error for a profile that isn't in the file.
pub(crate) fn no_profile(name: &str, file: Option<&Profiles>) -> Error {
    let Some(file) = file else {
        return usage(format!("there is no profile `{name}`: `{}` isn't there", profiles::SHOWN)).hint(MAKES_ONE);
    };
    let there = quoted(file.by_name.keys());
    usage(format!("there is no profile `{name}` in `{}`", profiles::SHOWN)).hint(if there.is_empty() {
        format!("it has no profiles; {MAKES_ONE}")
    } else {
        format!("profiles: {there}")
    })
}

fn real(choice: Choice) -> Result<Account> {
    let (deadline, debug) = (choice.deadline, choice.debug);
    let sources = Sources::read(choice, false)?;
    let named = match sources.profile() {
        Some(Named { name, profile: None }) => return Err(sources.no_profile(&name.value)),
        Some(Named { name, profile: Some(profile) }) => Some((name, profile)),
        None => None,
    };
    sources.warn();
    let Some(bearer) = sources.bearer.clone() else {
        let (name, profile) = named.ok_or_else(|| sources.nobody())?;
        return of_profile(&sources, name, profile, |name, profile| {
            let http = || Ok(Http::within(settings::read()?.network, deadline, debug));
            renew::current(name, profile, deadline, http)
        });
    };
    bearer::check(bearer.value.expose(), &bearer.source)?;
    let base_url = base_url(&sources, named.as_ref().map(|(name, profile)| (name, profile)), &bearer.source)?;
    bearer::check_end(bearer.value.expose(), &bearer.source, Timestamp::now())?;
    let (bearer, bearer_source) = (bearer.value, bearer.source);
    Ok(Account { base_url, bearer, bearer_source, signer: None, again: None, sandbox: None })
}

/// The account of a profile. All of it is of the profile as `renew` gives it back: what it was read as before may be another account's.
fn of_profile(
    sources: &Sources,
    name: Sourced<String>,
    profile: Profile,
    renew: impl FnOnce(&str, Profile) -> Result<Profile>,
) -> Result<Account> {
    let bearer_source = format!("the profile `{}`", name.value);
    let usable = |profile: &Profile| -> Result<(Secret, Url)> {
        let bearer = profile.bearer.clone().ok_or_else(|| no_bearer(&name.value, profile))?;
        bearer::check(bearer.expose(), &bearer_source)?;
        let base_url = base_url(sources, Some((&name, profile)), &bearer_source)?;
        Ok((bearer, base_url))
    };
    // What couldn't be used anyway isn't renewed.
    usable(&profile)?;
    let profile = renew(&name.value, profile)?;
    let (bearer, base_url) = usable(&profile)?;
    warn_of_detour(sources, &name.value, &profile, &base_url);
    let again = Some(Again::of(&name.value, &profile));
    let signer = profile.issuer().map(|issuer| Signer { profile: name.value.clone(), issuer });
    Ok(Account { base_url, bearer, bearer_source, signer, again, sandbox: None })
}

/// Where the bearer goes: to an address that is given, or to the profile's own.
fn base_url(sources: &Sources, profile: Option<(&Sourced<String>, &Profile)>, bearer_source: &str) -> Result<Url> {
    let own = profile.and_then(|(name, profile)| Some((&name.value, profile.base_url()?)));
    match (&sources.base_url, own) {
        (Some(given), _) => check_base_url(&given.value, &given.source),
        (None, Some((name, Err(_)))) => {
            Err(usage(format!("the `tenant_id` of the profile `{name}` isn't the name of a tenant"))
                .hint("sign in again, or add `--base-url https://TENANT.api.carto.com`"))
        }
        (None, Some((name, Ok(own)))) => check_base_url(&own, &format!("the profile `{name}`")),
        (None, None) => Err(usage(format!("there is a bearer from {bearer_source}, but no address to send it to"))
            .hint("add `--base-url https://TENANT.api.carto.com`, or set `CARTO_BASE_URL`, or name a `--profile`")),
    }
}

/// Says it where a profile's bearer goes to another address than the profile's own.
fn warn_of_detour(sources: &Sources, name: &str, profile: &Profile, url: &Url) {
    if let Some(given) = &sources.base_url
        && let Some(Ok(own)) = profile.base_url()
        && own.parse().is_ok_and(|own: Url| own.origin() != url.origin())
    {
        let host = url.host_str().unwrap_or_default();
        stderr::warning(
            &format!("the bearer of the profile `{name}` goes to `{host}`, as {} says", given.source),
            Some("leave it out, or unset the variable, to use the profile's own address"),
        );
    }
}

/// The error for a profile without a bearer.
pub(crate) fn no_bearer(name: &str, profile: &Profile) -> Error {
    Error::new(ErrorCode::NotSignedIn, format!("the profile `{name}` has no bearer")).hint(again::hint(name, profile))
}

/// The error where there is no bearer, with the ways to one.
fn not_signed_in(message: &str) -> Error {
    Error::new(ErrorCode::NotSignedIn, message).hint(
        "sign in with `carto auth login`, or set `CARTO_API_TOKEN` and `CARTO_BASE_URL`; or add `--sandbox` to try it without an account",
    )
}

/// Reads the account's address.
pub(crate) fn check_base_url(text: &str, source: &str) -> Result<Url> {
    address::read(text).map_err(|refusal| {
        usage(format!("the base URL from {source} {}", refusal.cause))
            .hint(refusal.remedy.unwrap_or("write it like `https://gcp-us-east1.api.carto.com`"))
    })
}
