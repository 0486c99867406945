//! Behind a proxy a server may know another URL than the one by which it is reached: looking for the one that proofs have
//! to name.

use crate::jose::base64url;
use crate::jose::json::{self, Json};
use crate::jose::uri::Uri;
use crate::proof::{AccessToken, Call};
use crate::run::{Cast, Decision, Exchange, Redactor, Session, Transcript, Turn};
use crate::target::metadata::{self, PROTECTED_RESOURCE, ResourceMetadata};

use super::{Setup, session};

/// The most URLs that are tried.
const MOST: usize = 12;

/// What the search brought.
pub(super) struct Search {
    /// The base that works, as it belongs into `target.htu-base`.
    pub(super) found: Option<String>,
    /// How many were tried.
    pub(super) tried: usize,
    /// What the server calls itself (RFC 9728 section 2).
    pub(super) resource: Option<String>,
}

/// Sends correct requests whose proofs name other likely URLs of the same resource, until one is accepted. They go where the
/// token goes anyway.
pub(super) async fn search(
    setup: &Setup,
    redactor: &Redactor,
    cast: &Cast,
    ahead: i64,
    resource_metadata: Option<&str>,
    transcript: &mut Transcript,
) -> Search {
    let call = &setup.call;
    let mut resource = None;
    for identifier in [call.uri.clone(), Uri { path: String::new(), ..call.uri.without_query() }] {
        let url = metadata::inserted(&identifier, PROTECTED_RESOURCE);
        let found: Option<ResourceMetadata> = metadata::read(setup.target.as_ref(), &url).await;
        resource = resource.or_else(|| found.map(|found| redactor.clean_word(&found.resource)));
    }
    let named = resource.iter().map(String::as_str).chain(resource_metadata);
    let hints: Vec<Uri> = named
        .map(str::to_owned)
        .chain(audiences(&cast.own.token))
        .filter_map(|hint| hint.parse().ok())
        .map(|hint: Uri| if hint.path.starts_with("/.well-known/") { base(&hint, "") } else { hint })
        .collect();
    let mut tried = 0;
    for base in candidates(call, &hints).into_iter().take(MOST) {
        tried += 1;
        let other = Call { htu: call.named_by(&base), ..call.clone() };
        let mut session = Session { call: &other, ahead, ..session(setup, redactor) };
        let seen = session.control(cast, Turn::Diagnosis, transcript).await;
        if seen.decision == Decision::Accept {
            return Search { found: Some(base.to_string()), tried, resource };
        }
    }
    Search { found: None, tried, resource }
}

/// The `resource_metadata` parameter of a challenge (RFC 9728 section 5.1), if one of these answers has it.
pub(super) fn resource_metadata(transcript: &[Exchange]) -> Option<String> {
    let quoted = transcript.iter().find_map(|exchange| exchange.response.split_once("resource_metadata=\""));
    Some(quoted?.1.split_once('"')?.0.to_owned())
}

/// The audiences that a JWT names.
pub(super) fn audiences(token: &AccessToken) -> Vec<String> {
    let claims =
        token.expose().split('.').nth(1).and_then(base64url::decode).map(|claims| json::read(&claims));
    let Some(Ok(Json::Object(claims))) = claims else { return Vec::new() };
    match claims.member("aud") {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Some(_) | None => Vec::new(),
    }
}

fn base(uri: &Uri, path: &str) -> Uri {
    Uri { userinfo: None, path: path.trim_end_matches('/').to_owned(), ..uri.without_query() }
}

/// The bases that proofs may have to name instead of that of `call.htu`, the likeliest first.
fn candidates(call: &Call, hints: &[Uri]) -> Vec<Uri> {
    let mut found: Vec<Uri> = Vec::new();
    let mut add = |candidate: Uri| {
        let same = |known: &Uri| *known == candidate;
        if call.named_by(&candidate) != call.htu && !found.iter().any(same) {
            found.push(candidate);
        }
    };
    for hint in hints {
        add(base(hint, ""));
        // Where the proxy takes a prefix away that the public URL has.
        let covers = call.uri.path == hint.path || call.uri.path.starts_with(&format!("{}/", hint.path));
        if !covers {
            add(base(hint, &hint.path));
        }
    }
    let own = base(&call.uri, "");
    let configured = base(&call.htu, "");
    add(own.clone());
    for uri in [&configured, &own] {
        let default = if uri.is_https() { "443" } else { "80" };
        let other = if uri.is_https() { "http" } else { "https" };
        let host = match uri.host.as_str() {
            "127.0.0.1" => Some("localhost"),
            "localhost" => Some("127.0.0.1"),
            _ => None,
        };
        if let Some(host) = host {
            add(Uri { host: host.to_owned(), ..uri.clone() });
        }
        add(Uri { scheme: other.to_owned(), ..uri.clone() });
        add(Uri { scheme: other.to_owned(), port: None, ..uri.clone() });
        add(Uri { port: None, ..uri.clone() });
        add(Uri { port: Some(default.to_owned()), ..uri.clone() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, htu_base: &str, hints: &[&str], expected: &[&str]) {
        let uri: Uri = uri.parse().expect("a URL");
        let call = Call::to("GET", uri);
        let call = Call { htu: call.named_by(&htu_base.parse().expect("a URL")), ..call };
        let hints: Vec<Uri> = hints.iter().map(|hint| hint.parse().expect("a URL")).collect();
        let found: Vec<String> = candidates(&call, &hints).iter().map(Uri::to_string).collect();
        let first: Vec<&str> = found.iter().take(expected.len()).map(String::as_str).collect();
        assert_eq!(first, expected, "{found:?}");
        let mut unique = found.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), found.len(), "{found:?}");
        assert!(!found.iter().any(|base| base.as_str() == htu_base), "{found:?}");
    }

    #[test]
    fn the_likely_ones_come_first() {
        check(
            "http://127.0.0.1:8080/v1/me?x=1",
            "http://127.0.0.1:8080",
            &["https://api.example.test/api"],
            &["https://api.example.test", "https://api.example.test/api", "http://localhost:8080"],
        );
        check(
            "http://10.0.0.5:8080/v1/me",
            "http://10.0.0.5:8080",
            &["https://api.example.test/v1"],
            &["https://api.example.test", "https://10.0.0.5:8080", "https://10.0.0.5", "http://10.0.0.5"],
        );
        check(
            "https://a.test/me",
            "https://b.test",
            &[],
            &["https://a.test", "http://b.test", "https://b.test:443"],
        );
    }

    #[test]
    fn the_audience_of_a_token() {
        let token = |claims: &str| AccessToken::new(format!("e30.{}.x", base64url::encode(claims)));
        assert_eq!(audiences(&token(r#"{"aud":"a"}"#)), ["a"]);
        assert_eq!(audiences(&token(r#"{"aud":["a","b"]}"#)), ["a", "b"]);
        assert!(audiences(&token("{}")).is_empty());
        assert!(audiences(&AccessToken::new("opaque")).is_empty());
    }
}
