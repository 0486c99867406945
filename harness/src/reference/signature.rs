use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::jose::{Alg, Curve, PublicJwk};

/// Whether `signature` over `input` verifies with `key` and `alg`. Never, where the two don't go together.
pub(super) fn verifies(alg: Alg, key: &PublicJwk, input: &[u8], signature: &[u8]) -> bool {
    if !key.algs().contains(&alg) {
        return false;
    }
    let verify = |library: &'static dyn VerificationAlgorithm, key: &[u8]| {
        UnparsedPublicKey::new(library, key).verify(input, signature).is_ok()
    };
    match key {
        PublicJwk::Ec(point) => {
            let library = match point.curve() {
                Curve::P256 => &ECDSA_P256_SHA256_FIXED,
                Curve::P384 => &ECDSA_P384_SHA384_FIXED,
                Curve::P521 => &ECDSA_P521_SHA512_FIXED,
            };
            verify(library, &point.to_uncompressed())
        }
        PublicJwk::Ed25519(x) => verify(&ED25519, x),
        PublicJwk::Rsa(rsa) => {
            let library =
                if alg == Alg::Ps256 { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
            PublicKeyComponents { n: rsa.n(), e: rsa.e() }.verify(library, input, signature).is_ok()
        }
    }
}

/// What the JWT library calls an algorithm, if it has it: access tokens are signed and verified with it, except for ES512.
pub(super) fn jsonwebtoken_name(alg: Alg) -> Option<jsonwebtoken::Algorithm> {
    use jsonwebtoken::Algorithm;
    match alg {
        Alg::Es256 => Some(Algorithm::ES256),
        Alg::Es384 => Some(Algorithm::ES384),
        Alg::Es512 => None,
        Alg::EdDsa => Some(Algorithm::EdDSA),
        Alg::Ps256 => Some(Algorithm::PS256),
        Alg::Rs256 => Some(Algorithm::RS256),
    }
}
