//! The authorization server's half that matters to a resource server: a key, tokens signed with it, and metadata.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::defects::DefectSet;
use super::nonce::{NonceMode, Nonces};
use super::replay::ReplayStore;
use super::verifier::Verifier;
use crate::clock::Clock;
use crate::entropy::{Entropy, unique_id};
use crate::jose::json::Object;
use crate::jose::{Jkt, PublicJwk, base64url};

/// An authorization server that issues DPoP-bound JWT access tokens (RFC 9068, RFC 9449 section 6.1).
///
/// Its clients are public toys: it gives a token to whoever asks. It belongs on loopback and nowhere else.
pub struct Issuer {
    url: String,
    audience: String,
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

/// The issuer's private key. Its `Debug` shows the name and nothing else.
struct SigningKey {
    kid: String,
    pkcs8: Vec<u8>,
    encoding: EncodingKey,
    public: PublicJwk,
    decoding: DecodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
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
            url,
            key: SigningKey::generate(),
            verifier: Verifier::new(nonces, Some(ReplayStore::default()), DefectSet::empty()),
            clock,
            entropy,
        }
    }

    /// The same issuer, whose token endpoint issues for `audience` where the request names none.
    #[must_use]
    pub fn with_audience(self, audience: String) -> Self {
        Self { audience, ..self }
    }

    /// The same issuer with the signing key of an earlier one, from [`signing_key_pkcs8`](Self::signing_key_pkcs8); none
    /// where that is no key that it can sign with. Servers remember keys for minutes.
    #[must_use]
    pub fn with_signing_key(self, pkcs8: &[u8]) -> Option<Self> {
        Some(Self { key: SigningKey::from_pkcs8(pkcs8)?, ..self })
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
            jti: unique_id(self.entropy.as_ref()),
            cnf: request.confirmation.map(|jkt| Confirmation { jkt: jkt.to_string() }),
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.key.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.key.encoding)
            .unwrap_or_else(|error| unreachable!("a fresh ES256 key can sign: {error}"))
    }

    /// The private key as PKCS #8: a secret, lent to the builder of edited tokens.
    pub fn signing_key_pkcs8(&self) -> &[u8] {
        &self.key.pkcs8
    }

    /// The private key as a JWK: the same secret in another form.
    pub fn signing_key_jwk(&self) -> Object {
        use p256::pkcs8::DecodePrivateKey as _;

        let mut jwk = self.key.public.to_json();
        if let Ok(secret) = p256::SecretKey::from_pkcs8_der(&self.key.pkcs8) {
            jwk.append("d", base64url::encode(secret.to_bytes()));
        }
        jwk
    }

    /// The name of the key in `kid`: its thumbprint.
    pub fn kid(&self) -> &str {
        &self.key.kid
    }

    /// The key set (RFC 7517 section 5).
    pub fn jwks(&self) -> serde_json::Value {
        let PublicJwk::P256 { x, y } = &self.key.public;
        serde_json::json!({"keys": [{
            "kty": "EC",
            "crv": "P-256",
            "x": base64url::encode(x),
            "y": base64url::encode(y),
            "use": "sig",
            "alg": "ES256",
            "kid": self.key.kid,
        }]})
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
            "dpop_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    pub(super) fn decoding_key(&self) -> &DecodingKey {
        &self.key.decoding
    }
}

impl SigningKey {
    fn generate() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        match pkcs8.ok().and_then(|pkcs8| Self::from_pkcs8(pkcs8.as_ref())) {
            Some(key) => key,
            None => unreachable!("the system's random generator failed"),
        }
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        // The uncompressed point: 0x04, x, y.
        let (mut x, mut y) = ([0; 32], [0; 32]);
        x.copy_from_slice(&pair.public_key().as_ref()[1..33]);
        y.copy_from_slice(&pair.public_key().as_ref()[33..]);
        let public = PublicJwk::P256 { x, y };
        Some(Self {
            kid: public.thumbprint().to_string(),
            encoding: EncodingKey::from_ec_der(pkcs8),
            decoding: DecodingKey::from_ec_der(pair.public_key().as_ref()),
            pkcs8: pkcs8.to_vec(),
            public,
        })
    }
}
