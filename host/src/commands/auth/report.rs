//! What is known of a sign-in without asking anybody: as `auth status` shows it, and `auth login` as JSON.

use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use crate::account::bearer::{self, TokenKind};
use crate::account::profiles::{Profile, Profiles};
use crate::account::{Named, Sourced, Sources, check_base_url, no_bearer, nobody};
use crate::auth::{How, renew};
use crate::error::{Error, usage};
use crate::input::date;
use crate::output::{Record, table};
use crate::redact;

/// It.
pub(super) struct Report {
    /// Who chose the profile, and its name.
    name: Option<Sourced<String>>,
    profile: Profile,
    bearer: Option<Sourced<Secret>>,
    base_url: Option<Sourced<String>>,
    /// Every profile of the file, and the current one.
    file: Profiles,
    /// Why no command could use it.
    fault: Option<Error>,
    now: Timestamp,
}

impl Report {
    /// What a command would use.
    pub(super) fn of_sources(sources: &Sources) -> Report {
        let (name, profile) = match sources.profile() {
            Some(Named { name, profile }) => (Some(name), profile.unwrap_or_default()),
            None => (None, Profile::default()),
        };
        let own = |what: &Sourced<String>| format!("the profile `{}`", what.value);
        let bearer = sources
            .bearer
            .clone()
            .or_else(|| Some(Sourced { value: profile.bearer.clone()?, source: own(name.as_ref()?) }));
        let base_url = sources
            .base_url
            .clone()
            .or_else(|| Some(Sourced { value: profile.base_url()?.ok()?, source: own(name.as_ref()?) }));
        let file = sources.file.clone().unwrap_or_default();
        let mut report = Report { name, profile, bearer, base_url, file, fault: None, now: Timestamp::now() };
        // What is given beside a profile isn't of the person whose profile it is.
        if sources.bearer.is_some() {
            report.profile = Profile::default();
        }
        report.fault = report.find_fault();
        report
    }

    /// A profile that was just signed in; `sources`: of its name, its bearer and its address.
    pub(super) fn of_login(name: &str, profile: Profile, sources: &[String; 3], file: Option<&Profiles>) -> Report {
        let [named_by, bearer, base_url] = sources;
        let own_url = profile.base_url().and_then(Result::ok);
        let mut report = Report {
            name: Some(Sourced { value: name.to_owned(), source: named_by.clone() }),
            bearer: profile.bearer.clone().map(|value| Sourced { value, source: bearer.clone() }),
            base_url: own_url.map(|value| Sourced { value, source: base_url.clone() }),
            profile,
            file: file.cloned().unwrap_or_default(),
            fault: None,
            now: Timestamp::now(),
        };
        report.fault = report.find_fault();
        report
    }

    fn find_fault(&self) -> Option<Error> {
        let Some(bearer) = &self.bearer else {
            return Some(match &self.name {
                Some(name) => no_bearer(&name.value, &self.profile),
                None => nobody(Some(&self.file)),
            });
        };
        if let Err(error) = bearer::check(bearer.value.expose(), &bearer.source) {
            return Some(error);
        }
        if self.end().is_some_and(|end| end <= self.now) && !renew::is_renewable(&self.profile) {
            return Some(match &self.name {
                Some(name) if self.profile.bearer.is_some() => {
                    renew::expired(&name.value, &self.profile, self.end().unwrap_or(self.now))
                }
                _ => bearer::check_end(bearer.value.expose(), &bearer.source, self.now).err()?,
            });
        }
        match &self.base_url {
            Some(url) => check_base_url(&url.value, &url.source).err(),
            None => {
                Some(usage(format!("there is a bearer from {}, but no address to send it to", bearer.source)).hint(
                    "add `--base-url https://TENANT.api.carto.com`, or set `CARTO_BASE_URL`, or name a `--profile`",
                ))
            }
        }
    }

    /// The end of a command that has shown it: an error if no command could use it, always with the status of being signed out.
    pub(super) fn ended(self) -> anyhow::Result<ExitCode> {
        match self.fault {
            Some(error) if error.code == ErrorCode::Usage => Err(error.with_code(ErrorCode::NotSignedIn).into()),
            Some(error) => Err(error.into()),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    /// Whether there is anything to show.
    pub(super) fn is_empty(&self) -> bool {
        self.bearer.is_none() && self.name.is_none() && self.file.by_name.is_empty()
    }

    fn end(&self) -> Option<Timestamp> {
        let bearer = self.bearer.as_ref()?;
        redact::end(bearer.value.expose()).or_else(|| self.profile.sign_in.as_ref()?.expires_at)
    }

    fn kind(&self) -> Option<TokenKind> {
        self.bearer.as_ref().map(|bearer| TokenKind::of(bearer.value.expose()))
    }

    /// Who the bearer says that it is of; it isn't verified.
    fn email(&self) -> Option<String> {
        let claims = self.bearer.as_ref().and_then(|bearer| redact::payload(bearer.value.expose()));
        self.profile.user_email.clone().or_else(|| claims?["email"].as_str().map(redact::redact))
    }

    /// The keys of both documented shapes, and ours.
    pub(super) fn json(&self) -> Value {
        let profile = &self.profile;
        let email = self.email();
        let plain = |text: &String| text.replace('`', "");
        let source = |source: Option<&String>| source.map(plain);
        let profiles = self.file.by_name.iter().map(|(name, profile)| {
            let current = self.file.current.as_ref() == Some(name);
            json!({
                "name": name,
                "current": current,
                "tenant_id": profile.tenant_id,
                "organization_name": profile.organization_name,
                "user_email": profile.user_email,
                "expires_at": profile.end().map(date::shown),
                "renewable": renew::is_renewable(profile),
            })
        });
        json!({
            "authenticated": self.fault.is_none(),
            "profile": self.name.as_ref().map(|name| &name.value),
            "current_profile": self.file.current,
            "token_kind": self.kind().map(TokenKind::word),
            "sign_in": self.how(),
            "expires_at": self.end().map(date::shown),
            "expires_in": self.end().map(|end| end.duration_since(self.now).as_secs().max(0)),
            "renewable": renew::is_renewable(profile),
            "not_renewed": renew::obstacle(profile).as_ref().map(plain),
            "base_url": self.base_url.as_ref().map(|url| &url.value),
            "tenant_id": profile.tenant_id,
            "tenant_domain": profile.tenant_domain,
            "organization_id": profile.organization_id,
            "organization_name": profile.organization_name,
            "user_email": email,
            "tenant": { "id": profile.tenant_id, "domain": profile.tenant_domain },
            "organization": { "id": profile.organization_id, "name": profile.organization_name },
            "user": { "email": email },
            "sources": {
                "profile": source(self.name.as_ref().map(|name| &name.source)),
                "token": source(self.bearer.as_ref().map(|bearer| &bearer.source)),
                "base_url": source(self.base_url.as_ref().map(|url| &url.source)),
            },
            "profiles": profiles.collect::<Vec<_>>(),
        })
    }

    fn how(&self) -> Option<&'static str> {
        Some(match self.profile.sign_in.as_ref()?.how {
            How::Browser { .. } => "browser",
            How::Machine { .. } => "m2m",
            How::Token => "token",
        })
    }

    /// The same for people; `others`: with the file's other profiles.
    pub(super) fn text(&self, others: bool) -> String {
        let mut fields = Map::new();
        let mut say = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value.into());
            }
        };
        let profile = &self.profile;
        let name = self.name.as_ref().map(|name| match self.file.current.as_ref() == Some(&name.value) {
            true => format!("{} (the current one)", name.value),
            false => format!("{} (from {})", name.value, name.source),
        });
        say("profile", name);
        say("user", self.email());
        let with = |name: &Option<String>, more: &Option<String>| match (name, more) {
            (Some(name), Some(more)) => Some(format!("{name} ({more})")),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        say("organization", with(&profile.organization_name, &profile.organization_id));
        say("tenant", with(&profile.tenant_id, &profile.tenant_domain));
        say("base url", self.base_url.as_ref().map(|url| format!("{}, from {}", url.value, url.source)));
        let bearer = self.bearer.as_ref().zip(self.kind());
        say("bearer", bearer.map(|(bearer, kind)| format!("{}, from {}", kind.meaning(), bearer.source)));
        let renewed = match renew::obstacle(profile) {
            Some(why) => format!("; not renewed: {why}"),
            None if renew::is_renewable(profile) => "; renewed by itself".to_owned(),
            None => String::new(),
        };
        say("ends", self.end().map(|end| format!("{}{renewed}", when(end, self.now))));
        if others {
            let width = self.file.by_name.keys().map(|name| name.width()).max().unwrap_or_default();
            let list = self.file.by_name.iter().map(|(name, profile)| {
                let mark = if self.file.current.as_ref() == Some(name) { "*" } else { " " };
                let gap = " ".repeat(width.saturating_sub(name.width()));
                let end = profile.end().map(|end| format!("{gap}  {}", until(end, self.now))).unwrap_or_default();
                Value::from(format!("{mark} {name}{end}"))
            });
            let list: Vec<Value> = list.collect();
            if list.len() > 1 || self.name.is_none() && !list.is_empty() {
                fields.insert("profiles".to_owned(), list.into());
            }
        }
        table::fields(&Record::from(fields), &[])
    }
}

fn when(end: Timestamp, now: Timestamp) -> String {
    let left = end.duration_since(now);
    match left.is_positive() {
        true => format!("{}, in {}", date::shown(end), about(left)),
        false => format!("{}, {} ago", date::shown(end), about(left.abs())),
    }
}

/// `until …`, or that it is over.
pub(super) fn until(end: Timestamp, now: Timestamp) -> String {
    match end > now {
        true => format!("until {}", date::shown(end)),
        false => format!("expired at {}", date::shown(end)),
    }
}

/// A time in the one or two units that tell something.
fn about(time: SignedDuration) -> String {
    let (minutes, hours, days) = (time.as_mins(), time.as_hours(), time.as_hours() / 24);
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..60 => format!("{minutes} min"),
        60..1440 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_units_that_tell_something() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (86_399, "23 h 59 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(about(SignedDuration::from_secs(seconds)), expected);
        }
    }
}
