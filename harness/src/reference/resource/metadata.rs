//! What the resource server publishes of itself: one document for the whole server, and one for each resource (RFC 9728).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri as Target};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::answer::quotable;
use super::super::defects::Defect;
use super::{ADMIN, MAIN, ResourceServer};
use crate::jose::uri::Uri;

/// What stands before the path of a resource in the path of its metadata (RFC 9728 section 3.1).
pub(super) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// GET /.well-known/oauth-protected-resource, alone and with the path of a resource behind it.
pub(super) async fn serve(State(server): State<Arc<ResourceServer>>, target: Target) -> Response {
    let path = target.path().strip_prefix(WELL_KNOWN).unwrap_or_default();
    let identifier = match path {
        "" => server.base_url.clone(),
        path if server.protects(path) => server.url_of(path),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(server.metadata(identifier)).into_response()
}

impl ResourceServer {
    /// Where a challenge says that the metadata of the resource at `path` lie (section 5.1), if they lie anywhere.
    pub(super) fn metadata_url(&self, path: &str) -> Option<String> {
        let own = format!("{}{path}", self.base_uri.path);
        let beside = self.defects.contains(Defect::MetadataLinkBroken);
        let path = if beside { format!("{own}{WELL_KNOWN}") } else { format!("{WELL_KNOWN}{own}") };
        self.publishes.then(|| quotable(self.url_of(path.trim_end_matches('/')).as_str()))
    }

    /// The document about `identifier` (section 2).
    fn metadata(&self, identifier: String) -> Value {
        let is = |defect| self.defects.contains(defect);
        let names = self.verifier.algs().names();
        let algs = if is(Defect::MetadataAlgsOutdated) {
            json!(["ES256", "ES256K"])
        } else if is(Defect::MetadataAlgsInOneString) {
            json!(names.join(" "))
        } else {
            json!(names)
        };
        let resource = if is(Defect::MetadataOfAnotherUrl) {
            "http://backend.internal:8080/resource".to_owned()
        } else {
            identifier
        };
        json!({
            "resource": resource,
            "authorization_servers": [self.keys.issuer()],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": algs,
            "dpop_bound_access_tokens_required": !self.unbound_bearer || is(Defect::MetadataDemandsInVain),
        })
    }

    /// Whether there is a resource at `path`, as clients know it.
    fn protects(&self, path: &str) -> bool {
        match path.strip_prefix(self.base_uri.path.as_str()) {
            Some("" | MAIN | "/other" | ADMIN) => true,
            Some(own) => own.starts_with("/tree/"),
            None => false,
        }
    }

    /// The URL with `path` at this server, as clients know it.
    pub(super) fn url_of(&self, path: &str) -> String {
        Uri { path: path.to_owned(), ..self.base_uri.clone() }.to_string()
    }
}
