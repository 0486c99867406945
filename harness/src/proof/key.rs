use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};
use p256::pkcs8::PrivateKeyInfo;
use pkcs1::der::Decode as _;

use crate::entropy::Entropy;
use crate::jose::json::{Json, Object};
use crate::jose::{Alg, Curve, EcPoint, Jkt, KeyKind, PublicJwk, RsaPublic, base64url};

/// A private key that signs proofs, with one algorithm.
pub struct ProofKey {
    alg: Alg,
    pair: Pair,
    public: PublicJwk,
    /// What the private JWK has beyond the public one.
    private: Vec<(&'static str, String)>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
    /// Makes null signatures.
    #[cfg(any(test, feature = "fuzzing"))]
    Null,
}

/// A private key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a private key: EC on P-256, P-384 or P-521, OKP on Ed25519, or RSA with two primes and 2048 bits or more.
    #[error("not a private key as a JWK (RSA, EC on P-256, P-384 or P-521, OKP on Ed25519)")]
    NotAPrivateKey,
    /// The public half does not belong to the private half.
    #[error("the public half of the key does not belong to its private half")]
    Mismatch,
    /// The member `alg` names an algorithm that is not one of the key's.
    #[error("the member \"alg\" names no algorithm of such a key")]
    Alg,
}

impl ProofKey {
    /// A fresh key for ES256.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::generate_for(Alg::Es256, entropy)
    }

    /// A fresh key for `alg`; for RSA of 2048 bits.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    pub fn generate_for(alg: Alg, entropy: &dyn Entropy) -> Self {
        match alg.key_kind() {
            KeyKind::Ec(curve) => {
                let mut scalar = vec![0; curve.field_bytes()];
                loop {
                    entropy.fill(&mut scalar);
                    if curve == Curve::P521 {
                        scalar[0] &= 1; // of 66 bytes 521 bits
                    }
                    // Fails for zero and for values beyond the group's order: about once in 2^32 draws.
                    if let Ok(key) = Self::ec(curve, &scalar) {
                        return key;
                    }
                }
            }
            KeyKind::Ed25519 => {
                let mut seed = [0; 32];
                entropy.fill(&mut seed);
                Self::ed25519(&seed).unwrap_or_else(|error| unreachable!("every seed is a key: {error}"))
            }
            KeyKind::Rsa => Self::from_pkcs8(alg, &entropy.rsa_key())
                .unwrap_or_else(|error| unreachable!("a generated key is a key: {error}")),
        }
    }

    /// The key that a private JWK (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2) holds. An RSA key signs with
    /// RS256 unless its `alg` says PS256.
    ///
    /// # Errors
    /// [`KeyError`] where it is not a private key of a known kind, or its members don't belong together.
    pub fn from_private_jwk(jwk: &Object) -> Result<Self, KeyError> {
        let mut public = jwk.clone();
        let mut take = |name: &str| {
            let bytes = jwk.member(name).and_then(Json::as_str).and_then(base64url::decode);
            public.remove(name);
            bytes.ok_or(KeyError::NotAPrivateKey)
        };
        let d = take("d")?;
        let factors = ["p", "q", "dp", "dq", "qi"].map(take);
        let public = PublicJwk::from_json(&public).map_err(|_| KeyError::NotAPrivateKey)?;
        let alg = match jwk.member("alg") {
            None => public.algs().first().copied(),
            Some(alg) => alg.as_str().and_then(Alg::from_name).filter(|alg| public.algs().contains(alg)),
        };
        let alg = alg.ok_or(KeyError::Alg)?;
        let key = match &public {
            PublicJwk::Ec(point) => Self::ec(point.curve(), &d)?,
            PublicJwk::Ed25519(_) => Self::ed25519(&d)?,
            PublicJwk::Rsa(key) => {
                let [p, q, dp, dq, qi] = factors;
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n: key.n().to_vec(), e: key.e().to_vec() },
                    d,
                    p: p?,
                    q: q?,
                    dP: dp?,
                    dQ: dq?,
                    qInv: qi?,
                };
                let pair = rsa::KeyPair::from_components(&components).map_err(|_| KeyError::Mismatch)?;
                Self::rsa(alg, pair)?
            }
        };
        if key.public == public { Ok(key) } else { Err(KeyError::Mismatch) }
    }

    /// The key for `alg` in a PKCS #8 document (RFC 5958), as libraries export it.
    ///
    /// # Errors
    /// [`KeyError::NotAPrivateKey`] where it holds no such key.
    pub fn from_pkcs8(alg: Alg, document: &[u8]) -> Result<Self, KeyError> {
        match alg.key_kind() {
            KeyKind::Ec(curve) => {
                let pair = EcdsaKeyPair::from_pkcs8(signing(curve), document).map_err(refused)?;
                let scalar: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(refused)?;
                Self::ec(curve, scalar.as_ref())
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(refused)?;
                let seed: Curve25519SeedBin<'_> =
                    pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(refused)?;
                Self::ed25519(seed.as_ref())
            }
            KeyKind::Rsa => Self::rsa(alg, rsa::KeyPair::from_pkcs8(document).map_err(refused)?),
        }
    }

    fn ec(curve: Curve, scalar: &[u8]) -> Result<Self, KeyError> {
        let agreement = match curve {
            Curve::P256 => &ECDH_P256,
            Curve::P384 => &ECDH_P384,
            Curve::P521 => &ECDH_P521,
        };
        let private = agreement::PrivateKey::from_private_key(agreement, scalar).map_err(refused)?;
        let public = private.compute_public_key().map_err(refused)?;
        let point = EcPoint::from_uncompressed(curve, public.as_ref()).ok_or(KeyError::NotAPrivateKey)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing(curve), scalar, public.as_ref());
        let public = PublicJwk::Ec(point);
        Ok(Self {
            alg: public.algs()[0],
            pair: Pair::Ecdsa(pair.map_err(refused)?),
            public,
            private: vec![("d", base64url::encode(scalar))],
        })
    }

    fn ed25519(seed: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(refused)?;
        let x = pair.public_key().as_ref().try_into().map_err(refused)?;
        Ok(Self {
            alg: Alg::EdDsa,
            pair: Pair::Ed25519(pair),
            public: PublicJwk::Ed25519(x),
            private: vec![("d", base64url::encode(seed))],
        })
    }

    fn rsa(alg: Alg, pair: rsa::KeyPair) -> Result<Self, KeyError> {
        let document = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(refused)?;
        let document = PrivateKeyInfo::try_from(document.as_ref()).map_err(refused)?;
        let key = pkcs1::RsaPrivateKey::from_der(document.private_key).map_err(refused)?;
        let public = RsaPublic::new(key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec())
            .map_err(refused)?;
        let private = [
            ("d", key.private_exponent),
            ("p", key.prime1),
            ("q", key.prime2),
            ("dp", key.exponent1),
            ("dq", key.exponent2),
            ("qi", key.coefficient),
        ]
        .map(|(name, number)| (name, base64url::encode(number.as_bytes())));
        Ok(Self { alg, private: private.to_vec(), public: PublicJwk::Rsa(public), pair: Pair::Rsa(pair) })
    }

    /// The same key for ES256, which signs with the null signature from now on: for fuzzers, whose time curves would eat.
    #[cfg(any(test, feature = "fuzzing"))]
    #[must_use]
    pub fn with_null_signatures(self) -> Self {
        Self { pair: Pair::Null, ..self }
    }

    /// Whether its signatures are the null signature.
    pub fn makes_null_signatures(&self) -> bool {
        match self.pair {
            Pair::Ecdsa(_) | Pair::Ed25519(_) | Pair::Rsa(_) => false,
            #[cfg(any(test, feature = "fuzzing"))]
            Pair::Null => true,
        }
    }

    /// The algorithm that it signs with.
    pub fn alg(&self) -> Alg {
        self.alg
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
        if self.public.algs().len() > 1 {
            jwk.append("alg", self.alg.name());
        }
        for (name, value) in &self.private {
            jwk.append(name, value.as_str());
        }
        jwk
    }

    /// The `d` member of the private JWK, for the fault of sending it.
    pub fn private_member(&self) -> &str {
        self.private_members().next().unwrap_or_default()
    }

    /// The values of all members that only the private JWK has, `d` first.
    pub fn private_members(&self) -> impl Iterator<Item = &str> {
        self.private.iter().map(|(_, value)| value.as_str())
    }

    /// A signature over `input`, in the form that JWS has for the algorithm (RFC 7518 section 3, RFC 8037 section 3.1).
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, input).map(|signature| signature.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.try_sign(input).map(|signature| signature.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if self.alg == Alg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, input, &mut signature).map(|()| signature)
            }
            #[cfg(any(test, feature = "fuzzing"))]
            Pair::Null => Ok(crate::jose::null_signature(&self.public, input).to_vec()),
        };
        // Only a broken random generator fails.
        signed.unwrap_or_else(|error| unreachable!("signing failed: {error}"))
    }
}

fn signing(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

/// What libraries say about a key that they refuse is nothing that could be told further.
fn refused<E>(_: E) -> KeyError {
    KeyError::NotAPrivateKey
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProofKey({} {})", self.alg.name(), self.thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{SeededEntropy, SystemEntropy};
    use crate::jose::json;

    #[test]
    fn a_key_survives_the_way_through_its_jwk() {
        for (alg, length) in [
            (Alg::Es256, 64),
            (Alg::Es384, 96),
            (Alg::Es512, 132),
            (Alg::EdDsa, 64),
            (Alg::Ps256, 256),
            (Alg::Rs256, 256),
        ] {
            let key = ProofKey::generate_for(alg, &SystemEntropy);
            let again = ProofKey::from_private_jwk(&key.to_private_jwk()).expect("its own JWK");
            assert_eq!((again.thumbprint(), again.alg()), (key.thumbprint(), alg));
            assert_eq!(again.to_private_jwk(), key.to_private_jwk());
            assert_eq!(key.sign(b"x").len(), length);
            assert!(key.public().algs().contains(&alg));
            assert!(PublicJwk::from_json(&key.public().to_json()).as_ref() == Ok(key.public()));
        }
    }

    /// RFC 8037 appendices A.1 and A.4.
    #[test]
    fn the_signature_of_rfc_8037() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let jwk = json::read(jwk.as_bytes()).expect("JSON");
        let key = ProofKey::from_private_jwk(jwk.as_object().expect("object")).expect("a key");
        let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
        assert_eq!(
            base64url::encode(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn keys_that_a_seed_makes_are_the_same_again() {
        for alg in [Alg::Es256, Alg::Es384, Alg::Es512, Alg::EdDsa] {
            let [one, two] = [(); 2].map(|()| ProofKey::generate_for(alg, &SeededEntropy::new(1)));
            assert_eq!(one.thumbprint(), two.thumbprint(), "{alg:?}");
        }
    }

    #[test]
    fn what_does_not_belong_together() {
        let refused = |jwk: &Object| ProofKey::from_private_jwk(jwk).err();
        for (alg, name) in
            [(Alg::Es256, "x"), (Alg::Es512, "y"), (Alg::EdDsa, "x"), (Alg::Rs256, "n"), (Alg::Rs256, "p")]
        {
            let key = ProofKey::generate_for(alg, &SystemEntropy).to_private_jwk();
            let other = ProofKey::generate_for(alg, &SystemEntropy).to_private_jwk();
            let mut jwk = key.clone();
            jwk.set(name, other.member(name).expect("there").clone());
            assert_eq!(refused(&jwk), Some(KeyError::Mismatch), "{alg:?} {name}");
            let mut jwk = key.clone();
            jwk.set("alg", "ES384");
            assert_eq!(refused(&jwk), Some(KeyError::Alg), "{alg:?}");
            let mut jwk = key.clone();
            jwk.remove("d");
            assert_eq!(refused(&jwk), Some(KeyError::NotAPrivateKey), "{alg:?}");
            let mut jwk = key;
            jwk.set("d", "AA");
            assert!(refused(&jwk).is_some(), "{alg:?}");
        }
    }

    #[test]
    fn debug_shows_the_thumbprint_only() {
        let key = ProofKey::generate(&SystemEntropy);
        assert!(!format!("{key:?}").contains(key.private_member()));
    }
}
