use crate::jose::{Alg, AlgSet, Nonce, base64url};
use crate::judge::{Judgement, Verdict};
use crate::plan::Selected;
use crate::proof::{AccessToken, Material, ProofKey, Request, RequestEdits};
use crate::run::{Cast, Decision, Exchange, Needs, Redactor, Session, Transcript, Turn};
use crate::scenario::{CaseKind, PreflightCheck, Scenario};
use crate::target::{NoAnswer, NoncePolicy};

use super::outcome::Outcome;
use super::{INTERRUPTED, Setup, Stop, nonce_policy, session, stops_the_run};

/// What the preflight found.
pub(super) struct Preflight {
    /// Every check, in the order in which they were made.
    pub(super) outcomes: Vec<Outcome>,
    /// Why nothing else can be judged.
    pub(super) obstacle: Option<String>,
    pub(super) nonce_policy: NoncePolicy,
    /// The algorithms that the target is known to accept.
    pub(super) algs: AlgSet,
    /// The algorithm of the clients whose case names none.
    pub(super) alg: Alg,
    pub(super) nonce: Option<Nonce>,
    /// The clients that cases share where tokens cost a request.
    pub(super) pool: Option<Cast>,
}

/// Sees to it that the target answers, refuses what nobody may send, and accepts a correct request.
pub(super) async fn run(
    setup: &Setup,
    stop: &Stop,
    scenarios: &[Scenario],
    performed: &[Selected<'_>],
    redactor: &Redactor,
) -> Preflight {
    let all = crate::plan::all(scenarios);
    let case_of = |wanted: PreflightCheck| {
        let found = all
            .iter()
            .find(|known| matches!(&known.case.kind, CaseKind::Preflight(check) if *check == wanted));
        match found {
            Some(found) => *found,
            None => unreachable!("the embedded scenarios have every preflight check"),
        }
    };
    let mut checks = Checks::new(setup, redactor);
    let needs = performed.iter().fold(Needs::default(), |needs, selected| match &selected.case.kind {
        CaseKind::Script { script, .. } => needs.and(Needs::of(script)),
        CaseKind::Answers(_) | CaseKind::Preflight(_) => needs,
    });
    let mut outcomes = Vec::new();
    let mut obstacle: Option<String> = None;
    let order =
        [PreflightCheck::Reachable, PreflightCheck::Canary, PreflightCheck::Token, PreflightCheck::Control];
    for check in order {
        let case = case_of(check);
        let outcome = match &obstacle {
            Some(obstacle) => {
                let judgement = Judgement::skip(obstacle.clone());
                Outcome::new(case, setup.profile, judgement, Transcript::new(), None)
            }
            None => tokio::select! {
                biased;
                () = stop.requested() => {
                    obstacle = Some(INTERRUPTED.to_owned());
                    Outcome::new(case, setup.profile, Judgement::skip(INTERRUPTED), Transcript::new(), None)
                }
                outcome = checks.perform(check, case, needs) => outcome,
            },
        };
        if obstacle.is_none() && stops_the_run(&outcome) {
            obstacle = Some(format!("{} did not pass", case.case.id));
        }
        outcomes.push(outcome);
    }
    Preflight {
        outcomes,
        obstacle,
        nonce_policy: checks.nonce_policy,
        algs: checks.known_algs(),
        alg: checks.alg(),
        nonce: checks.nonce,
        pool: checks.pool,
    }
}

/// Sends once more what the preflight sends, for what was seen there only.
pub(super) async fn requests_again(setup: &Setup, redactor: &Redactor) -> Transcript {
    let mut checks = Checks::new(setup, redactor);
    let mut transcript = Transcript::new();
    checks.canary(&mut transcript).await;
    checks.offered = transcript.iter().find_map(|exchange| exchange.seen.algs);
    checks.token(Needs::default()).await;
    checks.control(&mut transcript).await;
    transcript
}

struct Checks<'a> {
    setup: &'a Setup,
    redactor: &'a Redactor,
    nonce_policy: NoncePolicy,
    nonce: Option<Nonce>,
    pool: Option<Cast>,
    /// What the target's challenges say that it accepts.
    offered: Option<AlgSet>,
    /// What a correct request showed that it accepts.
    shown: AlgSet,
}

impl<'a> Checks<'a> {
    fn new(setup: &'a Setup, redactor: &'a Redactor) -> Self {
        Self {
            setup,
            redactor,
            nonce_policy: NoncePolicy::Never,
            nonce: None,
            pool: None,
            offered: None,
            shown: AlgSet::default(),
        }
    }

    /// The algorithm of the clients whose case names none.
    fn alg(&self) -> Alg {
        let known = self.setup.capabilities.algs.or(self.offered);
        self.setup.alg.unwrap_or_else(|| match known {
            Some(algs) if !algs.contains(Alg::Es256) => algs.iter().next().unwrap_or(Alg::Es256),
            Some(_) | None => Alg::Es256,
        })
    }

    /// The algorithms that the target is known to accept: its owner says so, or else its challenges do, or it was seen.
    fn known_algs(&self) -> AlgSet {
        let known = self.setup.capabilities.algs.or(self.offered).unwrap_or_default();
        self.shown.iter().fold(known, AlgSet::with)
    }

    async fn perform(&mut self, check: PreflightCheck, case: Selected<'_>, needs: Needs) -> Outcome {
        let mut transcript = Transcript::new();
        let mut reproduced = None;
        let judgement = match check {
            PreflightCheck::Reachable => self.reachable(&mut transcript).await,
            PreflightCheck::Canary => {
                let first = self.canary(&mut transcript).await;
                if first.verdict.is_finding() {
                    let again = self.canary(&mut transcript).await;
                    let seen_again = again.verdict == first.verdict;
                    reproduced = Some((1 + usize::from(seen_again), 2));
                    match first.reason {
                        _ if seen_again => again,
                        Some(reason) => Judgement::inconclusive(format!("not reproducible: {reason}")),
                        None => again,
                    }
                } else {
                    first
                }
            }
            PreflightCheck::Token => self.token(needs).await,
            PreflightCheck::Control => self.control(&mut transcript).await,
        };
        self.offered = self.offered.or_else(|| transcript.iter().find_map(|exchange| exchange.seen.algs));
        Outcome::new(case, self.setup.profile, judgement, transcript, reproduced)
    }

    async fn reachable(&self, transcript: &mut Transcript) -> Judgement {
        let request = Request::bare(&self.setup.call);
        let seen = session(self.setup, self.redactor).send(&request, None, Turn::Canary, transcript).await;
        match seen.nothing {
            None => passed(0),
            Some(NoAnswer::CapReached) => Judgement::inconclusive(NoAnswer::CapReached.to_string()),
            Some(_) => Judgement {
                decisive: Some(0),
                ..Judgement::inconclusive(format!(
                    "is {} up, and the right address?",
                    self.setup.call.uri.without_query()
                ))
            },
        }
    }

    /// No credentials, and a token that nobody issued, with an otherwise correct proof.
    async fn canary(&self, transcript: &mut Transcript) -> Judgement {
        let setup = self.setup;
        let key = ProofKey::generate(setup.entropy.as_ref());
        let mut junk = [0; 32];
        setup.entropy.fill(&mut junk);
        let junk = AccessToken::new(base64url::encode(junk));
        let mut session = session(setup, self.redactor);
        session.send(&Request::bare(&setup.call), None, Turn::Canary, transcript).await;
        let bare = transcript.len() - 1;
        for _ in 0..2 {
            let nonce = session.nonce.clone();
            let proof = {
                let material = material(&session, &key, &junk, nonce.as_ref());
                material.draft(&key, &setup.call, &junk).0.sign(&key).compact()
            };
            let request = Request::presenting(&setup.call, &junk, &proof, &RequestEdits::default());
            let seen = session.send(&request, None, Turn::Canary, transcript).await;
            if seen.decision != Decision::Challenge {
                break;
            }
        }
        let mut result = passed(transcript.len() - 1);
        for (at, what) in
            [(bare, "without credentials"), (transcript.len() - 1, "with a token that nobody issued")]
        {
            let Some(exchange) = transcript.get(at) else { continue };
            let seen = &exchange.seen;
            let (verdict, reason) = match (seen.decision, &seen.nothing) {
                (Decision::Reject | Decision::Challenge, _) => continue,
                (Decision::Accept, _) => (
                    Verdict::Fail,
                    format!("a request {what} was accepted: the resource is not protected at all"),
                ),
                (_, Some(NoAnswer::CapReached)) => (Verdict::Inconclusive, NoAnswer::CapReached.to_string()),
                (Decision::Fault | Decision::NoAnswer, _) => {
                    (Verdict::Note, format!("a request {what} was not accepted, but answered {seen}"))
                }
                (Decision::Other, _) => (
                    Verdict::Note,
                    format!(
                        "a request {what} was not accepted, but answered {seen}, which is routing and no refusal"
                    ),
                ),
            };
            let judgement = Judgement { verdict, reason: Some(reason), decisive: Some(at) };
            if verdict == Verdict::Fail {
                return judgement;
            }
            result = judgement;
        }
        result
    }

    async fn token(&mut self, needs: Needs) -> Judgement {
        let (source, entropy) = (self.setup.source.as_ref(), self.setup.entropy.as_ref());
        match Cast::fresh(source, needs, self.alg(), entropy, self.redactor).await {
            Ok(cast) => {
                self.pool = Some(cast);
                Judgement { verdict: Verdict::Pass, reason: None, decisive: None }
            }
            Err(error) => Judgement::inconclusive(self.redactor.clean(&error.to_string())),
        }
    }

    async fn control(&mut self, transcript: &mut Transcript) -> Judgement {
        let mut session = session(self.setup, self.redactor);
        let Some(cast) = &self.pool else { return Judgement::inconclusive("there is no access token") };
        let seen = session.control(cast, Turn::ControlBefore, transcript).await;
        self.nonce_policy = nonce_policy(transcript);
        self.nonce = session.nonce.take();
        if seen.decision == Decision::Accept {
            self.shown = self.shown.with(cast.own.key.alg());
        }
        if self.setup.source.is_cheap() {
            self.pool = None; // each case has clients of its own
        }
        let at = transcript.len() - 1;
        if seen.decision == Decision::Accept {
            return passed(at);
        }
        if seen.nothing == Some(NoAnswer::CapReached) {
            return Judgement::inconclusive(NoAnswer::CapReached.to_string());
        }
        let reason = format!("a correct request was answered {seen}; {}", advice(transcript.get(at)));
        Judgement { decisive: Some(at), ..Judgement::inconclusive(reason) }
    }
}

fn passed(decisive: usize) -> Judgement {
    Judgement { verdict: Verdict::Pass, reason: None, decisive: Some(decisive) }
}

fn material<'a>(
    session: &'a Session<'_>,
    key: &'a ProofKey,
    token: &'a AccessToken,
    nonce: Option<&'a Nonce>,
) -> Material<'a> {
    const NOTHING: &std::collections::BTreeMap<String, crate::proof::StepRecord> =
        &std::collections::BTreeMap::new();
    Material {
        key,
        token,
        spare: None,
        stranger: None,
        issuer: None,
        nonce,
        call: session.call,
        resource: session.call,
        now: session.clock.unix_seconds(),
        entropy: session.entropy,
        choices: session.entropy,
        earlier: NOTHING,
    }
}

/// What to look at first when a correct request is refused.
fn advice(exchange: Option<&Exchange>) -> &'static str {
    let Some(exchange) = exchange else { return "" };
    match (exchange.seen.decision, exchange.seen.error.as_deref()) {
        (Decision::Reject, Some("invalid_token")) => {
            "the token is not to its taste: compare auth.issuer, auth.audience and auth.scope with its settings"
        }
        (Decision::Reject, Some("invalid_dpop_proof")) => {
            "the proof is not to its taste: does it know its public URL (target.htu-base), and do the clocks agree?"
        }
        (Decision::Reject, Some("insufficient_scope")) => "the token lacks a scope: see auth.scope",
        (Decision::Challenge, _) if exchange.seen.nonce.is_none() => {
            "it asks for a nonce and supplies none that a client could use (DPoP-Nonce, RFC 9449 section 8)"
        }
        (Decision::Challenge, _) => "it asks for a nonce again and again",
        (Decision::Other, _) => "is target.resource the right method and path?",
        (Decision::Fault | Decision::NoAnswer, _) => "see the server's log",
        (Decision::Accept | Decision::Reject, _) => {
            "is it set up for DPoP, and does it trust the token's issuer?"
        }
    }
}
