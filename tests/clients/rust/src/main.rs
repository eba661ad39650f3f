//! The crate openidconnect against the sandbox as an authority: discovery, the code flow with PKCE and nonce, client credentials, and what has
//! to fail. Run by tests/clients/run, within `carto sandbox exec`.

// The lints are those of the program; this is none of its.
#![allow(clippy::disallowed_methods)]

use std::env;
use std::error::Error;
use std::process::{Command, ExitCode};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdTokenClaims, CoreProviderMetadata,
    CoreUserInfoClaims,
};
use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::redirect::Policy;
use openidconnect::url::Url;
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, TokenResponse,
};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

const CALLBACK: &str = "http://127.0.0.1:5173/callback";
const AUDIENCE: &str = "carto-cloud-native-api";

/// Prints one line for each check, and counts those that failed.
#[derive(Default)]
struct Checks {
    failed: u32,
}

impl Checks {
    fn check(&mut self, what: &str, passed: bool) {
        println!("{} openidconnect {}: {what}", if passed { "ok  " } else { "FAIL" }, version());
        self.failed += u32::from(!passed);
    }
}

/// The version that is linked: the lock file's, with which this was built.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let version = lock.split_once("name = \"openidconnect\"\nversion = \"").and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("(unknown)", |(version, _)| version)
}

fn main() -> ExitCode {
    let mut checks = Checks::default();
    if let Err(error) = run(&mut checks) {
        checks.check(&format!("it goes on to its end: {error}"), false);
    }
    if checks.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(checks: &mut Checks) -> Outcome<()> {
    // A client that follows redirects could be led anywhere.
    let http = Client::builder().redirect(Policy::none()).build()?;
    let issuer = env::var("CARTO_AUTH_ISSUER")?;

    let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(issuer.clone())?, &http)?;
    checks.check(
        "discovery: issuer, endpoints and keys",
        metadata.issuer().as_str() == issuer && !metadata.jwks().keys().is_empty(),
    );
    let other = IssuerUrl::new(issuer.trim_end_matches('/').to_owned())?;
    let refusal = CoreProviderMetadata::discover(&other, &http);
    checks.check("refused: an issuer that isn't called so", matches!(refusal, Err(DiscoveryError::Validation(_))));

    let spa = carto(&["credentials", "create", "spa", "--title", "openidconnect", "--callback", CALLBACK])?;
    let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(text(&spa, "clientId")), None)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?);
    // A verifier, and a fresh code for it with the nonce that was asked for.
    let begin = || -> Outcome<(PkceCodeVerifier, AuthorizationCode, Nonce)> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .add_extra_param("audience", AUDIENCE)
            .set_pkce_challenge(challenge)
            .url();
        let answer = allow(&http, &url)?;
        if parameter(&answer, "state").as_deref() != Some(state.secret()) {
            return Err("the state came back changed".into());
        }
        let code = parameter(&answer, "code").ok_or("there is no code")?;
        Ok((verifier, AuthorizationCode::new(code), nonce))
    };

    let (verifier, code, nonce) = begin()?;
    let tokens = client.exchange_code(code.clone())?.set_pkce_verifier(verifier).request(&http)?;
    let id_token = tokens.id_token().ok_or("there is no id token")?;
    let id_token_verifier = client.id_token_verifier();
    let claims: &CoreIdTokenClaims = id_token.claims(&id_token_verifier, &nonce)?;
    checks.check("code flow: an id token with the signature, the audience and the nonce", claims.email().is_some());
    let user: CoreUserInfoClaims =
        client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))?.request(&http)?;
    checks.check("userinfo: the same subject", user.subject() == claims.subject());
    checks.check("the access token opens the API", opens(&http, tokens.access_token().secret())?);

    let stranger = Nonce::new_random();
    checks.check(
        "refused: an id token for another nonce",
        matches!(id_token.claims(&id_token_verifier, &stranger), Err(ClaimsVerificationError::InvalidNonce(_))),
    );

    let (_, code, _) = begin()?;
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let stolen = client.exchange_code(code)?.set_pkce_verifier(verifier).request(&http);
    checks.check("refused: a code with another verifier", is_refused(&stolen, &CoreErrorResponseType::InvalidGrant));

    let (verifier, code, _) = begin()?;
    let again = PkceCodeVerifier::new(verifier.secret().clone());
    let once = client.exchange_code(code.clone())?.set_pkce_verifier(verifier).request(&http)?;
    let twice = client.exchange_code(code)?.set_pkce_verifier(again).request(&http);
    checks.check("refused: a code for the second time", is_refused(&twice, &CoreErrorResponseType::InvalidGrant));
    checks.check("… which ends what it gave for the first time", !opens(&http, once.access_token().secret())?);

    let m2m = carto(&["credentials", "create", "m2m", "--title", "openidconnect"])?;
    let machine = |secret: String| {
        CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(text(&m2m, "clientId")),
            Some(ClientSecret::new(secret)),
        )
    };
    let token = machine(text(&m2m, "clientSecret"))
        .exchange_client_credentials()?
        .add_extra_param("audience", AUDIENCE)
        .request(&http)?;
    checks.check("client credentials: a token that opens the API", opens(&http, token.access_token().secret())?);
    let wrong =
        machine("wrong".to_owned()).exchange_client_credentials()?.add_extra_param("audience", AUDIENCE).request(&http);
    let is_unknown = is_refused(&wrong, &CoreErrorResponseType::InvalidClient);
    checks.check("refused: client credentials with a wrong secret", is_unknown);
    Ok(())
}

/// Whether the token endpoint has refused with this error.
fn is_refused<T, E: Error>(
    answer: &Result<T, RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>>,
    error: &CoreErrorResponseType,
) -> bool {
    matches!(answer, Err(RequestTokenError::ServerResponse(answer)) if answer.error() == error)
}

/// Runs `carto` and reads its record.
fn carto(words: &[&str]) -> Outcome<Value> {
    let output = Command::new(env::var("CARTO")?).args(words).arg("--json").output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn text(record: &Value, field: &str) -> String {
    record[field].as_str().unwrap_or_default().to_owned()
}

/// What a person does in a browser: opens the page and presses “Allow”. The answer is where the browser is sent then.
fn allow(http: &Client, url: &Url) -> Outcome<Url> {
    let page = http.get(url.clone()).send()?.error_for_status()?;
    // The form is only taken from the browser that it was shown in.
    let cookie = page.headers().get("set-cookie").ok_or("the page sets no cookie")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let page = page.text()?;
    let form =
        [("request", hidden(&page, "request")?), ("seal", hidden(&page, "seal")?), ("decision", "allow".to_owned())];
    let target = url.join("/authorize")?;
    let origin = target.origin().ascii_serialization();
    let answer: Response = http.post(target).header("Origin", origin).header("Cookie", cookie).form(&form).send()?;
    let location = answer.headers().get("location").ok_or("nobody is sent anywhere")?;
    Ok(Url::parse(location.to_str()?)?)
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> Outcome<String> {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&start).ok_or("the page has no such field")?;
    let (value, _) = rest.split_once('"').ok_or("the field has no end")?;
    Ok(value
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&amp;", "&"))
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// Whether a bearer is let in.
fn opens(http: &Client, bearer: &str) -> Outcome<bool> {
    let url = format!("{}/v3/tokens", env::var("CARTO_BASE_URL")?);
    Ok(http.get(url).bearer_auth(bearer).send()?.status().is_success())
}
