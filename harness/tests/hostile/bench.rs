//! A run against the reference server with something in between, and what must hold of its outcomes whatever that is.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use dpop_harness::cli::Exit;
use dpop_harness::clock::{Clock, LeapingClock, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::{Alg, AlgSet, base64url};
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{Selected, all_of, select_for};
use dpop_harness::proof::Request;
use dpop_harness::reference::{DefectSet, NonceMode, Running};
use dpop_harness::run::{Decision, Exchange, Turn};
use dpop_harness::scenario::{Case, CaseKind, Endpoint, Expect, PreflightCheck, Scenario, load_embedded};
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Outcome, Results, Setup, against_reference, run};
use dpop_harness::target::tokens::TokenSource;
use dpop_harness::target::{Answer, BoxFuture, HttpTarget, Kept, Limits, NoRoom, Response, Span, Target};

pub(crate) static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| match load_embedded() {
    Ok(scenarios) => scenarios,
    Err(diagnostic) => panic!("{}", diagnostic.render(false)),
});

/// The reference server and a run against it.
pub(crate) struct Bench {
    pub(crate) running: Running,
    pub(crate) setup: Setup,
}

impl Bench {
    pub(crate) async fn new(nonce: NonceMode, defects: DefectSet) -> Self {
        let limits =
            Limits { max_requests: Some(usize::MAX), jobs: NonZeroUsize::new(4), ..Limits::default() };
        let (clock, entropy) = (Arc::new(LeapingClock::default()), Arc::new(SystemEntropy));
        let (running, mut setup) =
            against_reference(nonce, defects, Profile::Strict, &limits, clock, entropy)
                .await
                .expect("servers on loopback");
        // What stands between may take HTTP/2 away, as between any two.
        setup.capabilities.http2 = None;
        Self { running, setup }.jobs(4)
    }

    /// Without nonces and without bugs.
    pub(crate) async fn clean() -> Self {
        Self::new(NonceMode::Never, DefectSet::empty()).await
    }

    /// Where the reference server listens.
    pub(crate) fn upstream(&self) -> SocketAddr {
        let addr = self.running.base_url.strip_prefix("http://").and_then(|addr| addr.parse().ok());
        addr.expect("an address")
    }

    /// The same run at another address.
    pub(crate) async fn at(self, addr: SocketAddr) -> Self {
        self.limited(addr, Duration::from_secs(10), usize::MAX).await
    }

    /// The same run at another address with a deadline and a cap on requests.
    pub(crate) async fn limited(mut self, addr: SocketAddr, timeout: Duration, cap: usize) -> Self {
        let limits = Limits { timeout: Some(Span(timeout)), max_requests: Some(cap), ..Limits::default() };
        let uri = format!("http://{addr}/resource").parse().expect("a URL");
        let target = HttpTarget::resolve(&uri, &limits, false, self.setup.clock.clone()).await;
        self.setup.target = Arc::new(target.expect("loopback"));
        self.setup.nodes.clear(); // those of the other address
        self
    }

    pub(crate) fn jobs(mut self, jobs: usize) -> Self {
        self.setup.jobs = jobs;
        self
    }

    /// Of a server whose owner names ES256 only, so that no case needs a client of another kind.
    pub(crate) fn es256_only(mut self) -> Self {
        self.setup.capabilities.algs = Some(AlgSet::default().with(Alg::Es256));
        self
    }

    /// Of a server in another process, so to speak: waiting takes time, and what waits for long is not asked for.
    pub(crate) fn in_real_time(mut self) -> Self {
        self.setup.clock = Arc::new(SystemClock);
        self
    }

    /// Without a plain-http twin, whose cases need tokens of their own.
    pub(crate) fn without_plain_http(mut self) -> Self {
        self.setup.plain_http = None;
        self
    }

    /// Does not wait where the harness would.
    pub(crate) fn hasty(mut self) -> Self {
        self.setup.clock = Arc::new(Hasty);
        self
    }

    pub(crate) fn source(mut self, source: impl TokenSource + 'static) -> Self {
        self.setup.source = Arc::new(source);
        self
    }

    /// Answers some requests in the server's place: the closure sees how many came before.
    pub(crate) fn instead(
        mut self,
        fault: impl Fn(usize, &Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let (inner, count) = (self.setup.target.clone(), AtomicUsize::new(0));
        self.setup.target = Arc::new(Instead { inner, count, fault });
        self.setup.nodes.clear(); // nothing goes round it
        self
    }

    /// Changes answers of the server.
    pub(crate) fn after(
        mut self,
        change: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.setup.target = Arc::new(After { inner: self.setup.target.clone(), change });
        self.setup.nodes.clear(); // nothing goes round it
        self
    }

    /// Takes time over some answers, by the clock of the run: nobody waits for it. Whatever is under way at the same time takes so
    /// long as well.
    pub(crate) fn late(mut self, by: impl Fn(&Request, &Answer) -> Duration + Send + Sync + 'static) -> Self {
        self.setup.target =
            Arc::new(Late { inner: self.setup.target.clone(), clock: self.setup.clock.clone(), by });
        self.setup.nodes.clear(); // nothing goes round it
        self
    }

    pub(crate) async fn run(&self) -> Results {
        let results = self.run_selected(&all_of(&SCENARIOS, Profile::Strict)).await;
        let ids: Vec<&str> = results.outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
        let every: Vec<&str> =
            all_of(&SCENARIOS, Profile::Strict).iter().map(|selected| selected.case.id.as_str()).collect();
        assert_eq!(ids, every, "every case has one outcome, in the order of the files");
        results
    }

    pub(crate) async fn run_only(&self, patterns: &[&str]) -> Results {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        self.run_selected(&select_for(&SCENARIOS, &patterns, Profile::Strict).expect("known cases")).await
    }

    pub(crate) async fn run_selected(&self, selected: &[Selected<'_>]) -> Results {
        let results = run(&self.setup, &SCENARIOS, selected, &mut |_| {}).await;
        results.outcomes.iter().for_each(sound);
        results
    }
}

/// The system's time, without patience.
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        SystemClock.now()
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

struct Instead<F> {
    inner: Arc<dyn Target>,
    count: AtomicUsize,
    fault: F,
}

impl<F: Fn(usize, &Request) -> Option<Answer> + Send + Sync> Target for Instead<F> {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        match (self.fault)(self.count.fetch_add(1, Ordering::Relaxed), request) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => self.inner.send(request),
        }
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            let mut rest = Vec::new();
            for request in requests {
                let instead = (self.fault)(self.count.fetch_add(1, Ordering::Relaxed), request);
                rest.extend(instead.is_none().then(|| request.clone()));
                answers.push(instead);
            }
            let mut sent = self.inner.release(&rest).await?.into_iter();
            Ok(answers.into_iter().filter_map(|instead| instead.or_else(|| sent.next())).collect())
        })
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        match (self.fault)(self.count.fetch_add(1, Ordering::Relaxed), request) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => self.inner.send_over(kept, request),
        }
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send_and_cut(request)
    }
}

struct After<F> {
    inner: Arc<dyn Target>,
    change: F,
}

impl<F: Fn(&Request, Answer) -> Answer + Send + Sync> Target for After<F> {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move { (self.change)(request, self.inner.send(request).await) })
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(async move {
            let answers = self.inner.release(requests).await?.into_iter();
            Ok(requests.iter().zip(answers).map(|(request, answer)| (self.change)(request, answer)).collect())
        })
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move { (self.change)(request, self.inner.send_over(kept, request).await) })
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send_and_cut(request)
    }
}

struct Late<F> {
    inner: Arc<dyn Target>,
    clock: Arc<dyn Clock>,
    by: F,
}

impl<F: Fn(&Request, &Answer) -> Duration + Send + Sync> Target for Late<F> {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            self.clock.sleep((self.by)(request, &answer)).await;
            answer
        })
    }

    fn send_over<'a>(&'a self, _: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.send(request)
    }
}

/// A response with these fields.
pub(crate) fn answer(status: u16, fields: &[(&str, &str)]) -> Answer {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    Answer::Response(Response { status, fields, body: Vec::new() })
}

pub(crate) fn status(answer: &Answer) -> Option<u16> {
    if let Answer::Response(response) = answer { Some(response.status) } else { None }
}

/// The value of a header field.
pub(crate) fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let field = request.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    Some(&field.value)
}

/// The decoded segments of the proof that a request carries.
pub(crate) fn segments(request: &Request) -> Vec<Vec<u8>> {
    let proof = field(request, "DPoP").unwrap_or_default();
    proof.split('.').map(|segment| base64url::decode(segment).unwrap_or_default()).collect()
}

/// The claims of the proof that a request carries; null where there are none.
pub(crate) fn claims(request: &Request) -> serde_json::Value {
    let claims = segments(request).get(1).and_then(|claims| serde_json::from_slice(claims).ok());
    claims.unwrap_or_default()
}

/// Whether the proof has a signature in ASN.1 DER.
pub(crate) fn has_der_signature(proof: &str) -> bool {
    let signature = proof.split('.').nth(2).and_then(base64url::decode).unwrap_or_default();
    // A signature of another algorithm may begin like that by chance, but does not give its own length.
    // One in 65,536 of the others, which have 64 bytes, begins in the same way.
    signature.len() != 64
        && matches!(signature[..], [0x30, length, ..] if usize::from(length) + 2 == signature.len())
}

/// The complete set of what is neither `pass` nor `skip`, with a part of each reason, and the exit code.
#[track_caller]
pub(crate) fn check(results: &Results, exit: Exit, expected: &[(&str, Verdict, &str)]) {
    let odd = |outcome: &&Outcome| !matches!(outcome.verdict, Verdict::Pass | Verdict::Skip);
    let mut found: Vec<_> = results
        .outcomes
        .iter()
        .filter(odd)
        .map(|outcome| (outcome.id.as_str(), outcome.verdict, outcome.reason.as_deref().unwrap_or_default()))
        .collect();
    found.sort_by_key(|(id, ..)| *id);
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(id, ..)| *id);
    let fits = |found: &(&str, Verdict, &str), expected: &(&str, Verdict, &str)| {
        (found.0, found.1) == (expected.0, expected.1) && found.2.contains(expected.2)
    };
    let same =
        found.len() == expected.len() && found.iter().zip(&expected).all(|(found, one)| fits(found, one));
    assert!(same, "found {found:#?}\nexpected {expected:#?}");
    assert_eq!(Exit::of(results, None, false), exit, "{found:#?}");
}

/// The reasons of skipped cases, without repetition.
pub(crate) fn skips(results: &Results) -> Vec<&str> {
    let skipped = results.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Skip);
    let mut reasons: Vec<&str> = skipped.filter_map(|outcome| outcome.reason.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

pub(crate) fn ids_with(results: &Results, verdict: Verdict) -> Vec<&str> {
    let with = results.outcomes.iter().filter(|outcome| outcome.verdict == verdict);
    with.map(|outcome| outcome.id.as_str()).collect()
}

pub(crate) fn case_of(id: &str) -> &'static Case {
    all_of(&SCENARIOS, Profile::Strict)
        .into_iter()
        .find(|selected| selected.case.id == id)
        .expect("a known case")
        .case
}

/// Holds of every outcome against every server: what is said was seen.
#[track_caller]
fn sound(outcome: &Outcome) {
    let id = &outcome.id;
    if outcome.verdict != Verdict::Pass {
        assert!(outcome.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{id} has no reason");
    }
    if let Some(at) = outcome.decisive {
        assert!(at < outcome.transcript.len(), "{id}: the decisive exchange is {at}");
    }
    if outcome.verdict.is_finding() {
        assert!(
            matches!(outcome.reproduced, Some((seen, of)) if seen == of && seen >= 2),
            "{id} accuses on one sight: {:?}",
            outcome.reproduced
        );
    }
    let last = |turn| outcome.transcript.iter().rfind(|exchange| exchange.turn == turn);
    let did = |exchange: Option<&Exchange>, decisions: &[Decision]| {
        exchange.is_some_and(|exchange| decisions.contains(&exchange.seen.decision))
    };
    let refused = &[Decision::Reject, Decision::Challenge];
    let not_served =
        &[Decision::Reject, Decision::Challenge, Decision::Fault, Decision::NoAnswer, Decision::Other];
    match &case_of(id).kind {
        CaseKind::Script { script, expects } => {
            let negative = !expects.iter().all(Expect::is_accept);
            if outcome.verdict == Verdict::Pass {
                let mut judged = 0;
                let at_plain_http = case_of(id).at.contains(&Endpoint::PlainHttp);
                for (index, (step, expect)) in script.steps.iter().zip(expects).enumerate() {
                    let seen = last(Turn::Step(index));
                    let left_out = step.if_accepted.is_some() && seen.is_none();
                    let shown = match expect {
                        Expect::Any => continue,
                        Expect::Answer => {
                            did(seen, refused) || did(seen, &[Decision::Accept, Decision::Other])
                        }
                        Expect::Accept => did(seen, &[Decision::Accept]),
                        Expect::Reject(_) if at_plain_http => left_out || did(seen, not_served),
                        // What is odd as HTTP may be refused before anybody sees the proof.
                        Expect::Reject(_) if seen.is_some_and(|exchange| exchange.odd) => {
                            did(seen, refused) || did(seen, not_served)
                        }
                        Expect::Reject(_) | Expect::Challenge => left_out || did(seen, refused),
                        Expect::AcceptsExactly(number) => {
                            let crowd = seen.and_then(|exchange| exchange.crowd);
                            did(seen, refused) && crowd.is_some_and(|crowd| crowd.accepted == *number)
                        }
                    };
                    assert!(shown, "{id} passes without step {}", index + 1);
                    judged += usize::from(!left_out);
                }
                assert!(judged > 0, "{id} passes without anything to judge");
                let controls = [Turn::ControlBefore, Turn::ControlAfter];
                let shown = controls.iter().all(|turn| did(last(*turn), &[Decision::Accept]));
                assert!(shown || !negative, "{id} passes without its controls");
            }
            if outcome.verdict.is_finding() {
                let decisive = outcome.decisive_exchange().expect("a finding was seen");
                assert!(matches!(decisive.turn, Turn::Step(_)), "{id}: {:?}", decisive.turn);
                // What is not seen by those who run the server was refused all the same.
                let accepted = decisive.seen.decision == Decision::Accept;
                assert!(accepted == negative || case_of(id).observed, "{id}: {}", decisive.seen);
            }
        }
        CaseKind::Preflight(check) if outcome.verdict == Verdict::Pass => match check {
            PreflightCheck::Reachable => assert!(outcome.transcript.iter().all(|e| e.seen.status.is_some())),
            PreflightCheck::Token => {}
            PreflightCheck::Control => assert!(did(last(Turn::ControlBefore), &[Decision::Accept])),
            PreflightCheck::Canary => {
                assert!(outcome.transcript.len() >= 2, "{id}");
                assert!(outcome.transcript.iter().all(|exchange| did(Some(exchange), refused)), "{id}");
            }
        },
        CaseKind::Preflight(_) => {}
        CaseKind::Answers(_) | CaseKind::Metadata(_) => {
            let shown = matches!(outcome.verdict, Verdict::Skip) || !outcome.transcript.is_empty();
            assert!(shown, "{id} judges nothing");
        }
    }
}
