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

/// What stands before the key itself in PKCS #8: the same 26 bytes, but for two lengths, for each RSA key of this size.
const ENVELOPE: usize = 26;

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
        let private_key = envelope.as_ref().get(ENVELOPE..).unwrap_or_default().to_vec();
        // Fails if what was cut out is no key.
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

impl From<jsonwebtoken::errors::Error> for Refusal {
    fn from(error: jsonwebtoken::errors::Error) -> Refusal {
        Refusal::internal(format!("The sandbox cannot sign: {error}"))
    }
}
