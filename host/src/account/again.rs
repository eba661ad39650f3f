//! The command that signs a profile in again, whole: it works when it is pasted.

use super::bearer::TokenKind;
use super::profiles::Profile;
use crate::auth::{How, client};
use crate::error::shell_word;

/// What an authority or a service says of a bearer whose client is gone (ours; nobody documents it).
const DELETED: &str = "client was deleted";

/// A profile whose bearer is used, for the hint if nobody accepts that.
pub(crate) struct Again {
    name: String,
    profile: Box<Profile>,
}

impl Again {
    pub(crate) fn of(name: &str, profile: &Profile) -> Again {
        Again { name: name.to_owned(), profile: Box::new(profile.clone()) }
    }

    /// What to do, after these words of the service.
    pub(crate) fn hint(&self, words: Option<&str>) -> String {
        if !words.is_some_and(|words| words.contains(DELETED)) {
            return hint(&self.name, &self.profile);
        }
        let name = shell_word(&self.name);
        match self.profile.sign_in.as_ref().map(|own| &own.how) {
            Some(How::Browser { .. }) => {
                format!("sign in with another client: `carto auth login {name} --client-id ID`")
            }
            _ if is_machine(&self.profile) => {
                format!("sign in with another client: `carto auth login {name} --m2m --client-file FILE`")
            }
            _ => hint(&self.name, &self.profile),
        }
    }
}

fn is_machine(profile: &Profile) -> bool {
    match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Machine { .. }) => true,
        Some(How::Browser { .. } | How::Token) => false,
        None => profile.bearer.as_ref().map(|bearer| TokenKind::of(bearer.expose())) == Some(TokenKind::Machine),
    }
}

/// It, in backticks. What it doesn't say, a login takes from variables or the profile.
fn command(name: &str, profile: &Profile) -> String {
    let way = match profile.sign_in.as_ref().map(|own| &own.how) {
        Some(How::Machine { client_id, client_secret }) if client::is_at_hand(Some((client_id, client_secret))) => {
            " --m2m"
        }
        None if is_machine(profile) && client::is_at_hand(None) => " --m2m",
        _ if is_machine(profile) => " --m2m --client-file FILE",
        Some(How::Token) => " --with-token",
        _ => "",
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
