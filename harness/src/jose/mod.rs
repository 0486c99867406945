//! The field's vocabulary as types: JSON and JWS at byte level, keys, thumbprints, hashes, nonces, URIs.
//!
//! What both the builder of proofs and the checker of proofs need stands here, and is pinned by the examples that the
//! RFCs print. Building proofs is the business of [`crate::proof`], judging them that of [`crate::reference`].

mod ath;
pub mod base64url;
mod jkt;
pub mod json;
mod json_read;
mod json_serde;
mod jwk;
pub mod jws;
mod nonce;
pub mod uri;

pub use ath::Ath;
pub use jkt::{Jkt, NotAThumbprint};
pub use jwk::{JwkError, PublicJwk};
pub use nonce::{Nonce, NotANonce};

/// A signature algorithm for proofs and tokens, by its registered name (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256, the signature as `r || s`, 64 bytes (RFC 7518 section 3.4).
    Es256,
}

impl Alg {
    /// Every algorithm that the harness can sign with and verify.
    pub const ALL: &[Self] = &[Self::Es256];

    /// The value of the `alg` header parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm that `name` registers, compared as RFC 7515 section 4.1.1 says: case-sensitively.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.name() == name)
    }
}

/// The `typ` header parameter of a DPoP proof (RFC 9449 section 4.2).
pub const PROOF_TYP: &str = "dpop+jwt";
