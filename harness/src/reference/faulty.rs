//! What planted defects do where it takes more than leaving a check out.
//!
//! Without the defect each of these changes nothing: it accepts nothing more, or computes what the RFC says.

use std::fmt;

use aws_lc_rs::{digest, signature};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::defects::{Defect, DefectSet};
use super::faulty_claims;
use super::faulty_mac;
use super::faulty_signature;
use crate::jose::json::{self, Json, Object};
use crate::jose::jws::Compact;
use crate::jose::uri::Uri;
use crate::jose::{Alg, Ath, Jkt, PublicJwk, base64url};

/// Whether the defects let proofs without a nonce pass at `uri`.
pub(super) fn nonce_not_needed(uri: &Uri, defects: DefectSet) -> bool {
    defects.contains(Defect::OtherPathsNeedNoNonce) && !uri.path.ends_with(super::resource::MAIN)
}

/// Reads a proof that is not well-formed, as far as the defects allow.
pub(super) fn read(proof: &[u8], defects: DefectSet) -> Option<Compact<'_>> {
    let text = std::str::from_utf8(proof).ok()?;
    let segments: Vec<&str> = text.split('.').collect();
    let (header, claims, signature) = match segments[..] {
        [header, claims] if defects.contains(Defect::TwoSegmentsAccepted) => (header, claims, ""),
        [header, claims, signature] => (header, claims, signature),
        _ => return None,
    };
    Some(Compact {
        header: object(header, defects)?,
        claims: object(claims, defects)?,
        signing_input: text.get(..header.len() + 1 + claims.len())?,
        signature: if defects.contains(Defect::ReplayKeyIsProof) {
            decoded_leniently(signature)?
        } else {
            base64url::decode(signature)?
        },
    })
}

fn object(segment: &str, defects: DefectSet) -> Option<Object> {
    let bytes = base64url::decode(segment)?;
    if let Ok(value) = json::read(&bytes) {
        return value.as_object().cloned();
    }
    if !defects.contains(Defect::FirstDuplicateWins) {
        return None;
    }
    let mut object = Object::new();
    for (name, value) in serde_json::from_slice::<Members>(&bytes).ok()?.0 {
        if object.member(&name).is_none() {
            object.append(&name, json::read(value.to_string().as_bytes()).ok()?);
        }
    }
    Some(object)
}

/// The members of a JSON object, with those that stand twice.
struct Members(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Whether an algorithm that the server does not support passes.
pub(super) fn alg_accepted(alg: &str, defects: DefectSet) -> bool {
    none_accepted(alg, defects)
        || faulty_mac::alg_accepted(alg, defects)
        || defects.contains(Defect::AlgOfTheKeyTaken)
}

/// Whether `alg` is a spelling of `none` that passes.
fn none_accepted(alg: &str, defects: DefectSet) -> bool {
    alg.eq_ignore_ascii_case("none")
        && (defects.contains(Defect::AlgNoneAccepted)
            || (defects.contains(Defect::AlgNoneBySpelling) && alg != "none"))
}

/// Whether an algorithm is refused although the server says that it accepts it.
pub(super) fn alg_refused(alg: Alg, defects: DefectSet) -> bool {
    defects.contains(match alg {
        Alg::Es256 => Defect::Es256Refused,
        Alg::Es384 => Defect::Es384Refused,
        Alg::Es512 => Defect::Es512Refused,
        Alg::EdDsa => Defect::EdDsaRefused,
        Alg::Ps256 => Defect::Ps256Refused,
        Alg::Rs256 => Defect::Rs256Refused,
    })
}

/// The algorithm that the server verifies with, where the header says `alg`.
pub(super) fn alg_for(alg: Option<Alg>, key: &PublicJwk, defects: DefectSet) -> Option<Alg> {
    let of_the_key = alg.is_some_and(|alg| key.algs().contains(&alg));
    if defects.contains(Defect::AlgOfTheKeyTaken) && !of_the_key { key.algs().first().copied() } else { alg }
}

/// Whether a signature passes that does not verify.
pub(super) fn signature_accepted(jws: &Compact<'_>, key: &PublicJwk, defects: DefectSet) -> bool {
    let alg = jws.header.member("alg").and_then(Json::as_str).unwrap_or_default();
    if alg.eq_ignore_ascii_case("none") {
        return none_accepted(alg, defects);
    }
    if alg.starts_with("HS") {
        return faulty_mac::public_key_is_secret(jws, key, defects);
    }
    let signature = &jws.signature;
    defects.contains(Defect::SignatureNotVerified)
        || (defects.contains(Defect::TwoSegmentsAccepted) && signature.is_empty())
        || (defects.contains(Defect::ZeroSignatureAccepted)
            && !signature.is_empty()
            && signature.iter().all(|byte| *byte == 0))
        || (defects.contains(Defect::DerSignatureAccepted) && der_verifies(jws, key))
        || (defects.contains(Defect::RsaPaddingNotBound)
            && key
                .algs()
                .iter()
                .any(|alg| super::signature::verifies(*alg, key, jws.signing_input.as_bytes(), signature)))
}

/// Whether the signature is a right one on P-256, in ASN.1 DER.
fn der_verifies(jws: &Compact<'_>, key: &PublicJwk) -> bool {
    let PublicJwk::Ec(point) = key else { return false };
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point.to_uncompressed())
        .verify(jws.signing_input.as_bytes(), &jws.signature)
        .is_ok()
}

/// The object that the server takes for the key: the first of a list where a defect looks for one there.
pub(super) fn jwk_object(jwk: &Json, defects: DefectSet) -> Option<&Object> {
    let first = |keys: &'_ Json| matches!(keys, Json::Array(_));
    let list = match jwk {
        Json::Object(set) => set.member("keys").filter(|keys| first(keys)),
        other => Some(other).filter(|keys| first(keys)),
    };
    match list {
        Some(Json::Array(keys)) if defects.contains(Defect::JwkFirstOfList) => keys.first()?.as_object(),
        Some(_) | None => jwk.as_object(),
    }
}

/// The `jwk` that the server reads: a private key loses what makes it private where a defect accepts it.
pub(super) fn readable_jwk(jwk: &Object, defects: DefectSet) -> Object {
    let mut jwk = jwk.clone();
    if defects.contains(Defect::JwkPrivateAccepted) {
        jwk.remove("d");
    }
    if defects.contains(Defect::JwkPrivateAccepted) || defects.contains(Defect::JwkPrivateByDOnly) {
        for name in ["p", "q", "dp", "dq", "qi"] {
            jwk.remove(name);
        }
    }
    jwk
}

/// The thumbprint of `key` as the server computes it from `jwk`.
pub(super) fn thumbprint(jwk: &Object, key: &PublicJwk, defects: DefectSet) -> Jkt {
    let mut members = jwk.members().to_vec();
    if defects.contains(Defect::LeadingZeroDropped) {
        // Coordinates that were numbers in between.
        members = key.to_json().members().to_vec();
        for (_, value) in &mut members {
            let octets = value.as_str().and_then(base64url::decode).filter(|octets| octets.starts_with(&[0]));
            if let Some(octets) = octets {
                let number: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
                *value = Json::from(base64url::encode(number));
            }
        }
    } else if defects.contains(Defect::ThumbprintOverAllMembers) {
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
    } else if defects.contains(Defect::ThumbprintInMemberOrder) || faulty_signature::spelled(defects) {
        members.retain(|(name, _)| ["crv", "kty", "x", "y", "n", "e"].contains(&name.as_str()));
        if faulty_signature::spelled(defects) {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
    } else {
        return key.thumbprint();
    }
    let mut hashed = Object::new();
    for (name, value) in members {
        hashed.append(&name, value);
    }
    let hash = digest::digest(&digest::SHA256, hashed.to_text().as_bytes());
    base64url::encode(hash).parse().unwrap_or_else(|_| key.thumbprint())
}

/// The first element of a claim that is an array, where that is a string.
pub(super) fn first_of_array<'a>(claims: &'a Object, name: &str) -> Option<&'a str> {
    if let Json::Array(values) = claims.member(name)? { values.first()?.as_str() } else { None }
}

/// Whether an `ath` passes that is not the hash of the access token.
pub(super) fn ath_accepted(ath: Option<&Json>, access_token: &str, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let expected = Ath::of(access_token);
    match ath {
        None => is(Defect::AthOptional) || is(Defect::AthFalsySkipped),
        Some(Json::String(ath)) => {
            faulty_claims::ath_accepted(ath, access_token, defects)
                || (is(Defect::AthFalsySkipped) && ath.is_empty())
                || (is(Defect::AthCaseFolded) && ath.eq_ignore_ascii_case(expected.as_str()))
                || (is(Defect::AthPrefix) && begins_with(expected.as_str(), ath))
                || (is(Defect::AthShapeOnly) && base64url::decode(ath).is_some_and(|hash| hash.len() == 32))
                || (is(Defect::AthHexAccepted)
                    && hex(&digest::SHA256, access_token).eq_ignore_ascii_case(ath))
                || (is(Defect::AthSha512Accepted) && {
                    let hash = digest::digest(&digest::SHA512, access_token.as_bytes());
                    base64url::encode(hash) == *ath
                })
                || (is(Defect::AthDecodedLeniently)
                    && decoded_leniently(ath) == base64url::decode(expected.as_str()))
        }
        Some(Json::Array(values)) => {
            is(Defect::AthNonStringSkipped)
                || (is(Defect::AthFirstOfArray)
                    && values.first().and_then(Json::as_str) == Some(expected.as_str()))
        }
        Some(Json::Null | Json::Bool(false)) => {
            is(Defect::AthFalsySkipped) || is(Defect::AthNonStringSkipped)
        }
        Some(Json::Bool(true) | Json::Number(_) | Json::Object(_)) => is(Defect::AthNonStringSkipped),
    }
}

/// Whether the bytes that `text` encodes begin with those that `beginning` encodes.
fn begins_with(text: &str, beginning: &str) -> bool {
    let decoded = |text: &str| base64url::decode(text);
    decoded(text).zip(decoded(beginning)).is_some_and(|(whole, part)| whole.starts_with(&part))
}

/// What `if (value)` takes for false in JavaScript and its like.
pub(super) fn is_falsy(value: Option<&Json>) -> bool {
    match value {
        None | Some(Json::Null | Json::Bool(false)) => true,
        Some(Json::String(text)) => text.is_empty(),
        Some(number @ Json::Number(_)) => number.as_f64() == Some(0.0),
        Some(Json::Bool(true) | Json::Array(_) | Json::Object(_)) => false,
    }
}

/// Whether a claim is there and of another type than string.
pub(super) fn is_no_string(value: Option<&Json>) -> bool {
    value.is_some_and(|value| !matches!(value, Json::String(_)))
}

/// Whether a claim is there and of another type than number.
pub(super) fn is_no_number(value: Option<&Json>) -> bool {
    value.is_some_and(|value| !matches!(value, Json::Number(_)))
}

/// What an `iat` with these digits is where it is read in another way.
pub(super) fn other_iat(digits: &str, defects: DefectSet) -> Option<f64> {
    let number: i128 = digits.parse().ok()?;
    if defects.contains(Defect::IatWraps) {
        // The low 64 bits are all that is kept.
        Some((number & i128::from(u64::MAX)) as f64)
    } else if defects.contains(Defect::IatMillisecondsAccepted) && number > 100_000_000_000 {
        Some((number / 1000) as f64)
    } else {
        None
    }
}

/// Whether a nonce passes that is none of the recent ones.
pub(super) fn nonce_accepted(nonce: &str, recent: &[String], defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let any = |same: &dyn Fn(&str) -> bool| recent.iter().any(|recent| same(recent));
    (is(Defect::NonceBeginning) && any(&|recent| nonce.starts_with(recent)))
        || (is(Defect::NonceCaseFolded) && any(&|recent| nonce.eq_ignore_ascii_case(recent)))
        || (is(Defect::NonceTrimmed) && any(&|recent| nonce.trim() == recent))
        || (is(Defect::NoncePercentDecoded) && any(&|recent| percent_decoded(nonce) == recent))
        || (is(Defect::NonceEmptySkipped) && nonce.is_empty())
        || (is(Defect::NoncePrefix) && recent.iter().any(|recent| recent.starts_with(nonce)))
        || (is(Defect::NonceShapeOnly) && nonce.len() == base64url::encode([0; 32]).len())
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let octet = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.extend(octet.map(char::from));
        decoded.push_str(part.get(2..).unwrap_or_default());
    }
    decoded
}

/// Decodes base64 as lenient libraries do: either alphabet, padded or not, any unused bits, foreign characters skipped, and a
/// character left over dropped.
pub(super) fn decoded_leniently(text: &str) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
    let ours = |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
    let mut text: String = text.replace('+', "-").replace('/', "_").chars().filter(ours).collect();
    if text.len() % 4 == 1 {
        text.pop();
    }
    engine.decode(text).ok()
}

fn hex(algorithm: &'static digest::Algorithm, text: &str) -> String {
    let hash = digest::digest(algorithm, text.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
