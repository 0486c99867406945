//! Other resources and what is forbidden: what is sent there, and what the answers are worth.

use std::sync::{Arc, Mutex};

use dpop_harness::entropy::SystemEntropy;
use dpop_harness::judge::Verdict::{self, Fail, Inconclusive, Note, Pass, Skip};
use dpop_harness::proof::{ProofKey, Request};
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::run::Turn;
use dpop_harness::scenario::Endpoint;
use dpop_harness::target::tokens::{Credentials, TokenError, TokenSource};
use dpop_harness::target::{Answer, BoxFuture, NoAnswer, Places, Target};

use super::bench::{Bench, answer, claims, field};

/// The verdict and the reason of one case.
async fn one(bench: &Bench, id: &str) -> (Verdict, String) {
    let results = bench.run_only(&[id]).await;
    let outcome = results.outcomes.iter().find(|outcome| outcome.id == id).expect("an outcome");
    (outcome.verdict, outcome.reason.clone().unwrap_or_default())
}

#[track_caller]
fn check((verdict, reason): (Verdict, String), expected: Verdict, says: &str) {
    assert_eq!(verdict, expected, "{reason}");
    assert!(reason.contains(says), "{reason:?} does not say {says:?}");
}

const CASES: &[&str] = &["rs.resources", "rs.forbidden"];

#[tokio::test]
async fn what_is_not_declared_is_skipped() {
    let mut bench = Bench::clean().await;
    bench.setup.places = Places::default();
    bench.setup.capabilities.scope = None;
    for (id, why) in [
        ("rs.resources.bearer", "no `target.resources`"),
        ("rs.resources.nonce", "no `target.resources`"),
        ("rs.forbidden.perfect-proof", "no `target.forbidden`"),
        ("rs.forbidden.scope", "capabilities.scope"),
    ] {
        check(one(&bench, id).await, Skip, why);
    }
    bench.setup.capabilities.scope = Some(false);
    check(one(&bench, "rs.forbidden.other-scope").await, Skip, "does not ask for scopes");
}

#[tokio::test]
async fn a_class_without_a_word_about_nonces_is_skipped_and_named() {
    let mut bench = Bench::new(NonceMode::Required, DefectSet::empty()).await;
    check(one(&bench, "rs.resources.nonce").await, Pass, "");
    for resource in &mut bench.setup.places.resources {
        resource.nonce = resource.nonce.filter(|_| resource.class.is_none());
    }
    let found = one(&bench, "rs.resources.nonce").await;
    check(found, Skip, "/other of class financial says nothing about nonces");
    // A finding at another resource is not hidden by that.
    let mut bench = Bench::new(NonceMode::Required, Defect::OtherPathsNeedNoNonce.into()).await;
    for resource in &mut bench.setup.places.resources {
        resource.nonce = resource.nonce.filter(|_| resource.class.is_none());
    }
    check(one(&bench, "rs.resources.nonce").await, Fail, "GET http://127.0.0.1");
}

/// Whoever accepted what is sent there would have done nothing that its owner did not forbid.
#[tokio::test]
async fn where_a_correct_request_does_harm_none_is_sent() {
    for nonce in [NonceMode::Never, NonceMode::Required] {
        let seen: Arc<Mutex<Vec<u16>>> = Arc::default();
        let answers = seen.clone();
        let bench = Bench::new(nonce, DefectSet::empty()).await.after(move |request, answer| {
            if (request.method.as_str(), request.target.as_str()) == ("POST", "/other") {
                answers.lock().expect("a lock").extend(super::bench::status(&answer));
                assert_eq!(field(request, "Content-Length"), Some("0"));
            }
            answer
        });
        let results = bench.run().await;
        let answers = seen.lock().expect("a lock");
        assert!(answers.len() > 4 && answers.iter().all(|status| *status == 401), "{answers:?}");
        for outcome in results.outcomes.iter().filter(|outcome| outcome.scenario == "rs.resources") {
            let unsafe_control = outcome
                .transcript
                .iter()
                .any(|exchange| !matches!(exchange.turn, Turn::Step(_)) && exchange.method == "POST");
            assert!(!unsafe_control, "{}", outcome.id);
        }
    }
}

#[tokio::test]
async fn one_outcome_for_all_names_the_place() {
    let open = Bench::clean().await.instead(|_, request| {
        (request.method == "POST" && field(request, "Authorization").is_none()).then(|| answer(200, &[]))
    });
    check(one(&open, "rs.resources.no-credentials").await, Fail, "POST http://127.0.0.1");
    check(one(&open, "rs.resources.bearer").await, Pass, "");
}

/// Without a correct request that is accepted there, it may be about something else.
#[tokio::test]
async fn a_refusal_that_may_have_another_reason_is_no_pass() {
    for (status, verdict, says) in [
        (400, Note, "POST"),
        (404, Inconclusive, "routing"),
        (405, Inconclusive, "routing"),
        (302, Inconclusive, "routing"),
        (500, Note, "not accepted, but answered fault 500"),
    ] {
        let bench = Bench::clean()
            .await
            .instead(move |_, request| (request.method == "POST").then(|| answer(status, &[])));
        check(one(&bench, "rs.resources.bearer").await, verdict, says);
    }
    let said = [("WWW-Authenticate", "DPoP error=\"invalid_token\"")];
    let bench = Bench::clean()
        .await
        .instead(move |_, request| (request.method == "POST").then(|| answer(400, &said)));
    check(one(&bench, "rs.resources.bearer").await, Pass, "");
}

#[tokio::test]
async fn a_safe_resource_has_to_accept_a_correct_request() {
    let bench = Bench::clean().await.instead(|_, request| {
        (request.target == "/other" && request.method == "GET").then(|| answer(403, &[]))
    });
    let found = one(&bench, "rs.resources.other-key").await;
    check(found, Inconclusive, "/other: the correct request before it was answered reject 403");
}

#[tokio::test]
async fn another_refusal_is_no_challenge() {
    let bench = Bench::new(NonceMode::Required, DefectSet::empty()).await.instead(|_, request| {
        let bare = claims(request).get("nonce").is_none();
        (request.target == "/other" && bare).then(|| answer(403, &[("WWW-Authenticate", "DPoP")]))
    });
    check(one(&bench, "rs.resources.nonce").await, Inconclusive, "for another reason than the nonce");
}

#[tokio::test]
async fn what_is_forbidden_may_be_hidden() {
    for (status, verdict, says) in [
        (401, Pass, ""),
        (403, Pass, ""),
        (404, Note, "hidden, or there is nothing"),
        (405, Inconclusive, "routing"),
        (204, Fail, "(lacks scope): a request that must be refused was accepted"),
    ] {
        let bench = Bench::clean()
            .await
            .instead(move |_, request| (request.target == "/admin").then(|| answer(status, &[])));
        check(one(&bench, "rs.forbidden.perfect-proof").await, verdict, says);
    }
}

/// 403 without an error code is a right answer to a lack of authority, and no deviation in refusing proofs.
#[tokio::test]
async fn refusals_for_lack_of_authority_are_not_worded_as_those_of_proofs() {
    let bench = Bench::clean().await.after(|_, answer| match answer {
        Answer::Response(mut response) if response.status == 403 => {
            response.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("www-authenticate"));
            response.body.clear();
            Answer::Response(response)
        }
        other => other,
    });
    let results = bench.run().await;
    super::bench::check(&results, dpop_harness::cli::Exit::Conforms, &[]);
    let elsewhere = results.outcomes.iter().flat_map(|outcome| &outcome.transcript);
    assert!(elsewhere.filter(|exchange| exchange.at == Endpoint::Forbidden).count() > 0);
    assert!(CASES.iter().all(|id| results.outcomes.iter().any(|outcome| outcome.scenario == *id)));
}

/// Sends everything that goes to the plain-http twin through a closure.
fn twin(mut bench: Bench, react: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Bench {
    struct Twin<F>(F);
    impl<F: Fn(&Request) -> Answer + Send + Sync> Target for Twin<F> {
        fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
            Box::pin(std::future::ready((self.0)(request)))
        }
    }
    bench.setup.plain_http.as_mut().expect("a twin").target = Arc::new(Twin(react));
    bench
}

/// Whatever happens there is right, except that the resource is served; and it is not taken for the target's death.
#[tokio::test]
async fn only_serving_over_plain_http_is_wrong() {
    let redirect = || answer(301, &[("Location", "https://127.0.0.1/resource")]);
    let answers: [(Answer, Verdict); 9] = [
        (Answer::Nothing(NoAnswer::Unreachable("refused".to_owned())), Pass),
        (Answer::Nothing(NoAnswer::Timeout), Pass),
        (Answer::Nothing(NoAnswer::Closed), Pass),
        (Answer::Nothing(NoAnswer::CapReached), Inconclusive),
        (redirect(), Pass),
        (answer(404, &[]), Pass),
        (answer(403, &[]), Pass),
        (answer(503, &[]), Pass),
        (answer(200, &[]), Fail),
    ];
    for (reply, verdict) in answers {
        let bench = twin(Bench::clean().await, move |_| reply.clone());
        for id in ["rs.plain-http.no-credentials", "rs.plain-http.its-own-proof"] {
            let (found, reason) = one(&bench, id).await;
            assert_eq!(found, verdict, "{id} {reason}");
        }
        let results = bench.run_only(&["rs.plain-http", "rs.answer"]).await;
        let deviations = results.outcomes.iter().filter(|outcome| outcome.scenario == "rs.answer");
        assert!(deviations.into_iter().all(|outcome| !outcome.verdict.is_finding()));
    }
}

#[tokio::test]
async fn no_token_that_is_needed_goes_over_plain_http() {
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = sent.clone();
    let mut bench = twin(Bench::clean().await, move |request| {
        seen.lock().expect("a lock").extend(field(request, "Authorization").map(str::to_owned));
        answer(403, &[])
    });
    bench.run_only(&["rs.plain-http"]).await;
    let tokens = std::mem::take(&mut *sent.lock().expect("a lock"));
    assert!(tokens.len() == 2 && tokens[0] != tokens[1], "a token of its own each time");

    bench.setup.plain_http.as_mut().expect("a twin").on_loopback = true;
    let results = bench.run_only(&["rs.plain-http"]).await;
    let skipped = results.outcomes.iter().filter(|outcome| outcome.verdict == Skip);
    assert_eq!(
        skipped.filter(|outcome| outcome.reason.as_ref().is_some_and(|why| why.contains("loopback"))).count(),
        3
    );

    bench.setup.plain_http = None;
    check(one(&bench, "rs.plain-http.its-own-proof").await, Skip, "no `target.plain-http`");
    assert!(sent.lock().expect("a lock").is_empty());
}

/// A source that has one token for all.
struct Only(Credentials);

impl TokenSource for Only {
    fn obtain(&self, _: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn has_new_tokens(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_token_that_is_not_new_is_not_sent_over_plain_http() {
    let bench = Bench::clean().await;
    let key = Arc::new(ProofKey::generate(&SystemEntropy));
    let credentials = bench.setup.source.obtain(key).await.expect("a token");
    let bench = twin(bench.source(Only(credentials)), |request| {
        assert_eq!(field(request, "Authorization"), None);
        answer(403, &[])
    });
    check(one(&bench, "rs.plain-http.its-own-proof").await, Skip, "has no new one for that");
    check(one(&bench, "rs.plain-http.proof-of-the-resource").await, Skip, "has no new one for that");
    check(one(&bench, "rs.plain-http.no-credentials").await, Pass, "");
}
