//! What DPoP verifiers written by others say about a proof, as a pure function of what they are given.
//!
//! Cases, planted defects and reference server of `dpop-harness` come from one hand, so a misreading of RFC 9449 could
//! stand in all three and nobody would notice. These verifiers share nothing with them. All get the same `iat` window,
//! no memory of earlier proofs and no network.

mod dpop_verifier;
mod huskarl;

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Seconds that `iat` may lie in the past.
pub const IAT_PAST: i64 = 300;

/// Seconds that `iat` may lie in the future.
pub const IAT_FUTURE: i64 = 60;

/// A proof and what it came with.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The value of the `DPoP` field.
    pub proof: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// The URL that was requested, with its query.
    pub url: &'a str,
    /// The access token beside the proof; none at a token endpoint.
    pub access_token: Option<&'a str>,
    /// The nonce that the proof has to carry; none where the server supplies none.
    pub nonce: Option<&'a str>,
}

/// A verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifier {
    /// The crate `dpop-verifier`.
    DpopVerifier,
    /// The crate `huskarl-resource-server`.
    Huskarl,
}

/// What a verifier says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// The proof is good, and made with the key of this thumbprint (RFC 7638).
    Accepts {
        /// The thumbprint in base64url.
        jkt: String,
    },
    /// It is not, in the verifier's words.
    Refuses(String),
}

impl Verifier {
    /// Every verifier.
    pub const ALL: &[Self] = &[Self::DpopVerifier, Self::Huskarl];

    /// What it says about `presented` at the time `now`, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// A verifier that panics, or waits for something, refuses.
    pub fn judge(self, presented: Presented<'_>, now: i64) -> Opinion {
        match self {
            Self::DpopVerifier => opinion(self::dpop_verifier::thumbprint(presented, now)),
            Self::Huskarl => opinion(huskarl::thumbprint(presented, now)),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::DpopVerifier => "dpop-verifier",
            Self::Huskarl => "huskarl-resource-server",
        })
    }
}

/// Runs a verifier whose futures never wait.
fn opinion(verify: impl Future<Output = Result<String, String>>) -> Opinion {
    let mut verify = pin!(verify);
    let poll = || verify.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Ready(Ok(jkt))) => Opinion::Accepts { jkt },
        Ok(Poll::Ready(Err(why))) => Opinion::Refuses(why),
        Ok(Poll::Pending) => Opinion::Refuses("the verifier waits for something".to_owned()),
        Err(_) => Opinion::Refuses("the verifier panicked".to_owned()),
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
