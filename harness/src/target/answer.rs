use std::fmt;
use std::time::SystemTime;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP response.
    Response(Response),
    /// None.
    Nothing(NoAnswer),
}

/// An HTTP response, as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields in order; names in the case in which they came.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The content, up to a limit.
    pub body: Vec<u8>,
}

/// Why no response came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection: the operating system says why.
    Unreachable(String),
    /// The server's certificate has no issuer that this system trusts.
    Untrusted(String),
    /// The server's certificate is no good, whoever issued it: another name, or expired.
    BadCertificate(String),
    /// What answers does not speak TLS, or refuses the handshake.
    NoTls(String),
    /// The deadline passed.
    Timeout,
    /// The connection was closed or reset before a whole response had come.
    Closed,
    /// What came is not HTTP/1.1.
    Malformed(&'static str),
    /// The server speaks no HTTP/2, or sent what it does not allow; an error code of RFC 9113 section 7 says what.
    NotHttp2(String),
    /// The server ended the HTTP/2 connection, with this error code.
    GoAway(String),
    /// The server ended the HTTP/2 stream, with this error code.
    Reset(String),
    /// The cap on the number of requests was reached, so nothing was sent.
    CapReached,
    /// HTTP/2 has no form for it, so nothing was sent.
    Inexpressible(&'static str),
    /// The server had closed the connection that it was to go over.
    NotKept,
    /// The harness cut the connection, because the case wants the answer lost.
    Cut,
}

impl NoAnswer {
    /// Whether the request was not sent as the case wants it, which shows nothing about the server.
    pub fn is_not_sent(&self) -> bool {
        match self {
            Self::Inexpressible(_) | Self::NotKept => true,
            Self::Unreachable(_)
            | Self::Timeout
            | Self::Closed
            | Self::Malformed(_)
            | Self::NotHttp2(_)
            | Self::GoAway(_)
            | Self::Reset(_)
            | Self::Untrusted(_)
            | Self::BadCertificate(_)
            | Self::NoTls(_)
            | Self::CapReached
            | Self::Cut => false,
        }
    }

    /// Whether the server has no part in it.
    pub fn is_of_the_harness(&self) -> bool {
        self.is_not_sent() || matches!(self, Self::CapReached | Self::Cut)
    }
}

impl From<Result<Response, NoAnswer>> for Answer {
    fn from(result: Result<Response, NoAnswer>) -> Self {
        match result {
            Ok(response) => Self::Response(response),
            Err(nothing) => Self::Nothing(nothing),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(out, "no connection: {why}"),
            Self::Untrusted(why) | Self::BadCertificate(why) => {
                write!(out, "the certificate is not accepted: {why}")
            }
            Self::NoTls(why) => write!(out, "no TLS: {why}"),
            Self::Timeout => out.write_str("no answer within the deadline"),
            Self::Closed => out.write_str("the connection was closed without a whole answer"),
            Self::Malformed(what) => write!(out, "the answer is not HTTP/1.1: {what}"),
            Self::NotHttp2(what) => {
                write!(out, "the server does not speak HTTP/2, or not as it should: {what}")
            }
            Self::GoAway(code) => write!(out, "the server ended the HTTP/2 connection: GOAWAY {code}"),
            Self::Reset(code) => write!(out, "the server ended the HTTP/2 stream: RST_STREAM {code}"),
            Self::Inexpressible(what) => write!(out, "not sent: HTTP/2 can't express {what}"),
            Self::NotKept => out.write_str("the server does not keep the connection open"),
            Self::Cut => out.write_str("the connection was cut before the answer"),
            Self::CapReached => {
                out.write_str("not sent: the cap on requests (limits.max-requests) was reached")
            }
        }
    }
}

/// One challenge of a `WWW-Authenticate` field (RFC 9110 section 11.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, as it was written.
    pub scheme: String,
    /// The parameters, names in lower case, values unquoted.
    pub parameters: Vec<(String, String)>,
}

impl Response {
    /// Every value of the field `name`, compared without regard to case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Whether there is a field `name`.
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The challenges of every `WWW-Authenticate` field. What can't be parsed is left out.
    pub fn challenges(&self) -> Vec<Challenge> {
        self.values("www-authenticate")
            .flat_map(|value| parse_challenges(&String::from_utf8_lossy(value)))
            .collect()
    }

    /// The `error_description` of a challenge or of a JSON body.
    pub fn error_description(&self) -> Option<String> {
        let challenges = self.challenges();
        let described = challenges.iter().find_map(|challenge| challenge.parameter("error_description"));
        described.map(str::to_owned).or_else(|| {
            let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
            body.get("error_description")?.as_str().map(str::to_owned)
        })
    }

    /// When the server says that it answered (`Date`, RFC 9110 section 6.6.1); none where a cache answered in its place
    /// (`Age`).
    pub fn date(&self) -> Option<SystemTime> {
        let text = std::str::from_utf8(self.values("date").next()?).ok().filter(|_| !self.has("age"))?;
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
        Some(SystemTime::from(date))
    }

    /// The `error` code: from the DPoP challenge, from another challenge, or from a JSON body (RFC 6749 section 5.2).
    pub fn error(&self) -> Option<String> {
        let challenges = self.challenges();
        let (dpop, others): (Vec<_>, Vec<_>) = challenges.iter().partition(|challenge| challenge.is_dpop());
        let from_challenge =
            dpop.iter().chain(&others).find_map(|challenge| challenge.parameter("error")).map(str::to_owned);
        from_challenge.or_else(|| {
            let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
            body.get("error")?.as_str().map(str::to_owned)
        })
    }
}

impl Challenge {
    /// Whether its scheme is `DPoP`, in any case.
    pub fn is_dpop(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("DPoP")
    }

    /// The value of the parameter `name`, given in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the comma-separated challenges of one field value (RFC 9110 sections 11.3 and 11.6.1), as far as they go.
fn parse_challenges(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else { return challenges };
        // Either `scheme` or `name = value` of the challenge before.
        let behind = after.trim_start_matches([' ', '\t']);
        let parameter =
            behind.strip_prefix('=').and_then(|text| parameter_value(text.trim_start_matches([' ', '\t'])));
        rest = match (parameter, challenges.last_mut()) {
            (Some((text, after)), Some(challenge)) => {
                challenge.parameters.push((word.to_ascii_lowercase(), text));
                after
            }
            _ => {
                challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
                skip_token68(after)
            }
        };
    }
}

/// Steps over the token68 form of credentials, which no DPoP challenge has.
fn skip_token68(text: &str) -> &str {
    let Some((_, after)) = token(text.trim_start_matches(' ')) else { return text };
    let behind = after.trim_start_matches('=').trim_start_matches([' ', '\t']);
    if behind.is_empty() || behind.starts_with(',') { behind } else { text }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c)))
        .unwrap_or(text.len());
    if end == 0 { None } else { Some(text.split_at(end)) }
}

fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(word, rest)| (word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[(&str, &[(&str, &str)])]) {
        let challenges = parse_challenges(value);
        let seen: Vec<(&str, Vec<(&str, &str)>)> = challenges
            .iter()
            .map(|challenge| {
                let parameters = challenge.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                (challenge.scheme.as_str(), parameters)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(scheme, parameters)| (*scheme, parameters.to_vec())).collect();
        assert_eq!(seen, expected, "{value}");
    }

    #[test]
    fn challenges() {
        check("DPoP", &[("DPoP", &[])]);
        check(
            r#"DPoP error="invalid_token", error_description="a, \"b\"", algs="ES256 PS256""#,
            &[(
                "DPoP",
                &[("error", "invalid_token"), ("error_description", "a, \"b\""), ("algs", "ES256 PS256")],
            )],
        );
        check(
            r#"Bearer realm=x , dpop Error = "use_dpop_nonce",Negotiate"#,
            &[("Bearer", &[("realm", "x")]), ("dpop", &[("error", "use_dpop_nonce")]), ("Negotiate", &[])],
        );
        check("Bearer, DPoP algs=\"ES256\"", &[("Bearer", &[]), ("DPoP", &[("algs", "ES256")])]);
        check("Negotiate abc==, DPoP", &[("Negotiate", &[]), ("DPoP", &[])]);
    }

    #[test]
    fn hostile_values_end() {
        for value in
            ["", ",,,", "\"", "DPoP error=\"", "DPoP =", "=\"x\"", "DPoP error=\"\\", "\u{0}\u{1}", "é"]
        {
            let _ = parse_challenges(value);
        }
    }

    #[test]
    fn the_date_of_an_answer() {
        let date = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
            let response = Response { status: 401, fields: fields.collect(), body: Vec::new() };
            response.date().map(crate::clock::unix_seconds)
        };
        assert_eq!(date(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(784_111_777));
        assert_eq!(date(&[("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "5")]), None);
        assert_eq!(date(&[("Date", "yesterday")]), None);
        assert_eq!(date(&[]), None);
    }

    #[test]
    fn the_error_of_the_dpop_challenge_comes_first() {
        let field = |value: &str| ("WWW-Authenticate".to_owned(), value.as_bytes().to_vec());
        let mut response = Response {
            status: 401,
            fields: vec![field(r#"Bearer error="a""#), field(r#"DPoP error="b""#)],
            body: br#"{"error":"c"}"#.to_vec(),
        };
        assert_eq!(response.error().as_deref(), Some("b"));
        response.fields.pop();
        assert_eq!(response.error().as_deref(), Some("a"));
        response.fields.clear();
        assert_eq!(response.error().as_deref(), Some("c"));
    }
}
