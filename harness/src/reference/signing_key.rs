use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};
use jsonwebtoken::{EncodingKey, Header};
use p256::pkcs8::PrivateKeyInfo;
use pkcs1::der::Decode as _;
use serde::Serialize;

use crate::jose::json::{Json, Object};
use crate::jose::{Alg, Curve, EcPoint, KeyKind, PublicJwk, RsaPublic, base64url};

use super::signature::jsonwebtoken_name;

/// The issuer's private key, for one algorithm. Its `Debug` shows the name and nothing else.
pub(super) struct SigningKey {
    alg: Alg,
    kid: String,
    pkcs8: Vec<u8>,
    pair: Pair,
    public: PublicJwk,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

impl SigningKey {
    /// A fresh key; for RSA of 2048 bits.
    pub(super) fn generate(alg: Alg) -> Self {
        fresh(alg.key_kind())
            .ok()
            .and_then(|pkcs8| Self::from_pkcs8(alg, &pkcs8))
            .unwrap_or_else(|| unreachable!("the system's random generator failed"))
    }

    /// The key for `alg` in a PKCS #8 document; none where it holds no such key.
    pub(super) fn from_pkcs8(alg: Alg, pkcs8: &[u8]) -> Option<Self> {
        let (pair, public) = match alg.key_kind() {
            KeyKind::Ec(curve) => {
                let pair = EcdsaKeyPair::from_pkcs8(library(curve), pkcs8).ok()?;
                let point = EcPoint::from_uncompressed(curve, pair.public_key().as_ref())?;
                (Pair::Ecdsa(pair), PublicJwk::Ec(point))
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
                let x = pair.public_key().as_ref().try_into().ok()?;
                (Pair::Ed25519(pair), PublicJwk::Ed25519(x))
            }
            KeyKind::Rsa => {
                let pair = rsa::KeyPair::from_pkcs8(pkcs8).ok()?;
                let key = pkcs1::RsaPublicKey::from_der(pair.public_key().as_ref()).ok()?;
                let (n, e) = (key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec());
                let public = RsaPublic::new(n, e).ok()?;
                (Pair::Rsa(pair), PublicJwk::Rsa(public))
            }
        };
        Some(Self { alg, kid: public.thumbprint().to_string(), pkcs8: pkcs8.to_vec(), pair, public })
    }

    pub(super) fn alg(&self) -> Alg {
        self.alg
    }

    /// Its name: the thumbprint.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The private key: a secret.
    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    pub(super) fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// The public key as it stands in the key set.
    pub(super) fn jwk(&self) -> serde_json::Value {
        let public = self.public.to_json();
        let members = public.members().iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let more = [("use", "sig"), ("alg", self.alg.name()), ("kid", &self.kid)];
        members.chain(more.map(|(name, value)| (name, Some(value)))).collect()
    }

    /// A JWT with `claims` as its payload.
    pub(super) fn jwt(&self, typ: &str, claims: &impl Serialize) -> String {
        let Some(algorithm) = jsonwebtoken_name(self.alg) else { return self.jwt_by_hand(typ, claims) };
        let mut header = Header::new(algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        self.lent()
            .and_then(|key| jsonwebtoken::encode(&header, claims, &key).ok())
            .unwrap_or_else(|| unreachable!("a key that was read can sign"))
    }

    /// The key as the JWT library wants it.
    fn lent(&self) -> Option<EncodingKey> {
        match self.alg.key_kind() {
            KeyKind::Ec(_) => Some(EncodingKey::from_ec_der(&self.pkcs8)),
            KeyKind::Ed25519 => Some(EncodingKey::from_ed_der(&self.pkcs8)),
            KeyKind::Rsa => {
                let pkcs1 = PrivateKeyInfo::try_from(self.pkcs8.as_slice()).ok()?.private_key;
                Some(EncodingKey::from_rsa_der(pkcs1))
            }
        }
    }

    /// The same for an algorithm that the JWT library does not have.
    fn jwt_by_hand(&self, typ: &str, claims: &impl Serialize) -> String {
        let claims = serde_json::to_string(claims)
            .unwrap_or_else(|error| unreachable!("claims are plain JSON: {error}"));
        let header = [("typ", typ), ("alg", self.alg.name()), ("kid", &self.kid)];
        let header = Object::from(header.map(|(name, value)| (name, Json::from(value))));
        let input = format!("{}.{}", base64url::encode(header.to_text()), base64url::encode(claims));
        let signature = self
            .sign(input.as_bytes())
            .unwrap_or_else(|Unspecified| unreachable!("the system's random generator failed"));
        format!("{input}.{}", base64url::encode(signature))
    }

    pub(super) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, input)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(input)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if self.alg == Alg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, input, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

/// A fresh key as PKCS #8.
fn fresh(kind: KeyKind) -> Result<Vec<u8>, Unspecified> {
    match kind {
        KeyKind::Ec(curve) => Ok(EcdsaKeyPair::generate(library(curve))?.to_pkcs8v1()?.as_ref().to_vec()),
        KeyKind::Ed25519 => Ok(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec()),
        KeyKind::Rsa => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa2048)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
            Ok(pkcs8.as_ref().to_vec())
        }
    }
}

fn library(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}
