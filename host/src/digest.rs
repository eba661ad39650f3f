//! SHA-256 in hexadecimal: what pins, locks and records call a library. Nothing else hashes.

use std::fmt::Write as _;
use std::io::{self, Read};

use aws_lc_rs::digest::{Context, SHA256};

/// A digest that is being made.
pub(crate) struct Hash(Context);

impl Hash {
    pub(crate) fn new() -> Hash {
        Hash(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest, as 64 small letters and digits.
    pub(crate) fn hex(self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in self.0.finish().as_ref() {
            // Writing to a text can't fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// The digest of all that can be read.
pub(crate) fn of(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Hash::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(hash.hex()),
            read => hash.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// Whether this can be such a digest.
pub(crate) fn is_one(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// As much of it as people compare, and as doesn't look like a secret.
pub(crate) fn short(hex: &str) -> &str {
    hex.get(..16).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_usual_one() {
        let digest = of(&b"abc"[..]).unwrap();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_one(&digest) && !is_one(&digest.to_uppercase()) && !is_one(short(&digest)));
    }
}
