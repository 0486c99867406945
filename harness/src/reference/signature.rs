use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::jose::{Alg, Curve, PublicJwk, base64url};

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

/// The y coordinates of the points of small order on Ed25519, little-endian and in every encoding that decoders take: 0, 1
/// and -1, p and p + 1, which are 0 and 1, and those of order 8. For such a key anybody can sign.
const SMALL_ORDER: [&str; 7] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "7P_______________________________________38",
    "7f_______________________________________38",
    "7v_______________________________________38",
    "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
    "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
];

/// Whether the order of a point on Ed25519 is at most 8 (RFC 8725 section 3.4).
pub(super) fn is_of_small_order(key: &PublicJwk) -> bool {
    let PublicJwk::Ed25519(x) = key else { return false };
    let mut y = *x;
    y[31] &= 0x7f; // the sign of x
    SMALL_ORDER.iter().filter_map(|small| base64url::decode(small.as_bytes())).any(|small| small == y)
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
