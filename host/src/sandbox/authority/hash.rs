//! What the database keeps of a code, a refresh token or a cookie. They are random and long, so that a slow hash would
//! protect nothing more, and a look-up by the hash tells nothing of how much of a guess was right.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;

use crate::sandbox::random;

/// 256 bits and more, at six bits a character.
const LENGTH: usize = 43;

/// A new secret, to be given away and not kept.
pub(super) fn secret() -> Result<String, Unspecified> {
    random::url_safe(LENGTH)
}

pub(super) fn hash(secret: &str) -> Vec<u8> {
    digest(&SHA256, secret.as_bytes()).as_ref().to_vec()
}
