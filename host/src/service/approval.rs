//! Whether a service of a kind's own may be asked, and where. A kind names its services itself, so none is asked before somebody who answers
//! for it has said so: the user, in the settings.

use carto_plugin_api::ErrorCode;
use url::Url;

use crate::address;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::settings::{self, Address, Settings};

/// The address at which a service of a kind is approved. The one place that decides this.
pub(crate) fn approved<'a>(settings: &'a Settings, kind: &str, service: &str) -> Option<&'a Url> {
    let Address(url) = settings.approved.get(kind)?.get(service)?;
    Some(url)
}

/// The refusal of a service that isn't approved, with what would approve it.
pub(super) fn missing(settings: &Settings, kind: &Kind, service: &str) -> Result<Error> {
    let name = kind.name();
    let error = Error::new(
        ErrorCode::Forbidden,
        format!("the kind `{name}` asks a service of its own, `{service}`, which isn't approved"),
    );
    let declared = kind.manifest.services.get(service).and_then(|service| service.base_url.as_deref());
    let file = settings::file()?;
    let file = file.display();
    // As it was read, so that the line is TOML whatever the manifest holds.
    let hint = match declared.map(|text| (text, address::read(text))) {
        Some((_, Ok(url))) => {
            let line = format!("{service} = \"{}\"", written(&url));
            if settings.approved.contains_key(name) {
                format!("if you trust it, add the line `{line}` below `[approved.{name}]` in `{file}`")
            } else {
                format!("if you trust it, add the two lines `[approved.{name}]` and `{line}` to `{file}`")
            }
        }
        Some((text, Err(_))) => {
            format!("its manifest says that it is at `{text}`, which can't be approved: {}", kind.remedy())
        }
        None => kind.remedy(),
    };
    Ok(error.hint(hint))
}

/// An address as somebody would write it.
pub(super) fn written(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
