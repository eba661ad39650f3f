//! Values that must not be printed by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that shows itself only when asked: no `Display`, a `Debug` that says nothing, one [`Secret::expose`].
///
/// It serialises as the plain value, because a record crosses to the host that way; the host masks the fields that the manifest lists
/// under `record.secrets`.
///
/// ```
/// use carto_plugin_api::Secret;
/// let secret = Secret::new("s3cr3t".to_owned());
/// assert_eq!(format!("{secret:?}"), "[secret]");
/// assert_eq!(secret.expose(), "s3cr3t");
/// ```
///
/// ```compile_fail
/// println!("{}", carto_plugin_api::Secret::new("s3cr3t")); // there is no `Display`
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value itself. Each use of this is a place to look at in a review.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value away.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
