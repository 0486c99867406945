//! Why a target can't be judged, in one line, and whose it is.

use super::health::{Binding, Health, Time, Trouble, Whose};
use super::origin::{Candidate, Search};
use crate::run::{Decision, Observation};
use crate::target::NoAnswer;
use crate::target::tokens::TokenError;

const NOTHING_BEHIND: &str =
    "what stands in front of the server gets no answer from it (502, 504): is it up? See its log";
const TOO_MANY: &str = "it wants fewer requests in a time (429): set a lower rate, such as 5/s";

impl Trouble {
    fn new(whose: Whose, what: impl Into<String>) -> Self {
        Self { whose, what: what.into() }
    }

    /// A cap of ours.
    pub(super) fn cap() -> Self {
        Self::new(Whose::Config("limits.max-requests"), NoAnswer::CapReached.to_string())
    }

    /// No token, for this reason, in which there are no secrets any more.
    pub(super) fn no_token(error: &TokenError, why: &str) -> Self {
        let whose = error.config_key().map_or(Whose::Surroundings, Whose::Config);
        let lines: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self::new(whose, format!("no access token: {}", lines.join(" / ")))
    }

    /// The resource is there for everybody.
    pub(super) fn unprotected(what: &str) -> Self {
        Self::new(
            Whose::Server,
            format!("a request {what} was accepted: the resource is not protected at all"),
        )
    }

    /// Correct requests were accepted, and then no more.
    pub(super) fn lost(seen: &Observation) -> Self {
        let (whose, what) = match (seen.decision, seen.status) {
            _ if seen.nothing == Some(NoAnswer::CapReached) => return Self::cap(),
            (Decision::Other, Some(429)) => (Whose::Config("limits.rate"), TOO_MANY),
            (Decision::Fault, Some(502 | 504)) => (Whose::Surroundings, NOTHING_BEHIND),
            (Decision::Fault, Some(503)) => {
                (Whose::Server, "it is overloaded, or not ready (503): see its log")
            }
            (Decision::Fault, _) => (Whose::Server, "it fails over correct requests since then: see its log"),
            (Decision::NoAnswer, _) => {
                (Whose::Surroundings, "it does not answer any more: is it still up? See its log")
            }
            (Decision::Reject | Decision::Challenge, _) => (
                Whose::Server,
                "it refuses correct requests since then: was it started anew, or does it shut out who sends many wrong \
                 ones? See its log",
            ),
            (Decision::Other, _) => {
                (Whose::Surroundings, "something else answers in its place: what stands in front of it?")
            }
            // Nobody asks about what went well.
            (Decision::Accept, _) => (Whose::Server, "it was accepted"),
        };
        Self::new(whose, what)
    }

    /// No answer to the first request of all.
    pub(super) fn unreachable(health: &Health, nothing: &NoAnswer) -> Self {
        let url = &health.url;
        let address = Whose::Config("target.resource");
        match nothing {
            NoAnswer::CapReached => Self::cap(),
            NoAnswer::Unreachable(why) => Self::new(
                Whose::Surroundings,
                format!("nothing answers at {url} ({why}): is it up, and the right address?"),
            ),
            NoAnswer::Timeout => Self::new(
                Whose::Surroundings,
                format!("{url} does not answer in time: is it up, and the right address?"),
            ),
            NoAnswer::Untrusted(why) => Self::new(
                Whose::Surroundings,
                format!(
                    "the certificate of {url} is not trusted ({why}): --cacert FILE names the authority that issued it, \
                     and -k trusts any"
                ),
            ),
            NoAnswer::BadCertificate(why) => {
                Self::new(Whose::Server, format!("the certificate of {url} is not accepted: {why}"))
            }
            NoAnswer::NoTls(why) => Self::new(
                address,
                format!("what answers at {url} does not speak TLS as it should ({why}): is it http://?"),
            ),
            NoAnswer::Closed if health.url.is_https() => Self::new(
                address,
                format!("{url} ends the TLS handshake: is it up, and is it the right port?"),
            ),
            NoAnswer::Shim(why) => Self::new(Whose::Surroundings, why.clone()),
            NoAnswer::NotHttp2(_) | NoAnswer::GoAway(_) | NoAnswer::Reset(_) => Self::new(
                Whose::Surroundings,
                format!("HTTP/2 was asked for (--http2), and {nothing}: does {url} speak it?"),
            ),
            NoAnswer::Closed
            | NoAnswer::Malformed(_)
            | NoAnswer::Inexpressible(_)
            | NoAnswer::NotAsked(_)
            | NoAnswer::NotKept
            | NoAnswer::Cut => Self::new(
                address,
                format!(
                    "what answers at {url} is not HTTP ({nothing}): is it up, and should it be https://?"
                ),
            ),
        }
    }

    /// A verifier behind a shim did not accept a correct proof.
    pub(super) fn refused_by_verifier(seen: &Observation) -> Self {
        let said = seen.said.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        Self::new(Whose::Server, format!("the verifier does not accept a correct proof{said}"))
    }

    /// A correct request was refused, by whichever clock and URL.
    pub(super) fn refused(
        health: &Health,
        seen: &Observation,
        search: Option<&Search>,
        audiences: &[String],
    ) -> Self {
        if seen.nothing == Some(NoAnswer::CapReached) {
            return Self::cap();
        }
        if let Some(found) = search.and_then(|search| search.found.as_ref()) {
            return Self::known_by(found, health);
        }
        let said = seen.said.as_ref().map(|said| format!(" It says: {said}.")).unwrap_or_default();
        let binding = health.binding.filter(|_| seen.decision == Decision::Reject);
        let (whose, what) = match binding {
            Some(Binding::OtherKey) => (
                Whose::Config("auth"),
                "the token is bound to another key (cnf.jkt): ask for it with a proof by the key in DPOP_JWK_FILE, or hand out that key",
            ),
            Some(Binding::Unbound) => (
                Whose::Config("auth"),
                "the token is bound to no key (it has no cnf.jkt): ask for it with a proof by the key in DPOP_JWK_FILE",
            ),
            Some(Binding::Bound | Binding::Opaque) | None => match reason(health, seen) {
                Reason::Token => return Self::token_refused(search, audiences, &said),
                Reason::Other(whose, what) => (whose, what),
            },
        };
        let tried = search.map(|search| search.tried).unwrap_or_default();
        let tried = match whose {
            Whose::Config("target.htu-base") if tried > 0 => {
                format!(", nor for one of {tried} other likely URLs")
            }
            Whose::Config(_) | Whose::Server | Whose::Surroundings => String::new(),
        };
        let end = if tried.is_empty() && what.ends_with('?') { "" } else { "." };
        Self::new(whose, format!("{what}{tried}{end}{said}"))
    }

    /// Proofs for another URL of the resource are accepted. Where that can't be how clients know it, the server is at fault.
    fn known_by(found: &Candidate, health: &Health) -> Self {
        let Candidate { htu, base } = found;
        let told = match base {
            None => " (scheme, host, and the part of the path that the proxy takes away)".to_owned(),
            Some(base) if health.htu.is_https() && !htu.is_https() && *htu != health.url => {
                format!(" (https, or X-Forwarded-Proto). To test it as it is: target.htu-base: {base}")
            }
            Some(base) => {
                return Self::new(
                    Whose::Config("target.htu-base"),
                    format!("proofs for {base} are accepted: set target.htu-base: {base}"),
                );
            }
        };
        Self::new(
            Whose::Server,
            format!(
                "it takes proofs for {htu} and none for {}, which clients request: behind a proxy it must be told its \
                 public URL{told}",
                health.htu
            ),
        )
    }

    fn token_refused(search: Option<&Search>, audiences: &[String], said: &str) -> Self {
        let resource = search.and_then(|search| search.resource.as_ref());
        if let Some(resource) = resource
            && !audiences.is_empty()
            && !audiences.contains(resource)
        {
            let audiences = audiences.join(", ");
            return Self::new(
                Whose::Config("auth.audience"),
                format!(
                    "the token is for {audiences}, and the server calls itself {resource} (its RFC 9728 metadata).{said}"
                ),
            );
        }
        Self::new(
            Whose::Config("auth"),
            format!(
                "it refuses the token: compare auth.issuer, auth.audience and auth.scope with its settings.{said}"
            ),
        )
    }
}

enum Reason {
    Token,
    Other(Whose, &'static str),
}

fn reason(health: &Health, seen: &Observation) -> Reason {
    let resource = Whose::Config("target.resource");
    let (whose, what) = match (seen.decision, seen.error.as_deref(), seen.status) {
        (Decision::Reject, Some("invalid_token"), _) => return Reason::Token,
        (Decision::Reject, Some("insufficient_scope"), _) => {
            (Whose::Config("auth.scope"), "the token lacks a scope")
        }
        (Decision::Reject, Some("invalid_dpop_proof"), _) => (
            Whose::Config("target.htu-base"),
            match (health.skew, health.time) {
                (Some(skew), Time::Own) if skew.is_notable() => {
                    "it refuses a correct proof, by our clock and by its own (Date)"
                }
                _ => {
                    "it refuses a correct proof: behind a proxy it must be told its public URL, or target.htu-base must be \
                     the one that it knows. It does not accept one for the URL that is requested"
                }
            },
        ),
        (Decision::Reject, _, _) if !seen.offers_dpop && seen.challenged => {
            (Whose::Server, "it answers with a challenge of another scheme than DPoP: is it set up for DPoP?")
        }
        (Decision::Reject, _, Some(403)) => {
            (Whose::Config("auth"), "the token's owner may not have this resource (403)")
        }
        (Decision::Reject, _, _) => (
            Whose::Config("auth"),
            "it refuses a correct request and names no reason: is it set up for DPoP, and does it trust the token's issuer?",
        ),
        (Decision::Challenge, _, _) if seen.nonce.is_none() => (
            Whose::Server,
            "it asks for a nonce and supplies none that a client could use (DPoP-Nonce): see rs.answer.nonce-field",
        ),
        (Decision::Challenge, _, _) => {
            (Whose::Server, "it asks for a nonce again and again: see rs.answer.endless-challenge")
        }
        (Decision::Other, _, Some(429)) => (Whose::Config("limits.rate"), TOO_MANY),
        (Decision::Other, _, Some(406)) => (
            Whose::Config("target.headers"),
            "it has nothing to send for `Accept: */*` (406): name what it has, such as headers: { Accept: application/json }",
        ),
        (Decision::Other, _, Some(200..=299)) => {
            (Whose::Config("target.success"), "this status is not among those of success: should it be?")
        }
        (Decision::Other, _, Some(300..=399)) => (
            resource,
            "is that the right method and path? Where it lets requests through like this, name the status in target.success",
        ),
        (Decision::Other, _, _) => (resource, "is that the right method and path?"),
        (Decision::Fault, _, Some(502 | 504)) => (Whose::Surroundings, NOTHING_BEHIND),
        (Decision::Fault | Decision::NoAnswer, _, _) => (
            Whose::Server,
            "it fails over a correct request: see its log; can it reach the keys of the token's issuer?",
        ),
        // Nobody asks about what went well.
        (Decision::Accept, _, _) => (Whose::Server, "it was accepted"),
    };
    Reason::Other(whose, what)
}
