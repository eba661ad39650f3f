//! `carto credentials verify m2m <id> --secret …`: signs in as the client, looks at what it is given, and asks with that. What it is given is shown
//! by its claims, never itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carto_plugin_api::{
    AUTH_SERVICE, Check, DATA_SERVICE, ErrorCode, Host, Request, Response, Result, Secret, Verification,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::{CLIENTS, Record};

/// What bearers of CARTO's are for (documented), if the settings name nothing else.
const AUDIENCE: &str = "carto-cloud-native-api";

/// A secret that nobody has.
const WRONG: &str = "carto-verify-wrong-secret";

/// What scripts know it by that the client's secret is its own, and no other is.
const SECRET_RULE: &str = "secret";

/// What is asked first.
const SIGNING_IN: &str = "signing in with this secret";

/// The claims that are worth knowing.
const CLAIMS: [&str; 7] = ["iss", "aud", "sub", "azp", "scope", "permissions", "exp"];

/// The arguments, as the manifest declares them.
#[derive(Deserialize)]
struct Input {
    secret: Secret,
}

/// What the authority gives, as far as it is used.
#[derive(Deserialize)]
struct Given {
    access_token: Secret,
}

/// Whether the client that `id` means signs in with that secret, with no other, and to what.
pub(crate) fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
    let Input { secret } = host.args()?;
    let client: Record = CLIENTS.get(host, id)?;
    let id = client.client_id;
    let mut verification = Verification::new(id.as_str());
    verification.fact("title", client.title);
    let audience = host.audience().unwrap_or(AUDIENCE);
    let response = sign_in(host, &id, secret.expose(), audience)?;
    if response.status() != 200 {
        verification.add(refused(&response, audience));
        return Ok(verification);
    }
    let Given { access_token } = response.json()?;
    verification.add(Check::compare(SIGNING_IN, "a bearer", "a bearer (200)", true).rule(SECRET_RULE));
    let claims = claims(access_token.expose());
    for name in CLAIMS {
        verification.fact(name, claims.get(name).cloned());
    }
    if claims.is_empty() {
        let why = "it isn't a JWT, so it says nothing";
        verification.add(Check::skipped("what the bearer says", "claims of CARTO's", why).rule("claims"));
    } else {
        verification.checks.extend(said(&claims, &id, audience, host.now()));
    }
    verification.add(wrong(sign_in(host, &id, WRONG, audience), audience)?);
    verification.add(opens(host, access_token)?);
    Ok(verification)
}

/// Asks for a bearer, in the client's own name (documented).
fn sign_in(host: &Host<'_>, id: &str, secret: &str, audience: &str) -> Result<Response> {
    let body = json!({
        "grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": audience,
    });
    host.call(AUTH_SERVICE, Request::post(["oauth", "token"]).json(&body))
}

/// A sign-in without a bearer: what of it says something failed, and the rest tells nothing of the secret.
fn refused(response: &Response, audience: &str) -> Check {
    let failed = |rule: &str, hint: &str| {
        Check::compare(SIGNING_IN, "a bearer", told("refused", response), false).rule(rule).hint(hint)
    };
    match Refusal::of(response, audience) {
        Refusal::Secret => failed(
            SECRET_RULE,
            "the secret is another client's, or has a line break too much; it was shown once, at creation: make a new client if it is lost",
        ),
        Refusal::Audience => failed(
            "audience",
            "the client may not ask for that audience: look at `audience` below `[auth]` in the settings, and that the authority is the account's",
        ),
        Refusal::Grant => failed(
            "grant-type",
            "the client may not sign in for itself: `carto credentials create m2m --title TITLE` makes one that may",
        ),
        Refusal::Unclear => {
            Check::skipped(SIGNING_IN, "a bearer", told("the answer tells nothing of the secret", response))
                .rule(SECRET_RULE)
        }
    }
}

/// What a bearer says of itself; nothing if it is no JWT. It comes from the authority, so nothing is verified here.
fn claims(bearer: &str) -> Map<String, Value> {
    let payload = bearer.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}

/// Whether the claims are those of this client's bearer, for CARTO, from now on (documented).
fn said(claims: &Map<String, Value>, id: &str, audience: &str, now: &str) -> Vec<Check> {
    let text = |name: &str| claims.get(name).map_or_else(|| "nothing".to_owned(), shown);
    let is = |name: &str, expected: &str| match claims.get(name) {
        Some(Value::Array(all)) => all.iter().any(|one| one == expected),
        one => one.is_some_and(|one| one == expected),
    };
    let compared = |rule: &str, name: &str, expected: &str| {
        Check::compare(format!("{rule} of the bearer"), expected, text(name), is(name, expected)).rule(rule)
    };
    let end = claims.get("exp").and_then(Value::as_i64).and_then(|end| Timestamp::from_second(end).ok());
    let lasts = end.is_some_and(|end| now.parse::<Timestamp>().is_ok_and(|now| now < end));
    let ends = end.map_or_else(|| text("exp"), |end| end.to_string());
    let mut checks = vec![
        compared("audience", "aud", audience),
        compared("subject", "sub", &format!("{id}@clients")),
        Check::compare("end of the bearer", "later than now", ends, lasts).rule("expiry"),
    ];
    if claims.contains_key("azp") {
        checks.push(compared("party", "azp", id));
    }
    checks
}

fn shown(claim: &Value) -> String {
    claim.as_str().map_or_else(|| claim.to_string(), str::to_owned)
}

/// What came of a secret that isn't the client's. It is asked once: an authority may count what it refuses.
fn wrong(answer: Result<Response>, audience: &str) -> Result<Check> {
    let asked = "signing in with another secret";
    let response = match answer {
        Ok(response) => response,
        // What is known by now is worth more than that.
        Err(error) if matches!(error.code, ErrorCode::RateLimited | ErrorCode::Unavailable) => {
            let why = format!("the answer tells nothing: {}", error.message);
            return Ok(Check::skipped(asked, "refused", why).rule(SECRET_RULE));
        }
        Err(error) => return Err(error),
    };
    let response = &response;
    let check = match response.status() {
        200..300 => Check::compare(asked, "refused", told("a bearer", response), false)
            .hint("the authority doesn't ask for the secret: don't use this client, and tell CARTO"),
        _ if Refusal::of(response, audience) == Refusal::Secret => {
            Check::compare(asked, "refused", told("refused", response), true)
        }
        // Another reason would have been one whatever the secret.
        _ => Check::skipped(asked, "refused", told("the answer tells nothing of the secret", response)),
    };
    Ok(check.rule(SECRET_RULE))
}

/// Whether the bearer opens what the account's owner opens (documented: it acts as the client's owner).
fn opens(host: &Host<'_>, bearer: Secret) -> Result<Check> {
    let request = Request::get(["v3", "tokens"]).query("limit", "1").bearer(bearer);
    let response = host.call(DATA_SERVICE, request)?;
    let asked = "the API with this bearer";
    let check = match response.status() {
        200..300 => Check::compare(asked, "allowed", told("allowed", &response), true),
        401 | 403 => Check::compare(asked, "allowed", told("refused", &response), false)
            .hint("see that the client and the base URL are of one account, and that its plan has M2M clients"),
        _ => Check::skipped(asked, "allowed", told("the answer tells nothing", &response)),
    };
    Ok(check.rule("api"))
}

/// ``refused (401): …``, in the service's words where it refuses.
fn told(what: &str, response: &Response) -> String {
    let status = response.status();
    let words = response.problem().filter(|_| status >= 400).map(|words| format!(": {words}")).unwrap_or_default();
    format!("{what} ({status}){}", words.chars().take(200).collect::<String>())
}
