//! The resource server: it serves `/resource` and `/other` to requests with a bound token and a sound proof, and `/admin`
//! where the token has the scope for it, too.

mod metadata;

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri as Target, Version, header};
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::json;

use super::access_token::{AccessToken, TokenKeys, TokenRefusal, TokenRules, Trust};
use super::answer::{Denial, Scheme, Terms, proof_fields, supply_nonce};
use super::at_once::AtOnce;
use super::connections::{ConnectionId, Connections};
use super::credentials::Credentials;
use super::cross_origin::{lets_through, preflight, readable};
use super::defects::{Defect, DefectSet};
use super::faulty_answer;
use super::faulty_cost;
use super::faulty_http::{self, Inbound};
use super::faulty_node;
use super::faulty_replay;
use super::faulty_token;
use super::htu::RequestUri;
use super::metrics::Metrics;
use super::nonce::{NonceMode, Nonces};
use super::refusal::{ErrorCode, Refusal};
use super::replay::ReplayStore;
use super::verifier::{Presented, VerifiedProof, Verifier};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::uri::{Uri, UriError};
use crate::jose::{AlgSet, Jkt};

/// The path of the main resource.
pub(super) const MAIN: &str = "/resource";
/// The path that needs a scope of its own, and that scope.
const ADMIN: &str = "/admin";
const ADMIN_SCOPE: &str = "admin";

const ABOUT: &str = "The reference resource server of dpop-harness (RFC 9449).\n\
    GET, POST, PUT and DELETE /resource, /other and all below /tree/ want a DPoP-bound token and a proof.\n\
    GET /admin wants a token with the scope admin besides.\n\
    GET /metrics counts what was served and what was refused, by reason.\n";

/// How a resource server is set up.
#[derive(Clone)]
pub struct ResourceOptions {
    /// The public URL, without trailing slash, e.g. `http://127.0.0.1:9401`: an origin, and a path where a proxy takes one
    /// away. Proofs are compared with it; the
    /// `Host` field of a request, which its sender chooses, plays no part.
    pub base_url: String,
    /// Whether `/` is a protected resource, too; otherwise it tells what the server is.
    pub protects_root: bool,
    /// What `aud` must contain.
    pub audience: String,
    /// Whose tokens are accepted.
    pub trust: Trust,
    /// The algorithms of the proofs that are accepted.
    pub algs: AlgSet,
    /// How far ahead proofs may be dated, in seconds.
    pub future_window: i64,
    /// How far ahead an `nbf` in a proof may lie, in seconds; none where nobody looks at it.
    pub nbf_window: Option<i64>,
    /// Whether nonces are used.
    pub nonce: NonceMode,
    /// Whether unbound tokens are still served as `Bearer`, while clients migrate. Bound ones never are.
    pub unbound_bearer: bool,
    /// Whether proofs are remembered.
    pub replay: bool,
    /// Whether it publishes metadata (RFC 9728), and names them in its challenges.
    pub publishes: bool,
    /// The scope that a token needs at `/resource` and `/other`; without one it needs none.
    pub scope: Option<String>,
    /// The bugs planted in this server.
    pub defects: DefectSet,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// Where the secret behind nonces comes from.
    pub entropy: Arc<dyn Entropy>,
}

/// A resource server.
pub struct ResourceServer {
    base_url: String,
    base_uri: Uri,
    protects_root: bool,
    audience: String,
    keys: TokenKeys,
    verifier: Verifier,
    at_once: AtOnce,
    /// Only for defects that demand a nonce now and then: the same without.
    without_nonce: Option<Verifier>,
    /// Only for [`Defect::ReplayStorePerHttpVersion`].
    http2_verifier: Option<Verifier>,
    /// Only for defects.
    connections: Connections,
    metrics: Metrics,
    /// Only for [`Defect::CachedAnswerServed`].
    cache: faulty_answer::Cache,
    publishes: bool,
    scope: Option<String>,
    unbound_bearer: bool,
    defects: DefectSet,
    clock: Arc<dyn Clock>,
}

/// A request as far as access to a resource is concerned.
struct Access<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    /// As the server reads them.
    headers: &'a HeaderMap,
    http2: bool,
    connection: Option<ConnectionId>,
    /// As it came.
    inbound: Inbound<'a>,
}

impl ResourceServer {
    /// A server as `options` say.
    ///
    /// # Errors
    /// [`UriError`] where the base URL is none.
    pub fn new(options: ResourceOptions) -> Result<Self, UriError> {
        let nonces = Nonces::new(options.nonce, options.entropy.as_ref());
        let (remembers, defects) = (options.replay, options.defects);
        let replay = || remembers.then(|| Arc::new(faulty_replay::store(defects)));
        Self::with_memory(options, nonces, replay)
    }

    /// Another node of the same server: it has the same URL, listens elsewhere, and shares what is remembered and the secret
    /// behind nonces.
    pub(super) fn beside(first: &Self, options: ResourceOptions) -> Result<Self, UriError> {
        let is = |defect| options.defects.contains(defect);
        let nonces = if is(Defect::NodeRefusesOtherNonces) {
            Nonces::new(options.nonce, options.entropy.as_ref())
        } else {
            first.verifier.nonces().clone()
        };
        let shared = first.verifier.replay().filter(|_| !is(Defect::ReplayStorePerNode)).cloned();
        let own = options.replay && is(Defect::ReplayStorePerNode);
        let defects = faulty_node::of_second(options.defects);
        let replay = || if own { Some(Arc::default()) } else { shared.clone() };
        Self::with_memory(ResourceOptions { defects, ..options }, nonces, replay)
    }

    fn with_memory(
        options: ResourceOptions,
        nonces: Nonces,
        replay: impl Fn() -> Option<Arc<ReplayStore>>,
    ) -> Result<Self, UriError> {
        let base_url = options.base_url.trim_end_matches('/').to_owned();
        let verifier = || {
            Verifier::new(nonces.clone(), replay(), options.algs, options.defects)
                .with_windows(options.future_window, options.nbf_window)
        };
        let apart = options.defects.contains(Defect::ReplayStorePerHttpVersion);
        let verifier_of_all = verifier();
        let without_nonce = || {
            let defects = options.defects.iter().chain([Defect::NonceNotDemanded]).collect();
            Verifier::new(nonces.clone(), verifier_of_all.replay().cloned(), options.algs, defects)
                .with_windows(options.future_window, options.nbf_window)
        };
        let now_and_then = [
            Defect::NonceOncePerConnection,
            Defect::NonceNotDemandedOfHead,
            Defect::NonceNotDemandedOverHttp2,
        ];
        let forgets = now_and_then.into_iter().any(|defect| options.defects.contains(defect));
        Ok(Self {
            base_uri: base_url.parse()?,
            base_url,
            protects_root: options.protects_root,
            audience: options.audience,
            keys: TokenKeys::new(options.trust),
            without_nonce: forgets.then(without_nonce),
            verifier: verifier_of_all,
            at_once: AtOnce::default(),
            http2_verifier: apart.then(verifier),
            connections: Connections::default(),
            metrics: Metrics::default(),
            cache: faulty_answer::Cache::default(),
            publishes: options.publishes,
            scope: options.scope,
            unbound_bearer: options.unbound_bearer,
            defects: options.defects,
            clock: options.clock,
        })
    }

    /// The server's endpoints.
    pub fn router(self: Arc<Self>) -> Router {
        // A handler for GET also answers HEAD, and is told that it was HEAD.
        let protected = get(serve).post(serve).put(serve).delete(serve).options(preflight);
        let published = Router::new()
            .route(metadata::WELL_KNOWN, get(metadata::serve))
            .route(&format!("{}/{{*path}}", metadata::WELL_KNOWN), get(metadata::serve));
        Router::new()
            .route("/", if self.protects_root { protected.clone() } else { get(async || ABOUT) })
            .route(MAIN, protected.clone())
            .route("/other", protected.clone())
            .route("/tree/{*path}", protected)
            .route(ADMIN, get(serve))
            .merge(if self.publishes { published } else { Router::new() })
            .route("/metrics", get(metrics))
            .layer(from_fn_with_state(self.clone(), readable))
            .layer(map_response_with_state(self.clone(), dated))
            .with_state(self)
    }

    /// The bugs planted in it.
    pub(super) fn defects(&self) -> DefectSet {
        self.defects
    }

    /// Whether a request may have the resource, and as whom: RFC 9449 section 7.
    async fn admit(&self, access: &Access<'_>) -> Result<String, Denial> {
        let beside = access.path != MAIN;
        let is = |defect| self.defects.contains(defect);
        let let_through = lets_through(access.headers, self.defects);
        if is(Defect::ProtectsNothing) || (beside && is(Defect::OtherPathsOpen)) || let_through {
            return Ok("everybody".to_owned());
        }
        let proofs = proof_fields(access.headers);
        let spent = faulty_cost::spent(&proofs, self.defects);
        if !spent.is_zero() {
            self.clock.sleep(spent).await;
        }
        let credentials = match Credentials::read(access.headers, self.defects) {
            Err(Denial::NoCredentials) if is(Defect::TokenOptional) && !proofs.is_empty() => {
                return Ok(self.verify(access, &proofs, None).await?.jkt.to_string());
            }
            Err(Denial::NoCredentials) if is(Defect::TokenElsewhereTakenAsBearer) => {
                let token = access.inbound.token_parameter().ok_or(Denial::NoCredentials)?;
                return Ok(self.token(token).await?.subject().to_owned());
            }
            credentials => credentials?,
        };
        // RFC 6750 section 2: a token is transmitted in one way.
        if access.inbound.has_second_token() && !is(Defect::SecondTokenIgnored) {
            return Err(Denial::SeveralCredentials);
        }
        let cnf_misread = is(Defect::CnfFalsyIsUnbound) || is(Defect::CnfWithoutStringIsUnbound);
        let migrating = (self.unbound_bearer && !is(Defect::UnboundBearerRefused))
            || is(Defect::UnboundBearerAccepted)
            || cnf_misread;
        let skipped = faulty_http::proof_skipped(access.inbound, &proofs, self.defects);
        let proof_needed = match credentials.scheme {
            Scheme::Dpop if skipped => false,
            Scheme::Dpop => !(proofs.is_empty() && is(Defect::ProofOptional)),
            Scheme::Bearer if beside && is(Defect::OtherPathsTakeBearer) => false,
            Scheme::Bearer if is(Defect::BearerAccepted) || migrating => false,
            Scheme::Bearer if faulty_token::is_own_authority(credentials.token, self.defects) => false,
            Scheme::Bearer if is(Defect::BearerWithProofAccepted) && !proofs.is_empty() => true,
            Scheme::Bearer => return Err(Denial::Bearer),
        };
        let token = self.token(credentials.token).await?;
        if credentials.scheme == Scheme::Bearer && migrating && !is(Defect::BearerAccepted) {
            if token.bound_key.is_some() || (cnf_misread && !token.claims.contains_key("cnf")) {
                return Err(Denial::Bearer);
            }
            self.authorize(access, &token)?;
            return Ok(token.subject().to_owned());
        }
        if token.bound_key.is_none() && !token.loosely && !is(Defect::UnboundAccepted) {
            return Err(TokenRefusal::Unbound.into());
        }
        if proof_needed {
            let bound_key = token.bound_key.filter(|_| !(beside && is(Defect::OtherPathsIgnoreCnf)));
            let proved = self.prove(access, &proofs, credentials.token, bound_key).await?;
            let proof = proofs.first().copied().unwrap_or_default();
            if let Some(proved) = proved.filter(|_| token.loosely)
                && !faulty_token::is_bound_to(token.claims.get("cnf"), proof, proved, self.defects)
            {
                return Err(Refusal::OtherKey.into());
            }
        }
        self.authorize(access, &token)?;
        Ok(token.subject().to_owned())
    }

    /// Demands a proof beside an access token, as far as the way of the request lets the planted bugs do so. The thumbprint
    /// of its key; none where no proof was demanded.
    async fn prove(
        &self,
        access: &Access<'_>,
        proofs: &[&[u8]],
        token: &str,
        bound_key: Option<Jkt>,
    ) -> Result<Option<Jkt>, Refusal> {
        let is = |defect| self.defects.contains(defect);
        let known = access.connection.filter(|connection| self.connections.is_known(*connection));
        if access.http2 && is(Defect::Http2ProofNotChecked)
            || known.is_some() && is(Defect::ProofOncePerConnection)
            || is(Defect::TokenTakenForProof) && self.is_token(proofs).await
        {
            return Ok(None);
        }
        let unseen = access.http2 && is(Defect::FieldNameCaseSensitive);
        let proofs = if unseen { &[] } else { proofs };
        if let Some(key) = bound_key
            && is(Defect::LostAnswerHoldsKey)
        {
            self.connections.hold(key).await?;
        }
        let proof = self.verify(access, proofs, Some((token, bound_key))).await?;
        if let Some(connection) = access.connection
            && [Defect::ProofOncePerConnection, Defect::ConnectionTiedToProof, Defect::NonceOncePerConnection]
                .into_iter()
                .any(is)
            && self.connections.remember(connection, &proof.jti) != proof.jti
            && is(Defect::ConnectionTiedToProof)
        {
            return Err(Refusal::Replayed);
        }
        Ok(Some(proof.jkt))
    }

    /// Whether what stands in the place of the proof is an access token.
    async fn is_token(&self, proofs: &[&[u8]]) -> bool {
        let [proof] = proofs else { return false };
        match std::str::from_utf8(proof) {
            Ok(text) => self.token(text).await.is_ok(),
            Err(_) => false,
        }
    }

    /// Whether the token is good for this resource: its scope covers it (RFC 6749 section 7). A proof says nothing about
    /// that.
    fn authorize(&self, access: &Access<'_>, token: &AccessToken) -> Result<(), Denial> {
        let needed = if access.path == ADMIN { Some(ADMIN_SCOPE) } else { self.scope.as_deref() };
        let scope = token.claims.get("scope").and_then(serde_json::Value::as_str);
        let is = |defect| self.defects.contains(defect);
        let covered = match (needed, scope) {
            (None, _) => true,
            (Some(_), None) => is(Defect::NoScopeIsEveryScope) || is(Defect::ProofTakenForToken),
            (Some(needed), Some(scope)) => scope.split(' ').any(|word| word == needed),
        };
        if covered || is(Defect::PossessionIsPermission) {
            Ok(())
        } else {
            Err(Denial::InsufficientScope(needed.unwrap_or_default().to_owned()))
        }
    }

    /// Judges the proof beside an access token, which is given with the key that it is bound to.
    async fn verify(
        &self,
        access: &Access<'_>,
        proofs: &[&[u8]],
        token: Option<(&str, Option<Jkt>)>,
    ) -> Result<VerifiedProof, Refusal> {
        let own = Uri { path: format!("{}{}", self.base_uri.path, access.path), ..self.base_uri.clone() };
        let uri = faulty_http::uri(access.inbound, own, self.defects);
        let other = self.http2_verifier.as_ref().filter(|_| access.http2);
        let other = self.without_nonce.as_ref().filter(|_| self.forgets_nonce(access)).or(other);
        let verifier = other.unwrap_or(&self.verifier);
        let presented = Presented {
            proofs,
            method: access.method,
            uri: RequestUri { uri: &uri, query: access.query },
            access_token: token
                .map(|(token, _)| token)
                .filter(|_| faulty_http::looks_at_ath(access.headers, self.defects)),
            bound_key: token.and_then(|(_, bound_key)| bound_key),
            now: self.clock.unix_seconds(),
        };
        self.at_once.verify(verifier, &presented, self.defects).await
    }

    /// Whether a planted bug does without a nonce on the way that this request takes.
    fn forgets_nonce(&self, access: &Access<'_>) -> bool {
        let is = |defect| self.defects.contains(defect);
        let known = || access.connection.is_some_and(|connection| self.connections.is_known(connection));
        (is(Defect::NonceOncePerConnection) && known())
            || (is(Defect::NonceNotDemandedOfHead) && access.method == "HEAD")
            || (is(Defect::NonceNotDemandedOverHttp2) && access.http2)
    }

    async fn token(&self, token: &str) -> Result<AccessToken, TokenRefusal> {
        let now = self.clock.unix_seconds();
        // A client that asks for a token for what the metadata call the resource (RFC 8707) is right, too.
        let resource = self.url_of(&format!("{}{MAIN}", self.base_uri.path));
        let audiences = [self.audience.as_str(), resource.as_str()];
        let rules =
            TokenRules { issuer: self.keys.issuer(), audience: Some(&audiences), now, defects: self.defects };
        AccessToken::read(token, &self.keys.key_for(token, now).await?, &rules)
    }
}

/// The protected resources.
async fn serve(
    State(server): State<Arc<ResourceServer>>,
    method: Method,
    target: Target,
    version: Version,
    connection: Option<Extension<ConnectInfo<ConnectionId>>>,
    headers: HeaderMap,
    content: String,
) -> Response {
    let inbound = Inbound { method: method.as_str(), target: &target, headers: &headers, content: &content };
    if faulty_http::crashes(inbound, server.defects) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let attempts = faulty_http::attempts(faulty_http::headers(inbound, server.defects), server.defects);
    let mut access = Access {
        method: faulty_http::method(inbound, server.defects),
        path: target.path(),
        query: target.query(),
        headers: &headers,
        inbound,
        http2: version == Version::HTTP_2,
        connection: connection.map(|Extension(ConnectInfo(connection))| connection),
    };
    let mut admitted = Err(Denial::NoCredentials);
    for headers in &attempts {
        access.headers = headers;
        admitted = server.admit(&access).await;
        if admitted.is_ok() {
            break;
        }
    }
    if let Some(kept) = server.cache.serve(access.path, &headers, server.defects) {
        return kept;
    }
    let asked = matches!(&admitted, Err(Denial::Proof(refusal)) if refusal.code() == ErrorCode::UseDpopNonce);
    let supplies = asked || !server.defects.contains(Defect::NonceOnlyInChallenge);
    let nonce = server.verifier.nonces().current(server.clock.unix_seconds()).filter(|_| supplies);
    match admitted {
        Ok(subject) => {
            server.metrics.accepted();
            server.cache.keep(access.path, server.defects);
            let mut response = Json(json!({"ok": true, "sub": subject})).into_response();
            let unknown = nonce.is_some() && server.defects.contains(Defect::NonceOfSuccessUnknown);
            let nonce = if unknown { Some("never-stored") } else { nonce.as_deref() };
            supply_nonce(&mut response, nonce, server.defects);
            response
        }
        Err(denial) => {
            let (reason, error) = (denial.reason(), denial.error());
            let metadata = server.metadata_url(access.path);
            let terms = Terms {
                nonce: nonce.as_deref(),
                metadata: metadata.as_deref(),
                algs: server.verifier.algs(),
                bearer: server.unbound_bearer,
                defects: server.defects,
            };
            let used = Credentials::read(&headers, server.defects).ok().map(|credentials| credentials.scheme);
            let mut response = denial.into_response(used, &terms);
            faulty_answer::tell_more(&mut response, &headers, server.defects);
            if !server.defects.contains(Defect::RefusalsNotCounted) {
                server.metrics.refused(reason, error);
            }
            let code = response.status().as_u16();
            tracing::info!(method = access.method, path = access.path, code, error, reason);
            response
        }
    }
}

/// Adds the time of the answer by the clock of this server (RFC 9110 section 6.6.1).
async fn dated(State(server): State<Arc<ResourceServer>>, mut response: Response) -> Response {
    let date = jiff::Timestamp::try_from(server.clock.now())
        .and_then(|now| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now))
        .ok()
        .and_then(|date| HeaderValue::try_from(date).ok());
    if let Some(date) = date {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// GET /metrics
async fn metrics(State(server): State<Arc<ResourceServer>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], server.metrics.to_text()).into_response()
}
