use std::fmt;

use crate::jose::uri::Uri;

use super::http::{HttpChoice, HttpVersion};
use super::script::{OmittedField, RequestEdits, TokenPlace};
use super::secret::AccessToken;
use super::success::Success;

/// What is asked of the target: a method and a URL, and the URL that proofs name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The URL as the harness requests it.
    pub uri: Uri,
    /// The URL as proofs name it: the public one where a proxy stands in front. Without query and fragment.
    pub htu: Uri,
    /// The versions of HTTP that are used.
    pub http: HttpChoice,
    /// The web page of another origin that requests are sent for, where a case has one; otherwise one that nobody has.
    pub page: Option<Uri>,
    /// The header fields that every request has beside its own, where the server asks for some.
    pub fields: Vec<Field>,
    /// More of them, whose values are secret.
    pub secret_fields: Vec<Field>,
    /// The answers that mean that a request was let through.
    pub success: Success,
}

impl Call {
    /// A request for `uri`, straight to where its URL says.
    pub fn to(method: &str, uri: Uri) -> Self {
        let (htu, http) = (uri.without_query(), HttpChoice::default());
        let (fields, secret_fields, success) = (Vec::new(), Vec::new(), Success::default());
        Self { method: method.to_owned(), uri, htu, http, page: None, fields, secret_fields, success }
    }

    /// The header fields that every request has beside its own, those with secret values among them.
    pub fn fields_of_all_requests(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(&self.secret_fields)
    }

    /// The URL that proofs name where `base` is the public origin, with the path before that of the request, if it has one.
    pub fn named_by(&self, base: &Uri) -> Uri {
        let path = format!("{}{}", base.path.trim_end_matches('/'), self.uri.path);
        let (scheme, host, port) = (base.scheme.clone(), base.host.clone(), base.port.clone());
        Uri { scheme, host, port, path, ..self.uri.without_query() }
    }
}

impl fmt::Display for Call {
    /// Method and URL, without the query: that may be secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.method, self.uri.without_query())
    }
}

/// One request as it goes over the wire: nothing is normalised, repeated fields stay repeated.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target, in origin form unless a mutation made it another.
    pub target: String,
    /// The header fields in order. `Host` is the first.
    pub fields: Vec<Field>,
    /// The version of HTTP that it goes over.
    pub http: HttpVersion,
    /// The content.
    pub content: String,
}

/// One header field line.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the case in which it is sent.
    pub name: String,
    /// The value, without the white space around it.
    pub value: String,
}

/// Method, target and the names of the fields: their values may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Request({} {} {:?})", self.method, self.target, self.fields)
    }
}

/// The name: the value may be secret.
impl fmt::Debug for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

impl Field {
    /// A field line.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }

    /// Whether nothing is lost of the name where a version of HTTP spells names in its own way: only of the proof's it is
    /// a question how they are spelled.
    pub fn is_spelled_usually(&self) -> bool {
        !self.name.eq_ignore_ascii_case("DPoP") || ["DPoP", "dpop"].contains(&self.name.as_str())
    }
}

/// The `User-Agent` of every request, so that a server's owner can find the traffic.
const USER_AGENT: &str = concat!("dpop-harness/", env!("CARGO_PKG_VERSION"));

impl Request {
    /// A request without credentials.
    pub fn bare(call: &Call) -> Self {
        let mut fields = vec![
            Field::new("Host", call.uri.host_and_port()),
            Field::new("User-Agent", USER_AGENT),
            Field::new("Accept", "*/*"),
        ];
        if !matches!(call.method.as_str(), "GET" | "HEAD") {
            fields.push(Field::new("Content-Length", "0"));
        }
        let target = call.uri.origin_form();
        let http = call.http.usual();
        let mut request = Self { method: call.method.clone(), target, fields, http, content: String::new() };
        for field in call.fields_of_all_requests() {
            request.set(&field.name, field.value.clone());
        }
        request
    }

    /// A form sent to `uri` (RFC 6749 section 4.4.2).
    pub fn form(uri: &Uri, parameters: &[(&str, &str)]) -> Self {
        let mut request = Self::bare(&Call::to("POST", uri.clone()));
        let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", form_encoded(value)));
        request.content = pairs.collect::<Vec<_>>().join("&");
        request.fields.retain(|field| field.name != "Content-Length");
        request.fields.push(Field::new("Content-Type", "application/x-www-form-urlencoded"));
        request.fields.push(Field::new("Content-Length", request.content.len().to_string()));
        request
    }

    /// A request that presents `token` with `proof` (RFC 9449 section 7.1), as far as the edits leave it so.
    pub fn presenting(call: &Call, token: &AccessToken, proof: &str, edits: &RequestEdits) -> Self {
        let mut request = Self::bare(call);
        request.http = edits.http.unwrap_or(request.http);
        let in_place = matches!(edits.token_in, None | Some(TokenPlace::AlsoQuery | TokenPlace::AlsoForm));
        if in_place && !edits.omit.contains(&OmittedField::Authorization) {
            let scheme = edits.scheme.as_deref().unwrap_or("DPoP");
            request.fields.push(Field::new("Authorization", format!("{scheme} {}", token.expose())));
        }
        match edits.token_in {
            None => {}
            Some(TokenPlace::ProxyAuthorization) => {
                request.fields.push(Field::new("Proxy-Authorization", format!("DPoP {}", token.expose())));
            }
            Some(TokenPlace::Query | TokenPlace::AlsoQuery) => request.add_query(&parameter(token)),
            Some(TokenPlace::Form | TokenPlace::AlsoForm) => {
                request.content = parameter(token);
                request.set("Content-Type", "application/x-www-form-urlencoded");
                request.set("Content-Length", request.content.len().to_string());
            }
        }
        if !edits.omit.contains(&OmittedField::Dpop) {
            request.fields.push(Field::new("DPoP", proof));
        }
        if let Some(cross_origin) = edits.cross_origin {
            cross_origin.apply(&mut request, call);
        }
        request
    }

    /// Gives the first field of this name the value, or appends one where there is none.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.fields.iter_mut().find(|field| field.name.eq_ignore_ascii_case(name)) {
            Some(field) => field.value = value.into(),
            None => self.fields.push(Field::new(name, value)),
        }
    }

    /// Appends a parameter to the query of the target.
    pub fn add_query(&mut self, parameter: &str) {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(parameter);
    }

    /// The bytes on the wire in HTTP/1.1 (RFC 9112). For a request over HTTP/2 it is only how people
    /// are shown what the frames say: there names are in lower case, and `Host` is `:authority`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} {}\r\n", self.method, self.target, self.http.name());
        for field in &self.fields {
            text.push_str(&format!("{}: {}\r\n", field.name, field.value));
        }
        text.push_str("\r\n");
        text.push_str(&self.content);
        text.into_bytes()
    }
}

/// `text` as a value in a form (application/x-www-form-urlencoded).
pub fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The token as a parameter of a form or of a query. Of the characters of a token68, a form gives two another meaning.
fn parameter(token: &AccessToken) -> String {
    let value = token.expose().replace('+', "%2B").replace('=', "%3D");
    format!("access_token={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form() {
        let uri: Uri = "http://127.0.0.1:9/token".parse().expect("valid");
        let request = Request::form(&uri, &[("a", "x y&=é"), ("b", "")]);
        let text = String::from_utf8(request.to_bytes()).expect("text");
        assert!(text.starts_with("POST /token HTTP/1.1\r\nHost: 127.0.0.1:9\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 20\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\na=x+y%26%3D%C3%A9&b="), "{text}");
    }

    #[test]
    fn the_bytes_are_what_was_asked_for() {
        let uri: Uri = "http://127.0.0.1:9/r?a=1#f".parse().expect("valid");
        let call = Call::to("POST", uri);
        let edits = RequestEdits { scheme: Some("Bearer".into()), ..RequestEdits::default() };
        let request = Request::presenting(&call, &AccessToken::new("t"), "p", &edits);
        let expected = format!(
            "POST /r?a=1 HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n\
             Content-Length: 0\r\nAuthorization: Bearer t\r\nDPoP: p\r\n\r\n"
        );
        assert_eq!(String::from_utf8(request.to_bytes()).expect("text"), expected);
    }
}
