//! The endpoints of the issuer: metadata, keys, tokens, introspection.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::access_token::{AccessToken, TokenRules};
use super::answer::proof_fields;
use super::defects::DefectSet;
use super::htu::RequestUri;
use super::issuer::{Issuer, TokenRequest};
use super::refusal::ErrorCode;
use super::verifier::Presented;
use crate::jose::Jkt;
use crate::jose::uri::Uri;

/// The life of a token from the token endpoint. Short: without nonces a proof made in advance is good for as long as the
/// token is (RFC 9449 section 11.2).
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

impl Issuer {
    /// The issuer's endpoints, to be served at its origin.
    ///
    /// Neither the token endpoint nor the introspection endpoint authenticates clients, and any `client_id` exists.
    pub fn router(self: Arc<Self>) -> Router {
        let metadata = get(async |State(issuer): State<Arc<Self>>| Json(issuer.metadata()));
        Router::new()
            .route("/.well-known/oauth-authorization-server", metadata.clone())
            .route("/.well-known/openid-configuration", metadata)
            .route("/.well-known/jwks.json", get(async |State(issuer): State<Arc<Self>>| Json(issuer.jwks())))
            .route("/token", post(token))
            .route("/introspect", post(introspect))
            .with_state(self)
    }

    /// The key that the proof beside a token request proves, if there is a proof (RFC 9449 section 5).
    fn proved_key(&self, headers: &HeaderMap) -> Result<Option<Jkt>, Failure> {
        let proofs = proof_fields(headers);
        if proofs.is_empty() {
            return Ok(None);
        }
        let endpoint: Uri = self
            .endpoint("/token")
            .parse()
            .map_err(|error| Failure::new("server_error", format!("the issuer's own URL is {error}")))?;
        let presented = Presented {
            proofs: &proofs,
            method: "POST",
            uri: RequestUri { uri: &endpoint, query: None },
            access_token: None,
            bound_key: None,
            now: self.clock.unix_seconds(),
        };
        match self.verifier.verify(&presented) {
            Ok(proof) => Ok(Some(proof.jkt)),
            Err(refusal) => {
                let failure = Failure::new(refusal.code().name(), refusal.to_string());
                Err(Failure { reason: refusal.reason(), ..failure })
            }
        }
    }
}

/// POST /token: the client credentials grant (RFC 6749 section 4.4).
async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    match issue(&issuer, &headers, form) {
        Ok(body) => not_stored(StatusCode::OK, body),
        Err(failure) => {
            let Failure { error, reason, .. } = failure;
            tracing::info!(method = "POST", path = "/token", code = 400, error, reason);
            failure.into_response()
        }
    }
}

fn issue(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Value, Failure> {
    let form = Parameters::read(form)?;
    match form.value("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => return Err(Failure::new("unsupported_grant_type", "only client_credentials")),
        None => return Err(Failure::malformed("grant_type is missing")),
    }
    let client_id = form.value("client_id")?.ok_or_else(|| Failure::malformed("client_id is missing"))?;
    // RFC 8707 names the audience `resource`; many servers know it as `audience`.
    let audience = match form.value("resource")? {
        Some(resource) => Some(resource),
        None => form.value("audience")?,
    };
    let scope = form.value("scope")?.unwrap_or_default();
    // An invalid proof never falls back to a bearer token (RFC 9449 section 5).
    let confirmation = issuer.proved_key(headers)?;
    let token = issuer.mint(&TokenRequest {
        subject: client_id.to_owned(),
        client_id: client_id.to_owned(),
        audience: audience.unwrap_or(issuer.audience()).to_owned(),
        scope: scope.to_owned(),
        lifetime: TOKEN_LIFETIME,
        confirmation,
    });
    let mut body = json!({
        "access_token": token,
        "token_type": token_type(confirmation.is_some()),
        "expires_in": TOKEN_LIFETIME.as_secs(),
    });
    if !scope.is_empty() {
        body["scope"] = scope.into();
    }
    Ok(body)
}

/// POST /introspect (RFC 7662, RFC 9449 section 6.2). It needs no proof.
async fn introspect(
    State(issuer): State<Arc<Issuer>>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let token = Parameters::read(form).and_then(|form| {
        let token = form.value("token")?.ok_or_else(|| Failure::malformed("token is missing"))?;
        Ok(token.to_owned())
    });
    let token = match token {
        Ok(token) => token,
        Err(failure) => return failure.into_response(),
    };
    let rules = TokenRules {
        issuer: issuer.url(),
        audience: None,
        now: issuer.clock.unix_seconds(),
        defects: DefectSet::empty(),
    };
    let body = match AccessToken::read(&token, &issuer.token_key(), &rules) {
        Ok(token) => {
            let mut body = token.claims;
            body.insert("active".to_owned(), true.into());
            body.insert("token_type".to_owned(), token_type(token.bound_key.is_some()).into());
            Value::Object(body)
        }
        Err(_) => json!({"active": false}),
    };
    not_stored(StatusCode::OK, body)
}

fn token_type(bound: bool) -> &'static str {
    if bound { "DPoP" } else { "Bearer" }
}

/// The parameters of a form.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(form: Result<Form<Vec<(String, String)>>, FormRejection>) -> Result<Self, Failure> {
        match form {
            Ok(Form(parameters)) => Ok(Self(parameters)),
            Err(_) => Err(Failure::malformed("the body is not a form")),
        }
    }

    /// The value of a parameter. One that is empty counts as absent, one that is repeated is an error (RFC 6749
    /// section 3.2).
    fn value(&self, name: &str) -> Result<Option<&str>, Failure> {
        let mut values = self.0.iter().filter(|(parameter, _)| parameter == name).map(|(_, value)| value);
        let first = values.next().map(String::as_str).filter(|value| !value.is_empty());
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Failure::malformed(&format!("{name} is repeated"))),
        }
    }
}

/// An error of the token endpoint (RFC 6749 section 5.2).
struct Failure {
    error: &'static str,
    /// For the log.
    reason: &'static str,
    description: String,
}

impl Failure {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, reason: error, description: description.into() }
    }

    fn malformed(description: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest.name(), description)
    }

    fn into_response(self) -> Response {
        let body =
            json!({"error": self.error, "error_description": super::answer::quotable(&self.description)});
        not_stored(StatusCode::BAD_REQUEST, body)
    }
}

/// Tokens, and what is said about them, stay out of caches (RFC 6749 section 5.1).
fn not_stored(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}
