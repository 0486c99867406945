//! Token sources that fail, and sources whose tokens cost something.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dpop_harness::cli::Exit;
use dpop_harness::jose::{Alg, KeyKind};
use dpop_harness::judge::Verdict::{Fail, Inconclusive, Skip};
use dpop_harness::plan::all_of;
use dpop_harness::proof::{IssuerKey, ProofKey, Script};
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::run::Turn;
use dpop_harness::scenario::CaseKind;
use dpop_harness::spec::Profile;
use dpop_harness::suite::Results;
use dpop_harness::target::tokens::{Credentials, TokenError, TokenSource};
use dpop_harness::target::{Answer, BoxFuture, NoAnswer};

use super::bench::{Bench, SCENARIOS, check, field, has_der_signature, ids_with, skips};

/// Cases that need every kind of token.
const SOME: &[&str] = &["rs.ath", "rs.htm", "rs.token", "rs.accept"];

/// The embedded source with a temper.
struct Source {
    inner: Arc<dyn TokenSource>,
    obtained: Arc<AtomicUsize>,
    /// How many tokens there are.
    supply: usize,
    cheap: bool,
    /// Whether a key has one token only.
    same: bool,
    known: Mutex<HashMap<String, Credentials>>,
    /// The key that it insists on.
    own_key: Option<Arc<ProofKey>>,
}

impl Source {
    fn of(bench: &Bench) -> Self {
        Self {
            inner: bench.setup.source.clone(),
            obtained: Arc::default(),
            supply: usize::MAX,
            cheap: false,
            same: false,
            known: Mutex::default(),
            own_key: None,
        }
    }

    async fn token(&self, key: Arc<ProofKey>) -> Result<Credentials, TokenError> {
        if self.obtained.fetch_add(1, Ordering::SeqCst) >= self.supply {
            return Err(TokenError::Failed("exit status: 1".to_owned(), "no more".to_owned()));
        }
        let key = self.own_key.clone().unwrap_or(key);
        let name = key.thumbprint().to_string();
        if let Some(known) = self.known.lock().expect("a lock").get(&name) {
            return Ok(known.clone());
        }
        let credentials = self.inner.obtain(key).await?;
        if self.same {
            self.known.lock().expect("a lock").insert(name, credentials.clone());
        }
        Ok(credentials)
    }
}

impl TokenSource for Source {
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(self.token(key))
    }

    fn issuer_key(&self) -> Option<&IssuerKey> {
        None
    }

    fn is_cheap(&self) -> bool {
        self.cheap
    }
}

fn reason<'a>(results: &'a Results, id: &str) -> &'a str {
    let outcome = results.outcomes.iter().find(|outcome| outcome.id == id).expect("an outcome");
    outcome.reason.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn no_token_at_all() {
    for cheap in [true, false] {
        let bench = Bench::clean().await;
        let source = Source { supply: 0, cheap, ..Source::of(&bench) };
        let results = bench.source(source).run().await;
        check(
            &results,
            Exit::Environment,
            &[("rs.preflight.token", Inconclusive, "the token command failed")],
        );
        assert_eq!(skips(&results), ["rs.preflight.token did not pass"]);
    }
}

/// Each case wants tokens of its own, and there are no more.
#[tokio::test]
async fn no_more_tokens() {
    let bench = Bench::clean().await.jobs(2);
    let source = Source { supply: 12, cheap: true, ..Source::of(&bench) };
    let results = bench.source(source).run_only(&["rs.ath", "rs.htm", "rs.htu"]).await;
    let inconclusive = ids_with(&results, Inconclusive);
    assert!(inconclusive.len() > 5, "{inconclusive:?}");
    let why = "no access token: the token command failed";
    check(
        &results,
        Exit::Environment,
        &inconclusive.iter().map(|id| (*id, Inconclusive, why)).collect::<Vec<_>>(),
    );
}

/// What was seen once and can't be looked for again is no accusation.
#[tokio::test]
async fn no_token_to_look_again() {
    let bench = Bench::new(NonceMode::Never, DefectSet::from(Defect::AthOptional)).await.es256_only();
    let bench = bench.without_plain_http();
    let source = Source { supply: 3, ..Source::of(&bench) };
    let results = bench.source(source).run().await;
    let why = "seen once, and could not be looked for again (no access token: the token command failed";
    let seen = ["rs.ath.missing", "rs.credentials.lower-case-scheme"].map(|case| (case, Inconclusive, why));
    check(&results, Exit::Environment, &seen);
}

/// Nor can be asked whether the target is still there.
#[tokio::test]
async fn no_token_to_ask_if_the_target_is_still_there() {
    let bench = Bench::clean().await.without_plain_http().jobs(1).instead(|_, request| {
        let der = has_der_signature(field(request, "DPoP").unwrap_or_default());
        der.then_some(Answer::Nothing(NoAnswer::Closed))
    });
    let source = Source { supply: 3, ..Source::of(&bench) };
    let results = bench.source(source).run().await;
    check(
        &results,
        Exit::Environment,
        &[("rs.preflight.token", Inconclusive, "no access token during rs.jose.der-signature")],
    );
    assert_eq!(skips(&results).last(), Some(&"there were no more access tokens, see rs.preflight.token"));
}

/// Which token the requests of these turns presented, as the redactor tags it.
fn tokens(results: &Results, wanted: impl Fn(Turn, bool) -> bool) -> Vec<(String, String)> {
    let exchanges = results
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.transcript.iter().map(|exchange| (outcome.id.clone(), exchange)));
    exchanges
        .filter(|(_, exchange)| wanted(exchange.turn, exchange.shared))
        .map(|(id, exchange)| {
            let texts = exchange.evidence.texts();
            let line = texts.request.lines().find(|line| line.starts_with("Authorization: DPoP "));
            (id, line.expect("credentials").to_owned())
        })
        .collect()
}

#[tokio::test]
async fn tokens_that_cost_something_are_shared() {
    for jobs in [1, 8] {
        let bench = Bench::clean().await.jobs(jobs).es256_only();
        let source = Source::of(&bench);
        let obtained = source.obtained.clone();
        let results = bench.source(source).run_only(SOME).await;
        check(&results, Exit::Conforms, &[]);
        assert_eq!(obtained.load(Ordering::SeqCst), 3, "own, spare, stranger");
        let reasons = skips(&results);
        assert!(
            reasons.contains(&"needs tokens that the harness can sign itself (auth.kind: embedded)"),
            "{reasons:?}"
        );

        // One control stands between two cases, and it is the same client's.
        let shared = tokens(&results, |_, shared| shared);
        let own = tokens(&results, |turn, _| turn == Turn::ControlAfter);
        assert!(shared.len() > 5, "{}", shared.len());
        assert!(shared.iter().all(|(_, token)| *token == own[0].1), "{shared:?}");
    }
}

/// Who has a token of their own are the clients of other algorithms, and only those; with RSA keys one for each algorithm.
#[tokio::test]
async fn a_client_of_another_algorithm_has_a_token_of_its_own() {
    let bench = Bench::clean().await;
    let source = Source::of(&bench);
    let obtained = source.obtained.clone();
    let results = bench.source(source).run_only(&["rs.alg"]).await;
    check(&results, Exit::Conforms, &[]);
    let alg = |script: &Script| script.client.alg.filter(|alg| *alg != Alg::Es256);
    let others = all_of(&SCENARIOS, Profile::Strict).into_iter().filter_map(|selected| {
        let CaseKind::Script { script, .. } = &selected.case.kind else { return None };
        (selected.scenario.id == "rs.alg").then(|| alg(script)).flatten()
    });
    let (rsa, own): (Vec<_>, Vec<_>) = others.partition(|alg| alg.key_kind() == KeyKind::Rsa);
    let algs = [Alg::Rs256, Alg::Ps256].into_iter().filter(|alg| rsa.contains(alg));
    assert!(rsa.len() > algs.clone().count(), "some share one");
    assert_eq!(obtained.load(Ordering::SeqCst), 1 + own.len() + algs.count());
}

#[tokio::test]
async fn controls_of_another_token_do_not_count() {
    let bench = Bench::clean().await.jobs(1);
    let source = Source { cheap: true, ..Source::of(&bench) };
    let results = bench.source(source).run_only(SOME).await;
    check(&results, Exit::Conforms, &[]);
    assert_eq!(tokens(&results, |_, shared| shared), []);
    // Every case presents a token that no other has.
    let mut before = tokens(&results, |turn, _| turn == Turn::ControlBefore);
    before.retain(|(id, _)| !id.starts_with("rs.preflight"));
    before.sort_by(|(_, one), (_, other)| one.cmp(other));
    assert!(before.windows(2).all(|pair| pair[0].1 != pair[1].1 || pair[0].0 == pair[1].0), "{before:?}");
}

/// A finding is looked for again with another token, and the controls of that one are its own.
#[tokio::test]
async fn a_finding_is_repeated_with_a_token_of_its_own() {
    let bench = Bench::new(NonceMode::Never, DefectSet::from(Defect::AthOptional)).await.jobs(1).es256_only();
    let source = Source::of(&bench);
    let obtained = source.obtained.clone();
    let results = bench.source(source).run_only(SOME).await;
    check(&results, Exit::Nonconformity, &[("rs.ath.missing", Fail, "")]);
    assert_eq!(obtained.load(Ordering::SeqCst), 4);
    let outcome = results.outcomes.iter().find(|outcome| outcome.id == "rs.ath.missing").expect("it");
    let steps = outcome.transcript.iter().filter(|exchange| matches!(exchange.turn, Turn::Step(_)));
    let mut requests: Vec<_> = steps
        .map(|exchange| {
            let texts = exchange.evidence.texts();
            let mut lines = texts.request.lines();
            lines.find(|line| line.starts_with("Authorization")).expect("one").to_owned()
        })
        .collect();
    requests.dedup();
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn one_token_a_key() {
    let bench = Bench::clean().await;
    let source = Source { same: true, ..Source::of(&bench) };
    let results = bench.source(source).run_only(SOME).await;
    check(&results, Exit::Conforms, &[]);
    assert!(ids_with(&results, Skip).contains(&"rs.ath.other-token"));
    assert!(reason(&results, "rs.ath.other-token").contains("the same one twice"));
}

/// Then another client is not another client, and what it may do is no fault.
#[tokio::test]
async fn one_key_for_all() {
    for same in [true, false] {
        let bench = Bench::clean().await;
        let own_key = Some(Arc::new(ProofKey::generate(&dpop_harness::entropy::SystemEntropy)));
        let source = Source { own_key, same, ..Source::of(&bench) };
        let results = bench.source(source).run_only(SOME).await;
        check(&results, Exit::Conforms, &[]);
        for id in ["rs.token.of-another-client", "rs.token.swapped-keys"] {
            assert_eq!(reason(&results, id), "needs the key and token of another client");
        }
    }
}
