//! A resource server on axum that demands DPoP (RFC 9449): `GET /resource` says whose token it is.
//!
//! It is written as anybody could write it, with nothing of dpop-harness: tokens are checked by `jsonwebtoken`, proofs by
//! `p256` and `sha2`. Its test is `tests/dpop.rs`.

mod memory;
mod proof;
mod token;
mod uri;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

pub use memory::{InProcess, Memory};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What the server has to know.
pub struct Config {
    /// The issuer whose tokens are accepted.
    pub issuer: String,
    /// Its keys, as a JWK set; a real server fetches them and looks again when an unknown `kid` comes.
    pub jwks: Value,
    /// What `aud` must contain.
    pub audience: String,
    /// The public origin of this server, e.g. `https://api.example.test`: never taken from a request.
    pub origin: String,
    /// Which proofs were used before. Where several processes serve, they need one memory for all.
    pub memory: Arc<dyn Memory>,
}

struct Server {
    tokens: token::Verifier,
    origin: String,
    memory: Arc<dyn Memory>,
}

/// The server's endpoints.
///
/// # Errors
/// Where the key set is none.
pub fn router(config: Config) -> Result<Router, serde_json::Error> {
    let tokens = token::Verifier::new(&config.issuer, &config.audience, config.jwks)?;
    let server = Server { tokens, origin: config.origin, memory: config.memory };
    Ok(Router::new().route("/resource", get(resource)).with_state(Arc::new(server)))
}

async fn resource(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let subject = server.admit(&method, uri.path(), &headers)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "sub": subject }))).into_response())
}

impl Server {
    /// Whose request it is: RFC 9449 section 7.
    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<String, Refusal> {
        let mut credentials = headers.get_all(header::AUTHORIZATION).iter();
        let first = credentials.next().ok_or(Refusal::NoCredentials)?;
        if credentials.next().is_some() {
            return Err(Refusal::Request("several Authorization fields"));
        }
        let (scheme, token) = first
            .to_str()
            .ok()
            .and_then(|credentials| credentials.split_once(' '))
            .ok_or(Refusal::Request("the credentials are malformed"))?;
        if !scheme.eq_ignore_ascii_case("DPoP") {
            return Err(Refusal::Token("the DPoP scheme is needed"));
        }
        let token = token.trim_start_matches(' ');
        let known = self.tokens.verify(token)?;

        let mut proofs = headers.get_all(DPOP).iter();
        let (Some(proof), None) = (proofs.next(), proofs.next()) else {
            return Err(Refusal::Proof("there has to be one DPoP field"));
        };
        let now = unix_seconds();
        let target = format!("{}{path}", self.origin);
        let request = proof::Request { method: method.as_str(), target: &target, token, now };
        let proof = proof::verify(proof.as_bytes(), &request)?;
        if proof.thumbprint != known.bound_to {
            return Err(Refusal::Proof("the proof is signed with another key than the token is bound to"));
        }
        if !self.memory.is_first_use(&proof.thumbprint, &proof.jti, proof.good_until, now) {
            return Err(Refusal::Proof("the proof was used before"));
        }
        Ok(known.subject)
    }
}

fn unix_seconds() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this server has no clock but the system's")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// There is nothing to judge.
    NoCredentials,
    /// It can't be understood.
    Request(&'static str),
    /// The access token is not good.
    Token(&'static str),
    /// The proof is not good.
    Proof(&'static str),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            // RFC 6750 section 3.1: who has sent no credentials is told of no error.
            Self::NoCredentials => (StatusCode::UNAUTHORIZED, None),
            Self::Request(why) => (StatusCode::BAD_REQUEST, Some(("invalid_request", why))),
            Self::Token(why) => (StatusCode::UNAUTHORIZED, Some(("invalid_token", why))),
            Self::Proof(why) => (StatusCode::UNAUTHORIZED, Some(("invalid_dpop_proof", why))),
        };
        let error = error.map(|(code, why)| format!("error=\"{code}\", error_description=\"{why}\", "));
        let challenge = format!("DPoP {}algs=\"ES256\"", error.unwrap_or_default());
        (status, [(header::WWW_AUTHENTICATE, challenge), (header::CACHE_CONTROL, "no-store".to_owned())])
            .into_response()
    }
}
