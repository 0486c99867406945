//! The authorization server's half that matters to a resource server: a key, tokens signed with it, and metadata.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::access_token::{AccessToken, TokenKey, TokenRules};
use super::defects::DefectSet;
use super::nonce::{NonceMode, Nonces};
use super::signing_key::SigningKey;
use super::verifier::Verifier;
use crate::clock::Clock;
use crate::entropy::{Entropy, unique_id};
use crate::jose::{Alg, AlgSet, Jkt};

/// An authorization server that issues DPoP-bound JWT access tokens (RFC 9068, RFC 9449 section 6.1).
///
/// Its clients are public toys: it gives a token to whoever asks. It belongs on loopback and nowhere else.
pub struct Issuer {
    url: String,
    audience: String,
    claims: Map<String, Value>,
    jti_prefix: String,
    key: SigningKey,
    pub(super) verifier: Verifier,
    pub(super) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// `sub`
    pub subject: String,
    /// `client_id`
    pub client_id: String,
    /// `aud`
    pub audience: String,
    /// `scope`; empty for none.
    pub scope: String,
    /// The time from `iat` to `exp`.
    pub lifetime: Duration,
    /// `cnf.jkt`: the key that the token is bound to. None makes a bearer token.
    pub confirmation: Option<Jkt>,
}

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    client_id: &'a str,
    aud: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// The `cnf` claim with a thumbprint (RFC 9449 section 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub(super) jkt: String,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Issuer").field("url", &self.url).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Issuer {
    /// An issuer with a fresh key, whose `iss` is `url`: an origin without trailing slash.
    ///
    /// Tokens from the token endpoint are for `url` itself unless [`with_audience`](Self::with_audience) or the request
    /// says otherwise.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    pub fn new(url: String, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let nonces = Nonces::new(NonceMode::Never, entropy.as_ref());
        Self {
            audience: url.clone(),
            claims: Map::new(),
            jti_prefix: String::new(),
            url,
            key: SigningKey::generate(Alg::Es256),
            verifier: Verifier::new(nonces, Some(Arc::default()), AlgSet::all(), DefectSet::empty()),
            clock,
            entropy,
        }
    }

    /// The same issuer, whose token endpoint issues for `audience` where the request names none.
    #[must_use]
    pub fn with_audience(self, audience: String) -> Self {
        Self { audience, ..self }
    }

    /// The same issuer, whose tokens say this as well, or instead.
    #[must_use]
    pub fn with_claims(self, claims: Map<String, Value>) -> Self {
        Self { claims, ..self }
    }

    /// The same issuer, whose tokens have `jti` values (RFC 7519 section 4.1.7) that begin so. Each is unique all the same.
    #[must_use]
    pub fn with_jti_prefix(self, jti_prefix: String) -> Self {
        Self { jti_prefix, ..self }
    }

    /// The same issuer with the signing key of an earlier one, from [`signing_key_pkcs8`](Self::signing_key_pkcs8); none
    /// where that is no key for its algorithm. Servers remember keys for minutes.
    #[must_use]
    pub fn with_signing_key(self, pkcs8: &[u8]) -> Option<Self> {
        Some(Self { key: SigningKey::from_pkcs8(self.key.alg(), pkcs8)?, ..self })
    }

    /// The same issuer with another key, a fresh one that signs tokens with `alg` instead of ES256.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    #[must_use]
    pub fn with_alg(self, alg: Alg) -> Self {
        if alg == self.key.alg() { self } else { Self { key: SigningKey::generate(alg), ..self } }
    }

    /// The value of `iss`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The `aud` of tokens whose request names none.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The URL of `path` at this issuer.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// A signed access token as `request` says: an honest one.
    pub fn mint(&self, request: &TokenRequest) -> String {
        let iat = self.clock.unix_seconds();
        let claims = Claims {
            iss: &self.url,
            sub: &request.subject,
            client_id: &request.client_id,
            aud: &request.audience,
            scope: &request.scope,
            iat,
            exp: iat.saturating_add(i64::try_from(request.lifetime.as_secs()).unwrap_or(i64::MAX)),
            jti: format!("{}{}", self.jti_prefix, unique_id(self.entropy.as_ref())),
            cnf: request.confirmation.map(|jkt| Confirmation { jkt: jkt.to_string() }),
        };
        let mut claims = serde_json::to_value(claims)
            .unwrap_or_else(|error| unreachable!("claims are plain JSON: {error}"));
        if let Some(all) = claims.as_object_mut() {
            all.extend(self.claims.clone());
        }
        self.key.jwt("at+jwt", &claims)
    }

    /// The key that a good token of this issuer is bound to; none where it is another's, no longer good, or bound to nothing.
    pub fn bound_key(&self, token: &str) -> Option<Jkt> {
        let (audience, now) = ([self.audience.as_str()], self.clock.unix_seconds());
        let rules =
            TokenRules { issuer: &self.url, audience: Some(&audience), now, defects: DefectSet::empty() };
        AccessToken::read(token, &self.token_key(), &rules).ok()?.bound_key
    }

    /// The private key as PKCS #8: a secret, lent to the builder of edited tokens.
    pub fn signing_key_pkcs8(&self) -> &[u8] {
        self.key.pkcs8()
    }

    /// The name of the key in `kid`: its thumbprint.
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// The algorithm that tokens are signed with.
    pub fn alg(&self) -> Alg {
        self.key.alg()
    }

    /// The key set (RFC 7517 section 5).
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({"keys": [self.key.jwk()]})
    }

    /// The metadata (RFC 8414, RFC 9449 section 5.1), which also serves as OpenID Connect discovery document.
    pub fn metadata(&self) -> serde_json::Value {
        serde_json::json!({
            "issuer": self.url,
            "token_endpoint": self.endpoint("/token"),
            "introspection_endpoint": self.endpoint("/introspect"),
            "jwks_uri": self.endpoint("/.well-known/jwks.json"),
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["none"],
            "introspection_endpoint_auth_methods_supported": ["none"],
            "dpop_signing_alg_values_supported": self.verifier.algs().names(),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.alg().name()],
        })
    }

    /// What verifies its tokens.
    pub(super) fn token_key(&self) -> TokenKey {
        TokenKey { alg: self.key.alg(), public: self.key.public().clone() }
    }
}
