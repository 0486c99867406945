//! Access tokens as a resource server reads them, and where it gets the keys for that.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::defects::{Defect, DefectSet};
use super::faulty_token;
use super::issuer::Issuer;
use super::signature;
use crate::jose::json::{self, Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{Alg, Jkt, PublicJwk, base64url};

/// Whose tokens a resource server takes.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those of an issuer in the same process.
    Issuer(Arc<Issuer>),
    /// Those of an issuer somewhere else.
    Remote {
        /// The value of `iss`.
        issuer: String,
        /// Where its keys are. Only `http` URLs: the harness tests on loopback.
        jwks_uri: String,
    },
}

/// An access token that passed every check of its own.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    pub(super) claims: Map<String, Value>,
    /// `cnf.jkt`, if there is a `cnf`.
    pub(super) bound_key: Option<Jkt>,
    /// Only for defects: what it is bound to shows beside the proof.
    pub(super) loosely: bool,
}

/// Why an access token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// Not a JWT that was signed with a key of the issuer.
    #[error("the access token is not a JWT signed by the issuer")]
    NotSigned,
    /// Another kind of JWT (RFC 9068 section 4).
    #[error("the access token has another typ than at+jwt")]
    Typ,
    /// Another issuer.
    #[error("the access token is from another issuer")]
    Issuer,
    /// For another audience.
    #[error("the access token is for another audience")]
    Audience,
    /// Past its `exp`, or without a usable one.
    #[error("the access token has expired")]
    Expired,
    /// Before its `nbf`.
    #[error("the access token is not valid yet")]
    NotYet,
    /// A `cnf` that is not understood: it binds the token to something, so nothing else will do.
    #[error("the confirmation of the access token is not understood")]
    Confirmation,
    /// Without `cnf`, and this server takes bound tokens only.
    #[error("the access token is not bound to a key")]
    Unbound,
    /// The keys of the issuer could not be fetched.
    #[error("the keys of the issuer are out of reach")]
    KeysUnreachable,
}

impl TokenRefusal {
    /// The check that failed, in a word: a label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotSigned => "token_not_signed",
            Self::Typ => "token_typ",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::Confirmation => "token_confirmation",
            Self::Unbound => "token_unbound",
            Self::KeysUnreachable => "token_keys_unreachable",
        }
    }
}

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenRules<'a> {
    pub(super) issuer: &'a str,
    /// One of these has to be named. None accepts every audience.
    pub(super) audience: Option<&'a [&'a str]>,
    pub(super) now: i64,
    pub(super) defects: DefectSet,
}

impl AccessToken {
    /// Reads a JWT access token (RFC 9068 section 4). Everything is checked against the server's own clock.
    pub(super) fn read(token: &str, key: &TokenKey, rules: &TokenRules<'_>) -> Result<Self, TokenRefusal> {
        let is = |defect| rules.defects.contains(defect);
        let jws = Compact::read(token.as_bytes()).map_err(|_| TokenRefusal::NotSigned)?;
        if let Some(token) = faulty_token::from_proof(&jws, rules.defects) {
            return Ok(token);
        }
        if !key.signed(&jws) && !faulty_token::signature_accepted(&jws, rules.defects) {
            return Err(TokenRefusal::NotSigned);
        }
        if jws.header.member("crit").is_some() {
            return Err(TokenRefusal::NotSigned);
        }
        // A number that no double holds is no claim that anybody could mean.
        let claims: Map<String, Value> =
            serde_json::from_str(&jws.claims.to_text()).map_err(|_| TokenRefusal::NotSigned)?;
        let typ = jws.header.member("typ").and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" && !is(Defect::TokenTypIgnored) {
            return Err(TokenRefusal::Typ);
        }
        if claims.get("iss").and_then(Value::as_str) != Some(rules.issuer) && !is(Defect::IssIgnored) {
            return Err(TokenRefusal::Issuer);
        }
        if let Some(audience) = rules.audience
            && !is(Defect::AudIgnored)
            && !is_for(claims.get("aud"), audience)
        {
            return Err(TokenRefusal::Audience);
        }
        let now = rules.now as f64;
        let live = claims.get("exp").and_then(Value::as_f64).is_some_and(|exp| now < exp);
        if !live && !is(Defect::ExpIgnored) {
            return Err(TokenRefusal::Expired);
        }
        let not_yet = claims.get("nbf").is_some_and(|nbf| nbf.as_f64().is_none_or(|nbf| now < nbf));
        if not_yet && !is(Defect::NbfIgnored) {
            return Err(TokenRefusal::NotYet);
        }
        let loosely = claims.contains_key("cnf") && faulty_token::binds_loosely(rules.defects);
        let bound_key = match claims.get("cnf") {
            None => None,
            Some(_) if loosely => None,
            Some(cnf) if faulty_token::is_unbound(cnf, rules.defects) => None,
            Some(cnf) if faulty_token::is_refused(cnf, rules.defects) => {
                return Err(TokenRefusal::Confirmation);
            }
            Some(cnf) => Some(thumbprint(cnf).ok_or(TokenRefusal::Confirmation)?),
        };
        Ok(Self { claims, bound_key, loosely })
    }

    /// The `sub` claim.
    pub(super) fn subject(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }
}

fn thumbprint(cnf: &Value) -> Option<Jkt> {
    cnf.get("jkt")?.as_str()?.parse().ok()
}

/// RFC 7519 section 4.1.3: one string or an array of strings.
fn is_for(aud: Option<&Value>, audiences: &[&str]) -> bool {
    let own = |one: &Value| one.as_str().is_some_and(|one| audiences.contains(&one));
    match aud {
        Some(Value::Array(several)) => several.iter().any(own),
        Some(one) => own(one),
        None => false,
    }
}

/// A key of an issuer, and the one algorithm that it signs with.
#[derive(Debug, Clone)]
pub(super) struct TokenKey {
    pub(super) alg: Alg,
    pub(super) public: PublicJwk,
}

impl TokenKey {
    /// Whether a token says that it was signed with this algorithm, and was, with this key.
    pub(super) fn signed(&self, token: &Compact<'_>) -> bool {
        let alg = token.header.member("alg").and_then(Json::as_str).and_then(Alg::from_name);
        alg == Some(self.alg) && self.verifies(token.signing_input.as_bytes(), &token.signature)
    }

    /// By the JWT library, where it has the algorithm.
    fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = signature::jsonwebtoken_name(self.alg) else {
            return signature::verifies(self.alg, &self.public, input, signature);
        };
        let key = match &self.public {
            PublicJwk::Ec(point) => DecodingKey::from_ec_der(&point.to_uncompressed()),
            PublicJwk::Ed25519(x) => DecodingKey::from_ed_der(x),
            PublicJwk::Rsa(rsa) => DecodingKey::from_rsa_raw_components(rsa.n(), rsa.e()),
        };
        let signature = base64url::encode(signature);
        jsonwebtoken::crypto::verify(&signature, input, &key, algorithm).is_ok_and(|verifies| verifies)
    }

    /// The key in a member of a key set, with its `kid`. None where it is not for signatures, or of an unknown kind.
    fn named(jwk: &Object) -> Option<(Option<String>, Self)> {
        let text = |name| jwk.member(name).and_then(Json::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let public = PublicJwk::from_json(jwk).ok()?;
        let alg = match text("alg") {
            None => *public.algs().first()?,
            Some(name) => Alg::from_name(name).filter(|alg| public.algs().contains(alg))?,
        };
        Some((text("kid").map(str::to_owned), Self { alg, public }))
    }
}

/// The keys of a trusted issuer.
#[derive(Debug)]
pub(super) struct TokenKeys {
    trust: Trust,
    fetched: Mutex<Option<Fetched>>,
}

#[derive(Debug)]
struct Fetched {
    at: i64,
    keys: Vec<(Option<String>, TokenKey)>,
}

/// An unknown `kid` is a reason to fetch the keys again, but not more often than this, in seconds: the `kid` is the
/// sender's choice.
const REFETCH_SECONDS: i64 = 5;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

impl TokenKeys {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, fetched: Mutex::default() }
    }

    pub(super) fn issuer(&self) -> &str {
        match &self.trust {
            Trust::Issuer(issuer) => issuer.url(),
            Trust::Remote { issuer, .. } => issuer,
        }
    }

    /// The key that `token` says it was signed with.
    pub(super) async fn key_for(&self, token: &str, now: i64) -> Result<TokenKey, TokenRefusal> {
        let jws = Compact::read(token.as_bytes()).map_err(|_| TokenRefusal::NotSigned)?;
        let kid = match jws.header.member("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().ok_or(TokenRefusal::NotSigned)?),
        };
        let jwks_uri = match &self.trust {
            Trust::Issuer(issuer) if kid.is_none_or(|kid| kid == issuer.kid()) => {
                return Ok(issuer.token_key());
            }
            Trust::Issuer(_) => return Err(TokenRefusal::NotSigned),
            Trust::Remote { jwks_uri, .. } => jwks_uri,
        };
        let mut fetched = self.fetched.lock().await;
        if let Some(key) = fetched.as_ref().and_then(|fetched| fetched.key(kid)) {
            return Ok(key);
        }
        if fetched.as_ref().is_none_or(|fetched| now.saturating_sub(fetched.at) >= REFETCH_SECONDS) {
            let keys = fetch(jwks_uri).await.ok_or(TokenRefusal::KeysUnreachable)?;
            *fetched = Some(Fetched { at: now, keys });
        }
        fetched.as_ref().and_then(|fetched| fetched.key(kid)).ok_or(TokenRefusal::NotSigned)
    }
}

impl Fetched {
    /// The key called `kid`, or the only one where the token names none.
    fn key(&self, kid: Option<&str>) -> Option<TokenKey> {
        match (kid, self.keys.as_slice()) {
            (None, [(_, only)]) => Some(only.clone()),
            (None, _) => None,
            (Some(_), keys) => {
                keys.iter().find(|(name, _)| name.as_deref() == kid).map(|(_, key)| key.clone())
            }
        }
    }
}

async fn fetch(jwks_uri: &str) -> Option<Vec<(Option<String>, TokenKey)>> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(FETCH_TIMEOUT)
        .build()
        .ok()?;
    let answer = client.get(jwks_uri).send().await.ok()?.error_for_status().ok()?;
    let set = json::read(&answer.bytes().await.ok()?).ok()?;
    let Json::Array(keys) = set.as_object()?.member("keys")? else { return None };
    Some(keys.iter().filter_map(Json::as_object).filter_map(TokenKey::named).collect())
}
