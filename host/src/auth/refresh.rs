//! The next bearer with a refresh token, which may work only once: from the moment when it is sent until what came is in the file, a first signal is
//! waited with, and whatever else goes wrong says that the sign-in may be lost.

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use oauth2::RefreshToken;
use oauth2::basic::BasicErrorResponseType;

use super::attended::{UNCHANGED, stopped, unbroken};
use super::exchange::{self, Grant, Refusal};
use super::renew::{Failure, instead};
use super::{Authority, How, Http, Tokens};
use crate::account::again;
use crate::account::profiles::{Edit, Profile, Renewed};
use crate::error::{Error, Result};
use crate::output::stderr;
use crate::stop::Stop;

/// What a person is told who presses Ctrl-C meanwhile.
const DUE: &str =
    "the next bearer is on its way and is waited for; a second Ctrl-C ends at once, and may lose the sign-in";

/// What is sent, to whom, as whose.
pub(super) struct Request<'a> {
    pub(super) authority: &'a Authority,
    pub(super) client_id: &'a str,
    pub(super) token: &'a str,
}

/// What an authority said to whom asked it for another bearer.
enum Said {
    /// Another.
    Yes(Tokens),
    /// What was asked with is worth nothing any more.
    Ended(Error),
}

/// What became of the profile.
enum Became {
    /// It has the next bearer.
    Renewed(Profile),
    /// It has the next bearer here, and the file hasn't.
    Unkept(Profile, Error),
    /// Somebody gave it another meanwhile, or removed it.
    Replaced(Option<Profile>),
}

impl From<Renewed> for Became {
    fn from(renewed: Renewed) -> Became {
        match renewed {
            Renewed::Kept(profile) => Became::Renewed(profile),
            Renewed::Replaced(other) => Became::Replaced(other),
        }
    }
}

/// The profile with the next bearer, which is in the file before it is used. The file is known to be one that can be written before anything is sent.
pub(super) fn next(
    name: &str,
    profile: &Profile,
    request: &Request<'_>,
    mut edit: Edit,
    http: &Http,
) -> std::result::Result<Profile, Failure> {
    edit.rehearse()?;
    let again = || again::hint(name, profile);
    let lost = || {
        let message = "interrupted a second time: if the authority gives another bearer now, the sign-in is lost";
        Error::new(ErrorCode::Interrupted, message).hint(again())
    };
    let (became, was_stopped) = unbroken("Renewing the bearer", DUE, lost, |unbroken| async move {
        if !unbroken.begin() {
            return Err(stopped(Stop::Interrupted, UNCHANGED));
        }
        let tokens = match send(http, request, again).await? {
            Said::Yes(tokens) => tokens,
            Said::Ended(error) => {
                return match edit.renew(name, profile, &profile.ended())? {
                    Renewed::Kept(_) => Err(error.hint(again())),
                    Renewed::Replaced(other) => Ok(Became::Replaced(other)),
                };
            }
        };
        let renewed = profile.renewed(&tokens, How::Browser { client_id: request.client_id.to_owned() });
        Ok(match edit.renew(name, profile, &renewed) {
            Ok(renewed) => renewed.into(),
            Err(error) => Became::Unkept(renewed, error),
        })
    })?;
    if was_stopped {
        return Err(interrupted(name, became, again).into());
    }
    match became {
        Became::Renewed(renewed) => Ok(renewed),
        Became::Replaced(other) => instead(name, other),
        Became::Unkept(renewed, error) => {
            let message = format!("the next bearer can be used and not kept: {}", error.message);
            stderr::warning(&message, Some(&again()));
            Ok(renewed)
        }
    }
}

/// The error after a first signal, which was waited with: what became of the profile meanwhile.
fn interrupted(name: &str, became: Became, again: impl Fn() -> String) -> Error {
    let (what, hint) = match became {
        Became::Renewed(_) => {
            (format!("the next bearer of the profile `{name}` was kept"), "nothing is lost: run it again".to_owned())
        }
        Became::Replaced(Some(_)) => {
            (format!("the profile `{name}` was given another bearer meanwhile, which stays"), "run it again".to_owned())
        }
        Became::Replaced(None) => {
            (format!("the profile `{name}` was removed meanwhile"), "`carto auth status` shows profiles".to_owned())
        }
        Became::Unkept(_, error) => (format!("the next bearer came and can't be kept: {}", error.message), again()),
    };
    Error::new(ErrorCode::Interrupted, format!("interrupted; {what}")).hint(hint)
}

async fn send(http: &Http, request: &Request<'_>, again: impl Fn() -> String) -> Result<Said> {
    let Request { authority, client_id, token } = *request;
    let answer = exchange::client(authority, client_id, None)
        .exchange_refresh_token(&RefreshToken::new(token.to_owned()))
        .request_async(&|request| http.send(request))
        .await;
    match answer {
        Ok(answer) => match Tokens::of(&answer, authority, Timestamp::now()) {
            Ok(tokens) => Ok(Said::Yes(tokens)),
            Err(error) => Err(doubtful(error, &again())),
        },
        Err(refusal) => {
            let (is_over, is_open) = (is_over(&refusal), is_open(&refusal));
            let error = exchange::refused(authority, client_id, Grant::Refresh, refusal);
            match error.code {
                _ if is_over => Ok(Said::Ended(error)),
                _ if is_open => Err(doubtful(error, &again())),
                ErrorCode::NotSignedIn => Err(error.hint(again())),
                _ => Err(error),
            }
        }
    }
}

/// Whether the token is worth nothing any more.
fn is_over(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::ServerResponse(answer) if *answer.error() == BasicErrorResponseType::InvalidGrant)
}

/// Whether another token may have been given, which nobody has.
fn is_open(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Request(none) => none.is_open,
        Refusal::ServerResponse(_) => false,
        Refusal::Parse(..) | Refusal::Other(_) => true,
    }
}

fn doubtful(error: Error, again: &str) -> Error {
    let message = format!("{}; if the authority gave another bearer, the sign-in is lost", error.message);
    error.with_message(message).hint(format!("try again; if that is refused, {again}"))
}
