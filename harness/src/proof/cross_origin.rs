use schemars::JsonSchema;
use serde::Deserialize;

use super::carry::{Field, Request};
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
    /// Makes the request one of a web page of another origin: of `page`, or of one that nobody has.
    pub fn apply(self, request: &mut Request, page: Option<&Uri>) {
        request.set("Origin", page.map_or_else(|| NOBODYS.to_owned(), Uri::origin));
        match self {
            Self::Request => return,
            Self::Preflight => {
                let credentials = ["Authorization", "DPoP"];
                request.fields.retain(|field| !credentials.contains(&field.name.as_str()));
            }
            Self::RequestLikePreflight => {}
        }
        request.set("Access-Control-Request-Method", request.method.clone());
        request.fields.push(Field::new("Access-Control-Request-Headers", "authorization,dpop"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{AccessToken, Call, RequestEdits};

    fn sent(cross_origin: CrossOrigin) -> String {
        let uri: Uri = "http://rs.example/r".parse().expect("a URL");
        let edits = RequestEdits::default();
        let mut request = Request::presenting(&Call::to("GET", uri), &AccessToken::new("t"), "p", &edits);
        cross_origin.apply(&mut request, None);
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
        let mut request = Request::bare(&Call::to("GET", "http://rs.example/r".parse().expect("a URL")));
        CrossOrigin::Request.apply(&mut request, Some(&page));
        let text = String::from_utf8(request.to_bytes()).expect("text");
        assert!(text.contains("\r\nOrigin: https://app.example:8443\r\n"), "{text}");
    }
}
