//! Comparing `htu` with the URI of the request (RFC 9449 section 4.3, check 9).
//!
//! The RFC recommends syntax-based and scheme-based normalisation (RFC 3986 sections 6.2.2 and 6.2.3) and no more than
//! that: a trailing slash, a doubled slash, `%2F` and the case of the path make a difference.

use super::defects::{Defect, DefectSet};
use super::faulty_htu;
use crate::jose::uri::Uri;

/// The URI of the request, as the server knows it.
#[derive(Debug, Clone, Copy)]
pub struct RequestUri<'a> {
    /// The server's public origin and the path of the request, without query: never taken from the `Host` field.
    pub uri: &'a Uri,
    /// The query of the request. A sound comparison does not look at it.
    pub query: Option<&'a str>,
}

/// A URI without query and fragment, normalised: two that are equal name the same resource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Normalised {
    scheme: String,
    host: String,
    /// None for the scheme's default port.
    port: Option<u16>,
    path: String,
}

/// Whether `htu` names the resource of the request, query and fragment ignored.
pub(super) fn matches(htu: &Uri, request: RequestUri<'_>, defects: DefectSet) -> bool {
    if defects.contains(Defect::HtuLiteral) {
        return htu.without_query() == request.uri.without_query();
    }
    if defects.contains(Defect::HtuWithRequestQuery) && htu.query.as_deref() != request.query {
        return false;
    }
    let query_refused = defects.contains(Defect::HtuQueryRefused) && htu.query.is_some();
    if query_refused || (defects.contains(Defect::HtuFragmentRefused) && htu.fragment.is_some()) {
        return false;
    }
    if defects.contains(Defect::HtuPortLiteral) && htu.port != request.uri.port {
        return false;
    }
    // RFC 9110 section 4.2.4: user information in an http URI is an error; nothing that a server is reached by has it.
    let userinfo = htu.userinfo.is_some() || request.uri.userinfo.is_some();
    if userinfo && !defects.contains(Defect::HtuUserinfoIgnored) {
        return false;
    }
    let (claimed, actual) = (Normalised::of(htu, defects), Normalised::of(request.uri, defects));
    let path_only = defects.contains(Defect::HtuPathOnly);
    let same_path =
        claimed.path == actual.path || faulty_htu::path_accepted(&claimed.path, &actual.path, defects);
    (claimed.scheme == actual.scheme || path_only || defects.contains(Defect::HtuSchemeIgnored))
        && (claimed.host == actual.host
            || path_only
            || faulty_htu::host_accepted(&claimed.host, &actual.host, defects))
        && (claimed.port == actual.port || path_only || defects.contains(Defect::HtuPortIgnored))
        && same_path
}

/// Whether `htu` names the resource of the request to a server without planted bugs.
#[cfg(any(test, feature = "fuzzing"))]
pub fn names_resource(htu: &Uri, request: RequestUri<'_>) -> bool {
    matches(htu, request, DefectSet::default())
}

/// The URI without user information, query and fragment, as comparisons see it.
#[cfg(any(test, feature = "fuzzing"))]
pub fn normalised(uri: &Uri) -> Uri {
    let Normalised { scheme, host, port, path } = Normalised::of(uri, DefectSet::default());
    let port = port.map(|port| port.to_string());
    Uri { scheme, userinfo: None, host, port, path, query: None, fragment: None }
}

impl Normalised {
    fn of(uri: &Uri, defects: DefectSet) -> Self {
        let default = if uri.is_https() { 443 } else { 80 };
        let path = if defects.contains(Defect::HtuEscapesLiteral) {
            without_dot_segments(&uri.path)
        } else if defects.contains(Defect::HtuDotsBeforeEscapes) {
            with_canonical_escapes(&without_dot_segments(&uri.path))
        } else {
            without_dot_segments(&with_canonical_escapes(&uri.path))
        };
        let keep_empty = defects.contains(Defect::HtuEmptyPathKept);
        Self {
            scheme: uri.scheme.to_ascii_lowercase(),
            // Whatever escapes are left become lower-case with the rest, on both sides alike.
            host: with_canonical_escapes(&uri.host).to_ascii_lowercase(),
            port: Some(uri.effective_port()).filter(|port| *port != default),
            path: if path.is_empty() && !keep_empty { "/".to_owned() } else { path },
        }
    }
}

/// RFC 3986 sections 6.2.2.1 and 6.2.2.2: escapes of unreserved characters decoded, the others in upper case.
///
/// The escapes are known to be complete: [`Uri`] lets no others in.
fn with_canonical_escapes(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    let mut parts = text.split('%');
    canonical.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        match u8::from_str_radix(digits, 16).map(char::from) {
            Ok(octet) if octet.is_ascii_alphanumeric() || "-._~".contains(octet) => canonical.push(octet),
            _ => {
                canonical.push('%');
                canonical.push_str(&digits.to_ascii_uppercase());
            }
        }
        canonical.push_str(rest);
    }
    canonical
}

/// RFC 3986 section 5.2.4, for a path that is empty or begins with a slash.
pub(super) fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        // "/a/." and "/a/.." end in a slash.
        if last {
            kept.push("");
        }
    }
    kept.iter().map(|segment| format!("/{segment}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(htu: &str, request: &str, expected: bool) {
        check_with(&[], htu, request, expected);
    }

    #[track_caller]
    fn check_with(defects: &[Defect], htu: &str, request: &str, expected: bool) {
        let request: Uri = request.parse().expect("the request's URI");
        let bare = request.without_query();
        let actual = matches(
            &htu.parse().expect("htu"),
            RequestUri { uri: &bare, query: request.query.as_deref() },
            defects.iter().copied().collect(),
        );
        assert_eq!(actual, expected, "{htu} for {request} with {defects:?}");
    }

    const REQUEST: &str = "https://rs.example/a/r?x=1";

    #[test]
    fn query_and_fragment_are_ignored() {
        for htu in ["https://rs.example/a/r", "https://rs.example/a/r?y=2", "https://rs.example/a/r?x=1#f"] {
            check(htu, REQUEST, true);
        }
        check("https://rs.example/a/r", "https://rs.example/a/r", true);
    }

    #[test]
    fn equal_after_normalisation() {
        for htu in [
            "HTTPS://RS.Example/a/r",
            "https://rs.example:443/a/r",
            "https://rs.example:0443/a/r",
            "https://rs.example:/a/r",
            "https://rs.example/%61/r",
            "https://%72s.example/a/r",
            "https://%52s.example/a/r",
            "https://rs.example/a/./r",
            "https://rs.example/a/b/../r",
            "https://rs.example/../a/r",
            "https://rs.example/a/%2e/r",
            "https://rs.example/a/b/%2E%2e/r",
        ] {
            check(htu, REQUEST, true);
        }
        check("https://rs.example", "https://rs.example/", true);
        check("https://rs.example/", "https://rs.example?q", true);
        check("http://rs.example:80/", "http://rs.example/", true);
        check("https://rs.example/~u/%2Fx", "https://rs.example/%7eu/%2fx", true);
        check("https://rs.example/a/", "https://rs.example/a/r/..", true);
        check("https://rs.example/a/", "https://rs.example/a/.", true);
        check("http://[::A]/", "http://[::a]/", true);
    }

    #[test]
    fn normalisation_goes_no_further() {
        for htu in [
            "https://rs.example/a/R",
            "https://rs.example/a/r/",
            "https://rs.example/a//r",
            "https://rs.example//a/r",
            "https://rs.example/a%2Fr",
            "https://rs.example/a/r;v=1",
            "https://rs.example/a",
            "https://rs.example/",
            "https://rs.example/a/r/x",
            "https://rs.example/b/r",
            "https://rs.example./a/r",
            "https://rs.example.evil/a/r",
            "https://evil/a/r",
            "http://rs.example/a/r",
            "http://rs.example:443/a/r",
            "https://rs.example:80/a/r",
            "https://rs.example:8443/a/r",
            "https://u:p@rs.example/a/r",
            "https://@rs.example/a/r",
        ] {
            check(htu, REQUEST, false);
        }
        check("https://rs.example/A%2fb", "https://rs.example/A/b", false);
        check("https://rs.example/%2561", "https://rs.example/%61", false);
    }

    #[test]
    fn defects_loosen_or_tighten_one_thing() {
        for (defect, htu, expected) in [
            (Defect::HtuLiteral, "https://rs.example/a/r?y", true),
            (Defect::HtuLiteral, "https://RS.example/a/r", false),
            (Defect::HtuWithRequestQuery, "https://rs.example/a/r", false),
            (Defect::HtuWithRequestQuery, "https://rs.example/a/r?x=1", true),
            (Defect::HtuQueryRefused, "https://rs.example/a/r?y", false),
            (Defect::HtuQueryRefused, "https://rs.example/a/r", true),
            (Defect::HtuPathOnly, "http://evil:1/a/r", true),
            (Defect::HtuPathOnly, "https://rs.example/a", false),
            (Defect::HtuOriginOnly, "https://rs.example/b", true),
            (Defect::HtuOriginOnly, "https://evil/a/r", false),
            (Defect::HtuPrefix, "https://rs.example/a/r/x", true),
            (Defect::HtuPrefix, "https://rs.example/a", false),
            (Defect::HtuSchemeIgnored, "http://rs.example/a/r", true),
            (Defect::HtuSchemeIgnored, "http://evil/a/r", false),
            (Defect::HtuHostIgnored, "https://evil/a/r", true),
            (Defect::HtuHostIgnored, "https://evil/a/b", false),
            (Defect::HtuPortIgnored, "https://rs.example:8443/a/r", true),
            (Defect::HtuFragmentRefused, "https://rs.example/a/r#f", false),
            (Defect::HtuFragmentRefused, "https://rs.example/a/r?y", true),
            (Defect::HtuPortLiteral, "https://rs.example:443/a/r", false),
            (Defect::HtuPortLiteral, "https://rs.example:/a/r", false),
            (Defect::HtuPortLiteral, "https://RS.example/a/r", true),
            (Defect::HtuEscapesLiteral, "https://rs.example/%61/r", false),
            (Defect::HtuEscapesLiteral, "https://rs.example/a/./r", true),
            (Defect::HtuUserinfoIgnored, "https://u@rs.example/a/r", true),
            (Defect::HtuHostPrefix, "https://rs.example.evil/a/r", true),
            (Defect::HtuHostPrefix, "https://evil/a/r", false),
            (Defect::HtuBeginningAccepted, "https://rs.example/a", true),
            (Defect::HtuBeginningAccepted, "https://rs.example/b", false),
            (Defect::HtuPathCaseFolded, "https://rs.example/A/R", true),
            (Defect::HtuPathCaseFolded, "https://rs.example/a/s", false),
            (Defect::HtuTrailingSlashIgnored, "https://rs.example/a/r/", true),
            (Defect::HtuTrailingSlashIgnored, "https://rs.example/a//r", false),
            (Defect::HtuSlashesMerged, "https://rs.example/a//r", true),
            (Defect::HtuPathDecoded, "https://rs.example/a%2fr", true),
            (Defect::HtuPathDecoded, "https://rs.example/a/.%2Fr", true),
            (Defect::HtuPathDecoded, "https://rs.example/a/R", false),
            (Defect::HtuPortIgnored, "http://rs.example:8443/a/r", false),
        ] {
            check_with(&[defect], htu, REQUEST, expected);
        }
        check_with(&[Defect::HtuEmptyPathKept], "https://rs.example", "https://rs.example/", false);
        check_with(&[Defect::HtuEmptyPathKept], "https://rs.example/", "https://rs.example/", true);
        check_with(&[Defect::HtuEscapesLiteral], "https://a/%2f", "https://a/%2F", false);
    }
}
