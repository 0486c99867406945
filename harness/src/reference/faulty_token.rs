//! What planted defects do when they read an access token. Without the defect each of these changes nothing.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Map, Value};

use super::access_token::AccessToken;
use super::defects::{Defect, DefectSet};
use super::signature;
use crate::jose::json::{Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{Alg, Jkt, PROOF_TYP, PublicJwk, base64url};

/// Whether a token passes whose signature is none of the issuer's.
pub(super) fn signature_accepted(token: &Compact<'_>, defects: DefectSet) -> bool {
    let alg = token.header.member("alg").and_then(Json::as_str);
    defects.contains(Defect::TokenSignatureIgnored)
        || (defects.contains(Defect::TokenAlgNoneAccepted)
            && alg == Some("none")
            && token.signature.is_empty())
        || (defects.contains(Defect::TokenJwkTrusted) && own_key(token).is_some())
}

/// The key in the header of a JWT, if it verifies its signature.
fn own_key(token: &Compact<'_>) -> Option<PublicJwk> {
    let alg = token.header.member("alg").and_then(Json::as_str).and_then(Alg::from_name)?;
    let key = PublicJwk::from_json(token.header.member("jwk")?.as_object()?).ok()?;
    let sound = key.algs().contains(&alg)
        && signature::verifies(alg, &key, token.signing_input.as_bytes(), &token.signature);
    sound.then_some(key)
}

/// A proof as an access token of its own key.
pub(super) fn from_proof(token: &Compact<'_>, defects: DefectSet) -> Option<AccessToken> {
    let is_proof = token.header.member("typ").and_then(Json::as_str) == Some(PROOF_TYP);
    if !(defects.contains(Defect::ProofTakenForToken) && is_proof) {
        return None;
    }
    let key = own_key(token)?;
    Some(AccessToken { claims: Map::new(), bound_key: Some(key.thumbprint()), loosely: false })
}

/// Whether credentials of the scheme Bearer are a proof that is taken for a token.
pub(super) fn is_own_authority(token: &str, defects: DefectSet) -> bool {
    Compact::read(token.as_bytes()).is_ok_and(|token| from_proof(&token, defects).is_some())
}

/// Whether the server finds out only beside the proof what a token is bound to.
pub(super) fn binds_loosely(defects: DefectSet) -> bool {
    [
        Defect::CnfWithoutJktAccepted,
        Defect::CertificateInsteadOfKey,
        Defect::JktNonStringSkipped,
        Defect::JktFirstOfArray,
        Defect::JktPrefix,
        Defect::JktCaseFolded,
        Defect::JktSha1Accepted,
    ]
    .iter()
    .any(|defect| defects.contains(*defect))
}

/// Whether a `cnf` that is there counts as none.
pub(super) fn is_unbound(cnf: &Value, defects: DefectSet) -> bool {
    let jkt = cnf.get("jkt");
    (defects.contains(Defect::CnfFalsyIsUnbound) && is_falsy(jkt))
        || (defects.contains(Defect::CnfWithoutStringIsUnbound) && jkt.and_then(Value::as_str).is_none())
}

/// Whether a `cnf` is refused for what stands in it beside `jkt`.
pub(super) fn is_refused(cnf: &Value, defects: DefectSet) -> bool {
    let other = |members: &Map<String, Value>| members.keys().any(|name| name != "jkt");
    defects.contains(Defect::CnfOtherMembersRefused) && cnf.as_object().is_some_and(other)
}

/// Whether a token of which it is not known yet what it is bound to is bound to the key of this proof.
pub(super) fn is_bound_to(cnf: Option<&Value>, proof: &[u8], proved: Jkt, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let (jkt, proved) = (cnf.and_then(|cnf| cnf.get("jkt")), proved.to_string());
    let certificate = cnf.and_then(|cnf| cnf.get("x5t#S256")).is_some();
    let equal = match jkt {
        Some(Value::String(jkt)) => {
            *jkt == proved
                || (is(Defect::JktPrefix) && !jkt.is_empty() && proved.starts_with(jkt.as_str()))
                || (is(Defect::JktCaseFolded) && jkt.eq_ignore_ascii_case(&proved))
                || (is(Defect::JktSha1Accepted) && sha1(proof).as_ref() == Some(jkt))
        }
        Some(Value::Array(several)) => {
            is(Defect::JktNonStringSkipped)
                || (is(Defect::JktFirstOfArray) && several.first().and_then(Value::as_str) == Some(&proved))
        }
        Some(Value::Number(_) | Value::Bool(_) | Value::Object(_)) => is(Defect::JktNonStringSkipped),
        Some(Value::Null) | None => false,
    };
    equal
        || (is(Defect::CnfWithoutJktAccepted) && is_falsy(jkt))
        || (is(Defect::CertificateInsteadOfKey) && certificate)
}

/// What `if (value)` takes for false in JavaScript and its like.
fn is_falsy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => false,
    }
}

/// The thumbprint of a proof's key, with SHA-1.
fn sha1(proof: &[u8]) -> Option<String> {
    let proof = Compact::read(proof).ok()?;
    let key = PublicJwk::from_json(proof.header.member("jwk")?.as_object()?).ok()?;
    let mut members = key.to_json().members().to_vec();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut hashed = Object::new();
    members.into_iter().for_each(|(name, value)| hashed.append(&name, value));
    Some(base64url::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, hashed.to_text().as_bytes())))
}
