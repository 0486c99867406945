//! How an answer is put: what is judged over all answers together, whatever was decided.

use super::leak::Leak;
use crate::jose::Nonce;
use crate::target::{Challenge, Challenges, Response};

/// The wording of one answer, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wording {
    /// The challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1).
    pub challenges: Challenges,
    /// The challenges of `Proxy-Authenticate` (section 11.7.1).
    pub proxy_challenges: Challenges,
    /// How many nonces have a character that they can't have, or none (RFC 9449 section 8.1).
    pub misspelled_nonces: usize,
    /// Whether caches may keep it.
    pub caching: Caching,
    /// What it allows to a web page of another origin; none where it allows nothing.
    pub allowed_origin: Option<AllowedOrigin>,
    /// What it tells that is nobody's business.
    pub leak: Option<Leak>,
}

/// Whether caches may keep an answer (RFC 9111 section 3), as far as it is one to GET or HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Caching {
    /// No cache may serve it to anybody else, or again.
    #[default]
    Forbidden,
    /// A cache may keep it, and has to ask before it serves it again.
    AskedFirst,
    /// The client's own cache may keep it and serve it again.
    Private,
    /// It says that shared caches may keep it, although the request had an `Authorization` field (section 3.5).
    Shared,
}

/// What an answer allows to a web page of another origin (the Fetch standard, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AllowedOrigin {
    /// Whether every origin is allowed, and not just the one that asked.
    pub any: bool,
    /// Whether requests with cookies are allowed.
    pub credentials: bool,
    /// The fields of the answer that the page may read, in lower case.
    pub exposed: Vec<String>,
    /// The fields that the page's request may have, in lower case; only in answers to preflight requests.
    pub fields: Vec<String>,
}

impl Wording {
    /// How `response` is put, with every text that a server chose passed through `clean`.
    pub(super) fn of(response: &Response, clean: &dyn Fn(&str) -> String) -> Self {
        let challenges = |name| cleaned(Challenges::read(response.values(name)), clean);
        Self {
            challenges: challenges("www-authenticate"),
            proxy_challenges: challenges("proxy-authenticate"),
            misspelled_nonces: nonces(response).filter(|nonce| nonce.parse::<Nonce>().is_err()).count(),
            caching: caching(response),
            allowed_origin: allowed_origin(response),
            leak: None,
        }
    }
}

fn cleaned(mut challenges: Challenges, clean: &dyn Fn(&str) -> String) -> Challenges {
    for Challenge { scheme, token68, parameters } in &mut challenges.list {
        *scheme = clean(scheme);
        *token68 = token68.as_deref().map(clean);
        for (name, value) in parameters {
            *name = clean(name);
            *value = clean(value);
        }
    }
    challenges
}

/// The nonces of an answer: one a field, or several in a list, as a proxy joins fields.
pub(super) fn nonces(response: &Response) -> impl Iterator<Item = String> {
    let values: Vec<String> =
        response.values("dpop-nonce").map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    // A comma alone may be part of a nonce.
    values
        .into_iter()
        .flat_map(|value| value.split(", ").map(|nonce| nonce.trim().to_owned()).collect::<Vec<_>>())
}

/// The elements of the lists in all fields of this name, in lower case.
fn list(response: &Response, name: &str) -> Vec<String> {
    let values: Vec<_> =
        response.values(name).map(|value| String::from_utf8_lossy(value).to_lowercase()).collect();
    let elements = values.iter().flat_map(|value| value.split(','));
    elements.map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
}

fn caching(response: &Response) -> Caching {
    let directives = list(response, "cache-control");
    let has = |name: &str| {
        directives.iter().any(|one| one.split('=').next().is_some_and(|directive| directive.trim() == name))
    };
    let seconds = |name: &str| {
        directives.iter().find_map(|one| {
            let (directive, value) = one.split_once('=')?;
            (directive.trim() == name).then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
        })
    };
    let varies = list(response, "vary").iter().any(|field| field == "*" || field == "dpop");
    // RFC 9110 section 15.1: what is kept although nothing says for how long.
    let by_default =
        matches!(response.status, 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501);
    let fresh = seconds("max-age").or(seconds("s-maxage")).map(|seconds| seconds > 0);
    let named = has("public") || has("private") || response.has("expires");
    if has("no-store") || varies {
        Caching::Forbidden
    } else if has("no-cache") {
        Caching::AskedFirst
    } else if has("public") || seconds("s-maxage").is_some_and(|seconds| seconds > 0) {
        Caching::Shared
    } else if fresh == Some(false) {
        Caching::AskedFirst
    } else if fresh == Some(true) || named || by_default {
        Caching::Private
    } else {
        Caching::Forbidden
    }
}

fn allowed_origin(response: &Response) -> Option<AllowedOrigin> {
    let origin = response.values("access-control-allow-origin").next()?;
    let credentials = response.values("access-control-allow-credentials").next();
    Some(AllowedOrigin {
        any: origin == b"*",
        credentials: credentials == Some(b"true"),
        exposed: list(response, "access-control-expose-headers"),
        fields: list(response, "access-control-allow-headers"),
    })
}

impl AllowedOrigin {
    /// Whether a page may read this field of the answer, named in lower case.
    pub fn exposes(&self, field: &str) -> bool {
        // With cookies the asterisk is a name like others.
        self.exposed.iter().any(|exposed| exposed == field || (exposed == "*" && !self.credentials))
    }

    /// Whether a request of a page may have this field, named in lower case.
    pub fn takes(&self, field: &str) -> bool {
        // The asterisk stands for every field but `Authorization`.
        let by_asterisk = !self.credentials && field != "authorization";
        self.fields.iter().any(|allowed| allowed == field || (allowed == "*" && by_asterisk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, fields: &[(&str, &str)]) -> Response {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        Response { status, fields: fields.collect(), body: Vec::new() }
    }

    #[test]
    fn what_caches_may_keep() {
        use Caching::{AskedFirst, Forbidden, Private, Shared};
        for (status, control, caching) in [
            (200, "no-store", Forbidden),
            (200, "max-age=60, No-Store", Forbidden),
            (200, "no-cache", AskedFirst),
            (200, "private, max-age=0", AskedFirst),
            (200, "private", Private),
            (200, "max-age=60", Private),
            (200, "public", Shared),
            (401, "public, max-age=60", Shared),
            (200, "s-maxage=\"60\"", Shared),
            (200, "s-maxage=0", AskedFirst),
            (401, "max-age=60", Private),
            (401, "must-revalidate", Forbidden),
        ] {
            assert_eq!(
                super::caching(&response(status, &[("Cache-Control", control)])),
                caching,
                "{status} {control}"
            );
        }
        assert_eq!(super::caching(&response(200, &[])), Private);
        assert_eq!(super::caching(&response(401, &[])), Forbidden);
        assert_eq!(super::caching(&response(401, &[("Expires", "tomorrow")])), Private);
        assert_eq!(super::caching(&response(200, &[("Vary", "Origin, DPoP")])), Forbidden);
        assert_eq!(super::caching(&response(200, &[("Vary", "Origin")])), Private);
    }

    #[test]
    fn what_a_web_page_may_see() {
        let allowed =
            |fields: &[(&str, &str)]| super::allowed_origin(&response(200, fields)).expect("allowed");
        let origin = ("Access-Control-Allow-Origin", "*");
        let exposed = ("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce");
        assert_eq!(super::allowed_origin(&response(200, &[exposed])), None);
        let some = allowed(&[origin, exposed]);
        assert!(
            some.any
                && some.exposes("www-authenticate")
                && some.exposes("dpop-nonce")
                && !some.exposes("date")
        );
        let all = ("Access-Control-Expose-Headers", "*");
        let cookies = ("Access-Control-Allow-Credentials", "true");
        assert!(allowed(&[origin, all]).exposes("dpop-nonce"));
        assert!(!allowed(&[origin, all, cookies]).exposes("dpop-nonce"));
        let fields = ("Access-Control-Allow-Headers", "*");
        assert!(
            allowed(&[origin, fields]).takes("dpop") && !allowed(&[origin, fields]).takes("authorization")
        );
        let fields = ("Access-Control-Allow-Headers", "DPoP , Authorization");
        assert!(
            allowed(&[origin, fields]).takes("dpop") && allowed(&[origin, fields]).takes("authorization")
        );
    }

    #[test]
    fn nonces_in_fields_and_lists() {
        let seen = |values: &[&str]| {
            let fields: Vec<_> = values.iter().map(|value| ("DPoP-Nonce", *value)).collect();
            let response = response(401, &fields);
            let wording = Wording::of(&response, &str::to_owned);
            (nonces(&response).count(), wording.misspelled_nonces)
        };
        assert_eq!(seen(&[]), (0, 0));
        assert_eq!(seen(&["a,b"]), (1, 0));
        assert_eq!(seen(&["a, b"]), (2, 0));
        assert_eq!(seen(&["a", "b"]), (2, 0));
        assert_eq!(seen(&[""]), (1, 1));
        assert_eq!(seen(&["a b"]), (1, 1));
        assert_eq!(seen(&["a\"b"]), (1, 1));
    }
}
