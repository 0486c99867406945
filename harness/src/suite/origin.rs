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
const MOST: usize = 24;

/// What the search brought.
pub(super) struct Search {
    /// The URL that works.
    pub(super) found: Option<Candidate>,
    /// How many were tried.
    pub(super) tried: usize,
    /// What the server calls itself (RFC 9728 section 2).
    pub(super) resource: Option<String>,
}

/// Another URL by which the server may know the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What proofs name.
    pub(super) htu: Uri,
    /// What belongs into `target.htu-base` for that; nothing does where the server does not know the beginning of the path.
    pub(super) base: Option<Uri>,
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
    for url in places_of_metadata(&call.uri) {
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
    for candidate in candidates(call, &hints).into_iter().take(MOST) {
        tried += 1;
        let other = Call { htu: candidate.htu.clone(), ..call.clone() };
        let mut session = Session { call: &other, ahead, ..session(setup, redactor) };
        let seen = session.control(cast, Turn::Diagnosis, transcript).await;
        if seen.decision == Decision::Accept {
            return Search { found: Some(candidate), tried, resource };
        }
    }
    Search { found: None, tried, resource }
}

/// Where a resource may publish what it is called: where RFC 9728 section 3.1 wants it, at the root, and below the beginnings
/// of its path, which is where a proxy that takes one away moves the root of a server that does not know of it.
fn places_of_metadata(resource: &Uri) -> Vec<Uri> {
    let root = Uri { path: String::new(), ..resource.without_query() };
    let mut places: Vec<Uri> =
        [resource, &root].map(|identifier| metadata::inserted(identifier, PROTECTED_RESOURCE)).to_vec();
    for rest in rests(&resource.path) {
        let beginning = resource.path.strip_suffix(rest).unwrap_or_default();
        let beginning = Uri { path: beginning.to_owned(), ..resource.clone() };
        places.push(metadata::appended(&beginning, PROTECTED_RESOURCE));
    }
    places
}

/// What is left of a path where a proxy takes one or two segments away; never nothing.
fn rests(path: &str) -> Vec<&str> {
    path.match_indices('/')
        .skip(1)
        .take(2)
        .filter_map(|(at, _)| path.get(at..))
        .filter(|rest| *rest != "/")
        .collect()
}

/// The `resource_metadata` parameter of a challenge (RFC 9728 section 5.1), if one of these answers has it.
pub(super) fn resource_metadata(transcript: &[Exchange]) -> Option<String> {
    let challenges = transcript.iter().flat_map(|exchange| &exchange.seen.wording.challenges.list);
    challenges.into_iter().find_map(|challenge| challenge.parameter("resource_metadata")).map(str::to_owned)
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

/// The URLs that proofs may have to name instead of `call.htu`, the likeliest first.
fn candidates(call: &Call, hints: &[Uri]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |htu: Uri, base: Option<&Uri>| {
        if htu != call.htu && !found.iter().any(|known| known.htu == htu) {
            found.push(Candidate { htu, base: base.cloned() });
        }
    };
    let bases = bases(call, hints);
    for base in &bases {
        add(call.named_by(base), Some(base));
    }
    // Where the proxy takes a prefix away that the server does not know.
    for rest in rests(&call.uri.path) {
        for base in &bases {
            add(Uri { path: format!("{}{rest}", base.path), ..call.named_by(base) }, None);
        }
    }
    found
}

/// The origins by which the server may be known, some with a path in front.
fn bases(call: &Call, hints: &[Uri]) -> Vec<Uri> {
    let mut found: Vec<Uri> = Vec::new();
    for hint in hints {
        found.push(base(hint, ""));
        // Where the proxy takes a prefix away that the public URL has.
        let covers = call.uri.path == hint.path || call.uri.path.starts_with(&format!("{}/", hint.path));
        if !covers {
            found.push(base(hint, &hint.path));
        }
    }
    let own = base(&call.uri, "");
    let configured = base(&call.htu, "");
    found.push(own.clone());
    found.push(configured.clone());
    for uri in [&configured, &own] {
        let default = if uri.is_https() { "443" } else { "80" };
        let other = if uri.is_https() { "http" } else { "https" };
        let host = match uri.host.as_str() {
            "127.0.0.1" => Some("localhost"),
            "localhost" => Some("127.0.0.1"),
            _ => None,
        };
        if let Some(host) = host {
            found.push(Uri { host: host.to_owned(), ..uri.clone() });
        }
        found.push(Uri { scheme: other.to_owned(), ..uri.clone() });
        found.push(Uri { scheme: other.to_owned(), port: None, ..uri.clone() });
        found.push(Uri { port: None, ..uri.clone() });
        found.push(Uri { port: Some(default.to_owned()), ..uri.clone() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(uri: &str, htu_base: &str) -> Call {
        let call = Call::to("GET", uri.parse().expect("a URL"));
        Call { htu: call.named_by(&htu_base.parse().expect("a URL")), ..call }
    }

    fn all(call: &Call, hints: &[&str]) -> Vec<Candidate> {
        let hints: Vec<Uri> = hints.iter().map(|hint| hint.parse().expect("a URL")).collect();
        let found = candidates(call, &hints);
        for (index, candidate) in found.iter().enumerate() {
            assert_ne!(candidate.htu, call.htu);
            assert!(!found.iter().skip(index + 1).any(|other| other.htu == candidate.htu), "{found:?}");
            if let Some(base) = &candidate.base {
                assert_eq!(call.named_by(base), candidate.htu);
            }
        }
        found
    }

    #[track_caller]
    fn check(uri: &str, htu_base: &str, hints: &[&str], expected: &[&str]) {
        let found = all(&call(uri, htu_base), hints);
        let bases: Vec<String> =
            found.iter().filter_map(|found| found.base.as_ref()).map(Uri::to_string).collect();
        let first: Vec<&str> = bases.iter().take(expected.len()).map(String::as_str).collect();
        assert_eq!(first, expected, "{bases:?}");
        assert!(!bases.iter().any(|base| base.as_str() == htu_base), "{bases:?}");
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

    /// Without the beginning of the path, which no `htu-base` can take away.
    #[test]
    fn a_prefix_that_the_server_does_not_know() {
        let call = call("https://api.example.test/api/v1/me?x=1", "https://api.example.test");
        let found = all(&call, &["http://10.0.0.5:8080"]);
        let without = |candidate: &Candidate| candidate.base.is_none();
        let first = found.iter().position(without).expect("some");
        assert!(found.iter().skip(first).all(without), "{found:?}");
        let htus: Vec<String> = found.iter().skip(first).map(|found| found.htu.to_string()).collect();
        for expected in [
            "https://api.example.test/v1/me",
            "https://api.example.test/me",
            "http://10.0.0.5:8080/v1/me",
            "http://api.example.test/v1/me",
        ] {
            assert!(htus.iter().take(MOST - first).any(|htu| htu == expected), "{expected}: {htus:?}");
        }
        assert_eq!(rests("/me"), [""; 0]);
        assert_eq!(rests("/v1/"), [""; 0]);
        assert_eq!(rests("/a/b/c/d"), ["/b/c/d", "/c/d"]);
        let places = places_of_metadata(&"https://a.test/api/me?x=1".parse().expect("a URL"));
        let places: Vec<String> = places.iter().map(Uri::to_string).collect();
        assert_eq!(
            places,
            [
                "https://a.test/.well-known/oauth-protected-resource/api/me?x=1",
                "https://a.test/.well-known/oauth-protected-resource",
                "https://a.test/api/.well-known/oauth-protected-resource",
            ]
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
