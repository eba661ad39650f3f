//! Keeps what a sign-in gave: the account is looked up, the profile named and written, and what was done is said.

use std::process::ExitCode;
use std::time::Duration;

use carto_plugin_api::{ErrorCode, Secret};
use jiff::Timestamp;
use url::Url;

use super::name;
use super::person::{self, Replaced};
use super::report::{self, Report};
use crate::account::profiles::{self, Edit, Profile, SHOWN, SignIn, tenant_of, tenant_url};
use crate::account::{Sourced, bearer};
use crate::address;
use crate::auth::discovery::{self, Found};
use crate::auth::{Authority, How, Http, SecretPlace, Tokens};
use crate::commands::Context;
use crate::environment;
use crate::error::{Error, Result};
use crate::output::{json as json_text, stderr, stdout};
use crate::redact;

/// What a login was asked for, by options, variables and settings: enough to keep what comes of it, in another process too.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Who is asked.
    pub(super) authority: Authority,
    /// Where the account is looked up.
    pub(super) accounts_url: Url,
    /// The name that the profile is to have, if one was given, and by what.
    pub(super) profile: Option<Sourced<String>>,
    /// The account's address, if it was given and needn't be looked up, and by what.
    pub(super) base_url: Option<Sourced<Url>>,
    /// The organisation to sign in to, by its name.
    pub(super) organization: Option<String>,
    /// The profile of that name, which is signed in again.
    pub(super) before: Option<Profile>,
    /// What `--timeout` says.
    pub(super) timeout: Option<Duration>,
}

impl Wish {
    /// What the profile has of a sign-in at the authority that is asked; nothing at another one.
    pub(super) fn sign_in(&self) -> Option<&SignIn> {
        let own = self.before.as_ref()?.sign_in.as_ref()?;
        own.authority().is_some_and(|authority| authority.issuer == self.authority.issuer).then_some(own)
    }

    /// The account that the profile has had, if it is the same person or machine who signs in again.
    fn account(&self, tokens: &Tokens, how: &How) -> Option<Found> {
        let before = self.before.as_ref()?;
        // By its own word, and a bearer may say nothing.
        if let (Some(before), Some(now)) = (&before.user_email, &tokens.user_email)
            && !before.eq_ignore_ascii_case(now)
        {
            return None;
        }
        let who = |bearer: &Secret| {
            let claims = redact::payload(bearer.expose())?;
            Some((claims["iss"].as_str()?.to_owned(), claims["sub"].as_str()?.to_owned()))
        };
        let is_same = match (before.bearer.as_ref().and_then(who), who(&tokens.access)) {
            (Some(before), Some(now)) => before == now,
            // Bearers that don't say it: whoever names a profile means it.
            _ => true,
        };
        let knows_another = *how != How::Token
            && before.sign_in.as_ref().is_some_and(|own| own.issuer.is_some())
            && self.sign_in().is_none();
        // Of the same authority, and still another: a bearer needn't say whose it is.
        let is_another_machine = match (before.sign_in.as_ref().map(|own| &own.how), how) {
            (Some(How::Machine { client_id: before, .. }), How::Machine { client_id: now, .. }) => before != now,
            (Some(How::Browser { .. }), How::Machine { .. }) | (Some(How::Machine { .. }), How::Browser { .. }) => true,
            _ => false,
        };
        if !is_same || knows_another || is_another_machine {
            return None;
        }
        Some(Found {
            base_url: Some(before.base_url()?.ok()?.parse().ok()?),
            tenant_id: before.tenant_id.clone(),
            tenant_domain: before.tenant_domain.clone(),
            organization_id: before.organization_id.clone(),
            organization_name: before.organization_name.clone(),
            user_email: before.user_email.clone(),
        })
    }
}

/// The profile of a name, if there is one.
pub(super) fn before(name: Option<&str>) -> Result<Option<Profile>> {
    let Some(name) = name else { return Ok(None) };
    Ok(profiles::read()?.and_then(|mut file| file.by_name.remove(name)))
}

/// What was kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// The name of the profile.
    pub(super) profile: String,
    /// What is in it.
    content: Profile,
    /// Where its name, the bearer and the account's address come from.
    sources: [String; 3],
    /// Nobody was asked whether the bearer works.
    is_unchecked: bool,
    /// Whose it was, if it was somebody else's.
    replaced: Option<Replaced>,
}

/// Looks up the account of a bearer, and keeps the bearer in a profile, which becomes the current one.
pub(super) async fn keep(http: &Http, wish: &Wish, tokens: Tokens, how: How) -> Result<Kept> {
    let source = match how {
        How::Token => "standard input".to_owned(),
        How::Browser { .. } | How::Machine { .. } => wish.authority.place(),
    };
    bearer::check(tokens.access.expose(), &source)?;
    let (found, found_by) = match (&wish.base_url, wish.account(&tokens, &how)) {
        (Some(url), _) => (Found { base_url: Some(url.value.clone()), ..Found::default() }, url.source.clone()),
        (None, Some(found)) => (found, "the profile as it was".to_owned()),
        (None, None) => {
            let found = discovery::find(http, &wish.accounts_url, &tokens.access).await?;
            (found, address::place(&wish.accounts_url))
        }
    };
    let is_unchecked = how == How::Token && (wish.base_url.is_some() || wish.account(&tokens, &how).is_some());
    let base_url = found.base_url.clone().ok_or_else(|| Error::new(ErrorCode::Failed, "the account has no address"))?;
    let profile = profile_of(wish, tokens, how, found, &base_url);
    let name = wish
        .profile
        .clone()
        .unwrap_or_else(|| Sourced { value: name_of(&profile, &base_url), source: "the account".to_owned() });
    let Sourced { value: name, source: named_by } = name;
    let timeout = wish.timeout;
    // Others may have the file for a while: signals and the browser are heard meanwhile.
    let edit = tokio::task::spawn_blocking(move || Edit::begin(timeout)).await;
    let mut edit = edit.map_err(|e| Error::new(ErrorCode::Failed, format!("the file can't be waited for: {e}")))??;
    let replaced = edit.profiles().by_name.get(&name).and_then(|before| Replaced::find(before, &profile));
    edit.make_current(&name)?;
    edit.put(&name, profile.clone())?;
    edit.write()?;
    Ok(Kept { profile: name, content: profile, sources: [named_by, source, found_by], is_unchecked, replaced })
}

fn profile_of(wish: &Wish, tokens: Tokens, how: How, found: Found, base_url: &Url) -> Profile {
    let authority = (how != How::Token).then_some(&wish.authority);
    let tenant_id = found.tenant_id.or_else(|| tenant_of(base_url));
    let usual = tenant_id.as_deref().and_then(tenant_url).and_then(|url| url.parse::<Url>().ok());
    let mut sign_in = SignIn::new(how, authority);
    sign_in.take(&tokens);
    sign_in.organization = wish.organization.clone();
    sign_in.base_url = (usual.as_ref() != Some(base_url)).then(|| base_url.as_str().trim_end_matches('/').to_owned());
    let is_plain = |email: &String| !email.is_empty() && !email.contains(carto_plugin_api::is_harmful);
    Profile {
        bearer: Some(tokens.access),
        tenant_id,
        tenant_domain: found.tenant_domain,
        organization_id: found.organization_id,
        organization_name: found.organization_name,
        user_email: found.user_email.or(tokens.user_email).filter(is_plain),
        sign_in: Some(sign_in),
    }
}

/// Tenant, organisation and user; a machine has its client's id for a user.
fn name_of(profile: &Profile, base_url: &Url) -> String {
    let tenant = profile.tenant_id.as_deref().or_else(|| base_url.host_str());
    let client = match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Machine { client_id, .. }) => Some(redact::redact(client_id)),
        Some(How::Browser { .. } | How::Token) | None => None,
    };
    let user = profile.user_email.as_deref().or(client.as_deref());
    name::made_up([tenant, profile.organization_name.as_deref(), user].into_iter().flatten())
}

/// Says what was kept, as text or JSON.
pub(super) fn tell(context: &Context, kept: &Kept) -> anyhow::Result<ExitCode> {
    let (name, profile) = (&kept.profile, &kept.content);
    if context.globals.view().format.is_json() {
        let file = profiles::read()?;
        let report = Report::of_login(name, profile.clone(), &kept.sources, file.as_ref());
        stdout::write(&json_text::pretty(&report.json()))?;
    } else {
        let who = person::name(profile).map(|name| format!(" as `{name}`")).unwrap_or_default();
        let place = profile.base_url().and_then(|url| url.ok()).map(|url| format!(" at `{url}`")).unwrap_or_default();
        let end = profile.end().map(|end| format!(", {}", report::until(end, Timestamp::now()))).unwrap_or_default();
        stderr::done(&format!("Signed in{who}{place}{end}. The profile `{name}` is the current one."));
    }
    if let Some(replaced) = &kept.replaced {
        replaced.tell(name);
    }
    if kept.is_unchecked {
        stderr::note("nobody was asked whether the bearer works: `carto auth whoami` does");
    }
    if let Some(SignIn { how: How::Machine { client_secret: SecretPlace::Value(_), .. }, .. }) = &profile.sign_in {
        stderr::note(&format!(
            "the client's secret is kept in `{SHOWN}`, which you alone can read: it is nowhere else from where it could be read again"
        ));
    }
    for (variable, what) in [(environment::API_TOKEN, "bearer"), (environment::PROFILE, "profile")] {
        if environment::text(variable)?.is_some_and(|value| variable != environment::PROFILE || value != *name) {
            let message = format!("`{variable}` names another {what}, which goes before the current profile");
            stderr::warning(&message, Some(&format!("unset `{variable}` to use what you have signed in to")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A bearer that somebody has, as if an authority had just given it.
pub(super) fn given(bearer: Secret) -> Result<Tokens> {
    const SOURCE: &str = "standard input";
    bearer::check(bearer.expose(), SOURCE)?;
    bearer::check_end(bearer.expose(), SOURCE, Timestamp::now())
        .map_err(|e| e.hint("get another, and give it in the same way: one lasts a day"))?;
    let email = redact::payload(bearer.expose()).and_then(|claims| claims["email"].as_str().map(str::to_owned));
    Ok(Tokens {
        expires_at: redact::end(bearer.expose()),
        access: bearer,
        refresh: None,
        endpoint: None,
        user_email: email,
    })
}
