//! How planted bugs read a request before anybody looks at its token and proof.
//!
//! Without the bug each of these changes nothing.

use axum::http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri as Target};

use super::answer::DPOP;
use super::defects::{Defect, DefectSet};
use crate::jose::base64url;
use crate::jose::json::{self, Json};
use crate::jose::jws::Compact;
use crate::jose::uri::Uri;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inbound<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a Target,
    pub(super) headers: &'a HeaderMap,
    pub(super) content: &'a str,
}

impl<'a> Inbound<'a> {
    /// Whether there is a token in one of these places beside the `Authorization` field.
    pub(super) fn has_second_token(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION) && self.token_parameter().is_some()
    }

    /// The access token in a place that bearer tokens have: the query, or a form in the content (RFC 6750 sections 2.2
    /// and 2.3).
    pub(super) fn token_parameter(&self) -> Option<&'a str> {
        let kind = self.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let form = kind.starts_with(b"application/x-www-form-urlencoded").then_some(self.content);
        let places = [self.target.query(), form];
        places.into_iter().flatten().find_map(|text| parameter(text, "access_token"))
    }
}

/// The header fields as the server reads them.
pub(super) fn headers(request: Inbound<'_>, defects: DefectSet) -> HeaderMap {
    let mut headers = request.headers.clone();
    if defects.is_empty() {
        return headers;
    }
    if defects.contains(Defect::ConnectionFieldsRemoved) {
        remove_connection_fields(&mut headers);
    }
    let proofs = fields(&headers, &DPOP);
    set_fields(&mut headers, &DPOP, proofs_as_read(proofs, defects));
    let mut credentials = fields(&headers, &AUTHORIZATION);
    if credentials.is_empty() {
        credentials.extend(token_elsewhere(request, defects).map(|token| format!("DPoP {token}")));
    }
    let credentials = credentials.into_iter().map(|value| credentials_as_read(value, defects)).collect();
    set_fields(&mut headers, &AUTHORIZATION, credentials);
    headers
}

/// Whether the server can't make a URL of the name that the request calls it by, and does not expect that.
pub(super) fn crashes(request: Inbound<'_>, defects: DefectSet) -> bool {
    let is_name = |host: &HeaderValue| {
        let url = host.to_str().ok().and_then(|host| format!("http://{host}").parse::<Uri>().ok());
        url.is_some_and(|url| url.path.is_empty() && url.query.is_none())
    };
    defects.contains(Defect::CrashOnMalformedHost) && !request.headers.get(HOST).is_none_or(is_name)
}

/// What the server takes for credentials, one after another; usually all fields at once.
pub(super) fn attempts(headers: HeaderMap, defects: DefectSet) -> Vec<HeaderMap> {
    let several = fields(&headers, &AUTHORIZATION);
    if !defects.contains(Defect::CredentialsTriedInTurn) || several.len() < 2 {
        return vec![headers];
    }
    let alone = |value: String| {
        let mut headers = headers.clone();
        set_fields(&mut headers, &AUTHORIZATION, vec![value]);
        headers
    };
    several.into_iter().map(alone).collect()
}

/// Whether no proof is verified although there is something in its place.
pub(super) fn proof_skipped(request: Inbound<'_>, proofs: &[&[u8]], defects: DefectSet) -> bool {
    match proofs {
        [] => defects.contains(Defect::ConnectionFieldsRemoved) && request.headers.contains_key(DPOP),
        [proof] => {
            (defects.contains(Defect::EmptyProofSkipped) && proof.is_empty())
                || (defects.contains(Defect::UnreadableProofSkipped) && Compact::read(proof).is_err())
        }
        [_, _, ..] => false,
    }
}

/// The method that the server compares `htm` with.
pub(super) fn method<'a>(request: Inbound<'a>, defects: DefectSet) -> &'a str {
    if !defects.contains(Defect::MethodOverrideTrusted) {
        return request.method;
    }
    let field = request.headers.get("x-http-method-override").and_then(|value| value.to_str().ok());
    field.or_else(|| parameter(request.target.query()?, "_method")).unwrap_or(request.method)
}

/// The URL that the server compares `htu` with: `own`, unless it takes it from the request.
pub(super) fn uri(request: Inbound<'_>, own: Uri, defects: DefectSet) -> Uri {
    let is = |defect| defects.contains(defect);
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let host = || text("host").unwrap_or_default();
    let at = |authority: &str| format!("{}://{authority}{}", own.scheme, own.path);
    let host_checked = is(Defect::HostPrefixChecked) && host().starts_with(&own.host_and_port());
    let claimed = if is(Defect::HostTrusted) || host_checked {
        Some(at(host()))
    } else if is(Defect::LastHostTrusted) {
        request.headers.get_all(HOST).iter().next_back().and_then(|value| value.to_str().ok()).map(at)
    } else if is(Defect::AbsoluteFormTrusted) || is(Defect::TargetAuthorityTrusted) {
        request.target.authority().map(|authority| at(authority.as_str()))
    } else if is(Defect::AbsoluteFormNotRead) {
        request.target.authority().map(|_| at(&format!("{}/{}", own.host_and_port(), request.target)))
    } else if is(Defect::ForwardedPrefixTrusted) {
        text("x-forwarded-prefix").map(|prefix| format!("{}{prefix}{}", own.origin(), own.path))
    } else if is(Defect::ForwardedHostTrusted) {
        text("x-forwarded-host").map(at)
    } else if is(Defect::ForwardedFieldTrusted) {
        text("forwarded").and_then(|value| value.split('"').nth(1)).map(at)
    } else if is(Defect::ForwardedProtoTrusted) {
        let scheme = text("x-forwarded-proto");
        scheme.map(|scheme| format!("{scheme}://{}:{}{}", own.host, own.effective_port(), own.path))
    } else if is(Defect::ForwardedPortTrusted) {
        text("x-forwarded-port").map(|port| at(&format!("{}:{port}", own.host)))
    } else {
        let path = text("x-original-url").filter(|_| is(Defect::OriginalUrlTrusted));
        let path = path.or_else(|| text("x-rewrite-url").filter(|_| is(Defect::RewriteUrlTrusted)));
        path.map(|path| format!("{}://{}{path}", own.scheme, own.host_and_port()))
    };
    claimed.and_then(|url| url.parse::<Uri>().ok()).map_or(own, |url| url.without_query())
}

fn fields(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.get_all(name).iter().map(text).collect()
}

fn set_fields(headers: &mut HeaderMap, name: &HeaderName, values: Vec<String>) {
    headers.remove(name);
    for value in values.into_iter().filter_map(|value| HeaderValue::try_from(value).ok()) {
        headers.append(name, value);
    }
}

/// What a proxy does with the fields that are about one connection (RFC 9110 section 7.6.1).
fn remove_connection_fields(headers: &mut HeaderMap) {
    let named: Vec<String> = fields(headers, &CONNECTION);
    for name in named.iter().flat_map(|value| value.split(',')) {
        headers.remove(name.trim());
    }
}

fn proofs_as_read(mut proofs: Vec<String>, defects: DefectSet) -> Vec<String> {
    let is = |defect| defects.contains(defect);
    if is(Defect::IdenticalProofsMerged) {
        proofs.dedup();
    }
    if is(Defect::UnreadableProofsDropped) && proofs.len() > 1 {
        proofs.retain(|proof| Compact::read(proof.as_bytes()).is_ok());
    }
    proofs.into_iter().map(|proof| proof_as_read(&proof, defects).unwrap_or(proof)).collect()
}

/// The value that the server takes for the proof, where that is another than stands there.
fn proof_as_read(proof: &str, defects: DefectSet) -> Option<String> {
    let is = |defect| defects.contains(defect);
    if is(Defect::ProofListSplit) {
        proof.split(',').next().map(|first| first.trim().to_owned())
    } else if is(Defect::ProofQuotesRemoved) {
        Some(proof.trim_matches('"').to_owned())
    } else if is(Defect::ProofCutAtSpace) {
        proof.split(' ').next().map(str::to_owned)
    } else if is(Defect::ExtraSegmentsIgnored) {
        let segments: Vec<&str> = proof.split('.').take(3).collect();
        Some(segments.join("."))
    } else if is(Defect::JsonSerialisationAccepted) {
        let object = json::read(proof.as_bytes()).ok()?;
        let member = |name| object.as_object()?.member(name).and_then(Json::as_str);
        Some(format!("{}.{}.{}", member("protected")?, member("payload")?, member("signature")?))
    } else if is(Defect::NestedProofUnwrapped) {
        let payload = proof.split('.').nth(1)?;
        String::from_utf8(base64url::decode(payload)?).ok().filter(|inner| inner.split('.').count() == 3)
    } else {
        None
    }
}

/// The token from a place that bearer tokens have (RFC 6750 sections 2.2 and 2.3).
fn token_elsewhere(request: Inbound<'_>, defects: DefectSet) -> Option<&str> {
    if defects.contains(Defect::TokenInProxyAuthorizationAccepted) {
        let field = request.headers.get(PROXY_AUTHORIZATION)?.to_str().ok()?;
        field.split_once(' ').map(|(_, token)| token)
    } else if defects.contains(Defect::TokenInQueryAccepted) {
        parameter(request.target.query()?, "access_token")
    } else if defects.contains(Defect::TokenInFormAccepted) {
        parameter(request.content, "access_token")
    } else {
        None
    }
}

/// The value of a parameter of a form or query.
pub(super) fn parameter<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn credentials_as_read(value: String, defects: DefectSet) -> String {
    let is = |defect| defects.contains(defect);
    let behind_scheme =
        value.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("DPoP")).and(value.get(4..));
    let Some(rest) = behind_scheme else { return value };
    if is(Defect::CredentialsSplitLeniently) {
        format!("DPoP {}", rest.trim())
    } else if is(Defect::TokenParameterAccepted) && rest.starts_with(" token=\"") {
        format!("DPoP {}", rest.trim_start_matches(" token=").trim_matches('"'))
    } else if is(Defect::CredentialsCutShort) {
        let token = rest.trim_start().split([',', ' ']).next().unwrap_or_default();
        format!("DPoP {token}")
    } else if is(Defect::TwoSpacesRefused) && rest.starts_with("  ") {
        "DPoP".to_owned()
    } else {
        value
    }
}

/// Whether `ath` is compared: a planted bug does that only where the scheme is spelled as in RFC 9449.
pub(super) fn looks_at_ath(headers: &HeaderMap, defects: DefectSet) -> bool {
    let spelled = || headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"DPoP "));
    !defects.contains(Defect::AthUnderExactScheme) || spelled()
}
