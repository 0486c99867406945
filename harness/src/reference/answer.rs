//! Answers of the resource server: challenges (RFC 9110 section 11.6.1, RFC 9449 sections 7.1 and 9), errors, nonces.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::access_token::TokenRefusal;
use super::defects::{Defect, DefectSet};
use super::faulty_answer;
use super::refusal::{ErrorCode, Refusal};
use crate::jose::AlgSet;

pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Why a request to a protected resource was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// No `Authorization` field, or one of a scheme that has nothing to do with OAuth.
    #[error("there are no credentials")]
    NoCredentials,
    /// Several `Authorization` fields (RFC 9449 section 7.2).
    #[error("several Authorization fields")]
    SeveralCredentials,
    /// Not `1*SP token68` after the scheme (RFC 9110 section 11.4).
    #[error("the credentials are malformed")]
    MalformedCredentials,
    /// The Bearer scheme, and this server takes bound tokens with a proof only (section 7.2).
    #[error("the Bearer scheme is not accepted")]
    Bearer,
    /// The access token is good, and not for this resource (RFC 6750 section 3.1): it lacks this scope.
    #[error("the access token does not have the scope {0}")]
    InsufficientScope(String),
    /// The access token is not acceptable.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// The proof is not acceptable.
    #[error(transparent)]
    Proof(#[from] Refusal),
}

impl Denial {
    /// The check that failed, in a word: a label for metrics and logs, without anything that the sender chose.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::SeveralCredentials => "several_credentials",
            Self::MalformedCredentials => "malformed_credentials",
            Self::Bearer => "bearer",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::Token(refusal) => refusal.reason(),
            Self::Proof(refusal) => refusal.reason(),
        }
    }

    /// The `error` parameter of the answer; empty where there is none.
    pub(super) fn error(&self) -> &'static str {
        self.status_and_code().1.map_or("", ErrorCode::name)
    }

    /// The status and the `error` parameter. Who has sent no credentials is told of no error (RFC 6750 section 3.1).
    fn status_and_code(&self) -> (StatusCode, Option<ErrorCode>) {
        match self {
            Self::NoCredentials => (StatusCode::UNAUTHORIZED, None),
            Self::SeveralCredentials | Self::MalformedCredentials => {
                (StatusCode::BAD_REQUEST, Some(ErrorCode::InvalidRequest))
            }
            Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, Some(ErrorCode::InsufficientScope)),
            Self::Token(TokenRefusal::KeysUnreachable) => (StatusCode::SERVICE_UNAVAILABLE, None),
            Self::Bearer | Self::Token(_) => (StatusCode::UNAUTHORIZED, Some(ErrorCode::InvalidToken)),
            Self::Proof(refusal) => (StatusCode::UNAUTHORIZED, Some(refusal.code())),
        }
    }

    /// The answer to a request whose credentials had the scheme `used`.
    pub(super) fn into_response(self, used: Option<Scheme>, terms: &Terms<'_>) -> Response {
        let is = |defect| terms.defects.contains(defect);
        if faulty_answer::crashes(&self, terms.defects) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let for_good =
            is(Defect::NodeRefusesOtherNonces) && matches!(self, Self::Proof(Refusal::NonceUnknown));
        let (status, code) = self.status_and_code();
        let code = if for_good { Some(ErrorCode::InvalidDpopProof) } else { code };
        let (status, code) = faulty_answer::status_and_code((status, code), terms.defects);
        let description = quotable(&self.to_string());
        let mut response = match code {
            Some(code) => (status, Json(json!({"error": code.name(), "error_description": description})))
                .into_response(),
            None => status.into_response(),
        };
        if status != StatusCode::SERVICE_UNAVAILABLE && !is(Defect::NoChallenge) {
            let challenges = terms.challenges(used, code.map(|code| (code, description.as_str())));
            let challenges = faulty_answer::challenges(challenges, terms.defects);
            if let Ok(challenges) = HeaderValue::try_from(challenges) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenges);
            }
        }
        let asked = matches!(&self, Self::Proof(refusal) if refusal.code() == ErrorCode::UseDpopNonce);
        let nonce = terms.nonce.filter(|_| !(for_good || asked && is(Defect::ChallengeWithoutNonce)));
        supply_nonce(&mut response, nonce, terms.defects);
        if asked && is(Defect::ChallengeWithTwoNonces) {
            response.headers_mut().append(DPOP_NONCE, HeaderValue::from_static("another"));
        }
        response
    }
}

/// The scheme of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Dpop,
    Bearer,
}

/// What a server says of itself in every refusal.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The nonce to use next, if it uses nonces.
    pub(super) nonce: Option<&'a str>,
    /// The algorithms of proofs that it accepts.
    pub(super) algs: AlgSet,
    /// Where its metadata lie, if it publishes any.
    pub(super) metadata: Option<&'a str>,
    /// Whether it takes unbound tokens as `Bearer`, too.
    pub(super) bearer: bool,
    /// Its planted bugs.
    pub(super) defects: DefectSet,
}

impl Terms<'_> {
    /// The challenges: the error belongs to the scheme that was used (RFC 9449 section 7.2).
    fn challenges(&self, used: Option<Scheme>, error: Option<(ErrorCode, &str)>) -> String {
        let by_mistake = self.defects.contains(Defect::ErrorInOtherChallenge);
        let error = error.map(|(code, description)| {
            format!("error=\"{}\", error_description=\"{description}\"", code.name())
        });
        let blamed = if by_mistake || (self.bearer && used == Some(Scheme::Bearer)) {
            Scheme::Bearer
        } else {
            Scheme::Dpop
        };
        let (on_dpop, on_bearer) = match blamed {
            Scheme::Dpop => (error, None),
            Scheme::Bearer => (None, error),
        };
        let algs = faulty_answer::algs(self.algs, self.defects);
        let metadata = self.metadata.map(|url| format!("resource_metadata=\"{url}\""));
        let parameters: Vec<String> = on_dpop.into_iter().chain(algs).chain(metadata).collect();
        let dpop = format!("DPoP {}", parameters.join(", ")).trim_end().to_owned();
        if !(self.bearer || by_mistake) {
            return dpop;
        }
        let bearer = on_bearer.map_or_else(|| "Bearer".to_owned(), |error| format!("Bearer {error}"));
        format!("{bearer}, {dpop}")
    }
}

/// Adds the nonce to use next (RFC 9449 section 8.2), and keeps the answer out of caches.
pub(super) fn supply_nonce(response: &mut Response, nonce: Option<&str>, defects: DefectSet) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(faulty_answer::cache_control(defects)));
    let nonce = nonce.map(|nonce| faulty_answer::nonce(nonce, defects));
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// The values of all `DPoP` fields, in order.
pub(super) fn proof_fields(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(DPOP).iter().map(HeaderValue::as_bytes).collect()
}

/// `text` with only the characters that an `error_description` may have (RFC 6750 section 3).
pub(super) fn quotable(text: &str) -> String {
    let allowed = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    text.chars().map(|character| if allowed(character) { character } else { '\'' }).collect()
}
