use std::fmt;
use std::time::SystemTime;

use super::challenge::Challenges;

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
    /// The target is a verifier behind a shim, and this is nothing that one can be asked.
    NotAsked(String),
    /// The shim in front of a verifier ended before it answered, or can't be asked any more.
    Shim(String),
    /// The server had closed the connection that it was to go over.
    NotKept,
    /// The harness cut the connection, because the case wants the answer lost.
    Cut,
}

impl NoAnswer {
    /// Whether the request was not sent as the case wants it, which shows nothing about the server.
    pub fn is_not_sent(&self) -> bool {
        match self {
            Self::Inexpressible(_) | Self::NotKept | Self::NotAsked(_) => true,
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
            | Self::Shim(_)
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
            Self::NotAsked(why) => write!(out, "not asked: {why}"),
            Self::Shim(why) => out.write_str(why),
            Self::NotKept => out.write_str("the server does not keep the connection open"),
            Self::Cut => out.write_str("the connection was cut before the answer"),
            Self::CapReached => {
                out.write_str("not sent: the cap on requests (limits.max-requests) was reached")
            }
        }
    }
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

    /// The challenges of every `WWW-Authenticate` field, as far as they can be read.
    pub fn challenges(&self) -> Challenges {
        Challenges::read(self.values("www-authenticate"))
    }

    /// The `error_description` of a challenge or of a JSON body.
    pub fn error_description(&self) -> Option<String> {
        let challenges = self.challenges().list;
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
        let challenges = self.challenges().list;
        let (dpop, others): (Vec<_>, Vec<_>) = challenges.iter().partition(|challenge| challenge.is_dpop());
        let from_challenge =
            dpop.iter().chain(&others).find_map(|challenge| challenge.parameter("error")).map(str::to_owned);
        from_challenge.or_else(|| {
            let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
            body.get("error")?.as_str().map(str::to_owned)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
