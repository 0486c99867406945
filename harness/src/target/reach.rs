use std::fmt;
use std::str::FromStr;

use super::tls::Authorities;

/// How a server is reached, where that is not plain from its URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Whose certificates are trusted.
    pub authorities: Authorities,
    /// Other places to connect to; the first that fits counts.
    pub connect_to: Vec<ConnectTo>,
}

/// Connects to another place than the URL names, as `--connect-to` of curl does: `HOST1:PORT1:HOST2:PORT2`. What is sent
/// and whose certificate is expected stays the same. An empty part in the first half is any, in the second half no change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from_host: Option<String>,
    from_port: Option<u16>,
    to_host: Option<String>,
    to_port: Option<u16>,
}

impl Reach {
    /// The same, but whatever the URL, this place is connected to.
    #[must_use]
    pub fn always_to(&self, host: &str, port: u16) -> Self {
        let rule = ConnectTo {
            from_host: None,
            from_port: None,
            to_host: Some(host.to_owned()),
            to_port: Some(port),
        };
        Self { connect_to: vec![rule], ..self.clone() }
    }

    /// The place to connect to for a URL with this host and port.
    pub(super) fn place(&self, host: &str, port: u16) -> (String, u16) {
        let fits = |rule: &&ConnectTo| {
            rule.from_host.as_ref().is_none_or(|from| from.eq_ignore_ascii_case(host))
                && rule.from_port.is_none_or(|from| from == port)
        };
        match self.connect_to.iter().find(fits) {
            Some(rule) => {
                (rule.to_host.clone().unwrap_or_else(|| host.to_owned()), rule.to_port.unwrap_or(port))
            }
            None => (host.to_owned(), port),
        }
    }
}

impl FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not HOST1:PORT1:HOST2:PORT2");
        let mut rest = Some(text);
        let mut part = || {
            let text = rest.ok_or_else(wrong)?;
            // An IPv6 address has colons of its own.
            let end = if text.starts_with('[') { text.find(']').ok_or_else(wrong)? } else { 0 };
            let colon = text.get(end..).unwrap_or_default().find(':').map(|at| at + end);
            let (part, behind) = match colon {
                Some(at) => (text.get(..at), text.get(at + 1..)),
                None => (Some(text), None),
            };
            rest = behind;
            Ok::<_, String>(part.filter(|part| !part.is_empty()))
        };
        let parts = [part()?, part()?, part()?, part()?];
        if rest.is_some() {
            return Err(wrong());
        }
        let [from_host, from_port, to_host, to_port] = parts;
        let host = |part: Option<&str>| part.map(|part| part.trim_matches(['[', ']']).to_owned());
        let port = |part: Option<&str>| part.map(str::parse).transpose().map_err(|_| wrong());
        Ok(Self {
            from_host: host(from_host),
            from_port: port(from_port)?,
            to_host: host(to_host),
            to_port: port(to_port)?,
        })
    }
}

/// As it is written on the command line.
impl fmt::Display for ConnectTo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Option<String>| match host.as_deref() {
            Some(host) if host.contains(':') => format!("[{host}]"),
            Some(host) => host.to_owned(),
            None => String::new(),
        };
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let (from, to) = (host(&self.from_host), host(&self.to_host));
        write!(out, "{from}:{}:{to}:{}", port(self.from_port), port(self.to_port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, from: (&str, u16), to: (&str, u16)) {
        let reach = Reach { connect_to: vec![rule.parse().expect("a rule")], ..Reach::default() };
        assert_eq!(reach.place(from.0, from.1), (to.0.to_owned(), to.1), "{rule}");
        assert_eq!(reach.connect_to.iter().map(ConnectTo::to_string).collect::<Vec<_>>(), [rule]);
    }

    #[test]
    fn places() {
        check("api.example:443:127.0.0.1:8443", ("api.example", 443), ("127.0.0.1", 8443));
        check("api.example:443:127.0.0.1:8443", ("API.example", 443), ("127.0.0.1", 8443));
        check("api.example:443:127.0.0.1:8443", ("api.example", 444), ("api.example", 444));
        check("api.example:443:127.0.0.1:8443", ("other.example", 443), ("other.example", 443));
        check("::127.0.0.1:", ("api.example", 443), ("127.0.0.1", 443));
        check(":443::8443", ("api.example", 443), ("api.example", 8443));
        check("[::1]:443:[fe80::1]:8443", ("::1", 443), ("fe80::1", 8443));
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rule = |text: &str| text.parse().expect("a rule");
        let connect_to = vec![rule("a:::1"), rule(":::2"), rule("a:::3")];
        let reach = Reach { connect_to, ..Reach::default() };
        assert_eq!(reach.place("a", 9), ("a".to_owned(), 1));
        assert_eq!(reach.place("b", 9), ("b".to_owned(), 2));
    }

    #[test]
    fn what_is_no_rule() {
        for text in ["", "a", "a:1:b", "a:1:b:2:c", "a:x:b:2", "a:1:b:65536", "[::1:1:b:2"] {
            assert!(text.parse::<ConnectTo>().is_err(), "{text:?}");
        }
    }
}
