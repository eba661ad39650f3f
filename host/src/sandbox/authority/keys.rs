//! The RSA key that signs the authority's tokens: made when it is first needed, kept in the database, so that every
//! sandbox over one file has the same. What the tokens say is the callers' business.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::{OptionalExtension as _, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sandbox::answer::Refusal;
use crate::sandbox::store::Json;

/// How a key of this size begins in PKCS #8: a sequence (its length, two bytes, follows).
const SEQUENCE: [u8; 2] = [0x30, 0x82];
/// What comes then: version 0, the algorithm `rsaEncryption`, and a string of bytes (its length, and the key itself, follow).
const RSA: [u8; 20] = [
    0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x04,
    0x82,
];

/// A key pair, with its public half in the form in which it is published.
pub(super) struct SigningKey {
    kid: String,
    jwk: Jwk,
    private_key: Vec<u8>,
}

/// The key, if there was a need for one.
pub(super) fn find(tx: &Transaction<'_>) -> rusqlite::Result<Option<SigningKey>> {
    tx.query_row("SELECT kid, jwk, private_key FROM authority_key", (), |row| {
        Ok(SigningKey { kid: row.get(0)?, jwk: row.get::<_, Json<_>>(1)?.0, private_key: row.get(2)? })
    })
    .optional()
}

/// The key, made within this transaction if there is none.
pub(super) fn find_or_make(tx: &Transaction<'_>) -> Result<SigningKey, Refusal> {
    if let Some(key) = find(tx)? {
        return Ok(key);
    }
    let key = SigningKey::make()?;
    tx.execute(
        "INSERT INTO authority_key (kid, jwk, private_key) VALUES (?1, ?2, ?3)",
        (&key.kid, Json(&key.jwk), &key.private_key),
    )?;
    Ok(key)
}

impl SigningKey {
    fn make() -> Result<SigningKey, Refusal> {
        let envelope: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048)?.as_der()?;
        let private_key = within(envelope.as_ref())
            .ok_or_else(|| Refusal::internal("The sandbox cannot sign: its key is not PKCS #8 of RSA"))?
            .to_vec();
        let mut jwk = Jwk::from_encoding_key(&EncodingKey::from_rsa_der(&private_key), Algorithm::RS256)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(SigningKey { kid, jwk, private_key })
    }

    /// The public half, as it is published.
    pub(super) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, Refusal> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_der(&self.private_key))?)
    }

    /// The claims of a token that carries this key's name and signature, with the one algorithm that it signs with.
    /// Nothing that the claims say is judged.
    pub(super) fn verified<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.alg != Algorithm::RS256 || header.kid.as_deref() != Some(&self.kid) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::RS256);
        // Its clock is the system's, which need not be the sandbox's.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_jwk(&self.jwk).ok()?;
        Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
    }
}

/// The key within its envelope, if it is one as it should be.
fn within(envelope: &[u8]) -> Option<&[u8]> {
    let sized = |bytes: &'_ [u8], length: &[u8; 2]| bytes.len() == usize::from(u16::from_be_bytes(*length));
    let (length, rest) = envelope.strip_prefix(&SEQUENCE)?.split_first_chunk()?;
    let (key_length, key) = rest.strip_prefix(&RSA)?.split_first_chunk()?;
    (sized(rest, length) && sized(key, key_length)).then_some(key)
}

impl From<jsonwebtoken::errors::Error> for Refusal {
    fn from(error: jsonwebtoken::errors::Error) -> Refusal {
        Refusal::internal(format!("The sandbox cannot sign: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_cut_out_of_what_holds_one() {
        let envelope: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let envelope = envelope.as_ref();
        let key = within(envelope).unwrap();
        assert!(Jwk::from_encoding_key(&EncodingKey::from_rsa_der(key), Algorithm::RS256).is_ok());
        // Another length, algorithm or form.
        assert_eq!(within(&envelope[..envelope.len() - 1]), None);
        assert_eq!(within(&[envelope, &[0]].concat()), None);
        for at in 0..26 {
            let mut other = envelope.to_vec();
            other[at] ^= 1;
            assert_eq!(within(&other), None, "{at}");
        }
        assert_eq!((within(key), within(&[])), (None, None));
    }
}
