//! The reference servers: an issuer of DPoP-bound tokens and a resource server that checks proofs strictly.
//!
//! They are what the harness is measured with. Every scenario must find the clean server faultless, and every planted
//! [`Defect`] must be found by the cases that it names. They share no code with the builder of proofs, so a mistake in
//! one can't hide in the other.
//!
//! Both are toys for loopback: the issuer gives a token to whoever asks.
//!
//! - [`Verifier`] judges one proof, without a server around it: `verifier`, `claims`, `htu`, `nonce`, `replay`, `refusal`.
//! - [`Issuer`] signs tokens; its endpoints are in `authorization_server`.
//! - [`ResourceServer`] is `resource`, with its `credentials`, tokens in `access_token`, refusals in `answer` and web pages in `cross_origin`.
//! - Keys are in `signing_key` (the issuer's) and `signature` (verifying, by a library).
//! - Each refusal is an event of `tracing`, and counted in `metrics`.
//! - [`start`] runs both: `server`.
//! - [`defects()`] lists the planted bugs: `defects`, and `faulty`, `faulty_*` and `front` for those that do more than leave a
//!   check out.
//! - `connections` tells connections apart, for planted bugs that mix them up.

mod access_token;
mod answer;
mod at_once;
mod authorization_server;
mod claims;
mod connections;
mod credentials;
mod cross_origin;
mod defects;
mod faulty;
mod faulty_answer;
mod faulty_claims;
mod faulty_cost;
mod faulty_http;
mod faulty_htu;
mod faulty_jws;
mod faulty_mac;
mod faulty_node;
mod faulty_remote;
mod faulty_replay;
mod faulty_rsa;
mod faulty_signature;
mod faulty_token;
mod front;
mod htu;
mod issuer;
mod metrics;
mod nonce;
mod refusal;
mod replay;
mod resource;
mod server;
mod signature;
mod signing_key;
mod tls;
mod verifier;

pub use access_token::{TokenRefusal, Trust};
pub use answer::Denial;
pub use claims::{FUTURE_WINDOW, PAST_WINDOW};
pub use defects::{Defect, DefectRow, DefectSet, defects};
pub use htu::RequestUri;
#[cfg(any(test, feature = "fuzzing"))]
pub use htu::{names_resource, normalised};
pub use issuer::{Issuer, TokenRequest};
pub use nonce::{NonceMode, Nonces};
pub use refusal::{ErrorCode, Refusal};
pub use replay::ReplayStore;
pub use resource::{ResourceOptions, ResourceServer};
pub use server::{Listener, Options, Running, Server, serve_issuer, serve_resource, start};
pub use tls::{Certificate, CertificateError};
pub use verifier::{MAX_PROOF_BYTES, Presented, VerifiedProof, Verifier};

#[cfg(test)]
mod tests;
