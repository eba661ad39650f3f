//! The command that signs a profile in again, whole: it works when it is pasted.

use super::bearer::TokenKind;
use super::profiles::Profile;
use crate::auth::How;
use crate::error::shell_word;

/// It, in backticks. What it doesn't say, a login takes from the profile.
pub(crate) fn command(name: &str, profile: &Profile) -> String {
    let is_machine =
        || profile.bearer.as_ref().map(|bearer| TokenKind::of(bearer.expose())) == Some(TokenKind::Machine);
    let way = match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Machine { .. }) => " --m2m",
        Some(How::Token) => " --with-token",
        Some(How::Browser { .. }) => "",
        None if is_machine() => " --m2m",
        None => "",
    };
    format!("`carto auth login {}{way}`", shell_word(name))
}

/// What to do about a profile that has to be signed in again.
pub(crate) fn hint(name: &str, profile: &Profile) -> String {
    let command = command(name, profile);
    match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Token) => format!("give it another bearer: {command} reads it from standard input"),
        Some(_) => format!("sign in again with {command}"),
        None => format!("sign in again with {command}, or with CARTO's own command line"),
    }
}

/// The same for a machine whose secret isn't where it was, or isn't the right one.
pub(crate) fn with_another_secret(name: &str) -> String {
    format!("sign in again with `carto auth login {} --m2m --client-file FILE`", shell_word(name))
}
