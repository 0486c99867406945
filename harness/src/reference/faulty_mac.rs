//! Message authentication codes that planted bugs take for signatures.
//!
//! Without the bug nothing passes here.

use aws_lc_rs::hmac;

use super::defects::{Defect, DefectSet};
use crate::jose::json::Json;
use crate::jose::jws::Compact;
use crate::jose::{PublicJwk, base64url};

/// Whether `alg` names a code that passes.
pub(super) fn alg_accepted(alg: &str, defects: DefectSet) -> bool {
    let accepted = defects.contains(Defect::HmacAccepted) || defects.contains(Defect::SymmetricKeyAccepted);
    accepted && hash(alg).is_some()
}

/// The hash of a code by its `alg` (RFC 7518 section 3.2).
fn hash(alg: &str) -> Option<hmac::Algorithm> {
    match alg {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn verifies(jws: &Compact<'_>, secret: &[u8], otherwise: Option<hmac::Algorithm>) -> bool {
    let alg = jws.header.member("alg").and_then(Json::as_str).unwrap_or_default();
    hash(alg).or(otherwise).is_some_and(|hash| {
        let secret = hmac::Key::new(hash, secret);
        hmac::verify(&secret, jws.signing_input.as_bytes(), &jws.signature).is_ok()
    })
}

/// Whether the signature is a code under the `k` in `jwk`. What kind of code a key makes this server tells by the key.
pub(super) fn secret_in_jwk(jws: &Compact<'_>, defects: DefectSet) -> bool {
    let k = || jws.header.member("jwk")?.as_object()?.member("k")?.as_str().and_then(base64url::decode);
    defects.contains(Defect::SymmetricKeyAccepted)
        && k().is_some_and(|secret| verifies(jws, &secret, Some(hmac::HMAC_SHA256)))
}

/// Whether the signature is a code under any of the byte strings that libraries took for the public key.
pub(super) fn public_key_is_secret(jws: &Compact<'_>, key: &PublicJwk, defects: DefectSet) -> bool {
    use p256::pkcs8::{EncodePublicKey as _, LineEnding};

    let jwk = jws.header.member("jwk").map(Json::to_text).unwrap_or_default();
    let mut secrets = vec![jwk.into_bytes(), key.to_json().to_text().into_bytes()];
    if let PublicJwk::Ec(point) = key {
        secrets.extend([point.x().to_vec(), base64url::encode(point.x()).into_bytes()]);
        if let Ok(public) = p256::PublicKey::from_sec1_bytes(&point.to_uncompressed()) {
            secrets.extend(public.to_public_key_der().map(|der| der.as_bytes().to_vec()));
            if let Ok(pem) = public.to_public_key_pem(LineEnding::LF) {
                secrets.extend([pem.trim_end().as_bytes().to_vec(), pem.into_bytes()]);
            }
        }
        secrets.extend([[point.x(), point.y()].concat(), point.to_uncompressed()]);
    }
    defects.contains(Defect::HmacAccepted) && secrets.iter().any(|secret| verifies(jws, secret, None))
}
