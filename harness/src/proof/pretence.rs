use schemars::JsonSchema;
use serde::Deserialize;

use super::carry::{Field, Request};
use crate::jose::uri::Uri;

/// A way in which a request states a method or URL beside its request line and `Host`.
///
/// What it states is what the proof names. A server that takes it for the truth compares the proof with what its sender
/// chose, and so with nothing (RFC 9449 section 4.3, checks 8 and 9). Proxies set some of these fields, so a server may
/// believe them from there. Where the proof is right, so is what the request states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pretence {
    /// `Host` with the host and port of `htu`.
    Host,
    /// `Host` with the server's own name, then the path of `htu` and a question mark, so that a URL put together as text
    /// has the real path in its query. Servers have to refuse it (RFC 9112 section 3.2).
    HostWithPath,
    /// A second `Host` field, with the host and port of `htu`. Servers have to refuse it (RFC 9112 section 3.2).
    SecondHost,
    /// The request target in absolute form, with the URL that `htu` names (RFC 9112 section 3.2.2).
    AbsoluteForm,
    /// `X-Forwarded-Host` with the host and port of `htu`.
    XForwardedHost,
    /// `X-Forwarded-Proto` with the scheme of `htu`.
    XForwardedProto,
    /// `X-Forwarded-Port` with the port of `htu`.
    XForwardedPort,
    /// `X-Forwarded-Prefix` with what `htu` has before the path of the request.
    XForwardedPrefix,
    /// The request target with `//` and the host and port of `htu` before the path, which resolved as a reference names
    /// that host (RFC 3986 section 4.2).
    NetworkPath,
    /// `Forwarded` with the host, port and scheme of `htu` (RFC 7239).
    Forwarded,
    /// `X-Original-URL` with the path of `htu`.
    XOriginalUrl,
    /// `X-Rewrite-URL` with the path of `htu`.
    XRewriteUrl,
    /// `X-HTTP-Method-Override` with the method of `htm`.
    XHttpMethodOverride,
    /// The query parameter `_method` with the method of `htm`.
    MethodParameter,
}

impl Pretence {
    /// Makes the request state `htm` or `htu`.
    pub fn apply(self, request: &mut Request, htm: &str, htu: &Uri) {
        let authority = htu.host_and_port();
        let add = |request: &mut Request, name, value| request.fields.push(Field::new(name, value));
        match self {
            Self::Host => request.set("Host", authority),
            Self::HostWithPath => {
                if let Some(host) = request.fields.iter_mut().find(|field| field.name == "Host") {
                    host.value.push_str(&htu.path);
                    host.value.push('?');
                }
            }
            Self::SecondHost => add(request, "Host", authority),
            Self::AbsoluteForm => request.target = format!("{}://{authority}{}", htu.scheme, request.target),
            Self::XForwardedHost => add(request, "X-Forwarded-Host", authority),
            Self::XForwardedProto => add(request, "X-Forwarded-Proto", htu.scheme.clone()),
            Self::XForwardedPort => add(request, "X-Forwarded-Port", htu.effective_port().to_string()),
            Self::XForwardedPrefix => {
                let path = request.target.split('?').next().unwrap_or_default();
                let prefix = htu.path.strip_suffix(path).filter(|prefix| !prefix.is_empty());
                add(request, "X-Forwarded-Prefix", prefix.unwrap_or("/").to_owned());
            }
            Self::NetworkPath => request.target = format!("//{authority}{}", request.target),
            Self::Forwarded => {
                add(request, "Forwarded", format!("host=\"{authority}\";proto={}", htu.scheme));
            }
            Self::XOriginalUrl => add(request, "X-Original-URL", htu.origin_form()),
            Self::XRewriteUrl => add(request, "X-Rewrite-URL", htu.origin_form()),
            Self::XHttpMethodOverride => add(request, "X-HTTP-Method-Override", htm.to_owned()),
            Self::MethodParameter => request.add_query(&format!("_method={htm}")),
        }
    }

    /// What it does, as a phrase that fits behind "sent:".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Host => "Host as in htu",
            Self::HostWithPath => "Host with the path of htu and a question mark behind the name",
            Self::SecondHost => "a second Host field, as in htu",
            Self::AbsoluteForm => "the request target in absolute form",
            Self::XForwardedHost => "X-Forwarded-Host as in htu",
            Self::XForwardedProto => "X-Forwarded-Proto as in htu",
            Self::XForwardedPort => "X-Forwarded-Port as in htu",
            Self::XForwardedPrefix => "X-Forwarded-Prefix as in htu",
            Self::NetworkPath => "a request target that begins with // and the host in htu",
            Self::Forwarded => "Forwarded as in htu",
            Self::XOriginalUrl => "X-Original-URL as in htu",
            Self::XRewriteUrl => "X-Rewrite-URL as in htu",
            Self::XHttpMethodOverride => "X-HTTP-Method-Override as in htm",
            Self::MethodParameter => "the query parameter _method as in htm",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::Call;

    #[track_caller]
    fn check(pretence: Pretence, expected_line: &str, expected_field: &str) {
        let uri: Uri = "http://rs.example:9401/r?a=1".parse().expect("a URL");
        let call = Call::to("GET", uri);
        let mut request = Request::bare(&call);
        pretence.apply(&mut request, "PUT", &"https://other.example:8443/x/y".parse().expect("a URL"));
        let text = String::from_utf8(request.to_bytes()).expect("text");
        assert_eq!(text.lines().next(), Some(expected_line));
        assert!(text.contains(&format!("\r\n{expected_field}\r\n")), "{text}");
    }

    #[test]
    fn a_prefix_is_what_comes_before_the_path() {
        let uri: Uri = "http://rs.example/r?a=1".parse().expect("a URL");
        let mut request = Request::bare(&Call::to("GET", uri));
        Pretence::XForwardedPrefix.apply(
            &mut request,
            "GET",
            &"http://rs.example/app/r".parse().expect("a URL"),
        );
        let prefix = request.fields.iter().find(|field| field.name == "X-Forwarded-Prefix");
        assert_eq!(prefix.map(|field| field.value.as_str()), Some("/app"));
    }

    #[test]
    fn each_states_what_the_proof_names() {
        let line = "GET /r?a=1 HTTP/1.1";
        check(Pretence::Host, line, "Host: other.example:8443");
        check(Pretence::HostWithPath, line, "Host: rs.example:9401/x/y?");
        check(Pretence::SecondHost, line, "Host: rs.example:9401");
        check(Pretence::SecondHost, line, "Host: other.example:8443");
        let absolute = "GET https://other.example:8443/r?a=1 HTTP/1.1";
        check(Pretence::AbsoluteForm, absolute, "Host: rs.example:9401");
        check(Pretence::XForwardedHost, line, "X-Forwarded-Host: other.example:8443");
        check(Pretence::XForwardedProto, line, "X-Forwarded-Proto: https");
        check(Pretence::XForwardedPort, line, "X-Forwarded-Port: 8443");
        check(Pretence::XForwardedPrefix, line, "X-Forwarded-Prefix: /");
        check(Pretence::NetworkPath, "GET //other.example:8443/r?a=1 HTTP/1.1", "Host: rs.example:9401");
        check(Pretence::Forwarded, line, "Forwarded: host=\"other.example:8443\";proto=https");
        check(Pretence::XOriginalUrl, line, "X-Original-URL: /x/y");
        check(Pretence::XRewriteUrl, line, "X-Rewrite-URL: /x/y");
        check(Pretence::XHttpMethodOverride, line, "X-HTTP-Method-Override: PUT");
        check(Pretence::MethodParameter, "GET /r?a=1&_method=PUT HTTP/1.1", "Host: rs.example:9401");
    }
}
