//! How planted bugs put answers. Without the bug each of these changes nothing.

use std::sync::Mutex;
use std::sync::PoisonError;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::answer::{DPOP, Denial};
use super::defects::{Defect, DefectSet};
use super::refusal::{ErrorCode, Refusal};
use crate::jose::json::JsonFault;
use crate::jose::jws::JwsError;
use crate::jose::{AlgSet, base64url};

/// Whether there is no answer but 500 to what was to be refused.
pub(super) fn crashes(denial: &Denial, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let Denial::Proof(refusal) = denial else { return false };
    (is(Defect::CrashOnOddType) && matches!(refusal, Refusal::ClaimType(_)))
        || (is(Defect::CrashOnMissingClaim) && matches!(refusal, Refusal::ClaimMissing(_)))
        || (is(Defect::CrashOnMissingJwk) && matches!(refusal, Refusal::ParameterMissing("jwk")))
        || (is(Defect::CrashOnMalformedJwk) && matches!(refusal, Refusal::Jwk(_)))
        || (is(Defect::CrashOnBadBase64) && matches!(refusal, Refusal::Malformed(JwsError::Base64(_))))
        || (is(Defect::LongJtiCrashes) && matches!(refusal, Refusal::JtiLength(length) if *length > 0))
        || (is(Defect::CrashOnDepth)
            && matches!(refusal, Refusal::Malformed(JwsError::Json(_, error)) if error.fault == JsonFault::TooDeep))
}

/// The status and error code of a refusal.
pub(super) fn status_and_code(
    (status, code): (StatusCode, Option<ErrorCode>),
    defects: DefectSet,
) -> (StatusCode, Option<ErrorCode>) {
    let is = |defect| defects.contains(defect);
    if is(Defect::NoErrorCode) {
        return (status, None);
    }
    match (status, code) {
        _ if is(Defect::ForbiddenStatus) => (StatusCode::FORBIDDEN, code),
        (_, Some(ErrorCode::InvalidDpopProof)) if is(Defect::ProofRefusedWith400) => {
            (StatusCode::BAD_REQUEST, code)
        }
        (_, Some(ErrorCode::UseDpopNonce)) if is(Defect::NonceAskedForWith400) => {
            (StatusCode::BAD_REQUEST, code)
        }
        (StatusCode::UNAUTHORIZED, None) if is(Defect::ErrorWithoutCredentials) => {
            (status, Some(ErrorCode::InvalidToken))
        }
        (_, Some(ErrorCode::InsufficientScope)) if is(Defect::ScopeBlamedOnProof) => {
            (StatusCode::UNAUTHORIZED, Some(ErrorCode::InvalidDpopProof))
        }
        (_, Some(ErrorCode::InvalidDpopProof | ErrorCode::InvalidToken | ErrorCode::InsufficientScope))
            if is(Defect::ErrorAlwaysTheSame) =>
        {
            (status, Some(ErrorCode::InvalidRequest))
        }
        other => other,
    }
}

/// The parameter `algs`.
pub(super) fn algs(algs: AlgSet, defects: DefectSet) -> Option<String> {
    let names = algs.to_string();
    if defects.contains(Defect::AlgsLeftOut) {
        None
    } else if defects.contains(Defect::AlgsWithCommas) {
        Some(format!("algs=\"{}\"", names.replace(' ', ",")))
    } else if defects.contains(Defect::AlgsOfEverySort) {
        Some(format!("algs=\"{names} HS256 none\""))
    } else {
        Some(format!("algs=\"{names}\""))
    }
}

/// The value of `WWW-Authenticate`.
pub(super) fn challenges(mut challenges: String, defects: DefectSet) -> String {
    if defects.contains(Defect::ChallengeNotClosed) {
        challenges.pop();
    } else if defects.contains(Defect::ChallengeWithoutCommas) {
        challenges = challenges.replace("\", ", "\" ");
    }
    challenges
}

/// The value of `DPoP-Nonce`.
pub(super) fn nonce(nonce: &str, defects: DefectSet) -> String {
    if defects.contains(Defect::NoncesInAList) {
        format!("{nonce}, another")
    } else if defects.contains(Defect::NonceWithQuote) {
        format!("\"{nonce}\"")
    } else {
        nonce.to_owned()
    }
}

/// The value of `Cache-Control`.
pub(super) fn cache_control(defects: DefectSet) -> &'static str {
    if defects.contains(Defect::AnswersCached) {
        "max-age=60"
    } else if defects.contains(Defect::AnswersPublic) {
        "public, max-age=60"
    } else {
        "no-store"
    }
}

/// What a refusal shows beside what it should.
pub(super) fn tell_more(response: &mut Response, request: &HeaderMap, defects: DefectSet) {
    if defects.contains(Defect::ProxyChallengeSent) {
        response.headers_mut().insert(header::PROXY_AUTHENTICATE, HeaderValue::from_static("DPoP"));
    }
    let token = request.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = if defects.contains(Defect::TraceInRefusal) {
        "io.example.ProofException: refused\n\tat io.example.Proof.check(Proof.java:12)\n".to_owned()
    } else if let Some(token) = token.filter(|_| defects.contains(Defect::TokenInRefusal)) {
        format!("refused: {token}\n")
    } else if let Some(header) = header_of_proof(request).filter(|_| defects.contains(Defect::KeyInRefusal)) {
        format!("not a good proof: {header}\n")
    } else {
        return;
    };
    // Of another length than what was there.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    *response.body_mut() = Body::from(text);
}

/// The header of the proof, as far as it can be read.
fn header_of_proof(request: &HeaderMap) -> Option<String> {
    let header = request.get(DPOP)?.to_str().ok()?.split('.').next()?;
    String::from_utf8(base64url::decode(header)?).ok()
}

/// A cache in front of the server, which looks at nothing but the path.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Vec<String>>);

impl Cache {
    /// What it serves to a request without an `Authorization` field, if it has something.
    pub(super) fn serve(&self, path: &str, request: &HeaderMap, defects: DefectSet) -> Option<Response> {
        if !defects.contains(Defect::CachedAnswerServed) || request.contains_key(header::AUTHORIZATION) {
            return None;
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().any(|kept| kept == path).then(|| "kept by a cache\n".into_response())
    }

    /// Keeps that there was an answer.
    pub(super) fn keep(&self, path: &str, defects: DefectSet) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if defects.contains(Defect::CachedAnswerServed) && !kept.iter().any(|kept| kept == path) {
            kept.push(path.to_owned());
        }
    }
}
