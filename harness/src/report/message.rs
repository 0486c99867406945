//! An HTTP message that was kept as text, taken apart again.

/// A request or an answer: its first line, fields, and content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    first: &'a str,
    pub(super) fields: Vec<(&'a str, &'a str)>,
    pub(super) content: &'a str,
}

impl<'a> Message<'a> {
    /// Reads it as `run::transcript` wrote it: LF at the end of lines, and what could deceive a reader spelled out. What a case
    /// spoiled on purpose may lack anything.
    pub(super) fn of(text: &'a str) -> Self {
        let (head, content) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let fields = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()));
        Self { first, fields: fields.collect(), content }
    }

    /// Method and target of a request, e.g. `GET` and `/v1/me`.
    pub(super) fn method_and_target(&self) -> (&'a str, &'a str) {
        let mut words = self.first.split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The version of HTTP, e.g. `HTTP/1.1`: behind the target of a request, before the status of an answer.
    pub(super) fn version(&self) -> &'a str {
        self.first.split(' ').find(|word| word.starts_with("HTTP/")).unwrap_or_default()
    }

    /// The first field of this name.
    pub(super) fn field(&self, wanted: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
    }

    /// The URL of a request over `scheme`.
    pub(super) fn url(&self, scheme: &str) -> String {
        let (_, target) = self.method_and_target();
        if target.contains("://") {
            return target.to_owned();
        }
        let host = self.field("Host").or_else(|| self.field(":authority")).unwrap_or("unknown.invalid");
        format!("{scheme}://{host}{}{target}", if target.starts_with('/') { "" } else { "/" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_an_answer() {
        let request = Message::of("GET /v1/me?a=b HTTP/1.1\nHost: api.test\nDPoP: x.y.z\n\nbody\n\nmore");
        assert_eq!(request.method_and_target(), ("GET", "/v1/me?a=b"));
        assert_eq!(request.version(), "HTTP/1.1");
        assert_eq!(request.url("https"), "https://api.test/v1/me?a=b");
        assert_eq!(request.field("dpop"), Some("x.y.z"));
        assert_eq!(request.content, "body\n\nmore");
        let answer = Message::of("HTTP/2 401\nwww-authenticate: DPoP error=\"x: y\"\n");
        assert_eq!(answer.version(), "HTTP/2");
        assert_eq!(answer.field("WWW-Authenticate"), Some("DPoP error=\"x: y\""));
        assert_eq!(Message::of("").url("http"), "http://unknown.invalid/");
    }
}
