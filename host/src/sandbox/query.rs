//! The query of a request's URL, read strictly: a parameter that a route doesn't have, or has twice, is refused
//! rather than ignored.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::answer::Refusal;

pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Refuses a parameter that isn't among `known` or that stands there twice.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        for (index, (name, _)) in self.pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::bad_request(format!("Unknown query parameter `{name}`")));
            }
            if self.pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::bad_request(format!("The query parameter `{name}` stands there twice")));
            }
        }
        Ok(())
    }

    /// The value of a parameter that may not stand there twice.
    pub(super) fn once(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.pairs.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::bad_request(format!("The query parameter `{name}` stands there twice"))),
            (value, None) => Ok(value),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Refusal> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Query { pairs: url::form_urlencoded::parse(text.as_bytes()).into_owned().collect() })
    }
}
