//! Who signs bearers, and as whom this program asks: options go before variables, and variables before the settings.

use url::Url;

use crate::address;
use crate::environment;
use crate::error::{Error, Result, usage};
use crate::settings;

/// Documented: CARTO's own authority.
const ISSUER: &str = "https://auth.carto.com/";
/// Documented: where a bearer is told which account it belongs to.
const ACCOUNTS: &str = "https://accounts.app.carto.com/accounts";
/// Documented: the audience of CARTO's own access tokens.
pub(crate) const AUDIENCE: &str = "carto-cloud-native-api";

/// Who signs bearers, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    /// Its issuer, with the slash at the end that CARTO's has.
    pub(crate) issuer: Url,
    /// What bearers are for. Documented: `carto-cloud-native-api`.
    pub(crate) audience: String,
}

impl Authority {
    /// The authority that is asked; `before`: the one that the profile has, which is signed in again.
    pub(crate) fn find(
        option: Option<&str>,
        before: Option<&Authority>,
        settings: &settings::Auth,
    ) -> Result<Authority> {
        let (text, source) = match (option, environment::text(environment::AUTH_ISSUER)?, before, &settings.issuer) {
            (Some(text), ..) => (text.to_owned(), "`--issuer`".to_owned()),
            (None, Some(text), ..) => (text, format!("`{}`", environment::AUTH_ISSUER)),
            (None, None, Some(before), _) => return Ok(before.clone()),
            (None, None, None, Some(url)) => (url.0.to_string(), "the settings".to_owned()),
            (None, None, None, None) => (ISSUER.to_owned(), "carto itself".to_owned()),
        };
        let issuer = read("the issuer", &text, &source, ISSUER)?;
        let audience = settings.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned());
        let found = Authority::new(issuer, audience);
        Ok(before.filter(|before| before.issuer == found.issuer).cloned().unwrap_or(found))
    }

    /// An authority by its issuer.
    pub(crate) fn new(mut issuer: Url, audience: String) -> Authority {
        if !issuer.path().ends_with('/') {
            let path = format!("{}/", issuer.path());
            issuer.set_path(&path);
        }
        Authority { issuer, audience }
    }

    /// The address of something below the issuer: `oauth/token`.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.issuer.clone();
        url.set_path(&format!("{}{path}", self.issuer.path()));
        url
    }

    /// What messages call it.
    pub(crate) fn place(&self) -> String {
        address::place(&self.issuer)
    }
}

/// The OAuth client to sign in as in a browser, if one is named; `before`: the profile's, which is signed in again.
pub(crate) fn client_id(
    option: Option<&str>,
    before: Option<&str>,
    settings: &settings::Auth,
) -> Result<Option<String>> {
    let named = match option {
        Some(id) => Some(id.to_owned()),
        None => environment::text(environment::AUTH_CLIENT_ID)?,
    };
    Ok(named.or_else(|| before.map(str::to_owned)).or_else(|| settings.client_id.clone()))
}

/// Where accounts are looked up.
pub(crate) fn accounts_url(settings: &settings::Auth) -> Result<Url> {
    let (text, source) = match (environment::text(environment::ACCOUNTS_URL)?, &settings.accounts_url) {
        (Some(text), _) => (text, format!("`{}`", environment::ACCOUNTS_URL)),
        (None, Some(url)) => return Ok(url.0.clone()),
        (None, None) => (ACCOUNTS.to_owned(), "carto itself".to_owned()),
    };
    read("the address of the accounts", &text, &source, ACCOUNTS)
}

fn read(what: &str, text: &str, source: &str, example: &str) -> Result<Url> {
    address::read(text).map_err(|refusal| -> Error {
        usage(format!("{what} from {source} {}", refusal.cause))
            .hint(refusal.remedy.map_or_else(|| format!("write it like `{example}`"), str::to_owned))
    })
}
