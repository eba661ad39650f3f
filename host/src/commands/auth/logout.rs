//! `carto auth logout`: removes a profile, and ends its bearer where it came from, if that is possible. What is here is removed first: a
//! bearer that can't be ended elsewhere is no reason to keep it.

use std::process::ExitCode;

use carto_plugin_api::{ErrorCode, Secret};
use jiff::Timestamp;
use serde_json::json;

use super::report;
use crate::account;
use crate::account::profiles::{self, Edit, Profile, Profiles};
use crate::auth::client::Client;
use crate::auth::revoke::{self, Ended};
use crate::auth::{Authority, How, Http};
use crate::commands::Context;
use crate::error::Error;
use crate::output::{json as json_text, stderr, stdout};
use crate::service::Deadline;
use crate::settings;

/// The bearer, for messages.
const BEARER: &str = "bearer";

/// What became of what a profile held.
enum Outcome {
    /// Each was ended, or lasts.
    Known(Vec<Answered>),
    /// Nobody waited for it.
    Interrupted,
}

/// What became of one token: an authority may end refresh tokens and no bearers, or refuse one that is over (RFC 7009 2.2.1).
struct Answered {
    /// `bearer`, for messages.
    what: &'static str,
    /// The place where it was ended, or why it lasts.
    ended: std::result::Result<String, String>,
}

/// Something that lasts until it is ended.
struct Lasting<'a> {
    /// `bearer`, for messages.
    what: &'static str,
    /// Its `token_type_hint` (RFC 7009 2.1).
    kind: &'static str,
    token: &'a Secret,
}

impl Outcome {
    /// Whether nothing of it lasts.
    fn is_ended(&self) -> bool {
        matches!(self, Outcome::Known(answers) if answers.iter().all(|answer| answer.ended.is_ok()))
    }
}

/// Signs out.
pub(super) fn run(context: &Context, positional: Option<&str>) -> anyhow::Result<ExitCode> {
    super::outside_the_sandbox(context, "logout")?;
    let file = profiles::read()?;
    let current = file.as_ref().and_then(|file| file.current.clone());
    let nobody = |file: Option<&Profiles>| match file {
        Some(file) if !file.by_name.is_empty() => account::nobody(Some(file)),
        _ => account::no_profiles(),
    };
    let name = super::named(context, positional)?.or(current).ok_or_else(|| nobody(file.as_ref()))?;
    let gone = |file| account::no_profile(&name, file);
    let profile = file.as_ref().and_then(|file| file.by_name.get(&name)).ok_or_else(|| gone(file.as_ref()))?;
    if context.globals.dry_run {
        let revoked = match ways(profile) {
            Some((authority, _)) => format!(" and its bearer ended at {}", authority.place()),
            None => String::new(),
        };
        stderr::done(&format!(
            "The profile `{name}` would be removed{revoked}: this was a dry run, and nothing was changed."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let deadline = Deadline::new(context.globals.timeout);
    let mut edit = Edit::begin(deadline.left())?;
    let profile = edit.profiles().by_name.get(&name).cloned().ok_or_else(|| gone(Some(edit.profiles())))?;
    edit.remove(&name)?;
    let others = !edit.profiles().by_name.is_empty();
    let has_current = edit.profiles().current.is_some();
    edit.write()?;
    let outcome = end(context, &profile, deadline);
    if context.globals.view().format.is_json() {
        let revoked = outcome.as_ref().is_some_and(Outcome::is_ended);
        stdout::write(&json_text::pretty(&json!({ "removed": name, "revoked": revoked })))?;
    }
    stderr::done(&format!("Signed out: the profile `{name}` was removed."));
    match outcome {
        Some(Outcome::Known(answers)) => tell(&profile, &answers),
        Some(Outcome::Interrupted) => {
            return Err(Error::new(
                ErrorCode::Interrupted,
                "interrupted before the bearer was ended where it came from",
            )
            .hint("the profile is gone; if somebody may have the bearer, delete the client that it belongs to")
            .into());
        }
        None => {}
    }
    if others && !has_current {
        stderr::done("No profile is the current one now.");
        stderr::commands(&["carto auth use".to_owned()]);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what became of each: in one line, if nothing lasts.
fn tell(profile: &Profile, answers: &[Answered]) {
    if let [Answered { ended: Ok(place), .. }, rest @ ..] = answers
        && rest.iter().all(|answer| answer.ended.is_ok())
    {
        stderr::done(&format!("What signed it in was ended at {place}."));
        return;
    }
    for Answered { what, ended } in answers {
        match ended {
            Ok(place) => stderr::done(&format!("The {what} was ended at {place}.")),
            Err(why) => warn(profile, what, why),
        }
    }
}

/// Says that something lasts: what, until when if that is known, and why.
fn warn(profile: &Profile, what: &str, why: &str) {
    let end = profile.end().filter(|_| what == BEARER);
    let end = end.map(|end| format!(", {}", report::until(end, Timestamp::now()))).unwrap_or_default();
    stderr::warning(
        &format!("the {what} could not be ended and is valid where somebody has it{end}: {why}"),
        Some("if somebody may have it, delete the client that it belongs to, or ask the account's administrator"),
    );
}

/// Who gave the bearer, and for which client.
fn ways(profile: &Profile) -> Option<(Authority, &How)> {
    let sign_in = profile.sign_in.as_ref()?;
    Some((sign_in.authority()?, &sign_in.how))
}

/// What a profile holds that isn't over.
fn lasting(profile: &Profile) -> Vec<Lasting<'_>> {
    let refresh = profile.sign_in.as_ref().and_then(|own| own.refresh_token.as_ref());
    let is_over = profile.end().is_some_and(|end| end <= Timestamp::now());
    let bearer = profile.bearer.as_ref().filter(|_| !is_over);
    let refresh = refresh.map(|token| Lasting { what: "refresh token", kind: "refresh_token", token });
    let bearer = bearer.map(|token| Lasting { what: BEARER, kind: "access_token", token });
    refresh.into_iter().chain(bearer).collect()
}

/// Ends what a profile held. Nothing if it is over anyway, or if there never was one.
fn end(context: &Context, profile: &Profile, deadline: Deadline) -> Option<Outcome> {
    let secrets = lasting(profile);
    if secrets.is_empty() {
        return None;
    }
    // What was answered counts, whatever ends the rest.
    let mut answers = Vec::new();
    let work = async {
        let unknown = || Error::new(ErrorCode::Failed, "it isn't known here who gave it");
        let (authority, how) = ways(profile).ok_or_else(unknown)?;
        let settings = settings::read()?;
        let http = Http::within(settings.network, deadline, context.globals.debug);
        let (client_id, client_secret) = match how {
            How::Browser { client_id } => (client_id.clone(), None),
            How::Machine { client_id, client_secret } => {
                let client = Client::again(client_id, client_secret)?;
                (client.id, Some(client.secret))
            }
            How::Token => return Err(unknown()),
        };
        let Some(endpoint) = revoke::endpoint(&http, &authority).await? else {
            return Err(Error::new(ErrorCode::Failed, format!("{} doesn't end bearers", authority.place())));
        };
        for &Lasting { what, kind, token } in &secrets {
            let ended = Ended { client_id: &client_id, client_secret: client_secret.as_ref(), token, kind };
            // What is refused for one token says nothing of the next.
            let ended = revoke::end(&http, &endpoint, ended).await;
            answers.push(Answered { what, ended: ended.map(|()| authority.place()).map_err(|error| error.message) });
        }
        Ok(())
    };
    if let Err(error) = super::attended("Signing out", deadline, super::UNCHANGED, work) {
        if error.code == ErrorCode::Interrupted {
            return Some(Outcome::Interrupted);
        }
        for Lasting { what, .. } in &secrets[answers.len()..] {
            answers.push(Answered { what, ended: Err(error.message.clone()) });
        }
    }
    Some(Outcome::Known(answers))
}
