//! The next bearer of a profile, when the one that it has is about to end: with the secret of an M2M client, or with a refresh token. Two
//! commands at once ask for one: the second finds it in the file.

use carto_plugin_api::ErrorCode;
use jiff::{SignedDuration, Timestamp};
use oauth2::RefreshToken;

use super::client::Client;
use super::exchange::{self, Grant};
use super::{Authority, How, Http, Tokens, attended, machine};
use crate::account::profiles::{Edit, Profile, SignIn};
use crate::error::{Error, Result, shell_word, usage};
use crate::input::date;
use crate::output::stderr;

/// A bearer that ends sooner isn't sent any more, if another can be had.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What another bearer is asked with.
enum Way<'a> {
    Machine { client_id: &'a str, sign_in: &'a SignIn },
    Refresh { client_id: &'a str, token: &'a str },
}

/// The profile with a bearer that can be used now. `http` is made if something has to be asked.
pub(crate) fn current(name: &str, profile: Profile, http: impl FnOnce() -> Result<Http>) -> Result<Profile> {
    let now = Timestamp::now();
    let Some(end) = profile.end().filter(|end| end.duration_since(now) <= AHEAD) else { return Ok(profile) };
    let is_over = end <= now;
    if way(&profile).is_none() {
        return if is_over { Err(expired(name, &profile, end)) } else { Ok(profile) };
    }
    match http().and_then(|http| renewed(name, &http)) {
        Ok(renewed) => Ok(renewed),
        Err(error) if error.code == ErrorCode::Interrupted => Err(error),
        Err(error) if is_over => Err(unrenewed(name, end, error)),
        Err(error) => {
            let message = format!(
                "the bearer of the profile `{name}` ends at {}, and another wasn't to be had",
                date::shown(end)
            );
            stderr::warning(&format!("{message}: {}", error.message), error.hint.as_deref());
            Ok(profile)
        }
    }
}

/// Whether another bearer can be asked for without a person.
pub(crate) fn is_renewable(profile: &Profile) -> bool {
    way(profile).is_some()
}

fn way(profile: &Profile) -> Option<(Authority, Way<'_>)> {
    let sign_in = profile.sign_in.as_ref()?;
    let way = match &sign_in.how {
        How::Machine { client_id, .. } => Way::Machine { client_id, sign_in },
        How::Browser { client_id } => Way::Refresh { client_id, token: sign_in.refresh_token.as_ref()?.expose() },
        How::Token => return None,
    };
    Some((sign_in.authority()?, way))
}

/// Asks under the file's lock. What comes is in the file before it is used: a refresh token may work only once.
fn renewed(name: &str, http: &Http) -> Result<Profile> {
    let mut edit = Edit::begin()?;
    let gone = || usage(format!("the profile `{name}` was removed meanwhile"));
    let profile = edit.profiles().by_name.get(name).cloned().ok_or_else(gone)?;
    let is_fresh = |end: Timestamp| end.duration_since(Timestamp::now()) > AHEAD;
    if profile.end().is_none_or(is_fresh) {
        return Ok(profile);
    }
    let Some((authority, way)) = way(&profile) else { return Ok(profile) };
    let (how, tokens) = attended("Renewing the bearer", None, async {
        match way {
            Way::Machine { client_id, sign_in } => {
                let How::Machine { client_secret, .. } = &sign_in.how else { return Err(gone()) };
                let client = Client::again(client_id, client_secret)?;
                let tokens = machine::sign_in(http, &authority, &client).await?;
                Ok((How::Machine { client_id: client.id, client_secret: client.place }, tokens))
            }
            Way::Refresh { client_id, token } => {
                let again = |e: Error| match e.code {
                    ErrorCode::NotSignedIn => {
                        e.hint(format!("sign in again with `carto auth login {}`", shell_word(name)))
                    }
                    _ => e,
                };
                let tokens = refreshed(http, &authority, client_id, token).await.map_err(again)?;
                Ok((How::Browser { client_id: client_id.to_owned() }, tokens))
            }
        }
    })?;
    let renewed = profile.renewed(&tokens, how);
    edit.put(name, renewed.clone())?;
    edit.write()?;
    Ok(renewed)
}

async fn refreshed(http: &Http, authority: &Authority, client_id: &str, token: &str) -> Result<Tokens> {
    let answer = exchange::client(authority, client_id, None)
        .exchange_refresh_token(&RefreshToken::new(token.to_owned()))
        .request_async(&|request| http.send(request))
        .await
        .map_err(|refusal| exchange::refused(authority, client_id, Grant::Refresh, refusal))?;
    Ok(Tokens::of(&answer, Timestamp::now()))
}

/// The error for a bearer of a profile that is over, and that only a person can follow.
pub(crate) fn expired(name: &str, profile: &Profile, end: Timestamp) -> Error {
    let word = shell_word(name);
    let hint = match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Token) => {
            format!("give it another: `carto auth login {word} --with-token` reads it from standard input")
        }
        _ => format!("sign in again with `carto auth login {word}`"),
    };
    let message = format!("the bearer of the profile `{name}` expired at {}", date::shown(end));
    Error::new(ErrorCode::NotSignedIn, message).hint(hint)
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
    Error { code, message, ..error }
}
