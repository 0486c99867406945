//! The judge of how answers are put, over made-up ones: what is a deviation, what is tolerated, and what it does not mean.

use std::sync::Arc;

use dpop_harness::judge::Compliance::{Complies, Deviates, NotApplicable, Tolerated};
use dpop_harness::judge::{Compliance, judge_answer, judge_code};
use dpop_harness::run::{
    AllowedOrigin, Asked, Caching, Credentials, Decision, Exchange, Leak, Observation, Turn, Wording,
};
use dpop_harness::scenario::AnswerCheck;
use dpop_harness::target::Challenges;

use super::exchange;

/// A refusal of a request under the DPoP scheme, with these challenges.
fn refusal(challenges: &str) -> Exchange {
    let challenges = Challenges::read([challenges.as_bytes()]);
    let wording = Wording { challenges: challenges.clone(), ..Wording::default() };
    let refused = exchange(Turn::Step(0), Decision::Reject);
    Exchange {
        asked: Asked { credentials: Credentials::Under("dpop".to_owned()), ..Asked::default() },
        seen: Observation {
            challenged: !challenges.list.is_empty(),
            wording: Arc::new(wording),
            ..refused.seen
        },
        ..refused
    }
}

#[track_caller]
fn same(seen: Compliance, expected: Compliance) {
    let fits = match (seen, expected) {
        (Deviates(seen), Deviates(part)) | (Tolerated(seen), Tolerated(part)) => seen.contains(part),
        (seen, expected) => seen == expected,
    };
    assert!(fits, "{seen:?} instead of {expected:?}");
}

#[track_caller]
fn check(check: AnswerCheck, exchange: &Exchange, expected: Compliance) {
    same(judge_answer(check, exchange), expected);
}

#[test]
fn the_grammar_of_challenges() {
    for (challenges, expected) in [
        ("DPoP algs=\"ES256\"", Complies),
        ("", NotApplicable),
        (",DPoP", Tolerated("empty element")),
        ("DPoP error=\"a", Deviates("does not end")),
        (",DPoP error=\"a", Deviates("does not end")),
    ] {
        check(AnswerCheck::Syntax, &refusal(challenges), expected);
    }
}

#[test]
fn a_challenge_to_nobody() {
    for (challenges, expected) in [
        ("DPoP algs=\"ES256\"", Complies),
        ("Bearer, DPoP error=\"invalid_token\"", Deviates("without credentials")),
        ("DPoP error=\"use_dpop_nonce\"", Tolerated("asked for a nonce")),
        ("", NotApplicable),
    ] {
        let mut exchange = refusal(challenges);
        check(AnswerCheck::NoCredentials, &exchange, NotApplicable);
        exchange.asked.credentials = Credentials::None;
        check(AnswerCheck::NoCredentials, &exchange, expected);
    }
}

#[test]
fn the_algorithms_of_a_challenge() {
    for (challenges, expected) in [
        ("DPoP algs=\"ES256 ML-DSA-44\"", Complies),
        ("DPoP algs=ES256", Complies),
        ("Bearer", NotApplicable),
        ("Bearer algs=\"HS256\", DPoP algs=\"ES256\"", Complies),
        ("DPoP", Deviates("without algs")),
        ("DPoP algs=\" \"", Deviates("no algorithm")),
        ("DPoP algs=\"ES256,PS256\"", Deviates("commas")),
        ("DPoP algs=\"ES256 HS256\"", Deviates("shared key")),
        ("DPoP algs=\"None\"", Deviates("none")),
    ] {
        check(AnswerCheck::Algs, &refusal(challenges), expected);
    }
    // As in the example of RFC 9449 section 9.
    let mut asked = refusal("DPoP error=\"use_dpop_nonce\"");
    asked.seen.decision = Decision::Challenge;
    check(AnswerCheck::Algs, &asked, NotApplicable);
}

#[test]
fn the_place_of_the_error() {
    let check_under = |scheme: &str, challenges: &str, expected| {
        let mut exchange = refusal(challenges);
        exchange.asked.credentials = Credentials::Under(scheme.to_owned());
        check(AnswerCheck::ErrorPlace, &exchange, expected);
    };
    let on_dpop = "Bearer, DPoP error=\"invalid_token\"";
    let on_bearer = "Bearer error=\"invalid_token\", DPoP algs=\"ES256\"";
    check_under("dpop", on_dpop, Complies);
    check_under("bearer", on_bearer, Complies);
    check_under("dpop", on_bearer, Deviates("not used"));
    check_under("bearer", on_dpop, Deviates("not used"));
    check_under("dpop", "Bearer error=\"a\", DPoP error=\"a\"", Tolerated("both"));
    check_under("dpop", "DPoP error=\"a\"", NotApplicable);
    check_under("dpop", "Bearer, DPoP", NotApplicable);
    check_under("basic", on_dpop, NotApplicable);
}

#[test]
fn the_kind_of_the_error() {
    let codes = ["invalid_token".to_owned(), "invalid_dpop_proof".to_owned()];
    let mut exchange = refusal("DPoP");
    same(judge_code(&exchange, &codes), Complies);
    same(judge_code(&exchange, &[]), NotApplicable);
    exchange.seen.error = Some("invalid_request".to_owned());
    same(judge_code(&exchange, &codes), Deviates("something else"));
    same(judge_code(&Exchange { odd: true, ..exchange.clone() }, &codes), NotApplicable);
    exchange.seen.decision = Decision::Challenge;
    same(judge_code(&exchange, &codes), NotApplicable);
}

#[test]
fn want_of_authority() {
    for (status, error, expected) in [
        (403, Some("insufficient_scope"), Complies),
        (403, None, Complies),
        (401, Some("invalid_token"), Tolerated("not 403")),
        (401, Some("invalid_dpop_proof"), Deviates("as if the proof were wrong")),
        (403, Some("invalid_dpop_proof"), Deviates("as if the proof were wrong")),
    ] {
        let mut exchange = refusal("DPoP");
        exchange.seen.status = Some(status);
        exchange.seen.error = error.map(str::to_owned);
        check(AnswerCheck::Authority, &exchange, expected);
    }
}

#[test]
fn caches() {
    use Caching::{AskedFirst, Forbidden, Private, Shared};
    for (caching, with_nonce, with_token) in [
        (Forbidden, Complies, Complies),
        (AskedFirst, Tolerated("ask before"), Complies),
        (Private, Deviates("caches may keep"), Complies),
        (Shared, Deviates("caches may keep"), Deviates("shared caches")),
    ] {
        let mut exchange = refusal("DPoP");
        exchange.seen.decision = Decision::Accept;
        Arc::make_mut(&mut exchange.seen.wording).caching = caching;
        check(AnswerCheck::Uncached, &exchange, NotApplicable);
        check(AnswerCheck::NotShared, &exchange, with_token);
        exchange.seen.nonce_fields = 1;
        check(AnswerCheck::Uncached, &exchange, with_nonce);
        let elsewhere = Observation { decision: Decision::Other, ..exchange.seen.clone() };
        check(AnswerCheck::Uncached, &Exchange { seen: elsewhere, ..exchange.clone() }, NotApplicable);
        exchange.method = "POST".to_owned();
        check(AnswerCheck::Uncached, &exchange, NotApplicable);
        check(AnswerCheck::NotShared, &exchange, NotApplicable);
    }
}

#[test]
fn what_is_told() {
    let said = |leak, expected| {
        let mut exchange = refusal("DPoP");
        Arc::make_mut(&mut exchange.seen.wording).leak = leak;
        check(AnswerCheck::Leak, &exchange, expected);
    };
    said(None, Complies);
    said(Some(Leak::Secret), Deviates("a token or a private key"));
    said(Some(Leak::Trace), Deviates("stack trace"));
    said(Some(Leak::Internals), Tolerated("exception"));
}

#[test]
fn nonces_and_proxies() {
    let mut exchange = refusal("DPoP");
    check(AnswerCheck::NonceCharacters, &exchange, NotApplicable);
    check(AnswerCheck::ProxyChallenge, &exchange, Complies);
    exchange.seen.nonce_fields = 1;
    check(AnswerCheck::NonceCharacters, &exchange, Complies);
    Arc::make_mut(&mut exchange.seen.wording).misspelled_nonces = 1;
    check(AnswerCheck::NonceCharacters, &exchange, Deviates("NQCHAR"));
    Arc::make_mut(&mut exchange.seen.wording).proxy_challenges = Challenges::read([&b"dpop"[..]]);
    check(AnswerCheck::ProxyChallenge, &exchange, Deviates("Proxy-Authenticate"));
}

#[test]
fn what_web_pages_are_allowed() {
    let allowed = |exposed: &[&str], fields: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Some(AllowedOrigin { any: true, credentials: false, exposed: words(exposed), fields: words(fields) })
    };
    let of_page = |allowed_origin| {
        let mut exchange = refusal("DPoP");
        exchange.seen.nonce_fields = 1;
        Arc::make_mut(&mut exchange.seen.wording).allowed_origin = allowed_origin;
        exchange.asked.cross_origin = true;
        exchange
    };
    for (allowed, challenge, nonce) in [
        (None, Deviates("no web page can read"), NotApplicable),
        (allowed(&[], &[]), Deviates("WWW-Authenticate"), Deviates("DPoP-Nonce")),
        (allowed(&["www-authenticate"], &[]), Complies, Deviates("DPoP-Nonce")),
        (allowed(&["*"], &[]), Complies, Complies),
    ] {
        let exchange = of_page(allowed);
        check(AnswerCheck::ExposedChallenge, &exchange, challenge);
        check(AnswerCheck::ExposedNonce, &exchange, nonce);
        let own = Exchange { asked: Asked { cross_origin: false, ..exchange.asked.clone() }, ..exchange };
        check(AnswerCheck::ExposedChallenge, &own, NotApplicable);
        check(AnswerCheck::Preflight, &own, NotApplicable);
    }
    let asks = |decision, allowed| {
        let mut exchange = of_page(allowed);
        exchange.asked.preflight = true;
        exchange.seen.decision = decision;
        check(AnswerCheck::ExposedChallenge, &exchange, NotApplicable);
        exchange
    };
    let both = || allowed(&[], &["dpop", "authorization"]);
    check(AnswerCheck::Preflight, &asks(Decision::Accept, both()), Complies);
    check(AnswerCheck::Preflight, &asks(Decision::Reject, both()), Deviates("2xx"));
    check(AnswerCheck::Preflight, &asks(Decision::Other, both()), Deviates("2xx"));
    check(AnswerCheck::Preflight, &asks(Decision::Fault, both()), NotApplicable);
    check(AnswerCheck::Preflight, &asks(Decision::Accept, None), Deviates("Allow-Origin"));
    check(
        AnswerCheck::Preflight,
        &asks(Decision::Accept, allowed(&[], &["authorization"])),
        Deviates("lacks DPoP"),
    );
    check(
        AnswerCheck::Preflight,
        &asks(Decision::Accept, allowed(&[], &["*"])),
        Deviates("lacks Authorization"),
    );
    let mut exchange = of_page(both());
    check(AnswerCheck::OriginCredentials, &exchange, Complies);
    let allowed = exchange.seen.wording.allowed_origin.clone();
    Arc::make_mut(&mut exchange.seen.wording).allowed_origin =
        allowed.map(|allowed| AllowedOrigin { credentials: true, ..allowed });
    check(AnswerCheck::OriginCredentials, &exchange, Deviates("browsers refuse"));
}
