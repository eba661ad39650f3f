//! The next bearer of a profile, when the one that it has is about to end: with the secret of an M2M client, or, by `refresh`, with a refresh token.
//! Of several commands at once one asks: the others find it in the file.

use carto_plugin_api::ErrorCode;
use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::{Authority, How, Http, SecretPlace, UNCHANGED, attended, machine, refresh};
use crate::account::again;
use crate::account::profiles::{Edit, Profile, Renewed};
use crate::environment;
use crate::error::{Error, Result};
use crate::input::date;
use crate::output::stderr;
use crate::service::Deadline;

/// A bearer that ends sooner isn't sent any more, if another can be had.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What another bearer is asked with.
enum Way<'a> {
    Machine { client_id: &'a str, client_secret: &'a SecretPlace },
    Refresh { client_id: &'a str, token: &'a str },
}

/// Why there is no other bearer.
pub(super) enum Failure {
    /// None was to be had. The one before is still the profile's.
    Unhad(Error),
    /// The one before isn't the profile's any more, and there is none to use in its place.
    Replaced(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Unhad(error)
    }
}

/// The profile with a bearer that can be used now. `http` is made if something has to be asked.
pub(crate) fn current(
    name: &str,
    profile: Profile,
    deadline: Deadline,
    http: impl FnOnce() -> Result<Http>,
) -> Result<Profile> {
    let now = Timestamp::now();
    let Some(end) = profile.end().filter(|end| end.duration_since(now) <= AHEAD) else { return Ok(profile) };
    let is_over = end <= now;
    if way(&profile).is_none() {
        return if is_over { Err(expired(name, &profile, end)) } else { Ok(profile) };
    }
    match http().map_err(Failure::from).and_then(|http| renewed(name, &profile, deadline, &http)) {
        Ok(found) => match found.end().filter(|end| *end <= now) {
            // Somebody else heard meanwhile that there is none.
            Some(end) if way(&found).is_none() => Err(expired(name, &found, end)),
            _ => Ok(found),
        },
        Err(Failure::Replaced(error)) => Err(error),
        Err(Failure::Unhad(error)) if error.code == ErrorCode::Interrupted => Err(error),
        Err(Failure::Unhad(error)) if is_over => Err(unrenewed(name, end, error)),
        Err(Failure::Unhad(error)) => {
            let message = format!(
                "the bearer of the profile `{name}` ends at {}, and another wasn't to be had",
                date::shown(end)
            );
            stderr::warning(&format!("{message}: {}", error.message), error.hint.as_deref());
            Ok(profile)
        }
    }
}

/// Whether another bearer can be asked for without a person, as far as that can be told here.
pub(crate) fn is_renewable(profile: &Profile) -> bool {
    way(profile).is_some() && secret_fault(profile).is_none()
}

/// Why the bearer of a machine isn't followed by another, if it would be but for its secret.
pub(crate) fn obstacle(profile: &Profile) -> Option<String> {
    let fault = way(profile).and_then(|_| secret_fault(profile))?;
    match &profile.sign_in.as_ref()?.how {
        How::Machine { client_secret: SecretPlace::Variable(name), .. } if environment::raw(name).is_none() => {
            Some(format!("`{name}` isn't set"))
        }
        _ => Some(fault.message),
    }
}

/// Why a machine's secret can't be read where it was.
fn secret_fault(profile: &Profile) -> Option<Error> {
    match &profile.sign_in.as_ref()?.how {
        How::Machine { client_id, client_secret } => Client::again(client_id, client_secret).err(),
        How::Browser { .. } | How::Token => None,
    }
}

fn way(profile: &Profile) -> Option<(Authority, Way<'_>)> {
    let sign_in = profile.sign_in.as_ref()?;
    let way = match &sign_in.how {
        How::Machine { client_id, client_secret } => Way::Machine { client_id, client_secret },
        How::Browser { client_id } => Way::Refresh { client_id, token: sign_in.refresh_token.as_ref()?.expose() },
        How::Token => return None,
    };
    Some((sign_in.authority()?, way))
}

/// Asks under the file's lock.
fn renewed(name: &str, seen: &Profile, deadline: Deadline, http: &Http) -> std::result::Result<Profile, Failure> {
    match Edit::begin(deadline.left()) {
        Ok(edit) => renewed_in(edit, name, seen, http),
        Err(error) if error.code == ErrorCode::OutputFailed => match way(seen) {
            // A machine's secret works again: its bearer is used even if it can't be kept.
            Some((authority, Way::Machine { client_id, client_secret })) => {
                let renewed = by_machine(name, seen, &authority, (client_id, client_secret), http)?;
                unkept(&error);
                Ok(renewed)
            }
            _ => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The profile as the file has it now, renewed if nobody has done it meanwhile.
fn renewed_in(edit: Edit, name: &str, seen: &Profile, http: &Http) -> std::result::Result<Profile, Failure> {
    let profile = edit.profiles().by_name.get(name).cloned().ok_or_else(|| removed(name))?;
    let is_other = profile.bearer != seen.bearer;
    // A bearer that came meanwhile is as long as its authority makes them, which can be shorter than that.
    let ahead = if is_other { SignedDuration::ZERO } else { AHEAD };
    let now = Timestamp::now();
    let Some(end) = profile.end().filter(|end| end.duration_since(now) <= ahead) else { return Ok(profile) };
    renewed_as(edit, name, profile, http).map_err(|failure| match failure {
        // What is over here isn't the one that was seen.
        Failure::Unhad(error) if is_other && error.code != ErrorCode::Interrupted => {
            Failure::Replaced(unrenewed(name, end, error))
        }
        failure => failure,
    })
}

/// The profile with the next bearer, if there is a way to one.
fn renewed_as(edit: Edit, name: &str, profile: Profile, http: &Http) -> std::result::Result<Profile, Failure> {
    match way(&profile) {
        None => Ok(profile),
        Some((authority, Way::Refresh { client_id, token })) => {
            let request = refresh::Request { authority: &authority, client_id, token };
            refresh::next(name, &profile, &request, edit, http)
        }
        Some((authority, Way::Machine { client_id, client_secret })) => {
            let renewed = by_machine(name, &profile, &authority, (client_id, client_secret), http)?;
            match edit.renew(name, &profile, &renewed) {
                Ok(Renewed::Kept(kept)) => Ok(kept),
                Ok(Renewed::Replaced(other)) => instead(name, other),
                Err(error) => {
                    unkept(&error);
                    Ok(renewed)
                }
            }
        }
    }
}

/// The profile that stands where one was renewed, which somebody replaced meanwhile: it is the user's latest word. What came for the one before
/// is nobody's, its refresh token too, and ends by itself.
pub(super) fn instead(name: &str, other: Option<Profile>) -> std::result::Result<Profile, Failure> {
    let other = other.ok_or_else(|| removed(name))?;
    match other.end().filter(|end| *end <= Timestamp::now()) {
        Some(end) => {
            let message = format!(
                "the profile `{name}` was given another bearer meanwhile, which expired at {}",
                date::shown(end)
            );
            Err(Failure::Replaced(expired(name, &other, end).with_message(message)))
        }
        None => Ok(other),
    }
}

fn removed(name: &str) -> Failure {
    let message = format!("the profile `{name}` was removed meanwhile");
    Failure::Replaced(Error::new(ErrorCode::NotSignedIn, message).hint("`carto auth status` shows profiles"))
}

fn by_machine(
    name: &str,
    profile: &Profile,
    authority: &Authority,
    (client_id, client_secret): (&str, &SecretPlace),
    http: &Http,
) -> Result<Profile> {
    attended("Renewing the bearer", Deadline::new(None), UNCHANGED, async {
        let client = Client::again(client_id, client_secret)?;
        let tokens = machine::sign_in(http, authority, &client).await?;
        Ok(profile.renewed(&tokens, How::Machine { client_id: client.id, client_secret: client.place }))
    })
    .map_err(|error| secret_hint(name, client_secret, error))
}

fn unkept(error: &Error) {
    stderr::warning(&format!("the next bearer can be used and not kept: {}", error.message), error.hint.as_deref());
}

/// What to do where a machine's secret is missing or wrong; whatever else went wrong has its own way out.
fn secret_hint(name: &str, place: &SecretPlace, error: Error) -> Error {
    let another = again::with_another_secret(name);
    match (error.code, place) {
        (ErrorCode::Usage, SecretPlace::Variable(_)) => error.hint(format!("set and export it; or {another}")),
        (ErrorCode::Usage, SecretPlace::File(_) | SecretPlace::ClientFile(_)) => {
            error.hint(format!("put the file back; or {another}"))
        }
        (ErrorCode::NotSignedIn, _) => error.hint(format!("look at the client in CARTO; or {another}")),
        _ => error,
    }
}

/// The error for a bearer of a profile that is over, and that nothing here can follow.
pub(crate) fn expired(name: &str, profile: &Profile, end: Timestamp) -> Error {
    let message = format!("the bearer of the profile `{name}` expired at {}", date::shown(end));
    match (secret_fault(profile), profile.sign_in.as_ref().map(|own| &own.how)) {
        (Some(fault), Some(How::Machine { client_secret, .. })) if way(profile).is_some() => {
            let fault = secret_hint(name, client_secret, fault);
            let message = format!("{message}, and another isn't to be had: {}", fault.message);
            fault.with_code(ErrorCode::NotSignedIn).with_message(message)
        }
        _ => Error::new(ErrorCode::NotSignedIn, message).hint(again::hint(name, profile)),
    }
}

/// The error for one that something else than a person should have followed.
fn unrenewed(name: &str, end: Timestamp, error: Error) -> Error {
    let message = format!(
        "the bearer of the profile `{name}` ended at {}, and another wasn't to be had: {}",
        date::shown(end),
        error.message
    );
    // Whatever it lacks, what is lacking in the end is a bearer.
    let code = if error.code == ErrorCode::Usage { ErrorCode::NotSignedIn } else { error.code };
    error.with_code(code).with_message(message)
}
