//! `~/.carto_credentials.json`, the file of CARTO's official command line: what it says, read and written. Where it is, its lock and its
//! replacement are `file`'s; what is done to it, `change`'s; that all else in it stays as it is, `object`'s.

mod change;
mod file;
mod object;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use carto_plugin_api::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;
use url::Url;

use crate::address;
use crate::auth::{Authority, How, SecretPlace, Tokens, metadata};
use crate::digest::Hash;
use crate::redact;
use object::Object;

pub(crate) use file::{Edit, Renewed, read};

/// The file, for messages.
pub(crate) const SHOWN: &str = "~/.carto_credentials.json";
/// The name of the one profile of a file in the old form.
const DEFAULT: &str = "default";
/// The member of a profile that is this program's: CARTO's command line has none of that name.
const OWN: &str = "sign_in";

/// What of the file is used. Documented: `{current_profile, profiles: {<name>: {token, tenant_id, …}}}`; other members are others' affair.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profiles {
    pub(crate) current: Option<String>,
    pub(crate) by_name: BTreeMap<String, Profile>,
}

impl Profiles {
    /// The variables from which secrets of machines are read, by their names.
    pub(crate) fn secret_variables(&self) -> Vec<String> {
        let variable = |profile: &Profile| match &profile.sign_in.as_ref()?.how {
            How::Machine { client_secret: SecretPlace::Variable(name), .. } => Some(name.clone()),
            How::Machine { .. } | How::Browser { .. } | How::Token => None,
        };
        self.by_name.values().filter_map(variable).collect()
    }
}

/// A profile. Its members are documented, but for `sign_in`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) bearer: Option<Secret>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) tenant_domain: Option<String>,
    pub(crate) organization_id: Option<String>,
    pub(crate) organization_name: Option<String>,
    pub(crate) user_email: Option<String>,
    /// How the bearer was got, if this program got it and nobody has put another in its place.
    pub(crate) sign_in: Option<SignIn>,
}

/// What is kept of a sign-in beside what CARTO's command line keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    #[serde(flatten)]
    pub(crate) how: How,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
    /// Where the authority gives tokens, where that isn't the documented place below its issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_endpoint: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<Secret>,
    /// For a bearer that doesn't say it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    /// The account's address, where it isn't the one that follows from the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    /// The organisation that was asked for, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// The digest of the bearer that all this is about.
    #[serde(default)]
    token_sha256: String,
}

impl SignIn {
    /// A sign-in at an authority, if there was one.
    pub(crate) fn new(how: How, authority: Option<&Authority>) -> SignIn {
        SignIn {
            how,
            issuer: authority.map(|authority| authority.issuer.clone()),
            audience: authority.map(|authority| authority.audience.clone()),
            token_endpoint: None,
            refresh_token: None,
            expires_at: None,
            base_url: None,
            organization: None,
            token_sha256: String::new(),
        }
    }

    /// The authority that gives the next bearer, if its addresses are such that may be asked.
    pub(crate) fn authority(&self) -> Option<Authority> {
        let issuer = address::read(self.issuer.as_ref()?.as_str()).ok()?;
        let authority = Authority::new(issuer, self.audience.clone()?);
        // Whoever has written the file is believed no more than the authority was.
        let token = match &self.token_endpoint {
            Some(url) => Some(metadata::endpoint(&authority.issuer, url.as_str()).ok()?),
            None => None,
        };
        Some(Authority { token, ..authority })
    }

    /// Takes over what came with a bearer.
    pub(crate) fn take(&mut self, tokens: &Tokens) {
        self.refresh_token = tokens.refresh.clone().or_else(|| self.refresh_token.take());
        self.expires_at = tokens.expires_at;
        let usual = self.authority().map(|authority| Authority { token: None, ..authority }.token_endpoint());
        self.token_endpoint = tokens.endpoint.clone().filter(|endpoint| Some(endpoint) != usual.as_ref());
    }
}

impl Profile {
    /// When the bearer ends, if anything says it.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        let own = self.bearer.as_ref().and_then(|bearer| redact::end(bearer.expose()));
        own.or_else(|| self.sign_in.as_ref()?.expires_at)
    }

    /// Who signed the bearer: the authority that was signed in at, or else the one that the bearer names.
    pub(crate) fn issuer(&self) -> Option<Url> {
        let kept = self.sign_in.as_ref().and_then(|own| own.issuer.as_ref()).map(Url::to_string);
        let named = || redact::payload(self.bearer.as_ref()?.expose())?["iss"].as_str().map(str::to_owned);
        let issuer = address::read(&kept.or_else(named)?).ok()?;
        Some(Authority::new(issuer, String::new()).issuer)
    }

    /// The same profile with the next bearer. A refresh token that the authority didn't replace stays.
    pub(crate) fn renewed(&self, tokens: &Tokens, how: How) -> Profile {
        let before = self.sign_in.clone().unwrap_or_else(|| SignIn::new(how.clone(), None));
        let mut sign_in = SignIn { how, ..before };
        sign_in.take(tokens);
        Profile { bearer: Some(tokens.access.clone()), sign_in: Some(sign_in), ..self.clone() }
    }

    /// The same profile without a refresh token, which its authority doesn't take any more.
    pub(crate) fn ended(&self) -> Profile {
        let sign_in = self.sign_in.clone().map(|sign_in| SignIn { refresh_token: None, ..sign_in });
        Profile { sign_in, ..self.clone() }
    }

    /// The account's address; `Some(Err)` with the tenant if that is no label of a host's name, and so would lead somewhere else.
    pub(crate) fn base_url(&self) -> Option<Result<String, &str>> {
        if let Some(url) = self.sign_in.as_ref().and_then(|own| own.base_url.clone()) {
            return Some(Ok(url));
        }
        let tenant = self.tenant_id.as_deref()?;
        Some(tenant_url(tenant).ok_or(tenant))
    }
}

/// The documented address of a tenant, whose name is one label of a host's.
pub(crate) fn tenant_url(tenant: &str) -> Option<String> {
    let is_label = !tenant.is_empty() && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_label.then(|| format!("https://{tenant}.api.carto.com"))
}

/// The tenant of such an address.
pub(crate) fn tenant_of(base_url: &Url) -> Option<String> {
    let tenant = base_url.host_str()?.strip_suffix(".api.carto.com")?;
    let url = tenant_url(tenant)?;
    (url.parse::<Url>().ok()? == *base_url).then(|| tenant.to_owned())
}

/// A whole file, as JSON has it.
#[derive(Deserialize)]
struct Whole {
    current_profile: Option<String>,
    profiles: Option<BTreeMap<String, Members>>,
    // A value that can be anything: in the old form it is a bearer, and then it is read again.
    token: Option<Box<RawValue>>,
}

/// A profile, as JSON has it.
#[derive(Deserialize)]
struct Members {
    token: Option<Secret>,
    tenant_id: Option<String>,
    tenant_domain: Option<String>,
    organization_id: Option<String>,
    organization_name: Option<String>,
    user_email: Option<String>,
    // Whoever else writes something there doesn't make the file unreadable.
    #[serde(default)]
    sign_in: Option<Box<RawValue>>,
}

impl From<Members> for Profile {
    fn from(members: Members) -> Profile {
        let bearer = members.token.filter(|token| !token.expose().is_empty());
        let own = members.sign_in.and_then(|own| serde_json::from_str::<SignIn>(own.get()).ok());
        let is_of = |own: &SignIn| bearer.as_ref().is_some_and(|bearer| digest(bearer) == own.token_sha256);
        Profile {
            sign_in: own.filter(is_of),
            bearer,
            tenant_id: members.tenant_id,
            tenant_domain: members.tenant_domain,
            organization_id: members.organization_id,
            organization_name: members.organization_name,
            user_email: members.user_email,
        }
    }
}

fn digest(bearer: &Secret) -> String {
    let mut hash = Hash::new();
    hash.update(bearer.expose().as_bytes());
    hash.hex()
}

/// Reads the text of the file. What is wrong with it comes with its place and nothing else: serde's own text can quote a value, and a value
/// here is a bearer.
pub(crate) fn parse(text: &str) -> Result<Profiles, String> {
    // A list of the right length would do for the types below.
    Object::parse(text).map_err(|e| place(&e))?;
    let whole: Whole = serde_json::from_str(text).map_err(|e| place(&e))?;
    if whole.profiles.is_none() && whole.token.is_some() {
        let only: Members = serde_json::from_str(text).map_err(|e| place(&e))?;
        let by_name = BTreeMap::from([(DEFAULT.to_owned(), only.into())]);
        return Ok(Profiles { current: Some(DEFAULT.to_owned()), by_name });
    }
    let profiles = whole.profiles.unwrap_or_default().into_iter();
    let by_name = profiles.map(|(name, members)| (name, members.into())).collect();
    Ok(Profiles { current: whole.current_profile.filter(|name| !name.is_empty()), by_name })
}

fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "the JSON ends here, and isn't complete",
        Category::Syntax => "this isn't JSON",
        Category::Data | Category::Io => {
            "something else belongs here: a credentials file is `{\"profiles\": {NAME: {\"token\": TEXT, …}, …}, …}`"
        }
    };
    format!("line {}, column {}: {what}", error.line(), error.column().max(1))
}

/// The file's text as an object that can be changed, in today's form.
fn object(text: &str) -> serde_json::Result<Object> {
    let root = Object::parse(text)?;
    if root.get("profiles").is_some_and(|profiles| profiles.get() != "null") || root.get("token").is_none() {
        return Ok(root);
    }
    // The old form: what was the whole file is now a profile.
    let mut whole = Object::default();
    whole.set_text("current_profile", Some(DEFAULT))?;
    let mut profiles = Object::default();
    profiles.set(DEFAULT, root.raw(2)?);
    whole.set("profiles", profiles.raw(1)?);
    Ok(whole)
}

/// Puts a profile into the file's object; members that aren't known stay.
fn put(root: &mut Object, name: &str, profile: &Profile) -> serde_json::Result<()> {
    let mut profiles = root.object("profiles");
    let mut members = profiles.object(name);
    members.set_text("token", profile.bearer.as_ref().map(|bearer| bearer.expose().as_str()))?;
    members.set_text("tenant_id", profile.tenant_id.as_deref())?;
    members.set_text("tenant_domain", profile.tenant_domain.as_deref())?;
    members.set_text("organization_id", profile.organization_id.as_deref())?;
    members.set_text("organization_name", profile.organization_name.as_deref())?;
    members.set_text("user_email", profile.user_email.as_deref())?;
    match (&profile.sign_in, &profile.bearer) {
        (Some(own), Some(bearer)) => {
            let own = SignIn { token_sha256: digest(bearer), ..own.clone() };
            members.set(OWN, Object::parse(&serde_json::to_string(&own)?)?.raw(3)?);
        }
        _ => members.remove(OWN),
    }
    profiles.set(name, members.raw(2)?);
    root.set("profiles", profiles.raw(1)?);
    Ok(())
}

/// The file with a profile of that bearer in it, and with that one taken out again, for a fuzzer.
#[cfg(feature = "fuzzing")]
pub(crate) fn with_and_without(text: &str, name: &str, bearer: &str) -> serde_json::Result<[String; 2]> {
    let mut root = object(text)?;
    put(&mut root, name, &Profile { bearer: Some(Secret::new(bearer.to_owned())), ..Profile::default() })?;
    let with = root.raw(0)?.get().to_owned();
    remove(&mut root, name)?;
    Ok([with, root.raw(0)?.get().to_owned()])
}

/// Takes a profile out of the file's object. The current one is then none.
fn remove(root: &mut Object, name: &str) -> serde_json::Result<()> {
    let mut profiles = root.object("profiles");
    profiles.remove(name);
    root.set("profiles", profiles.raw(1)?);
    Ok(())
}
