//! What an item route is about: the id in its path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::answer::Refusal;

/// The last segment of a path, decoded: what an item route is about.
pub(super) struct Item(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Item {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Item, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Item(text)),
            Err(_) => Err(Refusal::bad_request("The path is not UTF-8")),
        }
    }
}
