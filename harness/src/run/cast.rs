use std::sync::Arc;

use super::redact::Redactor;
use crate::entropy::Entropy;
use crate::jose::Alg;
use crate::proof::{AccessToken, ProofKey, Script, Step};
use crate::target::tokens::{Credentials, TokenError, TokenSource};

/// The clients and tokens that a case is played with.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The client that the case is about.
    pub own: Credentials,
    /// Another token of the own key; none where the source gives the same one twice or insists on another key.
    pub spare: Option<AccessToken>,
    /// Another client; none where the source insists on one key for all.
    pub stranger: Option<Credentials>,
}

/// Who has to be there beside the client that the case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// A second token of the own key.
    pub spare: bool,
    /// A second client.
    pub stranger: bool,
}

/// No token could be had.
pub type CastError = TokenError;

impl Needs {
    /// What the steps of a script need.
    pub fn of(script: &Script) -> Self {
        Self {
            spare: script.steps.iter().any(Step::needs_spare),
            stranger: script.steps.iter().any(Step::needs_stranger),
        }
    }

    /// What either needs.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { spare: self.spare || other.spare, stranger: self.stranger || other.stranger }
    }
}

impl Cast {
    /// Tells a redactor that was not there when they came into being every secret of theirs.
    pub fn hide(&self, redactor: &Redactor) {
        redactor.hide_token(&self.own.token);
        redactor.hide_key(&self.own.key);
        self.spare.iter().for_each(|token| redactor.hide_token(token));
        if let Some(stranger) = &self.stranger {
            redactor.hide_token(&stranger.token);
            redactor.hide_key(&stranger.key);
        }
    }

    /// Fresh keys for `alg` and tokens from `source`, which may insist on keys of its own. The redactor learns each secret before anybody else can use it.
    ///
    /// # Errors
    /// [`TokenError`] where the source has no token to give.
    pub async fn fresh(
        source: &dyn TokenSource,
        needs: Needs,
        alg: Alg,
        entropy: &dyn Entropy,
        redactor: &Redactor,
    ) -> Result<Self, CastError> {
        let new_key = || {
            let key = Arc::new(ProofKey::generate_for(alg, entropy));
            redactor.hide_key(&key);
            key
        };
        let hidden = |credentials: Credentials| {
            redactor.hide_key(&credentials.key);
            redactor.hide_token(&credentials.token);
            credentials
        };
        let own = hidden(source.obtain(new_key()).await?);
        let spare = if needs.spare {
            let second = hidden(source.another_token(&own).await?);
            let usable = second.token != own.token && second.key.thumbprint() == own.key.thumbprint();
            usable.then_some(second.token)
        } else {
            None
        };
        let stranger = if needs.stranger {
            let other = hidden(source.another_client(&own, new_key()).await?);
            // One key for all would make the own client of it, and an accusation of what is right.
            let usable = other.token != own.token && other.key.thumbprint() != own.key.thumbprint();
            usable.then_some(other)
        } else {
            None
        };
        Ok(Self { own, spare, stranger })
    }
}
