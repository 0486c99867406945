use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePrivateKey as _;

use crate::entropy::Entropy;
use crate::jose::json::{Json, Object};
use crate::jose::{Jkt, PublicJwk, base64url};

/// A private key that signs proofs: P-256, for ES256.
pub struct ProofKey {
    pair: EcdsaKeyPair,
    secret: p256::SecretKey,
    public: PublicJwk,
}

/// A private key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The JWK is not a P-256 private key: `kty` EC, `crv` P-256, `d`, `x` and `y` of 32 bytes each.
    #[error("not a private P-256 key as a JWK")]
    NotAPrivateKey,
    /// `x` and `y` are not the public half of `d`.
    #[error("the public half of the key does not belong to its private half")]
    Mismatch,
}

impl ProofKey {
    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut scalar = [0; 32];
        loop {
            entropy.fill(&mut scalar);
            // Fails for zero and for values beyond the group's order: about once in 2^32 draws.
            if let Ok(key) =
                p256::SecretKey::from_slice(&scalar).map_err(|_| KeyError::NotAPrivateKey).and_then(Self::new)
            {
                return key;
            }
        }
    }

    /// The key that a private JWK (RFC 7518 section 6.2.2) holds.
    ///
    /// # Errors
    /// [`KeyError`] where it is not a private P-256 key, or its halves do not belong together.
    pub fn from_private_jwk(jwk: &Object) -> Result<Self, KeyError> {
        let text = |name: &str| jwk.member(name).and_then(Json::as_str);
        if text("kty") != Some("EC") || text("crv") != Some("P-256") {
            return Err(KeyError::NotAPrivateKey);
        }
        let scalar = text("d").and_then(base64url::decode).ok_or(KeyError::NotAPrivateKey)?;
        let key = Self::new(p256::SecretKey::from_slice(&scalar).map_err(|_| KeyError::NotAPrivateKey)?)?;
        let public = key.public.to_json();
        if ["x", "y"].iter().any(|name| jwk.member(name).is_some() && jwk.member(name) != public.member(name))
        {
            return Err(KeyError::Mismatch);
        }
        Ok(key)
    }

    /// The key in a PKCS #8 document (RFC 5958), as libraries export it.
    ///
    /// # Errors
    /// [`KeyError::NotAPrivateKey`] where it holds no P-256 key.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, KeyError> {
        Self::new(p256::SecretKey::from_pkcs8_der(document).map_err(|_| KeyError::NotAPrivateKey)?)
    }

    fn new(secret: p256::SecretKey) -> Result<Self, KeyError> {
        let point = secret.public_key().to_encoded_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(KeyError::NotAPrivateKey) };
        let public = PublicJwk::P256 { x: (*x).into(), y: (*y).into() };
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &secret.to_bytes(),
            point.as_bytes(),
        )
        .map_err(|_| KeyError::NotAPrivateKey)?;
        Ok(Self { pair, secret, public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// The thumbprint of the public half.
    pub fn thumbprint(&self) -> Jkt {
        self.public.thumbprint()
    }

    /// The private key as a JWK: what a token hook reads from `DPOP_JWK_FILE`. It must not reach any report.
    pub fn to_private_jwk(&self) -> Object {
        let mut jwk = self.public.to_json();
        jwk.append("d", self.private_member());
        jwk
    }

    /// The `d` member of the private JWK, for the fault of sending it.
    pub fn private_member(&self) -> String {
        base64url::encode(self.secret.to_bytes())
    }

    /// An ES256 signature over `input`: `r || s`, 64 bytes (RFC 7518 section 3.4).
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self.pair.sign(&SystemRandom::new(), input) {
            Ok(signature) => signature.as_ref().to_vec(),
            // Only a broken random generator gets here.
            Err(error) => unreachable!("signing failed: {error}"),
        }
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProofKey({})", self.thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{SeededEntropy, SystemEntropy};

    #[test]
    fn a_key_survives_the_way_through_its_jwk() {
        let key = ProofKey::generate(&SystemEntropy);
        let again = ProofKey::from_private_jwk(&key.to_private_jwk()).expect("its own JWK");
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert_eq!(key.sign(b"x").len(), 64);
    }

    #[test]
    fn halves_that_do_not_belong_together() {
        let mut jwk = ProofKey::generate(&SeededEntropy::new(1)).to_private_jwk();
        let other = ProofKey::generate(&SeededEntropy::new(2)).to_private_jwk();
        jwk.set("x", other.member("x").expect("x").clone());
        assert_eq!(ProofKey::from_private_jwk(&jwk).err(), Some(KeyError::Mismatch));
        jwk.remove("d");
        assert_eq!(ProofKey::from_private_jwk(&jwk).err(), Some(KeyError::NotAPrivateKey));
    }

    #[test]
    fn debug_shows_the_thumbprint_only() {
        let key = ProofKey::generate(&SystemEntropy);
        assert!(!format!("{key:?}").contains(&key.private_member()));
    }
}
