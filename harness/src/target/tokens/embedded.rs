use std::sync::Arc;
use std::time::Duration;

use super::{Credentials, TokenError, TokenSource};
use crate::clock::ShiftedClock;
use crate::proof::{AccessToken, IssuerKey, KeyError, ProofKey};
use crate::reference::{Issuer, TokenRequest};
use crate::target::BoxFuture;

/// How long an honest token lives.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The issuer that the harness runs itself. Tokens cost no request.
pub struct EmbeddedSource {
    issuer: Arc<Issuer>,
    key: IssuerKey,
    audience: String,
    scope: String,
    clock: Option<Arc<ShiftedClock>>,
}

impl EmbeddedSource {
    /// Tokens of `issuer` for `audience`.
    ///
    /// # Errors
    /// [`KeyError`] where the issuer's key can't be borrowed.
    pub fn new(issuer: Arc<Issuer>, audience: String, scope: String) -> Result<Self, KeyError> {
        let key = IssuerKey::new(ProofKey::from_pkcs8(issuer.alg(), issuer.signing_key_pkcs8())?);
        Ok(Self { issuer, key, audience, scope, clock: None })
    }

    /// The same source, where the issuer tells the time by `clock`, which then follows the target's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<ShiftedClock>) -> Self {
        Self { clock: Some(clock), ..self }
    }
}

impl TokenSource for EmbeddedSource {
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        let thumbprint = key.thumbprint();
        let token = self.issuer.mint(&TokenRequest {
            subject: "alice".to_owned(),
            client_id: "dpop-harness".to_owned(),
            audience: self.audience.clone(),
            scope: self.scope.clone(),
            lifetime: LIFETIME,
            confirmation: Some(thumbprint),
        });
        Box::pin(std::future::ready(Ok(Credentials { key, token: AccessToken::new(token) })))
    }

    fn follow(&self, ahead: i64) {
        if let Some(clock) = &self.clock {
            clock.set(ahead);
        }
    }

    fn issuer_key(&self) -> Option<&IssuerKey> {
        Some(&self.key)
    }

    fn is_cheap(&self) -> bool {
        true
    }
}
