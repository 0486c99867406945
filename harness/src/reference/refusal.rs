use crate::jose::JwkError;
use crate::jose::jws::JwsError;
use crate::jose::uri::UriError;

/// Why the verifier refused a proof: one fact for each way to miss a check of RFC 9449 section 4.3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No `DPoP` field where one is required.
    #[error("there is no DPoP proof")]
    ProofMissing,
    /// Check 1: more than one `DPoP` field.
    #[error("{0} DPoP fields instead of one")]
    ProofRepeated(usize),
    /// A proof beyond [`MAX_PROOF_BYTES`](super::verifier::MAX_PROOF_BYTES): reading it costs more than it is worth.
    #[error("the proof is {0} bytes long")]
    ProofTooLong(usize),
    /// Check 2: not one well-formed JWT.
    #[error("the proof is not a well-formed JWT: {0}")]
    Malformed(JwsError),
    /// Checks 4, 5 and 6: a header parameter is absent.
    #[error("the header parameter {0} is missing")]
    ParameterMissing(&'static str),
    /// Checks 4, 5 and 6: a header parameter is of another JSON type.
    #[error("the header parameter {0} has the wrong type")]
    ParameterType(&'static str),
    /// Check 4: another `typ`.
    #[error("typ is not dpop+jwt")]
    Typ,
    /// Check 5: an `alg` that is no asymmetric signature algorithm, or not one that this server supports.
    #[error("alg is not supported")]
    Alg,
    /// Check 6: `alg` and the key in `jwk` don't go together (RFC 7518 section 3).
    #[error("alg does not go with the key in jwk")]
    AlgKey,
    /// `crit` names extensions, and none is understood (RFC 7515 section 4.1.11).
    #[error("crit names an extension that is not understood")]
    Critical,
    /// `b64` says that the payload is not base64url (RFC 7797), which no JWT may say.
    #[error("b64 is not true")]
    Unencoded,
    /// Checks 5 and 7: `jwk` is not a public key of a supported kind.
    #[error("jwk is not acceptable: {0}")]
    Jwk(JwkError),
    /// `use`, `key_ops` or `alg` of the key says that it is not for this signature (RFC 7517 section 4).
    #[error("the member {0} of jwk says that the key is for something else")]
    JwkPurpose(&'static str),
    /// Check 6: the signature does not verify with the key in `jwk`.
    #[error("the signature does not verify with jwk")]
    Signature,
    /// Check 3: a required claim is absent.
    #[error("the claim {0} is missing")]
    ClaimMissing(&'static str),
    /// Check 3: a claim is of another JSON type.
    #[error("the claim {0} has the wrong type")]
    ClaimType(&'static str),
    /// A `jti` that is empty, and so can't be unique, or longer than a server should have to remember.
    #[error("jti is {0} bytes long")]
    JtiLength(usize),
    /// Check 8: another method.
    #[error("htm is not the method of the request")]
    Htm,
    /// Check 9: not an absolute http or https URI.
    #[error("htu is {0}")]
    HtuNotUri(UriError),
    /// Check 9: another URI.
    #[error("htu is not the URI of the request")]
    Htu,
    /// Check 10: no nonce where one is demanded.
    #[error("the claim nonce is missing")]
    NonceMissing,
    /// Check 10: a nonce that is not a recent one of this server's, or no string.
    #[error("nonce is not one that this server supplied lately")]
    NonceUnknown,
    /// Check 11: `iat` lies too far in the past, or in the future, or beyond what a date can be.
    #[error("iat is outside of the accepted window")]
    Iat,
    /// `nbf` lies too far in the future.
    #[error("nbf is too far ahead")]
    Nbf,
    /// Check 12: `ath` is not the hash of the access token.
    #[error("ath is not the hash of the access token")]
    Ath,
    /// Check 12: the access token is bound to another key.
    #[error("the access token is bound to another key")]
    OtherKey,
    /// The proof was used before (RFC 9449 section 11.1).
    #[error("jti was used before")]
    Replayed,
    /// The server can't remember one more `jti`, and so can't vouch that this one is new.
    #[error("too many proofs at once")]
    ReplayStoreFull,
    /// A planted defect refuses what RFC 9449 section 4.2 allows.
    #[error("a member that is not known")]
    UnknownMember,
}

/// The `error` parameter of a refusal (RFC 6750 section 3.1, RFC 9449 sections 5 and 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The proof is invalid.
    InvalidDpopProof,
    /// The access token is invalid, or bound to another key.
    InvalidToken,
    /// The proof needs a nonce that this server supplied.
    UseDpopNonce,
    /// The request is malformed.
    InvalidRequest,
    /// The access token does not cover the resource.
    InsufficientScope,
}

impl ErrorCode {
    /// The code as it stands in the challenge or in the body.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidToken => "invalid_token",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRequest => "invalid_request",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

impl Refusal {
    /// The check that failed, in a word: a label for metrics and logs, without anything that the sender chose.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ProofMissing => "proof_missing",
            Self::ProofRepeated(_) => "proof_repeated",
            Self::ProofTooLong(_) => "proof_too_long",
            Self::Malformed(_) => "proof_malformed",
            Self::ParameterMissing(_) => "parameter_missing",
            Self::ParameterType(_) => "parameter_type",
            Self::Typ => "typ",
            Self::Alg => "alg",
            Self::AlgKey => "alg_key",
            Self::Critical => "crit",
            Self::Unencoded => "b64",
            Self::Jwk(_) => "jwk",
            Self::JwkPurpose(_) => "jwk_purpose",
            Self::Signature => "signature",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimType(_) => "claim_type",
            Self::JtiLength(_) => "jti_length",
            Self::Htm => "htm",
            Self::HtuNotUri(_) => "htu_not_uri",
            Self::Htu => "htu",
            Self::NonceMissing => "nonce_missing",
            Self::NonceUnknown => "nonce_unknown",
            Self::Iat => "iat",
            Self::Nbf => "nbf",
            Self::Ath => "ath",
            Self::OtherKey => "other_key",
            Self::Replayed => "replayed",
            Self::ReplayStoreFull => "replay_store_full",
            Self::UnknownMember => "unknown_member",
        }
    }

    /// The OAuth error code for this refusal.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OtherKey => ErrorCode::InvalidToken,
            Self::NonceMissing | Self::NonceUnknown => ErrorCode::UseDpopNonce,
            Self::ProofMissing
            | Self::ProofRepeated(_)
            | Self::ProofTooLong(_)
            | Self::Malformed(_)
            | Self::ParameterMissing(_)
            | Self::ParameterType(_)
            | Self::Typ
            | Self::Alg
            | Self::AlgKey
            | Self::Critical
            | Self::Unencoded
            | Self::Jwk(_)
            | Self::JwkPurpose(_)
            | Self::Signature
            | Self::ClaimMissing(_)
            | Self::ClaimType(_)
            | Self::JtiLength(_)
            | Self::Htm
            | Self::HtuNotUri(_)
            | Self::Htu
            | Self::Iat
            | Self::Nbf
            | Self::Ath
            | Self::Replayed
            | Self::ReplayStoreFull
            | Self::UnknownMember => ErrorCode::InvalidDpopProof,
        }
    }
}
