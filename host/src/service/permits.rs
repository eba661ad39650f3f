//! What a kind may ask: its requests held against the `calls` of its manifest, and against what is the host's alone. Nothing is sent here.

use carto_plugin_api::manifest::{Call, Manifest};
use carto_plugin_api::{DATA_SERVICE, Segment, Verb, WireRequest};

/// The headers that a kind may set. All others are the host's (authorisation, addressing, framing) or could turn a request into another
/// (method overrides).
const KIND_HEADERS: [&str; 5] = ["accept-language", "idempotency-key", "if-match", "if-none-match", "prefer"];

/// Those that a credential may be held to besides: who sends a page's request to the account's API, or to its authority.
const TRIED_HEADERS: [&str; 2] = ["origin", "referer"];

/// What a kind did that it may not do, as the end of a sentence that begins with the kind.
pub(crate) type Breach = String;

/// Reads a request.
pub(crate) fn read(request: &[u8]) -> Result<WireRequest, Breach> {
    serde_json::from_slice(request).map_err(|e| format!("it made a request that can't be read: {e}"))
}

/// The call of a verb that permits this request. Afterwards only what the request puts into a template is a secret.
pub(crate) fn permit<'a>(
    manifest: &'a Manifest,
    verb: Verb,
    service: &str,
    request: &mut WireRequest,
) -> Result<&'a Call, Breach> {
    let calls = manifest.verbs.get(&verb).map_or(&[][..], |spec| &spec.calls);
    let call = calls.iter().find(|call| call.permits(service, request)).ok_or_else(|| {
        format!("it asked for `{} {}`, which its manifest doesn't declare", service.escape_debug(), request.shown())
    })?;
    let tries = call.tries(verb);
    // Its manifest was refused then, wherever it was read. What a credential opens is too much to rely on that.
    if tries && !call.is_a_trial() {
        return Err(format!("it asked for `{call}`, by which no credential is tried"));
    }
    // It is encoded, but whoever decodes it too early would be led elsewhere, and no connection is called so.
    if tries && request.path.iter().any(|segment| segment.text().contains(['/', '\\', '?', '#', '%', ';'])) {
        return Err(format!("it asked for `{call}` with a segment that isn't one word of a path"));
    }
    call.reveal(request);
    let auth = manifest.services.get(service).and_then(|service| service.auth.as_ref());
    if let Some(auth) = auth.filter(|auth| auth.is_set_by(request)) {
        return Err(format!("it set what authorises its service `{service}` (`{auth}`), which only the host does"));
    }
    if request.query.iter().any(|(key, _)| key.to_lowercase() == "_method") {
        return Err("it asked for another method by its query".to_owned());
    }
    let may_set = |name: &str| KIND_HEADERS.contains(&name) || (tries && TRIED_HEADERS.contains(&name));
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| !may_set(&name.to_lowercase())) {
        return Err(format!("it set the header `{}`, which isn't a kind's to set", name.escape_debug()));
    }
    if let Some((name, _)) = request.headers.iter().find(|(_, value)| value.contains(|c: char| c.is_control())) {
        return Err(format!("it set the header `{name}` to something that isn't a line of text"));
    }
    match &request.bearer {
        Some(_) if !tries || service != DATA_SERVICE => {
            return Err(format!("it sent a bearer of its own to `{service}`, and only `{DATA_SERVICE}` takes one"));
        }
        Some(bearer) if bearer.expose().is_empty() || !bearer.expose().bytes().all(|b| b.is_ascii_graphic()) => {
            return Err("it tried a credential that can't be sent: it isn't one word of plain letters".to_owned());
        }
        _ => {}
    }
    Ok(call)
}

/// A warning for the user, the one thing that the host's own service does: its message, and its hint.
pub(crate) fn warning(request: &WireRequest) -> Result<(&str, Option<&str>), Breach> {
    let path: Vec<&str> = request.path.iter().map(Segment::text).collect();
    let text = |key: &str| request.body.as_ref().and_then(|body| body[key].as_str());
    match (request.method.as_str(), path.as_slice(), text("message")) {
        ("POST", ["warnings"], Some(message)) => Ok((message, text("hint"))),
        _ => Err(format!("it asked the host for `{}`, which it doesn't have", request.shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manifest with such a call is refused when it is read; this one never was.
    #[test]
    fn what_is_no_trial_isnt_sent_whatever_a_manifest_says() {
        let manifest = |call: &str| -> Manifest {
            let text = r#"
schema = "1.1"
abi = 1
name = "probe"
plural = "probes"
title = "Probe"
about = "Is tried"
[record]
fields = ["id"]
id = "id"
columns = ["id"]
[verbs.verify]
calls = ["CALL"]
"#;
            toml::from_str(&text.replace("CALL", call)).unwrap()
        };
        let request = |method: &str, path: &[&str]| WireRequest::new(method, path.iter().copied());
        for (call, method, path, permitted) in [
            ("data POST /v3/sql/{}/query", "POST", &["v3", "sql", "dw", "query"][..], true),
            ("data POST /v3/sql/{}/query", "POST", &["v3", "sql", "a b", "query"], true),
            ("data POST /{}/{}", "POST", &["v3", "tokens"], false),
            ("data POST /v3/tokens", "POST", &["v3", "tokens"], false),
            ("data DELETE /v3/tokens/{}", "DELETE", &["v3", "tokens", "x"], false),
            ("data GET /v3/sql/{}/query", "GET", &["v3", "sql", "dw", "query"], false),
        ] {
            let answer = permit(&manifest(call), Verb::Verify, DATA_SERVICE, &mut request(method, path)).map(drop);
            assert_eq!(answer.is_ok(), permitted, "{call}");
            if let Err(why) = answer {
                assert_eq!(why, format!("it asked for `{call}`, by which no credential is tried"));
            }
        }
        for segment in ["../tokens?", "..%2Ftokens", "..\\tokens", "x#", "x;", ".."] {
            let call = manifest("data POST /v3/sql/{}/query");
            let mut request = request("POST", &["v3", "sql", segment, "query"]);
            assert!(permit(&call, Verb::Verify, DATA_SERVICE, &mut request).is_err(), "{segment}");
        }
    }
}
