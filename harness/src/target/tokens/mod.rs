//! Where access tokens come from: one file a way.

mod command;
mod embedded;

use std::sync::Arc;

use super::BoxFuture;
use crate::proof::{AccessToken, IssuerKey, ProofKey};

pub use command::CommandSource;
pub use embedded::EmbeddedSource;

/// An access token and the key that it is bound to: useless without each other.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The key.
    pub key: Arc<ProofKey>,
    /// The token.
    pub token: AccessToken,
}

/// A way to get access tokens.
pub trait TokenSource: Send + Sync {
    /// A new token bound to `key`. The source may insist on a key of its own, which then comes back.
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>>;

    /// Makes the time in further tokens so many seconds later than ours, where the source decides over it: the clock of the
    /// server that checks them goes by that.
    fn follow(&self, _ahead: i64) {}

    /// The issuer's key, where the harness has it and can sign edited tokens.
    fn issuer_key(&self) -> Option<&IssuerKey> {
        None
    }

    /// Whether every case may have tokens of its own; otherwise cases share a small pool.
    fn is_cheap(&self) -> bool {
        false
    }
}

/// Why no token could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The program can't be started.
    #[error("can't start `{0}`: {1}")]
    NotStarted(String, String),
    /// The program ended with a failure; what it wrote to standard error follows.
    #[error("the token command failed ({0}): {1}")]
    Failed(String, String),
    /// The program took too long.
    #[error("the token command did not end within {0} seconds")]
    Timeout(u64),
    /// The program printed something else than the agreed JSON.
    #[error("the token command did not print {{\"access_token\": …}}: {0}")]
    Output(&'static str),
}
