//! What servers publish about themselves: protected-resource metadata (RFC 9728), authorization-server metadata (RFC 8414)
//! and OpenID Connect discovery. Read as far as it is well-formed, and believed by nobody without a look at whose it is.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Answer, Target};
use crate::jose::uri::Uri;
use crate::proof::{Call, Request};

/// The well-known name of protected-resource metadata (RFC 9728 section 3).
pub const PROTECTED_RESOURCE: &str = "oauth-protected-resource";
/// The well-known name of authorization-server metadata (RFC 8414 section 3).
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";
/// The well-known name of OpenID Connect discovery.
pub const OPENID: &str = "openid-configuration";

/// What a protected resource says of itself (RFC 9728 section 2), as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceMetadata {
    /// What it calls itself.
    pub resource: String,
    /// The issuers that it trusts.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes that requests to it need.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// The algorithms of proofs that it takes.
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Whether it refuses unbound tokens.
    #[serde(default)]
    pub dpop_bound_access_tokens_required: bool,
}

/// What an authorization server says of itself (RFC 8414 section 2, RFC 9449 section 5.1), as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerMetadata {
    /// What it calls itself.
    pub issuer: String,
    /// Where tokens are.
    pub token_endpoint: Option<String>,
    /// The ways to get them; without it `authorization_code` and `implicit`.
    pub grant_types_supported: Option<Vec<String>>,
    /// How clients show who they are; without it `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms of proofs that it takes.
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
}

impl ResourceMetadata {
    /// What a document says, where it is well-formed.
    pub fn of(content: &serde_json::Map<String, serde_json::Value>) -> Option<Self> {
        Self::deserialize(content).ok()
    }
}

/// The URL of metadata about `identifier`: the well-known name between host and path (RFC 9728 section 3.1, RFC 8414
/// section 3.1).
pub fn inserted(identifier: &Uri, name: &str) -> Uri {
    let path = format!("/.well-known/{name}{}", identifier.path.trim_end_matches('/'));
    Uri { path, fragment: None, ..identifier.clone() }
}

/// The same with the well-known name behind the path, as OpenID Connect has it.
pub fn appended(identifier: &Uri, name: &str) -> Uri {
    let path = format!("{}/.well-known/{name}", identifier.path.trim_end_matches('/'));
    Uri { path, query: None, fragment: None, ..identifier.clone() }
}

/// Whether `url` lies on the same origin as `resource`.
pub fn is_beside(resource: &Uri, url: &Uri) -> bool {
    resource.scheme.eq_ignore_ascii_case(&url.scheme)
        && resource.host.eq_ignore_ascii_case(&url.host)
        && resource.effective_port() == url.effective_port()
}

/// Whether metadata that call their resource `about` are about `url` (RFC 9728 section 3.3). A slash at the end goes where
/// the URL of metadata is made.
pub fn is_same(about: &Uri, url: &Uri) -> bool {
    let bare = |uri: &Uri| uri.path.trim_end_matches('/').to_owned();
    is_beside(about, url) && bare(about) == bare(url) && about.query == url.query
}

/// Whether metadata that call their resource `about` may speak for `url`: the same, or one above it on the same origin. RFC
/// 9728 section 3.3 wants the same; that of a whole API is what most servers have.
pub fn is_about(about: &Uri, url: &Uri) -> bool {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let (above, below) = (bare(&about.path), bare(&url.path));
    is_beside(about, url) && (above == below || below.starts_with(&format!("{above}/")))
}

/// Reads the document at `uri`, which lies at `target`; none where there is none that is well-formed.
pub async fn read<T: DeserializeOwned>(target: &dyn Target, uri: &Uri) -> Option<T> {
    let call = Call::to("GET", uri.clone());
    match target.send(&Request::bare(&call)).await {
        Answer::Response(response) if response.status == 200 => serde_json::from_slice(&response.body).ok(),
        Answer::Response(_) | Answer::Nothing(_) => None,
    }
}

/// The metadata of the authorization server `issuer`, and where it lies; none where there is none, or only that of another
/// (RFC 8414 section 3.3).
pub async fn read_server(target: &dyn Target, issuer: &Uri) -> Option<(Uri, ServerMetadata)> {
    let same = |name: &str| name.trim_end_matches('/') == issuer.to_string().trim_end_matches('/');
    let mut places =
        vec![inserted(issuer, AUTHORIZATION_SERVER), appended(issuer, OPENID), inserted(issuer, OPENID)];
    places.dedup();
    for url in places {
        if let Some(found) = read::<ServerMetadata>(target, &url).await
            && same(&found.issuer)
        {
            return Some((url, found));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_urls() {
        for (identifier, between, behind) in [
            ("https://a.example", "https://a.example/.well-known/x", "https://a.example/.well-known/x"),
            ("https://a.example/", "https://a.example/.well-known/x", "https://a.example/.well-known/x"),
            (
                "https://a.example:8443/v1/me?q=1",
                "https://a.example:8443/.well-known/x/v1/me?q=1",
                "https://a.example:8443/v1/me/.well-known/x",
            ),
        ] {
            let identifier: Uri = identifier.parse().expect("a URL");
            assert_eq!(inserted(&identifier, "x").to_string(), between);
            assert_eq!(appended(&identifier, "x").to_string(), behind);
        }
    }

    #[test]
    fn what_is_missing_is_not_made_up() {
        let read: ResourceMetadata = serde_json::from_str(r#"{"resource":"https://a"}"#).expect("JSON");
        assert!(read.authorization_servers.is_empty() && !read.dpop_bound_access_tokens_required);
        let read: ServerMetadata = serde_json::from_str(r#"{"issuer":"https://a"}"#).expect("JSON");
        assert_eq!((read.token_endpoint, read.grant_types_supported), (None, None));
        assert!(serde_json::from_str::<ServerMetadata>("{}").is_err());
    }

    #[test]
    fn whose_metadata_are_believed() {
        for (about, url, believed) in [
            ("https://a.test/v1/me", "https://a.test/v1/me", true),
            ("https://a.test", "https://a.test/", true),
            ("https://a.test", "https://a.test/v1/me", true),
            ("https://a.test/v1", "https://a.test/v1/me", true),
            ("https://a.test/v1/me", "https://a.test/v1", false),
            ("https://a.test/v", "https://a.test/v1", false),
            ("https://b.test/v1/me", "https://a.test/v1/me", false),
            ("http://a.test/v1/me", "https://a.test/v1/me", false),
        ] {
            let parsed = |url: &str| url.parse::<Uri>().expect("a URL");
            assert_eq!(is_about(&parsed(about), &parsed(url)), believed, "{about} for {url}");
        }
    }
}
