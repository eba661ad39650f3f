//! What an authority's refusal of a sign-in says, by the `error` of OAuth (RFC 6749, 5.2; RFC 8707, 2). What it can't be held to isn't guessed.

use carto_plugin_api::Response;
use serde_json::Value;

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The client, or its secret: one of them is wrong.
    Secret,
    /// What the bearer should be for.
    Audience,
    /// Who asks: a client that may not sign in for itself, whatever its secret.
    Grant,
    /// Anything else, which says nothing of the secret.
    Unclear,
}

impl Refusal {
    /// Reads an answer that is no bearer. `audience` is what was asked for.
    pub(crate) fn of(response: &Response, audience: &str) -> Refusal {
        Refusal::read(response.status(), response.body().unwrap_or(&Value::Null), audience)
    }

    fn read(status: u16, body: &Value, audience: &str) -> Refusal {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        if !matches!(status, 400 | 401 | 403) {
            return Refusal::Unclear;
        }
        match text("error") {
            "invalid_client" => Refusal::Secret,
            // Auth0's word for a wrong secret, and with the audience beside it for one that isn't known or isn't the client's (observed).
            "access_denied" if !audience.is_empty() && text("error_description").contains(audience) => {
                Refusal::Audience
            }
            "access_denied" => Refusal::Secret,
            "invalid_target" => Refusal::Audience,
            "unauthorized_client" => Refusal::Grant,
            _ => Refusal::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_names_the_client_or_its_secret_is_about_it() {
        use Refusal::{Audience, Grant, Secret, Unclear};
        let said = |error: &str, words: &str| json!({ "error": error, "error_description": words });
        for (status, body, refusal) in [
            (401, said("invalid_client", "another secret"), Secret),
            (400, said("invalid_client", ""), Secret),
            (401, said("access_denied", "Unauthorized"), Secret),
            (403, json!({ "error": "access_denied" }), Secret),
            (403, said("access_denied", "Client is not authorized to access \"carto-cloud-native-api\""), Audience),
            (403, said("access_denied", "Service not found: carto-cloud-native-api"), Audience),
            (400, said("invalid_target", "x"), Audience),
            (403, said("unauthorized_client", "This grant is for M2M clients"), Grant),
            (400, said("invalid_request", "no client_secret"), Unclear),
            (400, said("unsupported_grant_type", ""), Unclear),
            (400, said("invalid_scope", ""), Unclear),
            (401, Value::Null, Unclear),
            (403, json!("<html>invalid_client</html>"), Unclear),
            (403, json!({ "error": { "message": "invalid_client" } }), Unclear),
            (404, said("invalid_client", ""), Unclear),
            (302, said("invalid_client", ""), Unclear),
            (501, said("access_denied", ""), Unclear),
        ] {
            assert_eq!(Refusal::read(status, &body, "carto-cloud-native-api"), refusal, "{status} {body}");
        }
    }
}
