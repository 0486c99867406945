use schemars::JsonSchema;
use serde::Deserialize;

use super::carry::{Call, Field, Request};
use crate::jose::uri::Uri;

/// The origin of a web page that nobody has: what it is allowed, every page is. Where the config names one (`target.origin`),
/// that is taken instead.
const NOBODYS: &str = "https://dpop-harness.example";

/// What a browser sends for a web page of another origin (the Fetch standard, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrossOrigin {
    /// The request, with `Origin`.
    Request,
    /// What it asks before the request: OPTIONS without credentials, which says that they will come.
    Preflight,
    /// The request, with `Origin` and the fields of a preflight request.
    RequestLikePreflight,
}

impl CrossOrigin {
    /// Makes the request, which is one of `call`, that of a web page of another origin: of the one that is let in, or of one
    /// that nobody has.
    pub fn apply(self, request: &mut Request, call: &Call) {
        request.set("Origin", call.page.as_ref().map_or_else(|| NOBODYS.to_owned(), Uri::origin));
        match self {
            Self::Request => return,
            Self::Preflight => {
                let credentials = ["Authorization", "DPoP"];
                // Of what the page sets itself a browser tells the names at most.
                let own = |field: &Field| {
                    call.fields_of_all_requests().any(|own| own.name.eq_ignore_ascii_case(&field.name))
                };
                request.fields.retain(|field| !credentials.contains(&field.name.as_str()) && !own(field));
                request.set("Accept", "*/*");
            }
            Self::RequestLikePreflight => {}
        }
        request.set("Access-Control-Request-Method", request.method.clone());
        request.fields.push(Field::new("Access-Control-Request-Headers", unsafe_names(call).join(",")));
        if self == Self::Preflight {
            request.method = "OPTIONS".to_owned();
        }
    }

    /// What it does, as a phrase that fits behind "sent:".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Request => "from a web page of another origin",
            Self::Preflight => "the preflight request for a web page of another origin",
            Self::RequestLikePreflight => {
                "from a web page of another origin, with the fields of a preflight request"
            }
        }
    }
}

/// The names of the fields for which a page needs leave, as the Fetch standard has them (section 2.2.2): in lower case, sorted.
fn unsafe_names(call: &Call) -> Vec<String> {
    let mut names: Vec<String> =
        call.fields_of_all_requests().map(|field| field.name.to_ascii_lowercase()).collect();
    names.retain(|name| !["accept", "accept-language", "content-language"].contains(&name.as_str()));
    names.extend(["authorization", "dpop"].map(str::to_owned));
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{AccessToken, Call, RequestEdits};

    fn sent(cross_origin: CrossOrigin) -> String {
        let uri: Uri = "http://rs.example/r".parse().expect("a URL");
        let edits = RequestEdits::default();
        let call = Call::to("GET", uri);
        let mut request = Request::presenting(&call, &AccessToken::new("t"), "p", &edits);
        cross_origin.apply(&mut request, &call);
        String::from_utf8(request.to_bytes()).expect("text")
    }

    #[test]
    fn what_a_browser_sends() {
        let asks =
            "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization,dpop\r\n";
        let origin = format!("Origin: {NOBODYS}\r\n");
        let request = sent(CrossOrigin::Request);
        assert!(
            request.contains(&origin) && request.contains("DPoP: p\r\n") && !request.contains(asks),
            "{request}"
        );
        let preflight = sent(CrossOrigin::Preflight);
        assert!(
            preflight.starts_with("OPTIONS /r ") && preflight.contains(&format!("{origin}{asks}")),
            "{preflight}"
        );
        assert!(!preflight.contains("Authorization: ") && !preflight.contains("DPoP: "), "{preflight}");
        let both = sent(CrossOrigin::RequestLikePreflight);
        assert!(both.starts_with("GET /r ") && both.contains("DPoP: p\r\n") && both.contains(asks), "{both}");
    }

    #[test]
    fn a_page_that_is_let_in() {
        let page: Uri = "https://app.example:8443/".parse().expect("a URL");
        let uri: Uri = "http://rs.example/r".parse().expect("a URL");
        let call = Call { page: Some(page), ..Call::to("GET", uri) };
        let mut request = Request::bare(&call);
        CrossOrigin::Request.apply(&mut request, &call);
        let text = String::from_utf8(request.to_bytes()).expect("text");
        assert!(text.contains("\r\nOrigin: https://app.example:8443\r\n"), "{text}");
    }

    /// A page that sets fields: they come with its request, and the browser tells their names beforehand.
    #[test]
    fn fields_that_a_page_sets() {
        let uri: Uri = "http://rs.example/r".parse().expect("a URL");
        let fields = vec![Field::new("X-Tenant", "7"), Field::new("Accept", "text/turtle")];
        let call = Call { fields, ..Call::to("GET", uri) };
        let sent = |cross_origin: CrossOrigin| {
            let mut request = Request::bare(&call);
            cross_origin.apply(&mut request, &call);
            String::from_utf8(request.to_bytes()).expect("text")
        };
        let request = sent(CrossOrigin::Request);
        assert!(request.contains("\r\nAccept: text/turtle\r\nX-Tenant: 7\r\n"), "{request}");
        let preflight = sent(CrossOrigin::Preflight);
        assert!(!preflight.contains("X-Tenant: ") && !preflight.contains("turtle"), "{preflight}");
        let names = "\r\nAccess-Control-Request-Headers: authorization,dpop,x-tenant\r\n";
        assert!(preflight.contains("\r\nAccept: */*\r\n") && preflight.contains(names), "{preflight}");
    }
}
