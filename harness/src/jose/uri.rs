//! http and https URIs, split into their components (RFC 3986 section 3) and not changed by it.

use std::fmt;
use std::str::FromStr;

/// An absolute `http` or `https` URI by its components, each as it was spelled.
///
/// Displaying it gives the text that was read. Comparing two for the purposes of `htu` is not equality here; it is the
/// reference server's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// `http` or `https`, in the case in which it was written.
    pub scheme: String,
    /// What stands before an `@` in the authority.
    pub userinfo: Option<String>,
    /// A registered name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    /// The text after the colon; empty where a colon stands alone.
    pub port: Option<String>,
    /// Empty, or begins with a slash.
    pub path: String,
    /// Without the question mark.
    pub query: Option<String>,
    /// Without the number sign.
    pub fragment: Option<String>,
}

/// Why a text is not an absolute `http` or `https` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// The scheme is missing or another one.
    #[error("not an http or https URI")]
    Scheme,
    /// `//` does not follow the scheme, or there is no host.
    #[error("no host")]
    NoHost,
    /// A character that RFC 3986 does not allow where it stands, or a `%` without two hexadecimal digits.
    #[error("a character that can't stand in a URI")]
    Character,
    /// The port is not a number from 0 to 65535.
    #[error("not a port")]
    Port,
}

impl Uri {
    /// Whether the scheme is `https`, in any case.
    pub fn is_https(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("https")
    }

    /// Whether the host is this machine: a loopback address, or `localhost` (RFC 6761 section 6.3).
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Scheme, host and, where one was written, port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host_and_port())
    }

    /// The port in use: the one given, or the scheme's default.
    pub fn effective_port(&self) -> u16 {
        let default = if self.is_https() { 443 } else { 80 };
        self.port.as_deref().and_then(|port| port.parse().ok()).unwrap_or(default)
    }

    /// Host and, where one was written, port: the value of the `Host` field.
    pub fn host_and_port(&self) -> String {
        match &self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The request target in origin form (RFC 9112 section 3.2.1): path and query.
    pub fn origin_form(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        match &self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The URI without query and fragment: what RFC 9449 section 4.2 puts into `htu`.
    #[must_use]
    pub fn without_query(&self) -> Self {
        Self { query: None, fragment: None, ..self.clone() }
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
            return Err(UriError::Scheme);
        }
        let rest = rest.strip_prefix("//").ok_or(UriError::NoHost)?;
        let (rest, fragment) = split_before(rest, '#');
        let (rest, query) = split_before(rest, '?');
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (userinfo, host_and_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_and_port)) => (Some(userinfo), host_and_port),
            None => (None, authority),
        };
        let (host, port) = split_port(host_and_port)?;
        if host.is_empty() {
            return Err(UriError::NoHost);
        }
        if port.is_some_and(|port| !port.is_empty() && (!digits(port) || port.parse::<u16>().is_err())) {
            return Err(UriError::Port);
        }
        let valid = allowed(userinfo.unwrap_or_default(), ":")
            && (host.starts_with('[') || allowed(host, ""))
            && allowed(path, ":@/")
            && allowed(query.unwrap_or_default(), ":@/?")
            && allowed(fragment.unwrap_or_default(), ":@/?");
        if !valid {
            return Err(UriError::Character);
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            userinfo: userinfo.map(str::to_owned),
            host: host.to_owned(),
            port: port.map(str::to_owned),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            fragment: fragment.map(str::to_owned),
        })
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://", self.scheme)?;
        if let Some(userinfo) = &self.userinfo {
            write!(out, "{userinfo}@")?;
        }
        write!(out, "{}{}", self.host_and_port(), self.path)?;
        if let Some(query) = &self.query {
            write!(out, "?{query}")?;
        }
        if let Some(fragment) = &self.fragment {
            write!(out, "#{fragment}")?;
        }
        Ok(())
    }
}

fn split_before(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), UriError> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(UriError::Character)?;
        let (host, rest) = text.split_at(end + 1);
        let address = host.trim_start_matches('[').trim_end_matches(']');
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(UriError::Character);
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UriError::Character),
        };
    }
    Ok(split_before(text, ':'))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` has only unreserved characters, sub-delims, percent-encoded octets and those in `also`.
fn allowed(text: &str, also: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit()))
            }
            b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            other => other.is_ascii_alphanumeric() || also.as_bytes().contains(&other),
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn components() {
        let uri: Uri = "https://u:p@rs.example:8443/a/b?c=d/?e#f".parse().expect("valid");
        assert_eq!(uri.userinfo.as_deref(), Some("u:p"));
        assert_eq!((uri.host.as_str(), uri.effective_port()), ("rs.example", 8443));
        assert_eq!(uri.origin_form(), "/a/b?c=d/?e");
        assert_eq!(uri.without_query().to_string(), "https://u:p@rs.example:8443/a/b");
        let bare: Uri = "http://[::1]".parse().expect("valid");
        assert_eq!((bare.host_and_port().as_str(), bare.effective_port()), ("[::1]", 80));
        assert_eq!(bare.origin_form(), "/");
        assert!(
            "https://rs:/r:99999".parse::<Uri>().is_ok(),
            "an empty port and a colon in the path are legal"
        );
    }

    #[test]
    fn refusals() {
        for (text, error) in [
            ("/r", UriError::Scheme),
            ("ftp://a/", UriError::Scheme),
            ("https:rs/r", UriError::NoHost),
            ("https:///r", UriError::NoHost),
            ("https://rs:99999/", UriError::Port),
            ("https://rs:+1/", UriError::Port),
            ("https://rs\\r", UriError::Character),
            ("https://rs/a b", UriError::Character),
            ("https://rs/%zz", UriError::Character),
            ("https://rs/\u{e9}", UriError::Character),
            ("https://rs/#a#b", UriError::Character),
            ("https://[::g]/", UriError::Character),
        ] {
            assert_eq!(text.parse::<Uri>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_gives_back_what_was_read(text in r"https?://[a-z.@:%41\[\]-]{1,12}[/a-z%?#:@.;=]{0,16}") {
            if let Ok(uri) = text.parse::<Uri>() {
                prop_assert_eq!(uri.to_string(), text);
            }
        }
    }
}
