//! Web pages of other origins (the Fetch standard, section 3.2): any of them may ask, for nothing is given on the strength of
//! what a browser adds by itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::defects::{Defect, DefectSet};
use super::resource::ResourceServer;

/// The answer to OPTIONS. What a browser asks before the request has no credentials, so none are asked for here.
pub(super) async fn preflight(State(server): State<Arc<ResourceServer>>, headers: HeaderMap) -> Response {
    let defects = server.defects();
    if defects.contains(Defect::PreflightNeedsProof) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let fields = if defects.contains(Defect::PreflightWithoutDpop) {
            "authorization"
        } else {
            "authorization, dpop"
        };
        set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE");
        set(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, fields);
    }
    response
}

/// Lets the page that asked read the answer, and what it has to know of a refusal: the challenge and the nonce.
pub(super) async fn readable(
    State(server): State<Arc<ResourceServer>>,
    request: Request,
    next: Next,
) -> Response {
    let asked_by_page = request.headers().contains_key(ORIGIN);
    let mut response = next.run(request).await;
    let defects = server.defects();
    let is = |defect| defects.contains(defect);
    if !asked_by_page || (is(Defect::CorsOnSuccessOnly) && !response.status().is_success()) {
        return response;
    }
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if !is(Defect::CorsExposesNothing) {
        set(&mut response, ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, DPoP-Nonce");
    }
    if is(Defect::WildcardWithCredentials) {
        set(&mut response, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    response
}

/// Whether a planted bug lets a request through because of what a browser says about it.
pub(super) fn lets_through(headers: &HeaderMap, defects: DefectSet) -> bool {
    (defects.contains(Defect::OriginTrusted) && headers.contains_key(ORIGIN))
        || (defects.contains(Defect::PreflightByField) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
