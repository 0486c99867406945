//! Where access tokens come from: one file a way.

mod client_credentials;
mod command;
mod embedded;
mod static_clients;

use std::sync::Arc;

use super::{BoxFuture, NotAllowed};
use crate::proof::{AccessToken, IssuerKey, ProofKey};

pub use client_credentials::{ClientCredentials, ClientCredentialsSource};
pub use command::CommandSource;
pub use embedded::EmbeddedSource;
pub use static_clients::{SecretFault, SecretPlace, StaticClient, StaticClientError, StaticSource};

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

    /// Another token of the key of `own`; the same one where there is no other.
    fn another_token(&self, own: &Credentials) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        self.obtain(own.key.clone())
    }

    /// A token of another client than `own`, bound to `key`; the source may insist on a key of its own, and on the same
    /// client where it has no other.
    fn another_client(
        &self,
        _own: &Credentials,
        key: Arc<ProofKey>,
    ) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        self.obtain(key)
    }

    /// Whether it has tokens that nobody needs afterwards, to be sent where they may be overheard.
    fn has_new_tokens(&self) -> bool {
        true
    }

    /// The issuer's key, where the harness has it and can sign edited tokens.
    fn issuer_key(&self) -> Option<&IssuerKey> {
        None
    }

    /// A secret of the client that is not a token, so that no evidence ever shows it.
    fn secret(&self) -> Option<&AccessToken> {
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
    /// The authorization server may not be asked.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A URL that is none.
    #[error("`{0}` is no http or https URL")]
    Url(String),
    /// The authorization server publishes nothing that could be used.
    #[error(
        "{0} publishes no metadata with a token endpoint (RFC 8414, OpenID Connect discovery): see auth.issuer"
    )]
    NoMetadata(String),
    /// The token request would go over the network in the clear.
    #[error("the token endpoint {0} has no TLS: the client secret is not sent there")]
    Unencrypted(String),
    /// The token endpoint did not give one.
    #[error("the token endpoint {endpoint} answered {answer}")]
    Refused {
        /// Its URL.
        endpoint: String,
        /// Status, error and description, or why nothing came.
        answer: String,
        /// The error code.
        error: Option<String>,
    },
    /// The token is not bound to anything (RFC 9449 section 5).
    #[error(
        "the token endpoint answered with token_type {0} instead of DPoP: the token is not bound to the key"
    )]
    NotBound(String),
    /// The authorization server takes no proofs of this kind.
    #[error("the authorization server does not say that it accepts {0}")]
    Algorithm(&'static str),
    /// The token that was there from the beginning has ended.
    #[error("the access token in {0} expired at {1}: put a new one there")]
    Expired(String, String),
    /// There is no client at all.
    #[error("there is no client in the config")]
    NoClient,
}

impl TokenError {
    /// The key of `dpop.yaml` to look at, where it is likely to be wrong.
    pub fn config_key(&self) -> Option<&'static str> {
        match self {
            Self::NotStarted(..) | Self::Output(_) => Some("auth.command"),
            Self::NoClient => Some("auth.clients"),
            Self::NotAllowed(_) | Self::Url(_) | Self::NoMetadata(_) => Some("auth.issuer"),
            Self::Refused { error, .. } => match error.as_deref() {
                Some("invalid_client" | "unauthorized_client") => Some("auth.client-id"),
                Some("invalid_scope") => Some("auth.scope"),
                Some("invalid_target") => Some("auth.audience"),
                Some(_) | None => None,
            },
            Self::Failed(..)
            | Self::Timeout(_)
            | Self::Unencrypted(_)
            | Self::NotBound(_)
            | Self::Algorithm(_)
            | Self::Expired(..) => None,
        }
    }
}

/// Whether `token` is a token68 (RFC 9110 section 11.2), the only form that the DPoP scheme has.
fn sendable(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
