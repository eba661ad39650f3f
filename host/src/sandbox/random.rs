//! Random identifiers and secrets from the system's generator. Whether one is taken already is the caller's question.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";

pub(super) fn lower(length: usize) -> Result<String, Unspecified> {
    text(LOWER, length)
}

pub(super) fn alphanumeric(length: usize) -> Result<String, Unspecified> {
    text(ALPHANUMERIC, length)
}

/// Six bits a character.
pub(super) fn url_safe(length: usize) -> Result<String, Unspecified> {
    text(URL_SAFE, length)
}

pub(super) fn hex(length: usize) -> Result<String, Unspecified> {
    text(HEX, length)
}

pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

fn text(alphabet: &[u8], length: usize) -> Result<String, Unspecified> {
    // A byte beyond the last whole multiple of the alphabet would favour its first characters.
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>()? {
            let byte = usize::from(byte);
            let letter = char::from(alphabet[byte % alphabet.len()]);
            // The first is a letter or a digit: what begins with a dash is taken for an option when it is pasted.
            if byte < fair && text.len() < length && (!text.is_empty() || letter.is_ascii_alphanumeric()) {
                text.push(letter);
            }
        }
    }
    Ok(text)
}
