//! The field's vocabulary as types: JSON and JWS at byte level, keys, thumbprints, hashes, nonces, URIs.
//!
//! What both the builder of proofs and the checker of proofs need stands here, and is pinned by the examples that the
//! RFCs print. Building proofs is the business of [`crate::proof`], judging them that of [`crate::reference`].

mod alg;
mod ath;
pub mod base64url;
mod jkt;
pub mod json;
mod json_read;
mod json_serde;
mod jwk;
pub mod jws;
mod nonce;
#[cfg(any(test, feature = "fuzzing"))]
mod null;
pub mod uri;

pub use alg::{Alg, AlgSet, KeyKind};
pub use ath::Ath;
pub use jkt::{Jkt, NotAThumbprint};
pub use jwk::{Curve, EcPoint, JwkError, PublicJwk, RsaPublic};
pub use nonce::{Nonce, NotANonce};
#[cfg(any(test, feature = "fuzzing"))]
pub use null::null_signature;

/// The `typ` header parameter of a DPoP proof (RFC 9449 section 4.2).
pub const PROOF_TYP: &str = "dpop+jwt";
