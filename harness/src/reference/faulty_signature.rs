//! Signatures and keys that planted bugs let pass.
//!
//! Without the bug nothing passes here.

use aws_lc_rs::digest::{SHA256, digest};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{AffinePoint, ProjectivePoint, Scalar, U256};

use super::defects::{Defect, DefectSet};
use super::faulty;
use super::faulty_jws;
use super::signature;
use crate::jose::json::{Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{Curve, EcPoint, Jkt, PROOF_TYP, PublicJwk, base64url};

/// Whether a signature passes that does not verify, or one by a key that none should have.
pub(super) fn accepted(jws: &Compact<'_>, key: &PublicJwk, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let verifies = |signature: &[u8]| {
        let input = jws.signing_input.as_bytes();
        key.algs().iter().any(|alg| signature::verifies(*alg, key, input, signature))
    };
    (is(Defect::SignatureZeroModOrder) && is_zero_mod_order(&jws.signature))
        || (is(Defect::SignatureRangeErrorSkipped) && is_out_of_range(&jws.signature, key))
        || (is(Defect::HeaderRebuilt) && verifies_with_own_header(jws, key))
        || (is(Defect::SignatureInFixedBuffer) && {
            let mut fixed = jws.signature.clone();
            fixed.resize(signature_length(key), 0);
            verifies(&fixed)
        })
        || (is(Defect::EdDsaOrderNotChecked)
            && minus_order(&jws.signature).is_some_and(|less| verifies(&less)))
        || (is(Defect::InfinityKeyAccepted) && verifies_by_infinity(jws, key))
        || (is(Defect::KeyErrorSkipsSignature) && is_off_curve(key))
        || ((is(Defect::DuplicateAlgLastUsed) || is(Defect::DuplicateAlgFirstUsed))
            && jws.signature.is_empty()
            && faulty_jws::second_reading(&jws.header, "alg") == Some(Json::from("none")))
}

/// The key that verifies, where it is another than the one in the first reading of `jwk`.
pub(super) fn other_key(header: &Object, defects: DefectSet) -> Option<PublicJwk> {
    let twice =
        defects.contains(Defect::DuplicateJwkLastUsed) || defects.contains(Defect::DuplicateJwkFirstUsed);
    let second = faulty_jws::second_reading(header, "jwk").filter(|_| twice)?;
    PublicJwk::from_json(second.as_object()?).ok()
}

/// The thumbprint that the server believes the proof to state, instead of computing it.
pub(super) fn stated_thumbprint(header: &Object, jwk: &Object, defects: DefectSet) -> Option<Jkt> {
    let kid = if defects.contains(Defect::KidTakenForThumbprint) {
        header.member("kid")
    } else if defects.contains(Defect::JwkKidTakenForThumbprint) {
        jwk.member("kid")
    } else {
        None
    };
    kid?.as_str()?.parse().ok()
}

/// Whether the thumbprint is made from the members as they are spelled, for what they mean is known only afterwards.
pub(super) fn spelled(defects: DefectSet) -> bool {
    [Defect::CoordinatesDecodedLeniently, Defect::EcCurveIgnored, Defect::OkpCurveIgnored]
        .iter()
        .any(|defect| defects.contains(*defect))
}

/// The `jwk` with coordinates as a lenient decoder reads them, and with the curve that the server takes it for.
pub(super) fn canonical(jwk: &Object, defects: DefectSet) -> Object {
    let mut jwk = jwk.clone();
    let kty = jwk.member("kty").and_then(Json::as_str);
    if defects.contains(Defect::EcCurveIgnored) && kty == Some("EC") {
        jwk.set("crv", "P-256");
    } else if defects.contains(Defect::OkpCurveIgnored) && kty == Some("OKP") {
        jwk.set("crv", "Ed25519");
    }
    if defects.contains(Defect::CoordinatesDecodedLeniently) {
        for name in ["x", "y"] {
            let Some(text) = jwk.member(name).and_then(Json::as_str) else { continue };
            let Some(bytes) = faulty::decoded_leniently(text) else { continue };
            let zeros = bytes.len().saturating_sub(Curve::P256.field_bytes());
            if bytes.iter().take(zeros).all(|byte| *byte == 0) {
                let missing = Curve::P256.field_bytes().saturating_sub(bytes.len());
                let number = [&vec![0; missing], bytes.get(zeros..).unwrap_or_default()].concat();
                jwk.set(name, base64url::encode(number));
            }
        }
        for name in ["n", "e"] {
            if let Some(bytes) = jwk.member(name).and_then(Json::as_str).and_then(base64url::decode) {
                let number: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
                jwk.set(name, base64url::encode(number));
            }
        }
    }
    jwk
}

/// Whether a library would refuse to look at the signature: a number in it is zero, or not below the group's order or the
/// modulus (FIPS 186-5 section 6.4.2, RFC 8017 section 5.2.2).
fn is_out_of_range(signature: &[u8], key: &PublicJwk) -> bool {
    match key {
        PublicJwk::Rsa(rsa) => signature.len() == rsa.n().len() && signature >= rsa.n(),
        PublicJwk::Ec(_) | PublicJwk::Ed25519(_) => {
            p256_point(key).is_some()
                && signature.len() == 64
                && p256::ecdsa::Signature::from_slice(signature).is_err()
        }
    }
}

/// Whether the signature verifies where the header is what this server would have written.
fn verifies_with_own_header(jws: &Compact<'_>, key: &PublicJwk) -> bool {
    let alg = jws.header.member("alg").and_then(Json::as_str).unwrap_or_default();
    let header = Object::from([
        ("typ", Json::from(PROOF_TYP)),
        ("alg", Json::from(alg)),
        ("jwk", Json::from(key.to_json())),
    ]);
    let claims = jws.signing_input.split('.').nth(1).unwrap_or_default();
    let input = format!("{}.{claims}", base64url::encode(header.to_text()));
    key.algs().iter().any(|alg| signature::verifies(*alg, key, input.as_bytes(), &jws.signature))
}

/// The order of the group on P-256.
const ORDER: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

fn is_zero_mod_order(signature: &[u8]) -> bool {
    let order = base64url::decode(ORDER).unwrap_or_default();
    let zero = |number: &[u8]| number.iter().all(|byte| *byte == 0) || *number == order[..];
    signature.len() == 64 && signature.chunks(32).all(zero)
}

fn signature_length(key: &PublicJwk) -> usize {
    match key {
        PublicJwk::Ec(point) => 2 * point.curve().field_bytes(),
        PublicJwk::Ed25519(_) => 64,
        PublicJwk::Rsa(rsa) => rsa.n().len(),
    }
}

/// The order of the group of Ed25519, little-endian.
const ED25519_ORDER: &str = "7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA";

/// The signature with S less the order of the group.
fn minus_order(signature: &[u8]) -> Option<Vec<u8>> {
    let order = base64url::decode(ED25519_ORDER)?;
    let mut less = signature.to_vec();
    let mut borrow = 0;
    for (octet, order) in less.get_mut(32..)?.iter_mut().zip(order) {
        let difference = i16::from(*octet) - i16::from(order) - borrow;
        borrow = i16::from(difference < 0);
        *octet = u8::try_from(difference.rem_euclid(256)).ok()?;
    }
    Some(less)
}

fn p256_point(key: &PublicJwk) -> Option<&EcPoint> {
    match key {
        PublicJwk::Ec(point) if point.curve() == Curve::P256 => Some(point),
        PublicJwk::Ec(_) | PublicJwk::Ed25519(_) | PublicJwk::Rsa(_) => None,
    }
}

fn is_off_curve(key: &PublicJwk) -> bool {
    p256_point(key).is_some_and(|point| p256::PublicKey::from_sec1_bytes(&point.to_uncompressed()).is_err())
}

/// Whether the signature verifies with infinity as the key, where the key is (0, 0): as (hash / s) G has r for its x.
fn verifies_by_infinity(jws: &Compact<'_>, key: &PublicJwk) -> bool {
    let zero = |number: &[u8]| number.iter().all(|byte| *byte == 0);
    let infinity = p256_point(key).is_some_and(|point| zero(point.x()) && zero(point.y()));
    let Ok(signature) = p256::ecdsa::Signature::from_slice(&jws.signature) else { return false };
    let (r, s) = signature.split_scalars();
    let number = |bytes: &[u8]| <Scalar as Reduce<U256>>::reduce(U256::from_be_slice(bytes));
    let hash = number(digest(&SHA256, jws.signing_input.as_bytes()).as_ref());
    let inverse = Option::<Scalar>::from(s.invert()).unwrap_or(Scalar::ZERO);
    let point: AffinePoint = (ProjectivePoint::GENERATOR * (hash * inverse)).to_affine();
    let encoded = point.to_encoded_point(false);
    let x = encoded.x().map(|x| number(x));
    infinity && x == Some(*r)
}
