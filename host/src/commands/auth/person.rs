//! Whose a profile is: said after every login, with a warning if it was somebody else's before. The address of a sign-in can be seen by others
//! on a machine, and whoever answers first decides as whom this program is signed in.

use crate::account::profiles::Profile;
use crate::auth::How;
use crate::output::stderr;
use crate::redact;

/// Somebody whom a login has put in the place of somebody else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    before: String,
    now: String,
}

impl Replaced {
    /// Nothing if it is the same person or machine, or if that can't be told.
    pub(super) fn find(before: &Profile, now: &Profile) -> Option<Replaced> {
        let emails = (before.user_email.as_ref(), now.user_email.as_ref());
        if let (Some(before), Some(now)) = emails
            && !before.eq_ignore_ascii_case(now)
        {
            return Some(Replaced { before: format!("`{before}`"), now: format!("`{now}`") });
        }
        let (before_subject, now_subject) = (subject(before)?, subject(now)?);
        if before_subject == now_subject {
            return None;
        }
        let shown = |profile: &Profile| match (name(profile), plain_subject(profile)) {
            // Two people, or two ways to sign in, can have one address.
            (Some(name), Some(subject)) if name != subject => format!("`{name}` (`{subject}`)"),
            (Some(name), _) => format!("`{name}`"),
            (None, _) => "somebody without a name".to_owned(),
        };
        Some(Replaced { before: shown(before), now: shown(now) })
    }

    /// Warns of it.
    pub(super) fn tell(&self, profile: &str) {
        let Replaced { before, now } = self;
        let message = format!("the profile `{profile}` was {before}, and is now {now}");
        let hint = "if that isn't you, sign out with `carto auth logout`, and sign in again with `--no-launch-browser`";
        stderr::warning(&message, Some(hint));
    }
}

/// Who it is: the address, what the authority calls them, or the machine's client.
pub(super) fn name(profile: &Profile) -> Option<String> {
    let client = || match &profile.sign_in.as_ref()?.how {
        How::Machine { client_id, .. } => Some(redact::redact(client_id)),
        How::Browser { .. } | How::Token => None,
    };
    profile.user_email.clone().or_else(client).or_else(|| plain_subject(profile))
}

/// What the authority calls whoever the bearer is for. Unverified: it is shown and compared, and decides nothing.
fn subject(profile: &Profile) -> Option<String> {
    redact::payload(profile.bearer.as_ref()?.expose())?["sub"].as_str().map(str::to_owned)
}

/// The same, if it can be shown.
fn plain_subject(profile: &Profile) -> Option<String> {
    let is_plain = |text: &String| {
        !text.is_empty()
            && text.len() <= 256
            && !text.contains(carto_plugin_api::is_harmful)
            && redact::redact(text) == *text
    };
    subject(profile).filter(is_plain)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use carto_plugin_api::Secret;
    use serde_json::json;

    use super::*;

    fn profile(email: Option<&str>, subject: Option<&str>) -> Profile {
        let bearer = subject.map(|subject| {
            let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
            Secret::new(format!("{}.{}.x", part(json!({ "alg": "RS256" })), part(json!({ "sub": subject }))))
        });
        Profile { bearer, user_email: email.map(str::to_owned), ..Profile::default() }
    }

    #[test]
    fn somebody_else_is_seen() {
        let (ada, eve) = (Some("ada@example.com"), Some("eve@example.com"));
        let (one, two) = (Some("auth0|1"), Some("auth0|2"));
        for (before, now, expected) in [
            ((ada, one), (ada, one), None),
            ((ada, one), (Some("Ada@example.com"), one), None),
            ((ada, one), (eve, two), Some(("`ada@example.com`", "`eve@example.com`"))),
            ((ada, None), (eve, None), Some(("`ada@example.com`", "`eve@example.com`"))),
            ((ada, one), (ada, two), Some(("`ada@example.com` (`auth0|1`)", "`ada@example.com` (`auth0|2`)"))),
            ((ada, one), (None, two), Some(("`ada@example.com` (`auth0|1`)", "`auth0|2`"))),
            ((None, one), (None, Some("a\u{1b}[31m")), Some(("`auth0|1`", "somebody without a name"))),
            ((ada, None), (None, one), None),
            ((None, None), (eve, two), None),
        ] {
            let found = Replaced::find(&profile(before.0, before.1), &profile(now.0, now.1));
            let found = found.as_ref().map(|replaced| (replaced.before.as_str(), replaced.now.as_str()));
            assert_eq!(found, expected, "{before:?} {now:?}");
        }
    }
}
