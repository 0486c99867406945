use super::closed_on_odd;
use crate::run::{Caching, Credentials, Decision, Exchange, Leak, Turn};
use crate::scenario::{AnswerCheck, Endpoint};
use crate::target::{Challenge, NoAnswer};

/// What one exchange shows about a property of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compliance {
    /// The property does not apply to it.
    NotApplicable,
    /// It has the property.
    Complies,
    /// It lacks it in a way that the field tolerates: a note.
    Tolerated(&'static str),
    /// It lacks it, although that is at most a SHOULD: a warning.
    Weak(&'static str),
    /// It lacks it.
    Deviates(&'static str),
}

/// Judges one answer by one property.
pub fn judge_answer(check: AnswerCheck, exchange: &Exchange) -> Compliance {
    use Compliance::{Complies, Deviates, NotApplicable, Tolerated, Weak};
    let seen = &exchange.seen;
    // Elsewhere a refusal may be about authority or content, and not about the proof.
    let here = exchange.at == Endpoint::Resource;
    let refused_proof = here && exchange.presented && seen.decision == Decision::Reject;
    let asked_by_page = exchange.asked.cross_origin && !exchange.asked.preflight;
    let of_the_tests = matches!(exchange.turn, Turn::Step(_) | Turn::Canary);
    match check {
        _ if matches!(exchange.at, Endpoint::PlainHttp | Endpoint::Metadata)
            || seen.nothing.as_ref().is_some_and(NoAnswer::is_of_the_harness) =>
        {
            NotApplicable
        }
        AnswerCheck::Status if refused_proof => match seen.status {
            Some(401) => Complies,
            Some(400) => Tolerated("400 where RFC 9449 section 7.1 has 401"),
            _ => Deviates("a refused proof is not answered with 401"),
        },
        AnswerCheck::Challenge if seen.status == Some(401) => match (seen.challenged, seen.offers_dpop) {
            (false, _) => Deviates("a 401 without WWW-Authenticate (RFC 9110 section 15.5.2)"),
            (true, false) if exchange.presented => Weak("a 401 that does not offer the DPoP scheme"),
            (true, _) => Complies,
        },
        AnswerCheck::Error if refused_proof => match &seen.error {
            Some(_) => Complies,
            None if exchange.is_head() => NotApplicable, // where it would stand in the content
            None => Deviates("a refused proof without an error code"),
        },
        // Under many requests at once a server may be busy.
        AnswerCheck::Fault if exchange.crowd.is_some() => NotApplicable,
        AnswerCheck::Fault if of_the_tests && !closed_on_odd(exchange) => match seen.decision {
            Decision::Fault => Deviates("a server error"),
            Decision::NoAnswer => Deviates("no answer"),
            Decision::Accept | Decision::Reject | Decision::Challenge | Decision::Other => Complies,
        },
        AnswerCheck::NonceField if seen.decision == Decision::Challenge => {
            if seen.nonce_fields == 0 {
                Deviates("a use_dpop_nonce challenge without DPoP-Nonce")
            } else {
                Complies
            }
        }
        AnswerCheck::NonceStatus if here && seen.decision == Decision::Challenge => match seen.status {
            Some(401) => Complies,
            _ => Deviates("a nonce is asked for, and not with 401"),
        },
        AnswerCheck::EndlessChallenge if exchange.challenges_before > 0 => {
            if exchange.is_endless_challenge() {
                Deviates("challenged again and again, with the nonce that it had just supplied in each proof")
            } else {
                Complies
            }
        }
        AnswerCheck::SuccessNonce if exchange.with_nonce_of_success && !exchange.shared => {
            match seen.decision {
                Decision::Accept => Complies,
                Decision::Challenge => {
                    Deviates("challenged with the nonce that had come with a 200 just before")
                }
                Decision::Reject | Decision::Fault | Decision::NoAnswer | Decision::Other => NotApplicable,
            }
        }
        AnswerCheck::NonceAlways if here && exchange.presented => match (seen.decision, seen.nonce_fields) {
            (Decision::Accept | Decision::Reject | Decision::Challenge, 1..) => Complies,
            (Decision::Accept, 0) => Deviates("an answer to a good proof without DPoP-Nonce"),
            (Decision::Reject | Decision::Challenge, 0) => Weak("a refusal of a proof without DPoP-Nonce"),
            (Decision::Fault | Decision::NoAnswer | Decision::Other, _) => NotApplicable,
        },
        AnswerCheck::Syntax if seen.status.is_some() => syntax(exchange),
        AnswerCheck::NoCredentials if seen.status == Some(401) => no_credentials(exchange),
        AnswerCheck::Algs => algs(exchange),
        AnswerCheck::ErrorPlace if seen.decision == Decision::Reject => error_place(exchange),
        AnswerCheck::NonceCharacters if seen.nonce_fields > 0 => match seen.wording.misspelled_nonces {
            0 => Complies,
            _ => Deviates("a DPoP-Nonce that is not 1*NQCHAR (RFC 9449 section 8.1)"),
        },
        AnswerCheck::OneNonce if seen.nonce_fields > 0 => match seen.nonce_fields {
            1 => Complies,
            _ => Deviates("more than one DPoP-Nonce"),
        },
        // A routing answer may come from elsewhere.
        AnswerCheck::Uncached
            if seen.nonce_fields > 0 && exchange.is_cacheable() && seen.decision != Decision::Other =>
        {
            match seen.wording.caching {
                Caching::Forbidden => Complies,
                Caching::AskedFirst => Tolerated(
                    "an answer with a nonce that caches may keep, if they ask before they serve it again",
                ),
                Caching::Private | Caching::Shared => Deviates("an answer with a nonce that caches may keep"),
            }
        }
        AnswerCheck::NotShared if seen.decision == Decision::Accept && exchange.is_cacheable() => {
            match (&exchange.asked.credentials, seen.wording.caching) {
                (Credentials::None, _) => NotApplicable,
                (_, Caching::Shared) => Deviates(
                    "what came with credentials may be served by shared caches to everybody (RFC 9111 section 3.5)",
                ),
                (_, Caching::Forbidden | Caching::AskedFirst | Caching::Private) => Complies,
            }
        }
        AnswerCheck::Leak if seen.status.is_some() && seen.decision != Decision::Accept => {
            match seen.wording.leak {
                None => Complies,
                Some(Leak::Secret) => Deviates("a refusal that repeats a token or a private key"),
                Some(Leak::Trace) => Deviates("a refusal with a stack trace"),
                Some(Leak::Internals) => {
                    Tolerated("a refusal that names an exception or a line of a source file")
                }
            }
        }
        AnswerCheck::ProxyChallenge if seen.status.is_some() => {
            match seen.wording.proxy_challenges.list.iter().any(Challenge::is_dpop) {
                true => Deviates("Proxy-Authenticate with the DPoP scheme"),
                false => Complies,
            }
        }
        AnswerCheck::Authority if seen.decision == Decision::Reject => {
            match (seen.status, seen.error.as_deref()) {
                (_, Some("invalid_dpop_proof")) => {
                    Deviates("what the token has no authority for is refused as if the proof were wrong")
                }
                (Some(403), _) => Complies,
                (_, _) => Tolerated("not 403, where the token has no authority (RFC 6750 section 3.1)"),
            }
        }
        AnswerCheck::ExposedChallenge if asked_by_page && seen.challenged => {
            match &seen.wording.allowed_origin {
                None => Deviates("a refusal without Access-Control-Allow-Origin, so no web page can read it"),
                Some(allowed) if allowed.exposes("www-authenticate") => Complies,
                Some(_) => Deviates(
                    "a challenge that web pages can't read: Access-Control-Expose-Headers lacks WWW-Authenticate",
                ),
            }
        }
        AnswerCheck::ExposedNonce if asked_by_page && seen.nonce_fields > 0 => {
            match &seen.wording.allowed_origin {
                None => NotApplicable,
                Some(allowed) if allowed.exposes("dpop-nonce") => Complies,
                Some(_) => Deviates(
                    "a nonce that web pages can't read: Access-Control-Expose-Headers lacks DPoP-Nonce",
                ),
            }
        }
        AnswerCheck::Preflight if exchange.asked.preflight => preflight(exchange),
        AnswerCheck::OriginCredentials if exchange.asked.cross_origin => match &seen.wording.allowed_origin {
            None => NotApplicable,
            Some(allowed) if allowed.any && allowed.credentials => Deviates(
                "Access-Control-Allow-Credentials beside Access-Control-Allow-Origin: *, which browsers refuse",
            ),
            Some(_) => Complies,
        },
        AnswerCheck::Status
        | AnswerCheck::EndlessChallenge
        | AnswerCheck::SuccessNonce
        | AnswerCheck::NonceAlways
        | AnswerCheck::Challenge
        | AnswerCheck::Error
        | AnswerCheck::ErrorKind
        | AnswerCheck::Fault
        | AnswerCheck::NonceField
        | AnswerCheck::NonceStatus
        | AnswerCheck::Syntax
        | AnswerCheck::NoCredentials
        | AnswerCheck::ErrorPlace
        | AnswerCheck::NonceCharacters
        | AnswerCheck::OneNonce
        | AnswerCheck::Uncached
        | AnswerCheck::NotShared
        | AnswerCheck::Leak
        | AnswerCheck::ProxyChallenge
        | AnswerCheck::Authority
        | AnswerCheck::ExposedChallenge
        | AnswerCheck::ExposedNonce
        | AnswerCheck::Preflight
        | AnswerCheck::OriginCredentials => NotApplicable,
    }
}

/// Judges the error code of one answer by `codes`, those that fit what was wrong with the request.
pub fn judge_code(exchange: &Exchange, codes: &[String]) -> Compliance {
    match &exchange.seen.error {
        Some(error) if exchange.seen.decision == Decision::Reject && !exchange.odd && !codes.is_empty() => {
            if codes.contains(error) {
                Compliance::Complies
            } else {
                Compliance::Deviates("an error code that says something else than what was wrong")
            }
        }
        Some(_) | None => Compliance::NotApplicable,
    }
}

fn syntax(exchange: &Exchange) -> Compliance {
    let challenges = &exchange.seen.wording.challenges;
    let worst = challenges.faults.iter().find(|fault| !fault.is_tolerated());
    match worst.or(challenges.faults.first()) {
        Some(fault) if fault.is_tolerated() => Compliance::Tolerated(fault.what()),
        Some(fault) => Compliance::Deviates(fault.what()),
        None if challenges.list.is_empty() => Compliance::NotApplicable,
        None => Compliance::Complies,
    }
}

/// A browser sends no credentials before it was told that they are allowed.
fn preflight(exchange: &Exchange) -> Compliance {
    match (exchange.seen.decision, &exchange.seen.wording.allowed_origin) {
        (Decision::Fault | Decision::NoAnswer, _) => Compliance::NotApplicable,
        (Decision::Reject | Decision::Challenge | Decision::Other, _) => {
            Compliance::Deviates("a preflight request, which never has credentials, is not answered with 2xx")
        }
        (Decision::Accept, None) => {
            Compliance::Deviates("an answer to a preflight request without Access-Control-Allow-Origin")
        }
        (Decision::Accept, Some(allowed)) if !allowed.takes("dpop") => Compliance::Deviates(
            "an answer to a preflight request whose Access-Control-Allow-Headers lacks DPoP",
        ),
        (Decision::Accept, Some(allowed)) if !allowed.takes("authorization") => Compliance::Deviates(
            "an answer to a preflight request whose Access-Control-Allow-Headers lacks Authorization, for which * does not stand",
        ),
        (Decision::Accept, Some(_)) => Compliance::Complies,
    }
}

/// The `error` of a challenge, if one of this scheme has it.
fn error_of<'a>(exchange: &'a Exchange, scheme: &str) -> Option<&'a str> {
    let list = &exchange.seen.wording.challenges.list;
    list.iter().filter(|challenge| challenge.is_of(scheme)).find_map(|challenge| challenge.parameter("error"))
}

fn no_credentials(exchange: &Exchange) -> Compliance {
    if exchange.asked.credentials != Credentials::None {
        return Compliance::NotApplicable;
    }
    let challenges = &exchange.seen.wording.challenges.list;
    match challenges.iter().find_map(|challenge| challenge.parameter("error")) {
        None if challenges.is_empty() => Compliance::NotApplicable,
        None => Compliance::Complies,
        Some("use_dpop_nonce") => {
            Compliance::Tolerated("a request without credentials is asked for a nonce, as an error")
        }
        Some(_) => Compliance::Deviates("an error for a request without credentials (RFC 6750 section 3.1)"),
    }
}

fn algs(exchange: &Exchange) -> Compliance {
    let challenges = &exchange.seen.wording.challenges.list;
    let Some(dpop) = challenges.iter().find(|challenge| challenge.is_dpop()) else {
        return Compliance::NotApplicable;
    };
    let Some(algs) = dpop.parameter("algs") else {
        // The example of RFC 9449 section 9 has none either.
        return match exchange.seen.decision {
            Decision::Challenge => Compliance::NotApplicable,
            Decision::Accept | Decision::Reject | Decision::Fault | Decision::NoAnswer | Decision::Other => {
                Compliance::Deviates("a DPoP challenge without algs")
            }
        };
    };
    let mut names = algs.split_ascii_whitespace().peekable();
    if algs.contains(',') {
        Compliance::Deviates("algs with commas, where RFC 9449 section 7.1 has spaces")
    } else if names.peek().is_none() {
        Compliance::Deviates("algs that name no algorithm")
    } else if names.any(|name| name.eq_ignore_ascii_case("none") || name.starts_with("HS")) {
        Compliance::Deviates("algs that no proof may have: none, or one with a shared key")
    } else {
        Compliance::Complies
    }
}

/// Where several schemes are offered, the error belongs to the one that the request used (RFC 9449 section 7.2).
fn error_place(exchange: &Exchange) -> Compliance {
    let (used, other) = match &exchange.asked.credentials {
        Credentials::Under(scheme) if scheme == "dpop" => ("DPoP", "Bearer"),
        Credentials::Under(scheme) if scheme == "bearer" => ("Bearer", "DPoP"),
        Credentials::Under(_) | Credentials::None | Credentials::Others => return Compliance::NotApplicable,
    };
    let list = &exchange.seen.wording.challenges.list;
    let offers = |scheme| list.iter().any(|challenge| challenge.is_of(scheme));
    if !(offers(used) && offers(other)) {
        return Compliance::NotApplicable;
    }
    match (error_of(exchange, used), error_of(exchange, other)) {
        (None, None) => Compliance::NotApplicable,
        (Some(_), None) => Compliance::Complies,
        (Some(_), Some(_)) => Compliance::Tolerated("the error stands in the challenges of both schemes"),
        (None, Some(_)) => {
            Compliance::Deviates("the error stands in the challenge of the scheme that was not used")
        }
    }
}
