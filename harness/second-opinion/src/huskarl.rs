use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use huskarl_resource_server::DefaultJwsVerifierPlatform;
use huskarl_resource_server::core::Error;
use huskarl_resource_server::core::client_auth::NoAuth;
use huskarl_resource_server::core::dpop::{DPoPNonceChecker, NonceCheck};
use huskarl_resource_server::core::http::{HttpClient, HttpResponse, Idempotency};
use huskarl_resource_server::core::jwt::JtiUniquenessChecker;
use huskarl_resource_server::core::jwt::validator::ClaimCheck;
use huskarl_resource_server::core::platform::MaybeSendBoxFuture;
use huskarl_resource_server::core::time::ManualTime;
use huskarl_resource_server::validator::dpop_proof::{DPoPProofValidator, ValidatedDPoPProof};
use huskarl_resource_server::validator::introspection::IntrospectionValidator;

use crate::{IAT_FUTURE, IAT_PAST, Presented, chain};

/// Counts in both directions.
const LEEWAY: Duration = Duration::from_secs(IAT_FUTURE.unsigned_abs());
const MAX_AGE: Duration = Duration::from_secs(IAT_PAST.abs_diff(IAT_FUTURE));

/// The thumbprint that the crate `huskarl-resource-server` finds.
///
/// With an access token this is its complete check of a request. It has no token endpoint: without an access token it
/// judges all but `htm`, `htu` and the nonce, which are then compared here.
pub(crate) async fn thumbprint(presented: Presented<'_>, now: i64) -> Result<String, String> {
    let now = jiff::Timestamp::from_second(now).map_err(|error| chain(&error))?;
    let validated = DPoPProofValidator::builder()
        .jws_verifier_platform(Arc::<_>::from(DefaultJwsVerifierPlatform::default()))
        .clock(ManualTime::new(now))
        .max_proof_age(MAX_AGE)
        .clock_leeway(LEEWAY)
        .jti_checker(NeverSeen)
        .build()
        .validate(presented.proof)
        .await
        .map_err(|error| chain(&error))?;
    let jkt = validated.thumbprint.clone().ok_or("no thumbprint")?;
    match presented.access_token {
        Some(access_token) => at_resource(presented, access_token, &jkt, now).await?,
        None => at_token_endpoint(presented, &validated)?,
    }
    Ok(jkt)
}

async fn at_resource(
    presented: Presented<'_>,
    access_token: &str,
    jkt: &str,
    now: jiff::Timestamp,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    let authorization = format!("DPoP {access_token}");
    headers.insert(header::AUTHORIZATION, authorization.try_into().map_err(|_| "odd access token")?);
    headers.insert("DPoP", HeaderValue::from_str(presented.proof).map_err(|error| chain(&error))?);
    let method = Method::from_bytes(presented.method.as_bytes()).map_err(|error| chain(&error))?;
    let uri: Uri = presented.url.parse().map_err(|error| chain(&error))?;

    let validator = IntrospectionValidator::builder()
        .client_id("second-opinion")
        .introspection_endpoint(
            "https://as.invalid/introspect".parse().map_err(|error: Error| chain(&error))?,
        )
        .aud(ClaimCheck::NoCheck)
        .client_auth(NoAuth)
        .http_client(ActiveToken { jkt: jkt.to_owned() })
        .clock(ManualTime::new(now))
        .max_dpop_proof_age(MAX_AGE)
        .clock_leeway(LEEWAY)
        .require_dpop(true)
        .dpop_jti_checker(NeverSeen)
        .maybe_dpop_nonce_checker(presented.nonce.map(|nonce| Exactly(nonce.to_owned())))
        .build()
        .await
        .map_err(|error| chain(&error))?;
    match validator.validate_request(&headers, &method, &uri, None).await.outcome {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("no access token seen".to_owned()),
        Err(error) => Err(chain(&error)),
    }
}

/// The comparisons of the crate's request check, less `ath` and `cnf`.
fn at_token_endpoint(presented: Presented<'_>, proof: &ValidatedDPoPProof) -> Result<(), String> {
    if presented.nonce.is_some() && proof.nonce.as_deref() != presented.nonce {
        return Err("a DPoP nonce is required".to_owned());
    }
    if proof.htm.as_deref() != Some(presented.method) {
        return Err("'htm' mismatch".to_owned());
    }
    let htu = proof.htu.as_deref().ok_or("no 'htu'")?;
    if htu.contains(['?', '#']) || target(htu).is_none() || target(htu) != target(presented.url) {
        return Err("'htu' mismatch".to_owned());
    }
    Ok(())
}

/// The normalised URL without query and fragment.
fn target(url: &str) -> Option<String> {
    let uri = fluent_uri::Uri::parse(url).ok()?.normalize();
    let path = if uri.path().is_empty() { "/" } else { uri.path().as_str() };
    Some(format!("{}://{}{path}", uri.scheme(), uri.authority()?.as_str()))
}

/// An introspection endpoint that calls every token active and bound to one key.
struct ActiveToken {
    jkt: String,
}

impl HttpClient for ActiveToken {
    fn execute(
        &self,
        _: Request<Bytes>,
        _: Idempotency,
    ) -> MaybeSendBoxFuture<'_, Result<HttpResponse, Error>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // A thumbprint is base64url, so it needs no escapes.
        let body = format!(r#"{{"active":true,"cnf":{{"jkt":"{}"}}}}"#, self.jkt);
        Box::pin(async move { Ok(HttpResponse { status: StatusCode::OK, headers, body: body.into() }) })
    }
}

/// Having a checker is what makes `jti` required.
#[derive(Debug)]
struct NeverSeen;

impl JtiUniquenessChecker for NeverSeen {
    fn check_and_mark_seen(&self, _: &str) -> MaybeSendBoxFuture<'_, Result<bool, Error>> {
        Box::pin(async { Ok(false) })
    }
}

/// The only nonce that is good.
struct Exactly(String);

impl DPoPNonceChecker for Exactly {
    fn check_nonce<'a>(
        &'a self,
        nonce: Option<&'a str>,
    ) -> MaybeSendBoxFuture<'a, Result<NonceCheck, Error>> {
        let check =
            if nonce == Some(&self.0) { NonceCheck::Valid } else { NonceCheck::Invalid(self.0.clone()) };
        Box::pin(async { Ok(check) })
    }
}
