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
    /// Where it gives tokens, if that is known to be elsewhere than at CARTO's.
    pub(crate) token: Option<Url>,
}

impl Authority {
    /// The authority that is asked; `before`: the one that the profile has, which is signed in again.
    pub(crate) fn find(
        option: Option<&str>,
        before: Option<&Authority>,
        settings: &settings::Auth,
    ) -> Result<Authority> {
        let found = match (Authority::given(option, settings)?, before) {
            (Some((given, _)), _) => given,
            (None, Some(before)) => return Ok(before.clone()),
            (None, None) => match Authority::configured(settings)? {
                Some((configured, _)) => configured,
                None => Authority::new(read("the issuer", ISSUER, "carto itself", ISSUER)?, audience(settings)),
            },
        };
        Ok(before.filter(|before| before.issuer == found.issuer).cloned().unwrap_or(found))
    }

    /// The authority that a variable or the settings name, if one does, and which of them.
    pub(crate) fn named(settings: &settings::Auth) -> Result<Option<(Authority, String)>> {
        Ok(match Authority::given(None, settings)? {
            Some(given) => Some(given),
            None => Authority::configured(settings)?,
        })
    }

    /// The one that the option or the variable names.
    fn given(option: Option<&str>, settings: &settings::Auth) -> Result<Option<(Authority, String)>> {
        let (text, source) = match (option, environment::text(environment::AUTH_ISSUER)?) {
            (Some(text), _) => (text.to_owned(), "`--issuer`".to_owned()),
            (None, Some(text)) => (text, format!("`{}`", environment::AUTH_ISSUER)),
            (None, None) => return Ok(None),
        };
        Ok(Some((Authority::new(read("the issuer", &text, &source, ISSUER)?, audience(settings)), source)))
    }

    /// The one that the settings name.
    fn configured(settings: &settings::Auth) -> Result<Option<(Authority, String)>> {
        let Some(url) = &settings.issuer else { return Ok(None) };
        let source = "the settings".to_owned();
        let issuer = read("the issuer", url.0.as_str(), &source, ISSUER)?;
        Ok(Some((Authority::new(issuer, audience(settings)), source)))
    }

    /// An authority by its issuer.
    pub(crate) fn new(mut issuer: Url, audience: String) -> Authority {
        if !issuer.path().ends_with('/') {
            let path = format!("{}/", issuer.path());
            issuer.set_path(&path);
        }
        Authority { issuer, audience, token: None }
    }

    /// The address of something below the issuer: `oauth/token`.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.issuer.clone();
        url.set_path(&format!("{}{path}", self.issuer.path()));
        url
    }

    /// Where it gives tokens, for every grant. Documented: `oauth/token` below the issuer.
    pub(crate) fn token_endpoint(&self) -> Url {
        self.token.clone().unwrap_or_else(|| self.endpoint("oauth/token"))
    }

    /// What messages call it.
    pub(crate) fn place(&self) -> String {
        address::place(&self.issuer)
    }
}

fn audience(settings: &settings::Auth) -> String {
    settings.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned())
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
