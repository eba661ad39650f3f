//! The next bearer with a refresh token, which may work only once: from the moment when it is sent until what came is in the file, a first signal is
//! waited with, and whatever else goes wrong says that the sign-in may be lost.

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use oauth2::basic::BasicErrorResponseType;
use oauth2::{RefreshToken, RequestTokenError};

use super::attended::{stopped, unbroken};
use super::exchange::{self, Grant};
use super::{Authority, How, Http, Tokens, http};
use crate::account::again;
use crate::account::profiles::{Edit, Profile};
use crate::error::{Error, Result};
use crate::event_loop::Stop;
use crate::output::stderr;

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

/// The profile with the next bearer, which is in the file before it is used. The file is known to be one that can be written before anything is sent.
pub(super) fn next(
    name: &str,
    profile: &Profile,
    request: &Request<'_>,
    mut edit: Edit,
    http: &Http,
) -> Result<Profile> {
    edit.rehearse()?;
    let again = || again::hint(name, profile);
    let lost = || {
        let message = "interrupted a second time: if the authority gives another bearer now, the sign-in is lost";
        Error::new(ErrorCode::Interrupted, message).hint(again())
    };
    let ((renewed, unkept), was_stopped) = unbroken("Renewing the bearer", DUE, lost, |unbroken| async move {
        if !unbroken.begin() {
            return Err(stopped(Stop::Interrupted));
        }
        let tokens = match send(http, request).await.map_err(|error| doubtful(error, &again()))? {
            Said::Yes(tokens) => tokens,
            Said::Ended(error) => {
                edit.put(name, profile.ended())?;
                edit.write()?;
                return Err(error.hint(again()));
            }
        };
        let renewed = profile.renewed(&tokens, How::Browser { client_id: request.client_id.to_owned() });
        let kept = edit.put(name, renewed.clone()).and_then(|()| edit.write());
        Ok((renewed, kept.err()))
    })?;
    match (unkept, was_stopped) {
        (None, false) => Ok(renewed),
        (None, true) => Err(Error::new(
            ErrorCode::Interrupted,
            format!("interrupted; the next bearer of the profile `{name}` was kept"),
        )
        .hint("nothing is lost: run it again")),
        (Some(error), true) => {
            let message = format!("interrupted; the next bearer came and can't be kept: {}", error.message);
            Err(Error::new(ErrorCode::Interrupted, message).hint(again()))
        }
        (Some(error), false) => {
            let message = format!("the next bearer can be used and not kept: {}", error.message);
            stderr::warning(&message, Some(&again()));
            Ok(renewed)
        }
    }
}

async fn send(http: &Http, request: &Request<'_>) -> Result<Said> {
    let Request { authority, client_id, token } = *request;
    let answer = exchange::client(authority, client_id, None)
        .exchange_refresh_token(&RefreshToken::new(token.to_owned()))
        .request_async(&|request| http.send(request))
        .await;
    match answer {
        Ok(answer) => Tokens::of(&answer, authority, Timestamp::now()).map(Said::Yes),
        Err(refusal) => {
            let has_ended = matches!(&refusal, RequestTokenError::ServerResponse(answer)
                if *answer.error() == BasicErrorResponseType::InvalidGrant);
            let error = exchange::refused(authority, client_id, Grant::Refresh, refusal);
            if has_ended { Ok(Said::Ended(error)) } else { Err(error) }
        }
    }
}

/// What an error means for the sign-in: without an answer that can be read, another refresh token may have been given, and nobody has it.
fn doubtful(error: Error, again: &str) -> Error {
    match error.code {
        ErrorCode::NotSignedIn => error.hint(again),
        ErrorCode::Unreachable | ErrorCode::Unavailable | ErrorCode::UnexpectedAnswer if !http::is_unsent(&error) => {
            let message = format!("{}; if the authority gave another bearer, the sign-in is lost", error.message);
            error.with_message(message).hint(format!("try again; if that is refused, {again}"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_answered_is_doubtful() {
        for (code, message, is_doubtful) in [
            (ErrorCode::Unreachable, "the connection to `a` failed: no whole answer within 1s", true),
            (ErrorCode::Unreachable, "cannot reach `a`: connection refused", false),
            (ErrorCode::Unavailable, "POST /oauth/token failed (502)", true),
            (ErrorCode::UnexpectedAnswer, "`a` gave a token that isn't a bearer", true),
            (ErrorCode::RateLimited, "fewer requests are asked for (429)", false),
            (ErrorCode::NotSignedIn, "`a` refused to sign in", false),
        ] {
            let error = doubtful(Error::new(code, message), "sign in again with `carto auth login me`");
            assert_eq!(error.message.contains("the sign-in is lost"), is_doubtful, "{message}");
        }
    }
}
