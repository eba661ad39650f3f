//! A service of a kind's own, ready to be asked: where it was approved, and the user's secret for it. Both come from the host's side, and the
//! kind gets neither.

use carto_plugin_api::manifest::Auth;
use carto_plugin_api::{ErrorCode, Secret};
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};
use url::{Url, form_urlencoded};

use super::approval::{self, written};
use super::draft::Draft;
use crate::address;
use crate::environment;
use crate::error::{Error, Result, usage};
use crate::kinds::Kind;
use crate::redact::HIDDEN;
use crate::settings::Settings;

/// A service of a kind's own.
pub(super) struct Own {
    kind: String,
    name: String,
    /// What to do about the kind if it is wrong about its service.
    remedy: String,
    base_url: Url,
    auth: Auth,
    secret: Secret,
    /// Where the secret comes from.
    variable: String,
    /// Where the manifest has it, if that is somewhere else.
    declared: Option<String>,
}

/// What keeps a service of a kind's own from being asked: no approval, or no secret that could be used.
pub(crate) fn obstacle(kind: &Kind, name: &str, settings: &Settings) -> Option<Error> {
    Own::find(kind, name, settings).err()
}

impl Own {
    /// Finds what is needed to ask it: an approval, and a secret.
    pub(super) fn find(kind: &Kind, name: &str, settings: &Settings) -> Result<Own> {
        let Some(base_url) = approval::approved(settings, kind.name(), name).cloned() else {
            return Err(approval::missing(settings, kind, name)?);
        };
        let declared = kind.manifest.services.get(name).cloned().unwrap_or_default();
        let auth = declared.auth.unwrap_or(Auth::None);
        let variable = environment::kind_secret(kind.name());
        let secret = match auth {
            Auth::None => String::new(),
            _ => environment::text(&variable)?.ok_or_else(|| {
                let (kind, place) = (kind.name(), address::place(&base_url));
                Error::new(
                    ErrorCode::NotSignedIn,
                    format!("the kind `{kind}` needs a secret for {place}, and `{variable}` isn't set"),
                )
                .hint(format!("set `{variable}` to the secret that the service gave you"))
            })?,
        };
        check(&secret, &auth, &variable)?;
        let declared =
            declared.base_url.filter(|text| address::read(text).ok().as_ref().map(written) != Some(written(&base_url)));
        Ok(Own {
            kind: kind.name().to_owned(),
            name: name.to_owned(),
            remedy: kind.remedy(),
            base_url,
            auth,
            secret: Secret::new(secret),
            variable,
            declared,
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The secret itself, for taking it out of answers.
    pub(super) fn secret(&self) -> &str {
        self.secret.expose()
    }

    /// For `--debug`: that it is asked at another address than its manifest says.
    pub(super) fn detour(&self) -> Option<String> {
        let (name, kind, approved) = (&self.name, &self.kind, written(&self.base_url));
        self.declared.as_ref().map(|declared| {
            format!("the service `{name}` of the kind `{kind}` is asked at `{approved}`, as approved, and not at `{declared}`, as its manifest says")
        })
    }

    /// The setting that says where it is.
    pub(super) fn setting(&self) -> String {
        format!("`{}` in `[approved.{}]` of the settings", self.name, self.kind)
    }

    /// An address of it with the secret, where that belongs there. Whatever else stands for it in the address, as after a redirect, is left out.
    pub(super) fn authorised(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Auth::Query(name) = &self.auth {
            let names =
                |pair: &str| form_urlencoded::parse(pair.as_bytes()).any(|(key, _)| key.eq_ignore_ascii_case(name));
            let pairs = url.query().unwrap_or_default().split('&');
            // As they were written: only the service knows what that means.
            let kept = pairs.filter(|pair| !pair.is_empty() && !names(pair)).collect::<Vec<_>>().join("&");
            url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
            url.query_pairs_mut().append_pair(name, self.secret.expose());
        }
        url
    }

    /// Adds the secret to the headers, where it belongs there, marked so that no log prints it.
    pub(super) fn authorise(&self, headers: &mut HeaderMap) -> Result<()> {
        let (name, text) = match &self.auth {
            Auth::Bearer => (AUTHORIZATION, Secret::new(format!("Bearer {}", self.secret.expose()))),
            Auth::Header(name) => {
                let name = name.parse::<HeaderName>().map_err(|_| Error::fault("a header's name isn't one"))?;
                (name, self.secret.clone())
            }
            _ => return Ok(()),
        };
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| malformed(&self.variable))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// Adds to a draft where it would be sent, and in what place a secret would stand.
    pub(super) fn complete(&self, draft: &mut Draft) {
        draft.base_url = Some(written(&self.base_url).to_owned());
        match &self.auth {
            Auth::Bearer => draft.headers.push(("authorization".to_owned(), format!("Bearer {HIDDEN}"))),
            Auth::Header(name) => draft.headers.push((name.clone(), HIDDEN.to_owned())),
            Auth::Query(name) => {
                let mark = if draft.path.contains('?') { '&' } else { '?' };
                draft.path.push_str(&format!("{mark}{name}={HIDDEN}"));
            }
            _ => {}
        }
    }

    /// The meaning of a 401.
    pub(super) fn rejected(&self, words: Option<&str>) -> Error {
        let (place, variable) = (address::place(&self.base_url), &self.variable);
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        if self.auth == Auth::None {
            let kind = &self.kind;
            let message =
                format!("{place} wants to know who asks, and the kind `{kind}` says that it needs no secret{words}");
            return Error::new(ErrorCode::NotSignedIn, message).hint(self.remedy.clone());
        }
        Error::new(ErrorCode::NotSignedIn, format!("{place} doesn't accept the secret from `{variable}`{words}"))
            .hint("see that it is still valid, and that it belongs to this address")
    }
}

/// A secret as it can be sent: one word, or in a header of the service's own several.
fn check(secret: &str, auth: &Auth, variable: &str) -> Result<()> {
    let may_hold_spaces = matches!(auth, Auth::Header(_)) && secret.trim() == secret;
    if secret.bytes().all(|b| b.is_ascii_graphic() || (b == b' ' && may_hold_spaces)) {
        return Ok(());
    }
    Err(malformed(variable))
}

fn malformed(variable: &str) -> Error {
    usage(format!("the secret from `{variable}` holds white space, or letters that can't be sent"))
        .hint("give the secret alone, without quotes and without line breaks")
}
